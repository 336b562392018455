"""Which endpoints hear of an event, and what fan-out leaves for them."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tessera import clock, dynamo
from tessera.events import Event
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.fan_out import FanOut
from tessera.webhooks.health import Health
from tessera.webhooks.models import Delivery
from tessera.webhooks.store import Deliveries
from tests.builders import NOW
from tests.webhooks.engine import Engine, event, row

DUE = clock.epoch_ms(NOW + timedelta(seconds=120))


def test_makes_a_pending_row_with_a_frozen_dialect_and_hints_at_it_on_the_fast_lane(
    engine: Engine,
) -> None:
    id = engine.has_endpoint(dialect=Dialect(release="86"))
    announced = event(subscription="sub-ac3a12b67e833080e10b13ca25b84017")

    (hint,) = engine.fans_out(announced)

    assert hint.wire() == {
        "event": announced.id,
        "endpoint": id,
        "n": 0,
        "lane": "fast",
        "why": "event",
    }
    assert row("Webhooks", announced.id, f"D#{id}") == {
        "pk": announced.id,
        "sk": f"D#{id}",
        "shape": 1,
        "endpoint": id,
        "state": "pending",
        "type": "entitlements.updated",
        "owner": announced.owner,
        "subscription": "sub-ac3a12b67e833080e10b13ca25b84017",
        "sequence": 42,
        "dialect": {"release": "86.0", "identity_keys": "auto", "announce_ahead": True},
        "created_at": "2026-03-02T09:14:07.512Z",
        "round": 0,
        "attempts": 0,
        "failures": 0,
        "next_due": DUE,
        "due_pk": f"{id}#{int(announced.id[-1], 16) % 4}",
        "test": False,
    }


def test_closes_the_event_once_it_is_fanned_out(engine: Engine) -> None:
    announced = event()

    engine.fans_out(announced)

    stored = row("Events", announced.id, "EVENT")
    assert stored is not None
    assert stored["fanned_out_at"] == "2026-03-02T09:14:07.512Z"
    assert "open" not in stored
    assert "open_at" not in stored


@pytest.mark.parametrize(
    ("status", "state", "lane"),
    [
        ("active", "ok", "fast"),
        ("active", "slow", "slow"),
        ("active", "open", None),
        ("paused", "ok", None),
        ("disabled", "ok", None),
    ],
)
def test_makes_every_row_but_hints_only_where_sending_may_begin_at_once(
    engine: Engine, status: str, state: str, lane: str | None
) -> None:
    id = engine.has_endpoint(status=status, health=Health.model_validate({"state": state}))
    announced = event()

    hints = engine.fans_out(announced)

    assert [hint.lane for hint in hints] == ([lane] if lane else [])
    assert engine.delivery(announced, id).state == "pending"


def test_leaves_out_deleted_endpoints_and_those_made_after_the_event(engine: Engine) -> None:
    engine.has_endpoint(status="deleted")
    engine.has_endpoint(created_at=NOW + timedelta(seconds=5, milliseconds=1))
    within_skew = engine.has_endpoint(created_at=NOW + timedelta(seconds=5))

    hints = engine.fans_out(event())

    assert [hint.endpoint for hint in hints] == [within_skew]


def test_goes_by_the_filter(engine: Engine) -> None:
    orders = engine.has_endpoint(types=("order.*",))
    everything = engine.has_endpoint()

    hints = engine.fans_out(event("order.submitted"), event("customer.created"))

    assert [(hint.endpoint) for hint in hints].count(orders) == 1
    assert [(hint.endpoint) for hint in hints].count(everything) == 2


def test_tells_what_lies_ahead_only_to_those_who_want_it(engine: Engine) -> None:
    eager = engine.has_endpoint()
    engine.has_endpoint(dialect=Dialect(announce_ahead=False))

    hints = engine.fans_out(event(ahead=True))

    assert [hint.endpoint for hint in hints] == [eager]


def test_sends_a_test_event_to_its_endpoint_alone_even_while_that_is_paused(
    engine: Engine,
) -> None:
    engine.has_endpoint()
    tested = engine.has_endpoint(status="paused", types=("order.*",))
    announced = event(only_endpoint=tested)

    (hint,) = engine.fans_out(announced)

    assert (hint.endpoint, hint.lane, hint.why) == (tested, "fast", "test")
    assert engine.delivery(announced, tested).test


def test_never_tells_an_endpoint_about_itself(engine: Engine) -> None:
    failing = engine.has_endpoint(types=("endpoint.failing",))
    watching = engine.has_endpoint(types=("endpoint.failing",))

    hints = engine.fans_out(event("endpoint.failing", about_endpoint=failing))

    assert [hint.endpoint for hint in hints] == [watching]


def test_hints_again_at_a_row_that_nobody_has_sent_yet(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    first = engine.fans_out(announced)
    before = engine.delivery(announced, id)
    engine.clock.turn(seconds=30)

    engine.fan_out.batch([announced], engine.each)

    assert engine.queues.take() == first
    assert engine.delivery(announced, id) == before


def test_does_not_hint_again_at_a_row_that_was_sent(engine: Engine) -> None:
    engine.has_endpoint()
    announced = event()
    engine.delivers(announced)

    engine.fan_out.batch([announced], engine.each)

    assert engine.queues.take() == []


def test_skips_an_old_event_that_was_fanned_out_or_is_gone(engine: Engine) -> None:
    engine.has_endpoint()
    done, gone = event(), event()
    engine.fans_out(done)
    engine.clock.turn(days=1, seconds=1)

    engine.fan_out.batch([done, gone], engine.each)

    assert [line["outcome"] for line in engine.lines[-2:]] == ["skipped", "skipped"]
    assert engine.queues.take() == []


def test_fans_out_an_old_event_that_was_left_open(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.is_committed(announced)
    engine.clock.turn(days=2)

    engine.fan_out.batch([announced], engine.each)

    assert [hint.endpoint for hint in engine.queues.take()] == [id]


def test_does_not_bring_back_an_event_that_expired_meanwhile(engine: Engine) -> None:
    announced = event()
    engine.is_committed(announced)
    dynamo.write(dynamo.delete("Events", {"pk": announced.id, "sk": "EVENT"}))

    engine.fan_out.batch([announced], engine.each)

    assert row("Events", announced.id, "EVENT") is None


class OneUnwritable(Deliveries):
    """Refuses the rows of one event, as storage does for a moment."""

    def __init__(self, refused: Event) -> None:
        super().__init__("Webhooks")
        self._refused = refused.id

    def add(self, delivery: Delivery) -> Delivery | None:
        if delivery.event == self._refused:
            raise ConnectionError
        return super().add(delivery)


def test_an_event_whose_row_is_not_written_stays_open_and_holds_up_no_other(
    engine: Engine,
) -> None:
    engine.has_endpoint()
    refused, other = event(), event()
    engine.is_committed(refused, other)
    failed = []

    def each(one: Event, step: Callable[[Event], Mapping[str, Any]]) -> None:
        try:
            step(one)
        except ConnectionError:
            failed.append(one)

    with ThreadPoolExecutor(2) as pool:
        FanOut(
            endpoints=engine.endpoints,
            deliveries=OneUnwritable(refused),
            outbox=engine.outbox,
            queues=engine.queues,
            pool=pool,
            now=engine.clock,
        ).batch([refused, other], each)

    assert failed == [refused]
    assert [hint.event for hint in engine.queues.take()] == [other.id]
    stored = [row("Events", one.id, "EVENT") or {} for one in (refused, other)]
    assert ["fanned_out_at" in one for one in stored] == [False, True]
