"""Page families as Lambda loads them, and people with browsers in front of them."""

from collections.abc import Callable
from typing import Any

import pytest

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


Loader = Callable[..., Visitor]
