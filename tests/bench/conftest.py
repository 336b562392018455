"""What benchmarks share: their order, a deployed stack, and the table at the end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.bench import machine
from tests.bench.machine import Row
from tests.e2e import conftest as e2e

deployed = e2e.deployed

_LAST = ("test_end_to_end", "test_isolation")
"""In this order behind all others: what takes seconds does not wait for what takes minutes."""

Publish = Callable[..., None]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return _LAST.index(item.path.stem) + 1 if item.path.stem in _LAST else 0

    items.sort(key=place)


@pytest.fixture(scope="session")
def _published() -> Iterator[list[str]]:
    names: list[str] = []
    yield names
    if names:
        machine.tell(names)


@pytest.fixture
def publish(_published: list[str]) -> Publish:
    """Prints figures, keeps them, and puts their rows into the table of the run."""

    def told(name: str, rows: list[Row], figures: dict[str, Any]) -> None:
        machine.publish(name, rows, figures)
        _published.append(name)

    return told
