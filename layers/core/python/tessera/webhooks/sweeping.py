"""The sweep: finds what is due, heals what a dead sender left, and hints at it again.

    W1  endpoints and the jobs that are running are read
    W2  due rows are found, as many as the endpoint's pace allows; what nobody will send is ended
    W3  a due row is leased
    W4  a claim that ran out: its attempt's result is applied, or the attempt noted as lost
    W5  such a claim is removed
    W6  hints are sent
    W7  jobs go on
    W8  what an endpoint met is announced

A row is leased before its hint is sent, so sweeps that overlap do no harm; whatever stops a sweep,
the next one goes on from the same rows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial, reduce
from typing import Any, Protocol

from tessera import clock
from tessera.events import OPEN_SHARDS, shard_of
from tessera.webhooks import jobs, operational
from tessera.webhooks.gathering import Gather
from tessera.webhooks.health import (
    Change,
    Health,
    after_held,
    probe_turn,
    used_up,
    wider_drain,
)
from tessera.webhooks.jobs import Job
from tessera.webhooks.models import (
    Attempt,
    Count,
    Delivery,
    Due,
    Hint,
    Now,
    Random,
    State,
    Target,
    Why,
)
from tessera.webhooks.outcome import Outcome
from tessera.webhooks.recording import ATTEMPT_KEPT, DELIVERY_KEPT, expiry, finish
from tessera.webhooks.recording import Deliveries as Finishes

_STOPS_AFTER = timedelta(seconds=50)
_LEASE = timedelta(seconds=300)
_CLAIM = timedelta(seconds=35)
"""About what a claim lasted; only the time that a lost attempt is shown with depends on it."""
_HELD_AT_MOST = timedelta(days=28)
_ENDED_A_TURN = 1_000
_HINTS_A_CALL = 10
_ALL_TIME_MS = 2**53


class Endpoints(Protocol):
    def all(self) -> list[Target]: ...

    def change_health(self, id: str, change: Change) -> Health | None:
        """The health as the change leaves it; None where its condition does not hold."""


class Jobs(jobs.Jobs, Protocol):
    def running(self) -> list[Job]: ...


class Deliveries(Finishes, jobs.Deliveries, Protocol):
    def due(self, endpoint: str, shard: int, *, until_ms: int, at_most: int) -> list[Due]:
        """Pending deliveries of one shard whose time has come, the earliest first."""

    def lease(self, due: Due, *, until_ms: int) -> Delivery | None:
        """Takes the row for this sweep, unless it has moved on."""

    def attempt(self, event: str, endpoint: str, n: int) -> Attempt | None: ...

    def note_lost(self, attempt: Attempt) -> Attempt | None:
        """Notes that a sender died; answers what stood there already."""

    def release(self, lapsed: Delivery) -> bool:
        """Removes a claim that has run out, unless the row has moved on."""


class Queues(Protocol):
    def send(self, hints: Sequence[Hint]) -> None: ...


@dataclass(frozen=True)
class Part:
    """A piece of the turn: the due rows of one shard of one endpoint, or the probe of one."""

    target: Target
    shards: tuple[int, ...]


@dataclass(frozen=True)
class Tally:
    hints: int = 0
    ended: int = 0
    replayed: int = 0
    told: int = 0
    oldest_due: float = field(default=0, compare=False)
    """Seconds."""

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.hints + other.hints,
            self.ended + other.ended,
            self.replayed + other.replayed,
            self.told + other.told,
            max(self.oldest_due, other.oldest_due),
        )


class Sweeper:
    def __init__(
        self,
        *,
        endpoints: Endpoints,
        deliveries: Deliveries,
        announcements: operational.Announcements,
        jobs: Jobs,
        queues: Queues,
        now: Now,
        random: Random,
        count: Count,
        gather: Gather = map,
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._announcements = announcements
        self._jobs = jobs
        self._queues = queues
        self._now = now
        self._random = random
        self._count = count
        self._gather = gather

    def turn(self) -> dict[str, Any]:
        """One minute's work; answers members of its outcome line."""
        began = self._now()
        targets, running = self._endpoints.all(), self._jobs.running()
        # In another order each minute: what a turn does not reach is not always the same.
        steps = sorted(self._steps(targets, running, began), key=lambda _: self._random())
        tallies = self._gather(lambda step: step(), steps)
        done = reduce(Tally.__add__, tallies, Tally())
        active = [target for target in targets if target.endpoint.status == "active"]
        disabled = [target for target in targets if target.endpoint.status == "disabled"]
        self._count("Swept", done.hints)
        self._count("OldestDueSeconds", done.oldest_due)
        self._count("EndpointsOpen", sum(target.health.state == "open" for target in active))
        self._count("EndpointsDisabled", len(disabled))
        return {
            "outcome": "swept",
            "hints": done.hints,
            "ended": done.ended,
            "replayed": done.replayed,
            "told": done.told,
        }

    def _steps(
        self, targets: Sequence[Target], running: Sequence[Job], began: datetime
    ) -> list[Callable[[], Tally]]:
        stop = began + _STOPS_AFTER
        live = {target.endpoint.id for target in targets if target.endpoint.status != "deleted"}
        # What a person wants to be rid of is not sent while the job gets to it.
        resting = {job.endpoint for job in running if job.kind == "discard"}
        swept = [target for target in targets if target.endpoint.id not in resting]
        return [
            *(partial(self._carry_on, job, stop, job.endpoint not in live) for job in running),
            *(partial(self._tell, target) for target in targets),
            *(partial(self._part, part, stop) for part in _parts(swept)),
        ]

    def _carry_on(self, job: Job, stop: datetime, gone: bool) -> Tally:
        replayed = jobs.carry_on(
            job,
            jobs=self._jobs,
            deliveries=self._deliveries,
            now=self._now,
            stop=stop,
            gone=gone,
        )
        return Tally(replayed=replayed)

    def _tell(self, target: Target) -> Tally:
        told = operational.tell(target, announcements=self._announcements, now=self._now())
        return Tally(told=told)

    def _part(self, part: Part, stop: datetime) -> Tally:
        match part.target.endpoint.status:
            case "deleted":
                return self._end(part, "cancelled", "endpoint_deleted", _ALL_TIME_MS, stop)
            case "paused" | "disabled":
                held = clock.epoch_ms(self._now() - _HELD_AT_MOST)
                return self._end(part, "exhausted", "held_too_long", held, stop)
        if part.target.health.state == "open":
            return self._probe(part)
        return self._drain(part, stop)

    def _drain(self, part: Part, stop: datetime) -> Tally:
        now = self._now()
        health = self._paced(part.target, now)
        allowance = max(health.allowance // OPEN_SHARDS, 1)
        due = self._due(part, clock.epoch_ms(now), allowance)
        hints = 0
        for start in range(0, len(due), _HINTS_A_CALL):
            if self._now() >= stop:
                break
            hints += self._hint(part.target, due[start : start + _HINTS_A_CALL], "sweep")
        shards = Counter(shard_of(one.event) for one in due)
        if allowance in shards.values() and (mark := used_up(health, now)) is not None:
            self._endpoints.change_health(part.target.endpoint.id, mark)
        # What a pace holds back on purpose is not late: an alarm would ring for every outage.
        is_late = due and health.drain is None
        waited = clock.epoch_ms(now) - due[0].next_due if is_late else 0
        return Tally(hints=hints, oldest_due=waited / 1000)

    def _paced(self, target: Target, now: datetime) -> Health:
        """The health with the pace of this minute: a recovering endpoint is not flooded."""
        wider = wider_drain(target.health, now)
        if wider is None:
            return target.health
        return self._endpoints.change_health(target.endpoint.id, wider) or target.health

    def _probe(self, part: Part) -> Tally:
        """The earliest due delivery of an open circuit alone, when its turn has come."""
        endpoint, health = part.target
        turn = probe_turn(health, self._now())
        if turn is None:
            return Tally()
        due = self._due(part, clock.epoch_ms(self._now()), 1)
        # Looked for first: with nothing due no turn is used up, so the next delivery need not wait.
        if not due or self._endpoints.change_health(endpoint.id, turn) is None:
            return Tally()
        return Tally(hints=self._hint(part.target, due[:1], "probe"))

    def _end(self, part: Part, state: State, reason: str, until_ms: int, stop: datetime) -> Tally:
        ended: list[Delivery] = []
        for due in self._due(part, until_ms, _ENDED_A_TURN // OPEN_SHARDS):
            if self._now() >= stop:
                break
            expires_at = expiry(self._now(), DELIVERY_KEPT)
            done = self._deliveries.end(
                due.event, due.endpoint, state, reason=reason, expires_at=expires_at
            )
            if done is not None:
                ended.append(done)
        if state == "exhausted":
            self._note_exhausted(part.target, ended)
        return Tally(ended=len(ended))

    def _note_exhausted(self, target: Target, ended: Sequence[Delivery]) -> None:
        """What was given up is told, as it is when attempts are used up."""
        told = [one.event for one in ended if operational.is_told(one)]
        self._count("Exhausted", len(told))
        if told:
            self._endpoints.change_health(target.endpoint.id, after_held(told))

    def _due(self, part: Part, until_ms: int, at_most: int) -> list[Due]:
        """The earliest first, at most so many of each shard."""
        id = part.target.endpoint.id
        found = [
            due
            for shard in part.shards
            for due in self._deliveries.due(id, shard, until_ms=until_ms, at_most=at_most)
        ]
        return sorted(found, key=lambda due: due.next_due)

    def _hint(self, target: Target, due: Sequence[Due], why: Why) -> int:
        rows = [row for one in due if (row := self._ready(target, one)) is not None]
        hints = [
            Hint(event=row.event, endpoint=row.endpoint, n=row.attempts, lane="slow", why=why)
            for row in rows
        ]
        self._queues.send(hints)
        return len(hints)

    def _ready(self, target: Target, due: Due) -> Delivery | None:
        """W3 to W5: the row, leased and without a claim; None where there is nothing to send."""
        now = self._now()
        row = self._deliveries.lease(due, until_ms=clock.epoch_ms(now + _LEASE))
        if row is None:
            return None
        if not row.is_consistent:
            self._count("I1Violations")
        if row.claimed_until is None:
            return row
        if row.claimed_until > clock.epoch_ms(now):
            return None  # somebody is sending it
        attempt = self._deliveries.attempt(row.event, row.endpoint, row.attempts)
        if attempt is None:
            self._count("ClaimsLapsed")
            lost = _lost(row, target, now)
            attempt = self._deliveries.note_lost(lost) or lost
        if attempt.outcome is not Outcome.LOST:
            finish(row, attempt, deliveries=self._deliveries, now=now)
            return None
        return row if self._deliveries.release(row) else None


def _parts(targets: Sequence[Target]) -> list[Part]:
    """One per shard, so that a long drain of one endpoint uses several threads.

    Where the endpoint has one pace or one probe for all shards, they are one part.
    """
    shards = tuple(range(OPEN_SHARDS))
    parts = []
    for target in targets:
        health = target.health
        is_paced = health.state == "open" or health.drain is not None
        if target.endpoint.status == "active" and is_paced:
            parts.append(Part(target, shards))
        else:
            parts += [Part(target, (shard,)) for shard in shards]
    return parts


def _lost(row: Delivery, target: Target, now: datetime) -> Attempt:
    """Not a failure: our own crash never spends the receiver's schedule."""
    started = clock.from_epoch_ms(row.claimed_until or 0) - _CLAIM
    return Attempt(
        event=row.event,
        endpoint=row.endpoint,
        n=row.attempts,
        round=row.round,
        why="event" if row.attempts == 1 else "retry",
        started_at=started,
        url=target.endpoint.url,
        outcome=Outcome.LOST,
        expires_at=expiry(now, ATTEMPT_KEPT),
    )
