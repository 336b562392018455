"""The list of endpoints."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera.webhooks.health import Health
from tests.builders import NOW, api_event, machine, operator
from tests.handlers import Handler, body, load
from tests.webhooks.engine import Engine

ROUTE = "/api/webhooks/endpoints"
CALLERS = {f"GET {ROUTE}": {"machine": ["webhooks"], "operator": ["admin", "support"]}}


@pytest.fixture
def listed(engine: Engine) -> Handler:
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString='{"key": "sealing key of cursors"}'
    )
    return load("webhooks/list_endpoints", CALLERS)


def request(
    caller: dict[str, Any] | None = None, *, query: dict[str, str] | None = None
) -> dict[str, Any]:
    return api_event("GET", ROUTE, caller=caller or machine("webhooks"), query=query)


def test_lists_newest_first_with_health_and_without_deleted_ones(
    listed: Handler, engine: Engine
) -> None:
    old = engine.has_endpoint(created_at=NOW - timedelta(days=3), health=Health(state="slow"))
    engine.has_endpoint(created_at=NOW - timedelta(days=2), status="deleted")
    new = engine.has_endpoint(created_at=NOW - timedelta(days=1))

    answer = listed(request())

    assert answer["statusCode"] == 200
    assert [(one["id"], one["health"]) for one in body(answer)["items"]] == [
        (new, "ok"),
        (old, "slow"),
    ]
    assert "cursor" not in body(answer)


def test_goes_on_page_by_page(listed: Handler, engine: Engine) -> None:
    made = [engine.has_endpoint(created_at=NOW - timedelta(days=day)) for day in range(5)]

    pages, cursor = [], ""
    while True:
        query = {"pageSize": "2"} | ({"cursor": cursor} if cursor else {})
        page = body(listed(request(query=query)))
        pages.append([one["id"] for one in page["items"]])
        if "cursor" not in page:
            break
        cursor = page["cursor"]

    assert pages == [made[:2], made[2:4], made[4:]]


def test_refuses_the_cursor_of_another_caller(listed: Handler, engine: Engine) -> None:
    for _ in range(2):
        engine.has_endpoint()
    cursor = body(listed(request(query={"pageSize": "1"})))["cursor"]

    answer = listed(request(operator("support"), query={"cursor": cursor}))

    assert (answer["statusCode"], body(answer)["code"]) == (400, "invalid_request")


def test_refuses_a_page_of_none(listed: Handler) -> None:
    assert listed(request(query={"pageSize": "0"}))["statusCode"] == 422


def test_never_shows_a_key(listed: Handler, engine: Engine) -> None:
    engine.has_endpoint()

    assert "whsec_" not in listed(request())["body"]
