"""One delivery, attempt by attempt."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import clock
from tessera.webhooks import deliveries
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.outcome import Answer, Outcome
from tests.builders import NOW, api_event, machine
from tests.handlers import Handler, body, load
from tests.webhooks.engine import ACCEPTED, REFUSED, SNAPSHOT, Engine, event

ROUTE = "/api/webhooks/deliveries/{event}/{endpoint}"
CALLERS = {f"GET {ROUTE}": {"machine": ["webhooks"]}}


@pytest.fixture
def read(engine: Engine) -> Handler:
    engine.clock.at = clock.now()
    return load("webhooks/read_delivery", CALLERS)


def request(event: str, endpoint: str) -> dict[str, Any]:
    path = f"/api/webhooks/deliveries/{event}/{endpoint}"
    return api_event("GET", path, route=ROUTE, caller=machine("webhooks"))


def shown(engine: Engine, event: str, endpoint: str) -> dict[str, Any]:
    return deliveries.read(
        event,
        endpoint,
        deliveries=engine.deliveries,
        endpoints=engine.endpoints,
        outbox=engine.outbox,
        count=engine.count,
        now=engine.clock(),
    ).wire()


def test_shows_a_delivery_with_its_attempts_newest_first(read: Handler, engine: Engine) -> None:
    id = engine.has_endpoint(headers={"x-shop": "de"}, dialect=Dialect(release="86"))
    announced = event(at=engine.clock())
    engine.receiver.answers = [REFUSED, ACCEPTED]
    engine.delivers(announced)
    engine.clock.turn(seconds=5)
    engine.sends(engine.queues.take())

    answer = read(request(announced.id, id))

    assert answer["statusCode"] == 200
    delivery = body(answer)
    assert (delivery["state"], delivery["word"], delivery["failures"]) == (
        "delivered",
        "delivered",
        1,
    )
    assert '"source"' not in delivery["body"]
    assert delivery["body"].startswith('{"tracking":{"subscription":"32439PDFQPA0"}')
    second, first = delivery["attempts"]
    assert [(one["n"], one["why"], one["outcome"]) for one in (first, second)] == [
        (1, "event", "http_error"),
        (2, "retry", "delivered"),
    ]
    assert first["message"] == "The receiver answered with an error status."
    assert first["response"] == {"status": 503, "headers": {}, "body": "busy"}
    assert first["next_due"] == clock.instant(engine.clock())
    assert second["request"] == {
        "method": "POST",
        "url": "https://hooks.example.com/in",
        "headers": {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "Tessera-Webhooks/1",
            "webhook-id": announced.id,
            "webhook-timestamp": str(int(engine.clock().timestamp())),
            "tessera-event-type": "entitlements.updated",
            "tessera-attempt": "2",
            "tessera-sequence": "42",
            "x-shop": "de",
        },
    }


def test_says_when_the_next_attempt_is_due(engine: Engine) -> None:
    id = engine.has_endpoint(waits=(1_800,))
    announced = event()
    engine.receiver.answers = [REFUSED]
    engine.fans_out(announced)
    waiting = shown(engine, announced.id, id)
    engine.fan_out.batch([announced], engine.each)
    engine.sends(engine.queues.take())
    retrying = shown(engine, announced.id, id)
    engine.change_endpoint(id, status="paused")
    paused = shown(engine, announced.id, id)

    assert [one["word"] for one in (waiting, retrying, paused)] == ["waiting", "retrying", "paused"]
    assert retrying["next_due"] == clock.instant(NOW + timedelta(minutes=30))


def test_shows_where_a_redirect_leads_but_not_its_path(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    moved = {"location": "https://new.example.com/secret-path?token=1"}
    engine.receiver.answers = [Answer(Outcome.REDIRECT, 3, 308, moved)]
    engine.delivers(announced)

    (attempt,) = shown(engine, announced.id, id)["attempts"]

    assert attempt["redirected_to"] == "https://new.example.com"


def test_shows_no_body_once_the_event_has_expired(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.fans_out(announced)
    engine.clock.turn(days=91)

    delivery = shown(engine, announced.id, id)

    assert delivery["state"] == "pending"
    assert "body" not in delivery


def test_does_not_know_a_delivery_that_is_not_there_or_has_expired(
    read: Handler, engine: Engine
) -> None:
    id = engine.has_endpoint()
    expired = event(at=clock.now() - timedelta(days=31))
    engine.clock.at = clock.now() - timedelta(days=31)
    engine.has_endpoint()
    engine.change_endpoint(id, created_at=clock.instant(engine.clock()))
    engine.delivers(expired)

    for named in (expired.id, "event-" + "0" * 32, "x" * 3_000):
        answer = read(request(named, id))
        assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")


def test_never_shows_a_credential(read: Handler, engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event(at=engine.clock())
    engine.delivers(announced)
    signature = engine.receiver.received[0].headers["webhook-signature"]

    shown = read(request(announced.id, id))["body"]

    assert "authorization" not in shown
    assert signature not in shown
    assert SNAPSHOT["owner"] in shown
