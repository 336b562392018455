"""The page that explains the API to people says what the document for programs says."""

import json
import re

import pytest

from tessera.edge.openapi import DOCUMENT
from tests import handlers
from tests.pages.visitor import Seen, Visitor

_ROUTE = "GET /reference"


@pytest.fixture(scope="module")
def shown() -> Seen:
    page = handlers.loaded("pages/reference", {_ROUTE: {}})
    return Visitor(lambda event: page.handler(event, None), [_ROUTE]).get("/reference")


def test_every_operation_is_there_with_who_may_call_it(shown: Seen) -> None:
    paths = json.loads(DOCUMENT.read_text())["paths"]

    assert shown.status == 200
    for path, methods in paths.items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in shown.html
    assert "Who may call: machine with tessera/orders." in shown.text


def test_every_link_on_it_leads_somewhere(shown: Seen) -> None:
    targets = set(re.findall(r'id="([^"]+)"', shown.html))
    links = set(re.findall(r'href="#([^"]+)"', shown.html))

    assert links <= targets
    assert {"model-NewOrder", "subject-webhooks", "model-Problem"} <= links


def test_it_needs_no_script_but_the_one_of_all_pages(shown: Seen) -> None:
    assert re.findall(r"<script[^>]*src=\"([^\"]*)\"", shown.html) == ["/assets/tessera-1.js"]
