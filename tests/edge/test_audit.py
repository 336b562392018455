"""What an operator changes is on record: the outcome line names the person and the object."""

import json
import logging
from typing import Any

import pytest

from infra.routes import ROUTES, Route
from tessera.edge import observability
from tessera.edge.api import created, entrypoint, resolver
from tests import handlers
from tests.builders import api_event, machine, operator
from tests.pages.visitor import Visitor, signed_in

_CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_BY_OPERATORS = [
    route
    for route in ROUTES
    if route.method in _CHANGING
    and any(caller.kind in ("operator", "operator_session") for caller in route.who)
]
_OPERATORS = [route for route in _BY_OPERATORS if route.path.startswith("/api/")]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Outcome lines, oldest first."""
    logger = logging.getLogger(observability.logger.service)
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.INFO)
    return lambda: [vars(record) for record in caplog.records if hasattr(record, "cold_start")]


@pytest.mark.parametrize("route", _OPERATORS, ids=lambda route: route.key)
def test_a_change_by_an_operator_names_who_made_it_and_of_what(
    route: Route, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLERS", json.dumps({route.key: {"operator": ["admin"]}}))
    app = resolver()
    path = route.path.replace("{", "").replace("}", "-7")
    app.route(path, method=route.method)(lambda: created({"id": "made-1"}))

    answer = entrypoint(app)(
        api_event(
            route.method,
            path,
            route=route.path,
            body={} if route.method != "DELETE" else None,
            caller=operator("admin", sub="olivia"),
        ),
        None,
    )

    (line,) = lines()
    assert answer["statusCode"] == 201
    assert line["by"] == "operator/olivia"
    assert line["did"] == f"{route.method} {path}"
    assert line["object"] == "made-1"


def test_an_attempt_that_is_refused_is_on_record_too(
    lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = "/api/webhooks/endpoints/{id}/reveal-secret"
    monkeypatch.setenv("CALLERS", json.dumps({f"POST {route}": {"operator": ["admin"]}}))

    entrypoint(resolver())(
        api_event(
            "POST",
            "/api/webhooks/endpoints/endpoint-9/reveal-secret",
            route=route,
            body={},
            caller=operator("support", sub="sam"),
        ),
        None,
    )

    (line,) = lines()
    assert (line["outcome"], line["code"], line["by"]) == ("refused", "forbidden", "operator/sam")
    assert line["did"] == "POST /api/webhooks/endpoints/endpoint-9/reveal-secret"


def test_reading_and_machines_are_no_matter_of_the_audit(
    lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers = {"machine": ["orders"], "operator": ["admin"]}
    monkeypatch.setenv("CALLERS", json.dumps({"GET /api/x": callers, "POST /api/x": callers}))
    handler = entrypoint(resolver())

    handler(api_event("GET", "/api/x", caller=operator("admin")), None)
    handler(api_event("POST", "/api/x", body={}, caller=machine("orders")), None)

    assert [line.get("by") for line in lines()] == [None, None]


def test_a_change_on_a_page_names_the_operator_who_is_signed_in(
    tables: dict[str, str], lines: Any
) -> None:
    thing = "/settings/things/new"
    callers = {f"{method} {thing}": {"operator_session": ["admin"]} for method in ("GET", "POST")}
    family = handlers.loaded("pages/family", callers, folder=handlers.ROOT / "tests")
    visitor = Visitor(lambda event: family.handler(event, None), callers)
    signed_in(visitor, "operator", subject="olivia")

    seen = visitor.post(thing, {"name": "Lamp", "price": "10.00"})

    assert seen.status == 303
    opened, changed = lines()
    assert opened.get("by") is None
    assert changed["by"] == "operator/olivia"
    assert changed["did"] == "POST /settings/things/new"


def test_whatever_operators_change_by_goes_through_the_edge() -> None:
    functions = {route.function for route in _BY_OPERATORS}

    assert len(functions) > 20
    for function in functions:
        text = (handlers.ROOT / "functions" / function / "handler.py").read_text(encoding="utf-8")
        assert "\nhandler = entrypoint(app" in text, function
        assert "from tessera.edge.api import" in text or "from tessera.edge.pages.app" in text
