"""The health of an endpoint: what each result changes, when its circuit opens, when it is disabled.

    ok ── 5 failures in a row, or 5 late in a row ──▶ slow ── 10 failures in a row ──▶ open
    ok ◀── 3 quick successes in a row ─────────────── slow ◀── one success ─────────── open

Many senders write one item at the same time, so nothing here is read, changed and written back.
Each result is one `Change`, which a store expresses as one update that returns the item;
`transition` then looks at the returned item and gives at most one more, conditional change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from tessera.clock import Instant
from tessera.objects import Model

State: TypeAlias = Literal["ok", "slow", "open"]
Value: TypeAlias = str | int | datetime

QUICK = 3.0
"""Seconds: an answer that takes longer is late."""
SLOW_AFTER = 5
OPEN_AFTER = 10
OK_AFTER = 3
FIRST_INTERVAL, LONGEST_INTERVAL = 60, 15 * 60
FIRST_DRAIN, FULL_DRAIN = 60, 6_000

# An update makes the item where there is none; without a state no transition would ever fit it.
_EXISTS: dict[str, Value] = {"state": "ok"}

_DRAIN_MINUTE = timedelta(seconds=45)
"""The schedule is not exact, but two sweeps that overlap are closer together than this."""
_DISABLED_AFTER = timedelta(hours=120)
_DISABLED_FAILURES = 20
_DISABLED_SPAN = timedelta(hours=12)
_DISABLED_RECENT = timedelta(hours=24)
_FAILING_AFTER = timedelta(hours=1)
_FAILING_FAILURES = 4
_EXHAUSTED_EVERY = timedelta(hours=1)


class Health(Model):
    """One small item per endpoint. A member that is absent has its default."""

    state: State = "ok"
    streak: int = 0
    """Failures in a row."""
    late: int = 0
    """Slow answers in a row."""
    good: int = 0
    """Quick successes in a row while not ok."""
    failures: int = 0
    """Since the last success."""
    failing_since: Instant | None = None
    last_failure_at: Instant | None = None
    last_failure: str | None = None
    """Its outcome."""
    succeeded_at: Instant | None = None
    """The last success that was noted; while all is well none is."""
    probe_at: Instant | None = None
    interval: int | None = None
    """Seconds between probes of an open circuit."""
    drain: int | None = None
    """Deliveries a minute that the sweep may send; absent means the full pace."""
    drained_at: Instant | None = None
    """When a sweep last began a minute that used the pace up."""
    exhausted_count: int = 0
    """Deliveries that used up their attempts since it was last told."""
    exhausted_first: str | None = None
    exhausted_last: str | None = None
    told_failing: Instant | None = None
    told_exhausted: Instant | None = None

    @property
    def is_clean(self) -> bool:
        """Has a success nothing to change here? So a healthy endpoint costs no write."""
        troubles = (self.streak, self.late, self.failures, self.failing_since)
        return self.state == "ok" and not any(troubles)

    @property
    def allowance(self) -> int:
        """Deliveries that the sweep may send in this minute."""
        return FULL_DRAIN if self.drain is None else self.drain


@dataclass(frozen=True)
class Change:
    """One update of the item; no member is named twice.

    `add` counts on from the stored number or from 0, `begin` sets what is absent, `when` is the
    condition: each of its members equals this value, or is absent where it says None.
    """

    add: Mapping[str, int] = field(default_factory=dict)
    set: Mapping[str, Value] = field(default_factory=dict)
    begin: Mapping[str, Value] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    when: Mapping[str, Value | None] = field(default_factory=dict)


class Announcement(NamedTuple):
    type: Literal["endpoint.failing", "endpoint.recovered", "delivery.exhausted"]
    change: Change
    """Goes into the transaction that records the event, so that a crash repeats nothing."""


def after_failure(
    outcome: str, at: datetime, *, probe_of: Health | None = None, exhausted: str | None = None
) -> Change:
    """What a failed attempt writes.

    `probe_of` is the health that a probe was sent under: its failure doubles the interval, other
    late failures do not. `exhausted` is the event of a delivery that this failure ended; leave it
    out for tests and operational events.
    """
    add = {"streak": 1, "failures": 1}
    set: dict[str, Value] = {"last_failure": outcome, "last_failure_at": at}
    begin: dict[str, Value] = _EXISTS | {"failing_since": at}
    if probe_of is not None:
        interval = min(2 * (probe_of.interval or FIRST_INTERVAL), LONGEST_INTERVAL)
        set |= {"interval": interval, "probe_at": at + timedelta(seconds=interval)}
    if exhausted is not None:
        add["exhausted_count"] = 1
        set["exhausted_last"] = exhausted
        begin["exhausted_first"] = exhausted
    return Change(add=add, set=set, begin=begin, remove=("good",))


def after_success(seen: Health, at: datetime, *, seconds: float) -> Change | None:
    """What a success that took so long writes; nothing when the health seen before was clean."""
    if seen.is_clean:
        return None
    set: dict[str, Value] = {"streak": 0, "failures": 0, "succeeded_at": at}
    if seconds >= QUICK:
        return Change(set=set, begin=_EXISTS, remove=("failing_since", "good"))
    return Change(add={"good": 1}, set=set | {"late": 0}, begin=_EXISTS, remove=("failing_since",))


def after_late(requests: int) -> Change:
    """What is written once so many requests have waited for three seconds, still unanswered."""
    return Change(add={"late": requests}, begin=_EXISTS, remove=("good",))


def transition(health: Health, now: datetime) -> Change | None:
    """The one step that the item calls for, judged on the item as the last update returned it."""
    if health.state == "ok" and (health.streak >= SLOW_AFTER or health.late >= SLOW_AFTER):
        return Change(set={"state": "slow"}, remove=("good",), when={"state": "ok"})
    if health.state == "slow" and health.streak >= OPEN_AFTER:
        opened: dict[str, Value] = {
            "state": "open",
            "interval": FIRST_INTERVAL,
            "probe_at": now + timedelta(seconds=FIRST_INTERVAL),
            "drain": FIRST_DRAIN,
        }
        return Change(set=opened, remove=("drained_at",), when={"state": "slow"})
    if health.state == "slow" and health.good >= OK_AFTER:
        return Change(set={"state": "ok"}, remove=("good",), when={"state": "slow"})
    if health.state == "open" and health.streak == 0:
        return Change(
            set={"state": "slow"}, remove=("interval", "probe_at"), when={"state": "open"}
        )
    return None


def fresh_start() -> Change:
    """What a new URL or a resume writes: past failures say nothing about what comes now."""
    return Change(
        set={"state": "slow", "drain": FIRST_DRAIN, "streak": 0, "failures": 0, "late": 0},
        remove=("failing_since", "good", "interval", "probe_at", "drained_at"),
    )


def after_held(events: Sequence[str]) -> Change:
    """What is written when deliveries ended unsent: held back, or retried, for too long."""
    return Change(
        add={"exhausted_count": len(events)},
        set={"exhausted_last": events[-1]},
        begin=_EXISTS | {"exhausted_first": events[0]},
    )


def probe_turn(health: Health, now: datetime) -> Change | None:
    """Takes the turn to probe an open circuit, if one is due and nobody else took it."""
    if health.state != "open" or (health.probe_at is not None and health.probe_at > now):
        return None
    next_at = now + timedelta(seconds=health.interval or FIRST_INTERVAL)
    return Change(set={"probe_at": next_at}, when={"state": "open", "probe_at": health.probe_at})


def probe_now(now: datetime) -> Change:
    """What a test event's success writes: the receiver is back, so do not wait for the interval."""
    return Change(set={"probe_at": now}, when={"state": "open"})


