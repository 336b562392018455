"""The browser, people who are signed in, and the walker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Deployed
from tests.e2e.pages import session
from tests.e2e.pages.browser import chromium
from tests.e2e.pages.session import Pages
from tests.e2e.pages.walker import Walker


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)  # what a page does may start a function, on a busy machine
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def walker(browser: Browser, deployed: Deployed) -> Walker:
    return Walker(browser, deployed.stack.api)


@pytest.fixture
def operator(deployed: Deployed) -> Pages:
    return session.operator(deployed)
