"""Test events: a sample goes the whole real way to one endpoint, and counts nowhere."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tessera import clock, dynamo, events, outbox
from tessera.commerce.models import Customer, Holding, Identity, Order, Owner
from tessera.events import EVENT_TYPES, Event
from tessera.objects import compact_json
from tessera.webhooks.dialects import Dialect, render
from tessera.webhooks.health import Health
from tessera.webhooks.samples import sample
from tests.builders import NOW, operator
from tests.conftest import Told
from tests.handlers import body
from tests.webhooks.asking import ENDPOINT, Asks
from tests.webhooks.engine import REFUSED, Engine, row

TYPES = [name for name, kind in EVENT_TYPES.items() if kind.webhook]
SHAPES: dict[str, Any] = {
    "customer": Customer,
    "subscription": Holding,
    "order": Order,
    "identity": Identity,
    "owner": Owner,
}


@pytest.fixture
def send(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("send_test", "POST", ENDPOINT + "/test")


def recorded(event: str) -> Event:
    found = row("Events", event, "EVENT")
    assert found is not None
    return outbox.recorded(found)


def as_json(value: Any) -> Any:
    return json.loads(compact_json(value))


def goes_out(engine: Engine, answer: dict[str, Any]) -> list[str]:
    """What the engine makes of the event, once the stream has brought it."""
    engine.fan_out.batch([recorded(body(answer)["event"])], engine.each)
    return engine.sends(engine.queues.take())


def test_sends_a_sample_to_this_endpoint_alone(send: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(types=("order.*",))
    engine.has_endpoint()

    answer = send(id=id, body={"type": "entitlements.updated"})

    assert answer["statusCode"] == 202
    assert body(answer) == {
        "event": body(answer)["event"],
        "endpoint": id,
        "type": "entitlements.updated",
    }
    assert goes_out(engine, answer) == ["delivered"]
    (sent,) = engine.receiver.received
    assert sent.headers["webhook-id"] == body(answer)["event"]
    assert sent.headers["tessera-test"] == "true"
    assert sent.headers["tessera-event-type"] == "entitlements.updated"
    assert "tessera-sequence" in sent.headers
    assert json.loads(sent.body)["entitlements"] == [{"code": "W2"}]


def test_passes_a_pause_and_an_open_circuit_and_is_tried_once(send: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(status="paused", health=Health(state="open"))
    engine.receiver.answers = [REFUSED]

    answer = send(id=id, body={"type": "order.submitted"})

    assert goes_out(engine, answer) == ["gave_up"]
    assert engine.health(id) == Health(state="open")


def test_stops_at_ten_a_minute_for_each_endpoint(
    send: Asks, engine: Engine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, other = engine.has_endpoint(), engine.has_endpoint()
    at = clock.now().replace(second=40, microsecond=500_000)
    monkeypatch.setattr(clock, "now", lambda: at)
    for _ in range(10):
        assert send(id=id, body={"type": "customer.created"})["statusCode"] == 202

    refused = send(id=id, body={"type": "customer.created"})
    elsewhere = send(id=other, body={"type": "customer.created"})
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(seconds=20))
    later = send(id=id, body={"type": "customer.created"})

    assert (refused["statusCode"], body(refused)["code"]) == (429, "too_many_tests")
    assert refused["headers"]["Retry-After"] == "20"
    assert [one["statusCode"] for one in (elsewhere, later)] == [202, 202]
    assert len(told("customer.created")) == 12


@pytest.mark.parametrize("type", ["order.*", "weather.changed", "order.retry_requested", ""])
def test_refuses_what_is_no_event_type_of_webhooks(send: Asks, engine: Engine, type: str) -> None:
    answer = send(id=engine.has_endpoint(), body={"type": type})

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == ["type"]


def test_support_may(send: Asks, engine: Engine) -> None:
    asked = {"type": "order.failed"}

    assert send(id=engine.has_endpoint(), body=asked, caller=operator("support"))["statusCode"] == (
        202
    )


def test_a_deleted_endpoint_is_not_tested(send: Asks, engine: Engine, told: Told) -> None:
    answer = send(id=engine.has_endpoint(status="deleted"), body={"type": "order.failed"})

    assert (answer["statusCode"], body(answer)["code"]) == (409, "endpoint_deleted")
    assert told() == []


@pytest.mark.parametrize("type", TYPES)
def test_every_event_type_has_a_sample_that_can_be_stored_and_sent(
    engine: Engine, type: str
) -> None:
    snapshot = sample(type, NOW)

    announced = events.event(type, snapshot, at=NOW)
    dynamo.commit([outbox.record("Events", announced)])

    assert recorded(announced.id).snapshot == snapshot
    text = render(type, snapshot, Dialect()).decode()
    assert len(text) > 150
    assert "null" not in text


@pytest.mark.parametrize("type", TYPES)
def test_a_sample_is_of_the_shape_of_the_real_thing(type: str) -> None:
    shape = SHAPES.get(type.partition(".")[0])
    snapshot = sample(type, NOW)

    if type == "order.failed":
        assert [*snapshot] == ["eventId", "processEventId", "event", "pluginErrorOutput"]
    elif shape is not None:
        assert as_json(shape.model_validate(snapshot).wire()) == as_json(snapshot)
    assert snapshot == sample(type, NOW)


def test_a_sample_shows_what_its_type_says() -> None:
    assert sample("subscription.cancelled", NOW)["status"] == "cancelled"
    assert sample("order.offer_changed", NOW)["order_type"] == "change_offer"
    assert sample("order.completed", NOW)["process"][0]["status"] == "complete"
    assert sample("partner_org.archived", NOW)["status"] == "archived"
    assert sample("endpoint.disabled", NOW)["status"] == "disabled"
    assert sample("delivery.exhausted", NOW)["exhausted"]["count"] == 3
    assert sample("cancel.attempted", NOW)["name"] == "cancel.attempted"
