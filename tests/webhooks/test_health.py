"""How an endpoint's health follows from its results."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tessera.webhooks.health import (
    FULL_DRAIN,
    Change,
    Health,
    after_failure,
    after_held,
    after_late,
    after_success,
    announcements,
    fresh_start,
    probe_now,
    probe_turn,
    should_disable,
    transition,
    used_up,
    wider_drain,
)
from tests.webhooks.kept_health import apply

NOW = datetime(2026, 3, 2, 9, 14, 7, 512000, UTC)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def changed(health: Health, change: Change | None, now: datetime = NOW) -> Health:
    """The health after a change and the transition that it calls for."""
    if change is None:
        return health
    after = apply(health, change)
    assert after is not None
    step = transition(after, now)
    return after if step is None else apply(after, step) or after


def failed(health: Health, times: int = 1, at: datetime = NOW) -> Health:
    for _ in range(times):
        health = changed(health, after_failure("timeout", at), at)
    return health


def succeeded(health: Health, times: int = 1, took: float = 0.1) -> Health:
    for _ in range(times):
        health = changed(health, after_success(health, NOW, seconds=took))
    return health


SLOW = Health(state="slow")
OPEN = failed(SLOW, 10)


def test_a_healthy_endpoint_costs_no_write() -> None:
    assert after_success(Health(), NOW, seconds=0.1) is None
    assert after_success(Health(), NOW, seconds=10.0) is None


def test_a_failure_is_counted_and_dated() -> None:
    health = failed(failed(Health(good=2)), at=NOW + seconds(5))

    assert health == Health(
        streak=2,
        failures=2,
        failing_since=NOW,
        last_failure="timeout",
        last_failure_at=NOW + seconds(5),
    )


def test_five_failures_in_a_row_make_it_slow() -> None:
    assert failed(Health(), 4).state == "ok"
    assert failed(Health(), 5).state == "slow"


def test_a_success_in_between_starts_the_count_again() -> None:
    health = failed(succeeded(failed(Health(), 4)), 4)

    assert (health.state, health.streak) == ("ok", 4)


def test_five_late_answers_in_a_row_make_it_slow() -> None:
    assert changed(Health(), after_late(4)).state == "ok"
    assert changed(Health(late=4), after_late(1)).state == "slow"
    assert changed(Health(), after_late(7)).state == "slow"


def test_a_quick_success_ends_the_row_of_late_answers_and_a_slow_one_does_not() -> None:
    assert succeeded(Health(late=4)).late == 0
    assert succeeded(Health(late=4), took=3.0).late == 4


def test_ten_failures_in_a_row_open_the_circuit() -> None:
    health = failed(SLOW, 10)

    assert failed(SLOW, 9).state == "slow"
    assert (health.state, health.interval, health.probe_at, health.allowance) == (
        "open",
        60,
        NOW + seconds(60),
        60,
    )


def test_any_success_closes_an_open_circuit_to_slow() -> None:
    health = succeeded(OPEN, took=14.0)

    assert (health.state, health.probe_at, health.interval, health.failing_since) == (
        "slow",
        None,
        None,
        None,
    )


def test_three_quick_successes_in_a_row_make_a_slow_endpoint_ok() -> None:
    assert succeeded(SLOW, 2).state == "slow"
    assert succeeded(SLOW, 3).state == "ok"


@pytest.mark.parametrize(
    "between", [after_late(1), after_failure("timeout", NOW), after_success(SLOW, NOW, seconds=3.0)]
)
def test_quick_successes_count_only_in_a_row(between: Change) -> None:
    health = succeeded(changed(succeeded(SLOW, 2), between), 2)

    assert health.state == "slow"


def test_an_endpoint_that_always_takes_five_seconds_stays_slow_and_is_not_failing() -> None:
    health = SLOW
    for _ in range(50):
        health = succeeded(changed(health, after_late(1)), took=5.0)

    assert (health.state, health.failures, announcements(health, NOW)) == ("slow", 0, [])


def test_a_failed_probe_doubles_the_interval_up_to_a_quarter_of_an_hour() -> None:
    health, intervals = OPEN, []
    for _ in range(6):
        health = changed(health, after_failure("timeout", NOW, probe_of=health))
        intervals.append(health.interval)
        assert health.probe_at == NOW + seconds(health.interval or 0)

    assert intervals == [120, 240, 480, 900, 900, 900]


def test_other_late_failures_leave_the_interval_alone() -> None:
    assert failed(OPEN, at=NOW + seconds(30)).probe_at == OPEN.probe_at
    assert failed(OPEN).interval == 60


def test_one_turn_to_probe_is_taken_once() -> None:
    due = NOW + seconds(60)
    turn = probe_turn(OPEN, due)
    assert turn is not None
    taken = apply(OPEN, turn)

    assert taken is not None
    assert taken.probe_at == due + seconds(60)
    assert apply(taken, turn) is None


@pytest.mark.parametrize("health", [Health(), SLOW, OPEN])
def test_no_turn_to_probe_before_it_is_due(health: Health) -> None:
    assert probe_turn(health, NOW + seconds(59)) is None


def test_a_successful_test_lets_an_open_circuit_be_probed_at_once() -> None:
    health = changed(OPEN, probe_now(NOW))

    assert probe_turn(health, NOW) is not None
    assert apply(SLOW, probe_now(NOW)) is None


def test_a_new_url_or_a_resume_starts_slowly_and_forgets_the_failures() -> None:
    health = changed(failed(OPEN), fresh_start())

    assert (health.state, health.allowance, health.streak, health.failures) == ("slow", 60, 0, 0)
    assert health.failing_since is None
    assert health.probe_at is None


def test_the_pace_doubles_each_minute_that_used_it_up() -> None:
    health, paces = changed(OPEN, fresh_start()), []
    for minute in range(1, 10):
        start = NOW + minute * seconds(60)
        health = changed(health, wider_drain(health, start))
        paces.append(health.allowance)
        health = changed(health, used_up(health, start))

    assert paces == [60, 120, 240, 480, 960, 1_920, 3_840, FULL_DRAIN, FULL_DRAIN]
    assert (health.drain, health.drained_at) == (None, None)


DRAINED = {"state": "slow", "drain": 120, "drained_at": NOW}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"drained_at": None},
        {"last_failure_at": NOW},
        {"state": "open"},
        {"drained_at": NOW + seconds(16)},
    ],
    ids=["not used up", "failed", "open", "not a minute ago"],
)
def test_the_pace_stays_otherwise(otherwise: dict[str, Any]) -> None:
    next_minute = NOW + seconds(60)

    assert wider_drain(Health(**DRAINED), next_minute) is not None
    assert wider_drain(Health(**(DRAINED | otherwise)), next_minute) is None


def test_a_failure_before_the_minute_that_used_it_up_does_not_hold_the_pace_down() -> None:
    health = Health(**DRAINED, last_failure_at=NOW - seconds(1))

    assert wider_drain(health, NOW + seconds(60)) is not None


def test_a_pace_seen_by_two_sweeps_doubles_once() -> None:
    widen = wider_drain(Health(**DRAINED), NOW + seconds(60))
    assert widen is not None
    wider = apply(Health(**DRAINED), widen)

    assert wider == Health(state="slow", drain=240)
    assert apply(wider, widen) is None


@pytest.mark.parametrize("start", [fresh_start(), transition(Health(state="slow", streak=10), NOW)])
def test_a_new_start_forgets_that_the_old_pace_was_used_up(start: Change | None) -> None:
    health = changed(Health(**DRAINED, streak=10), start)

    assert (health.drain, health.drained_at) == (60, None)


def test_deliveries_that_were_held_too_long_are_told_of_too() -> None:
    health = changed(Health(), after_held(["event-1", "event-2", "event-3"]))

    assert (health.exhausted_count, health.exhausted_first, health.exhausted_last) == (
        3,
        "event-1",
        "event-3",
    )
    assert (health.failures, health.failing_since) == (0, None)
    assert told(health, NOW)[0] == ["delivery.exhausted"]


DOOMED: dict[str, Any] = {
    "failing_since": NOW - hours(120),
    "last_failure_at": NOW - hours(24),
    "failures": 20,
}


def test_off_after_five_days_without_one_success_and_twenty_tries() -> None:
    assert should_disable(Health(**DOOMED), NOW)


@pytest.mark.parametrize(
    "spared",
    [
        {"failing_since": NOW - hours(120) + seconds(1)},
        {"failures": 19},
        {"last_failure_at": NOW - hours(24) - seconds(1)},
        {"last_failure_at": NOW - hours(108) - seconds(1)},
        {"failing_since": None},
    ],
)
def test_not_off_while_one_of_the_conditions_is_missing(spared: dict[str, Any]) -> None:
    assert not should_disable(Health(**(DOOMED | spared)), NOW)


def test_not_off_again_right_after_a_resume() -> None:
    assert not should_disable(changed(Health(**DOOMED), fresh_start()), NOW)


def told(health: Health, now: datetime) -> tuple[list[str], Health]:
    """What is announced, and the health once that was written."""
    types: list[str] = []
    for announcement in announcements(health, now):
        after = apply(health, announcement.change)
        assert after is not None
        health = after
        types.append(announcement.type)
    return types, health


def test_an_opened_circuit_is_told_once_and_its_end_too() -> None:
    first, health = told(OPEN, NOW)
    second, health = told(failed(health), NOW + hours(2))
    third, health = told(succeeded(health), NOW + hours(3))
    fourth, _ = told(health, NOW + hours(4))

    assert (first, second, third, fourth) == (
        ["endpoint.failing"],
        [],
        ["endpoint.recovered"],
        [],
    )


def test_an_hour_without_success_and_four_failures_are_told() -> None:
    assert told(failed(Health(), 3), NOW + hours(1))[0] == []
    assert told(failed(Health(), 4), NOW + seconds(3_599))[0] == []
    assert told(failed(Health(), 4), NOW + hours(1))[0] == ["endpoint.failing"]


def test_a_resume_is_no_recovery_but_the_first_success_after_it_is() -> None:
    _, health = told(OPEN, NOW)
    resumed = changed(health, fresh_start())

    assert told(resumed, NOW)[0] == []
    assert told(succeeded(resumed, took=5.0), NOW)[0] == ["endpoint.recovered"]


def test_used_up_deliveries_are_told_once_an_hour_and_none_is_forgotten() -> None:
    def exhaust(health: Health, event: str) -> Health:
        return changed(health, after_failure("gone", NOW, exhausted=event))

    health = exhaust(exhaust(Health(), "event-1"), "event-2")
    assert (health.exhausted_count, health.exhausted_first, health.exhausted_last) == (
        2,
        "event-1",
        "event-2",
    )
    first, health = told(health, NOW)
    health = exhaust(health, "event-3")

    assert first == ["delivery.exhausted"]
    assert told(health, NOW + seconds(3_599))[0] == []
    assert told(health, NOW + hours(1))[0] == ["delivery.exhausted"]


def test_an_exhaustion_that_came_meanwhile_is_not_lost_by_telling() -> None:
    health = changed(Health(), after_failure("gone", NOW, exhausted="event-1"))
    (announcement,) = announcements(health, NOW)
    later = changed(health, after_failure("gone", NOW, exhausted="event-2"))

    assert apply(later, announcement.change) is None


EVERY_CHANGE = st.one_of(
    st.builds(
        after_failure,
        st.just("timeout"),
        st.just(NOW),
        probe_of=st.sampled_from([None, OPEN]),
        exhausted=st.sampled_from([None, "event-1"]),
    ),
    st.builds(after_success, st.sampled_from([SLOW, OPEN]), st.just(NOW), seconds=st.floats(0, 15)),
    st.builds(after_late, st.integers(1, 9)),
    st.just(fresh_start()),
    st.just(probe_now(NOW)),
    st.just(after_held(["event-1"])),
    st.just(used_up(Health(drain=60), NOW)),
    st.just(wider_drain(Health(state="slow", drain=60, drained_at=NOW), NOW + seconds(60))),
)


@given(EVERY_CHANGE)
def test_each_change_is_one_update_that_names_no_member_twice(change: Change) -> None:
    named = [*change.add, *change.set, *change.begin, *change.remove]

    assert len(named) == len(set(named))
    assert set(named) <= set(Health.model_fields)


class Interleaving(RuleBasedStateMachine):
    """Senders whose updates, transitions and stale memories meet in any order."""

    NEIGHBOURS = (("ok", "slow"), ("slow", "open"), ("open", "slow"), ("slow", "ok"))

    def __init__(self) -> None:
        super().__init__()
        self.health = Health()
        self.remembered = Health()
        self.steps: list[Change] = []

    def write(self, change: Change | None) -> None:
        after = None if change is None else apply(self.health, change)
        if after is None:
            return
        moved = (self.health.state, after.state)
        assert moved[0] == moved[1] or moved in self.NEIGHBOURS or change == fresh_start()
        self.health = after
        step = transition(after, NOW)
        if step is not None:
            self.steps.append(step)

    @rule()
    def remember(self) -> None:
        self.remembered = self.health

    @rule(probe=st.booleans())
    def fail(self, probe: bool) -> None:
        self.write(after_failure("timeout", NOW, probe_of=self.remembered if probe else None))

    @rule(took=st.sampled_from([0.1, 5.0]))
    def succeed(self, took: float) -> None:
        self.write(after_success(self.remembered, NOW, seconds=took))

    @rule(count=st.integers(1, 5))
    def wait_long(self, count: int) -> None:
        self.write(after_late(count))

    @rule()
    def resume(self) -> None:
        self.write(fresh_start())

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def step_late(self, data: st.DataObject) -> None:
        """A transition is written later than another sender's, or after a success undid it."""
        self.write(self.steps.pop(data.draw(st.integers(0, len(self.steps) - 1))))

    @invariant()
    def an_open_circuit_has_a_probe_ahead(self) -> None:
        is_open = self.health.state == "open"
        assert not is_open or (self.health.probe_at and self.health.interval)
        assert self.health.allowance > 0

    @invariant()
    def four_quick_answers_in_a_row_always_heal(self) -> None:
        assert succeeded(self.health, 4).state == "ok"


TestInterleaving = Interleaving.TestCase
