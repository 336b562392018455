"""Page families as Lambda loads them, and people with browsers in front of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tessera import aws
from tests import handlers
from tests.pages.visitor import Visitor

_CALLERS = {
    "GET /settings/things": ["admin", "support"],
    "GET /settings/things/new": ["admin", "support"],
    "POST /settings/things/new": ["admin"],
    "POST /settings/things/forget": ["admin"],
    "GET /settings/things/broken": ["admin", "support"],
    "GET /settings/parts": ["admin", "support"],
}


@pytest.fixture
def family() -> Any:
    """The handler's module of a small family for operators."""
    callers = {key: {"operator_session": groups} for key, groups in _CALLERS.items()}
    return handlers.loaded("pages/family", callers, folder=handlers.ROOT / "tests")


@pytest.fixture
def visitor(tables: dict[str, str], family: Any) -> Visitor:
    return Visitor(lambda event: family.handler(event, None), _CALLERS)


@pytest.fixture
def requests(tables: dict[str, str]) -> Iterator[list[str]]:
    """What is asked of DynamoDB, as `Query Commerce due`; clear it before the act."""
    made: list[str] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked = json.loads(params["body"])
        of = [asked.get("TableName") or next(iter(asked.get("RequestItems", "")), "")]
        of.append(asked.get("IndexName"))
        made.append(" ".join([model.name, *filter(None, of)]))

    events = aws.client("dynamodb").meta.events
    events.register("before-call.dynamodb", note)
    yield made
    events.unregister("before-call.dynamodb", note)
