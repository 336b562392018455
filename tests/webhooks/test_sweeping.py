"""What the sweep finds, heals and hints at."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from tessera import clock
from tessera.events import Event
from tessera.webhooks.gathering import in_threads
from tessera.webhooks.health import Health
from tessera.webhooks.models import Delivery, Due, Hint
from tests.builders import NOW
from tests.webhooks.engine import ACCEPTED, REFUSED, Engine, event, row

MINUTE = timedelta(minutes=1)


class SenderDied(BaseException):
    """Ends a step at once, as the end of a process would: nothing handles it."""


def dies(engine: Engine, announced: Event, method: str, hints: Sequence[Hint] = ()) -> None:
    """Sends, and dies just before this write of the sender; at these hints, or at the first."""

    def die(*_: object, **__: object) -> None:
        raise SenderDied

    hints = hints or engine.fans_out(announced)
    for store in (engine.deliveries, engine.receiver):
        if hasattr(store, method):
            setattr(store, method, die)
    with pytest.raises(SenderDied):
        engine.new_sender().batch(hints, engine.each)
    for store in (engine.deliveries, engine.receiver):
        vars(store).pop(method, None)


def test_hints_at_a_row_whose_first_hint_was_lost(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.fans_out(announced)
    engine.clock.turn(seconds=119)
    early = engine.sweeps()
    engine.clock.turn(seconds=1)

    (hint,) = engine.sweeps()

    assert early == []
    assert hint == Hint(event=announced.id, endpoint=id, n=0, lane="slow", why="sweep")
    assert engine.sends([hint]) == ["delivered"]


def test_leases_what_it_hints_at_so_that_the_next_sweep_leaves_it_alone(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.fans_out(announced)
    engine.clock.turn(minutes=3)

    first, second = engine.sweeps(), engine.sweeps()
    leased = engine.delivery(announced, id).next_due
    engine.clock.turn(seconds=300)
    third = engine.sweeps()

    assert (len(first), len(second), len(third)) == (1, 0, 1)
    assert leased == clock.epoch_ms(NOW + 3 * MINUTE + timedelta(seconds=300))


def test_leaves_a_running_claim_alone(engine: Engine) -> None:
    engine.has_endpoint()
    announced = event()
    hints = engine.fans_out(announced)
    engine.clock.turn(minutes=3)
    swept: list[Hint] = []
    engine.receiver.during = lambda: swept.extend(engine.sweeps())

    assert engine.sends(hints) == ["delivered"]

    assert swept == []


def test_a_sender_that_died_before_its_result_costs_one_more_request_and_no_failure(
    engine: Engine,
) -> None:
    id = engine.has_endpoint()
    announced = event()
    dies(engine, announced, "deliver")
    engine.clock.turn(minutes=2)

    (hint,) = engine.sweeps()
    outcomes = engine.sends([hint])

    assert hint.n == 1
    assert outcomes == ["delivered"]
    lost, delivered = engine.attempts(announced, id)
    assert (lost.n, lost.outcome, lost.started_at) == (1, "lost", NOW)
    assert (delivered.n, delivered.outcome) == (2, "delivered")
    assert engine.delivery(announced, id).failures == 0
    assert len(engine.receiver.received) == 2
    assert engine.counted["ClaimsLapsed"] == 1


def test_a_failure_that_was_kept_is_applied_without_a_second_request(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.receiver.answers = [REFUSED]
    dies(engine, announced, "postpone")
    engine.clock.turn(minutes=2)

    assert engine.sweeps() == []

    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.failures, delivery.claimed_until) == ("pending", 1, None)
    assert len(engine.receiver.received) == 1
    assert len(engine.attempts(announced, id)) == 1
    assert [hint.n for hint in engine.sweeps()] == [1]


def test_a_replays_success_that_was_kept_is_applied_without_another_request(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.delivers(announced)
    engine.deliveries.again(engine.delivery(announced, id), next_due=clock.epoch_ms(NOW))
    hint = Hint(event=announced.id, endpoint=id, n=1, lane="slow", why="manual")
    dies(engine, announced, "deliver", [hint])
    engine.clock.turn(minutes=2)

    assert engine.sweeps() == []

    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.round, delivery.claimed_until) == ("delivered", 1, None)
    assert len(engine.receiver.received) == 2
    assert [one.n for one in engine.attempts(announced, id)] == [1, 2]


def test_a_kept_last_failure_gives_up(engine: Engine) -> None:
    id = engine.has_endpoint(waits=())
    announced = event()
    engine.receiver.answers = [REFUSED]
    dies(engine, announced, "exhaust")
    engine.clock.turn(minutes=2)

    engine.sweeps()

    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.reason) == ("exhausted", "attempts_used_up")


def test_goes_on_where_a_sweep_died_after_noting_a_lost_attempt(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    dies(engine, announced, "deliver")
    engine.clock.turn(minutes=2)

    def die(lapsed: Delivery) -> bool:
        raise SenderDied

    engine.deliveries.release = die  # type: ignore[method-assign]
    with pytest.raises(SenderDied):
        engine.sweeps()
    del engine.deliveries.release
    engine.clock.turn(minutes=5)

    hints = engine.sweeps()

    assert [hint.n for hint in hints] == [1]
    assert engine.delivery(announced, id).claimed_until is None
    assert [one.outcome for one in engine.attempts(announced, id)] == ["lost"]


def test_a_result_that_arrives_after_the_loss_was_noted_takes_its_place(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    hints = engine.fans_out(announced)
    swept: list[Hint] = []

    def meanwhile() -> None:
        engine.clock.turn(minutes=3)
        swept.extend(engine.sweeps())

    engine.receiver.during = meanwhile
    assert engine.sends(hints) == ["delivered"]

    assert [one.outcome for one in engine.attempts(announced, id)] == ["delivered"]
    assert engine.delivery(announced, id).state == "delivered"
    assert engine.sends(swept) == ["stale"]


def test_sends_no_more_than_the_allowance(engine: Engine) -> None:
    engine.has_endpoint(health=Health(state="slow", drain=8))
    engine.fans_out(*(event() for _ in range(40)))
    engine.clock.turn(minutes=3)

    hints = engine.sweeps()

    assert 4 <= len(hints) <= 8


def test_stops_itself_after_fifty_seconds(engine: Engine) -> None:
    engine.has_endpoint()
    engine.fans_out(*(event() for _ in range(60)))
    engine.clock.turn(minutes=3)
    lease = engine.deliveries.lease

    def slow(due: Due, *, until_ms: int) -> Delivery | None:
        engine.clock.turn(seconds=5)
        return lease(due, until_ms=until_ms)

    engine.deliveries.lease = slow  # type: ignore[method-assign]

    # Nine leases leave a few of them, and a call that has begun by then goes on to its ten.
    assert 10 <= len(engine.sweeps()) <= 9 + 10


@pytest.mark.parametrize("status", ["paused", "disabled"])
def test_holds_what_a_paused_endpoint_is_owed_for_28_days(engine: Engine, status: str) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.fans_out(announced)
    engine.change_endpoint(id, status=status)
    engine.clock.turn(days=28)
    assert engine.sweeps() == []
    held = engine.delivery(announced, id).state
    engine.clock.turn(seconds=121)

    assert engine.sweeps() == []

    delivery = engine.delivery(announced, id)
    assert held == "pending"
    assert (delivery.state, delivery.reason) == ("exhausted", "held_too_long")
    assert delivery.expires_at == int((engine.clock.at + timedelta(days=30)).timestamp())


def test_cancels_what_a_deleted_endpoint_is_owed(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.fans_out(announced)
    engine.change_endpoint(id, status="deleted")

    assert engine.sweeps() == []

    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.reason) == ("cancelled", "endpoint_deleted")


def test_probes_an_open_circuit_with_its_earliest_due_delivery_alone(engine: Engine) -> None:
    probe_at = NOW + timedelta(minutes=15)
    id = engine.has_endpoint(health=Health(state="open", streak=10, probe_at=probe_at, interval=60))
    first, *_ = owed = [event() for _ in range(12)]
    engine.fans_out(first)
    engine.clock.turn(seconds=1)
    engine.fans_out(*owed[1:])
    engine.clock.turn(minutes=14)
    too_early = engine.sweeps()
    engine.clock.turn(minutes=1)

    (hint,) = engine.sweeps()

    assert too_early == []
    assert (hint.event, hint.why) == (first.id, "probe")
    assert engine.health(id).probe_at == engine.clock.at + timedelta(seconds=60)
    assert engine.sweeps() == []
    assert engine.counted["EndpointsOpen"] == 3


def test_uses_up_no_probe_while_nothing_is_due(engine: Engine) -> None:
    health = Health(state="open", streak=10, probe_at=NOW, interval=900, told_failing=NOW)
    id = engine.has_endpoint(health=health)
    engine.fans_out(event())

    assert engine.sweeps() == []

    assert engine.health(id) == health


def test_one_broken_endpoint_fails_the_turn_after_all_others_were_served(engine: Engine) -> None:
    broken = engine.has_endpoint()
    served = [engine.has_endpoint() for _ in range(5)]
    engine.fans_out(event())
    engine.clock.turn(minutes=3)
    lease = engine.deliveries.lease

    def failing(due: Due, *, until_ms: int) -> Delivery | None:
        if due.endpoint == broken:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return lease(due, until_ms=until_ms)

    engine.deliveries.lease = failing  # type: ignore[method-assign]
    engine.sweeper = engine.new_sweeper(gather=in_threads(20))
    with pytest.raises(EndpointConnectionError):
        engine.sweeps()

    assert {hint.endpoint for hint in engine.queues.take()} == set(served)


def test_counts_what_the_alarms_need(engine: Engine) -> None:
    engine.has_endpoint()
    engine.has_endpoint(status="disabled")
    engine.fans_out(event())
    engine.clock.turn(minutes=12)

    engine.sweeper.turn()

    assert engine.counted["Swept"] == 1
    assert engine.counted["OldestDueSeconds"] == 10 * 60
    assert engine.counted["EndpointsDisabled"] == 1
    assert row("Webhooks", "COUNT", "ENDPOINTS") == {"pk": "COUNT", "sk": "ENDPOINTS", "live": 2}


def test_what_waits_for_a_recovering_endpoints_pace_is_not_late(engine: Engine) -> None:
    engine.has_endpoint(health=Health(state="slow", drain=60))
    engine.fans_out(event())
    engine.clock.turn(hours=5)

    engine.sweeper.turn()

    assert (engine.counted["Swept"], engine.counted["OldestDueSeconds"]) == (1, 0)


def test_a_recovering_endpoint_is_drained_at_a_pace_that_doubles_each_minute(
    engine: Engine,
) -> None:
    id = engine.has_endpoint(health=Health(state="slow", drain=4))
    for number in range(40):
        engine.fans_out(event(at=NOW).model_copy(update={"id": f"event-{number:032x}"}))
    engine.clock.turn(minutes=3)

    paces = []
    for _ in range(4):
        hints = engine.sweeps()
        engine.sends(hints)
        paces.append(len(hints))
        engine.clock.turn(minutes=1)

    assert paces == [4, 8, 16, 12]
    assert engine.health(id).drain == 32


def test_a_failure_holds_the_pace_down(engine: Engine) -> None:
    id = engine.has_endpoint(health=Health(state="slow", drain=4))
    for number in range(40):
        engine.fans_out(event(at=NOW).model_copy(update={"id": f"event-{number:032x}"}))
    engine.clock.turn(minutes=3)
    hints = engine.sweeps()
    engine.clock.turn(seconds=1)
    engine.receiver.answers = [REFUSED, ACCEPTED]
    engine.sends(hints)
    engine.queues.take()  # the retry
    engine.clock.turn(minutes=1)

    assert len(engine.sweeps()) == 4

    assert engine.health(id).drain == 4


def test_what_was_held_too_long_is_counted_and_told(engine: Engine) -> None:
    id = engine.has_endpoint(status="paused")
    first, second = event(), event()
    engine.fans_out(first, second, event("endpoint.failing"))
    engine.clock.turn(days=28, minutes=3)

    engine.sweeps()
    exhausted = engine.health(id)
    engine.sweeps()

    assert exhausted.exhausted_count == 2
    assert {exhausted.exhausted_first, exhausted.exhausted_last} == {first.id, second.id}
    assert engine.counted["Exhausted"] == 2
    assert engine.health(id).told_exhausted == engine.clock.at