def used_up(health: Health, began: datetime) -> Change | None:
    """What a sweep writes that sent all it might to a recovering endpoint."""
    if health.drain is None:
        return None
    return Change(set={"drained_at": began}, when={"drain": health.drain})


def wider_drain(health: Health, now: datetime) -> Change | None:
    """Doubles the pace of a recovering endpoint once a minute used it up without a failure.

    Judged a minute later, when those that were sent have been answered.
    """
    used = health.drained_at
    if health.drain is None or health.state == "open" or used is None:
        return None
    failed = health.last_failure_at is not None and health.last_failure_at >= used
    if failed or now - used < _DRAIN_MINUTE:
        return None
    seen: dict[str, Value | None] = {"drain": health.drain, "drained_at": used}
    doubled = 2 * health.drain
    if doubled >= FULL_DRAIN:
        return Change(remove=("drain", "drained_at"), when=seen)
    return Change(set={"drain": doubled}, remove=("drained_at",), when=seen)


def should_disable(health: Health, now: datetime) -> bool:
    """Off after 5 days without one success, 20 tries or more.

    The tries must span 12 hours and go on until now, so that neither one bad night nor an old
    failure followed by silence switches an endpoint off.
    """
    since, last = health.failing_since, health.last_failure_at
    return (
        since is not None
        and last is not None
        and now - since >= _DISABLED_AFTER
        and health.failures >= _DISABLED_FAILURES
        and last - since >= _DISABLED_SPAN
        and now - last <= _DISABLED_RECENT
    )


def announcements(health: Health, now: datetime) -> list[Announcement]:
    """What is to be told about the endpoint and has not been told yet."""
    due: list[Announcement] = []
    told, since = health.told_failing, health.failing_since
    failing = health.state == "open" or (
        since is not None and now - since >= _FAILING_AFTER and health.failures >= _FAILING_FAILURES
    )
    if told is None and failing:
        tell = Change(set={"told_failing": now}, when={"told_failing": None})
        due.append(Announcement("endpoint.failing", tell))
    # A resume clears `failing_since` too; only a success after the alarm is its all-clear.
    succeeded = told and health.succeeded_at and health.succeeded_at >= told
    if succeeded and since is None and health.state != "open":
        tell = Change(remove=("told_failing",), when={"told_failing": told})
        due.append(Announcement("endpoint.recovered", tell))
    last = health.told_exhausted
    if health.exhausted_count and (last is None or now - last >= _EXHAUSTED_EVERY):
        tell = Change(
            set={"told_exhausted": now},
            remove=("exhausted_count", "exhausted_first", "exhausted_last"),
            when={"exhausted_count": health.exhausted_count},
        )
        due.append(Announcement("delivery.exhausted", tell))
    return due
