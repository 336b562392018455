"""One endpoint."""

from typing import Any

import pytest

from tessera.webhooks.health import Health
from tests.builders import api_event, machine
from tests.handlers import Handler, body, load
from tests.webhooks.engine import Engine

ROUTE = "/api/webhooks/endpoints/{id}"
CALLERS = {f"GET {ROUTE}": {"machine": ["webhooks"]}}


@pytest.fixture
def read(engine: Engine) -> Handler:
    return load("webhooks/read_endpoint", CALLERS)


def request(id: str) -> dict[str, Any]:
    path = f"/api/webhooks/endpoints/{id}"
    return api_event("GET", path, route=ROUTE, caller=machine("webhooks"))


def test_shows_an_endpoint_with_its_health(read: Handler, engine: Engine) -> None:
    id = engine.has_endpoint(health=Health(state="open", streak=12), types=("order.*",))

    answer = read(request(id))

    assert answer["statusCode"] == 200
    assert body(answer)["health"] == "open"
    assert body(answer)["types"] == ["order.*"]
    assert "whsec_" not in answer["body"]


@pytest.mark.parametrize("id", ["endpoint-" + "0" * 32, "endpoint-x", "ENDPOINTS"])
def test_does_not_know_others(read: Handler, id: str) -> None:
    answer = read(request(id))

    assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")
