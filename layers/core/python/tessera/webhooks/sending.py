"""Sending: a hint is gated, its delivery claimed, the request made, and the result recorded.

    S1   endpoints, health and credentials are read, once for all hints of a batch
    S2   the gate: what may not be sent now is dropped, cancelled or moved to the slow lane
    S3   the event is read and its body rendered
    S4   the delivery is claimed
    S5   the request is signed and made
    S6   the attempt is kept
    S7   the delivery is finished: delivered, waiting for its next attempt, or exhausted; a first
         round's success is kept and finished by one write
    S8   a short wait is spent by a hint on the queue; a long one is left to the sweep
    S9   health is noted, and when the batch is done what is counted for the hour
    S10  a 410 disables the endpoint

A claim is written before its request leaves, so a receiver sees a second copy only if a sender dies
between sending and recording.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias

from tessera import clock
from tessera.events import EVENT_TYPES, Event
from tessera.waits import retry_after
from tessera.webhooks import credentials, health, operational, schedule, sendables, signing
from tessera.webhooks.dialects import Dialect, render
from tessera.webhooks.egress import Call
from tessera.webhooks.headers import of_request
from tessera.webhooks.health import Change, Health
from tessera.webhooks.models import (
    Attempt,
    Count,
    Delivery,
    Each,
    Endpoint,
    Hint,
    NotRecorded,
    Now,
    Random,
    Sendable,
    State,
    Target,
)
from tessera.webhooks.outcome import Answer, Outcome
from tessera.webhooks.recent import Recent
from tessera.webhooks.recording import ATTEMPT_KEPT, DELIVERY_KEPT, Became, Keeps, expiry, keep

_BODIES_KEPT = timedelta(minutes=5)
_MOST_BODIES = 100
_HEAL_MARGIN_MS = 60_000
"""Beside a hint on its way, the due time is for the sweep alone: it heals and does not race."""
_LARGE_BODY = 20 * 1024

Gate: TypeAlias = Literal["send", "drop", "move", "cancel"]


class Endpoints(sendables.Endpoints, Protocol):
    def change_health(self, id: str, change: Change) -> Health | None:
        """The health as the change leaves it; None where its condition does not hold."""

    def add_to_hour(self, id: str, at: datetime, *, delivered: int, failed: int) -> None: ...


class Deliveries(Keeps, Protocol):
    def claim(self, event: str, endpoint: str, *, n: int, until_ms: int) -> Delivery | None:
        """Starts attempt n + 1 unless somebody has."""

    def end(
        self, event: str, endpoint: str, state: State, *, reason: str, expires_at: int
    ) -> Delivery | None:
        """Ends a pending delivery for a reason that is no attempt."""


class Announcements(Protocol):
    def disable(self, disabled: Endpoint, event: Event) -> bool:
        """Both, unless the endpoint is not active or has another URL."""


class Outbox(Protocol):
    def find(self, event: str, *, now: datetime) -> Event | None: ...


class Queues(Protocol):
    def send(self, hints: Sequence[Hint], *, delay: int = 0) -> None: ...


class Post(Protocol):
    def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes, *, deadline: float, call: Call
    ) -> Answer:
        """One request; whatever the receiver does is an answer."""


@dataclass(frozen=True)
class Limits:
    """Seconds. They must hold in this order, so one setting moves all (README, "Configuration")."""

    deadline: float = 15
    """Of one request, from before its name is looked up."""
    late: float = health.QUICK

    @property
    def claim(self) -> timedelta:
        """Outlives the function, whose own limit is the deadline + 15 s."""
        return timedelta(seconds=self.deadline + 20)


@dataclass
class UnderWay:
    """One hint of a batch, as the watching thread sees it."""

    hint: Hint
    sendable: Sendable | None
    call: Call = field(default_factory=Call)
    counts: bool = True
    """False for tests, which count nowhere."""
    is_marked: bool = False


class Tally:
    """What a batch adds to the hour of each endpoint."""

    def __init__(self) -> None:
        self._delivered: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    def add(self, endpoint: str, outcome: Outcome) -> None:
        (self._delivered if outcome is Outcome.DELIVERED else self._failed)[endpoint] += 1

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        for endpoint in sorted({*self._delivered, *self._failed}):
            yield endpoint, self._delivered[endpoint], self._failed[endpoint]


class Sender:
    """One for the life of a process. `one` may run in many threads at once."""

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        deliveries: Deliveries,
        announcements: Announcements,
        outbox: Outbox,
        queues: Queues,
        post: Post,
        seal: credentials.Opens,
        pool: Executor,
        now: Now,
        random: Random,
        count: Count,
        limits: Limits,
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._announcements = announcements
        self._outbox = outbox
        self._queues = queues
        self._post = post
        self._seal = seal
        self._pool = pool
        self._now = now
        self._random = random
        self._count = count
        self._limits = limits
        self._sendables = sendables.Sendables(endpoints, now=now)
        self._events: Recent[str, Event] = Recent(most=_MOST_BODIES, kept=_BODIES_KEPT, now=now)
        self._bodies: Recent[tuple[str, Dialect], bytes] = Recent(
            most=_MOST_BODIES, kept=_BODIES_KEPT, now=now
        )

    def batch(self, hints: Sequence[Hint], each: Each[Hint]) -> None:
        """Each hint in a thread, which records its own result: a hang holds back no other."""
        found = self._sendables.of(hints)
        tally = Tally()

        def send(one: UnderWay) -> None:
            each(one.hint, lambda _: self.one(one, tally))

        under_way = [UnderWay(hint, found.get(hint.endpoint)) for hint in hints]
        self._watch({self._pool.submit(send, one): one for one in under_way})
        for endpoint, delivered, failed in tally:
            self._endpoints.add_to_hour(endpoint, self._now(), delivered=delivered, failed=failed)

    def one(self, under_way: UnderWay, tally: Tally) -> dict[str, Any]:
        """S2 to S10 for one hint; answers members of its outcome line."""
        hint = under_way.hint
        if hint.at is not None:
            waited = clock.epoch_ms(self._now()) - hint.at
            self._count("QueueWaitMs", max(waited, 0), lane=hint.lane)
        with self._faults_counted():
            return {
                "webhook_event": hint.event,
                "endpoint": hint.endpoint,
                "n": hint.n + 1,
                "lane": hint.lane,
                "why": hint.why,
                **self._passed(under_way, tally),
            }

    def _passed(self, under_way: UnderWay, tally: Tally) -> dict[str, Any]:
        hint, sendable = under_way.hint, under_way.sendable
        allowed = gate(hint, sendable and sendable.target)
        if sendable is None or allowed == "cancel":
            self._end(hint, "cancelled", "endpoint_deleted")
            return {"outcome": "cancelled"}
        if allowed == "drop":
            endpoint, seen = sendable.target
            return {"outcome": "dropped", "endpoint_is": endpoint.status, "health": seen.state}
        if allowed == "move":
            self._queues.send([hint.model_copy(update={"lane": "slow"})])
            return {"outcome": "moved"}
        event = self._event(hint.event)
        if event is None:
            self._give_up_expired(hint, sendable)
            return {"outcome": "gave_up", "reason": "event_expired"}
        return {
            "type": event.type,
            "correlation_id": event.correlation_id,
            **self._sent(under_way, sendable, event, tally),
        }

    def _sent(
        self, under_way: UnderWay, sendable: Sendable, event: Event, tally: Tally
    ) -> dict[str, Any]:
        # With the endpoint's dialect, which nearly always is the one frozen in the row: what we
        # cannot render or sign must come out before anything is claimed.
        self._body(event, sendable.target.endpoint.dialect)
        opened = credentials.opened(sendable, self._seal, self._now())
        hint = under_way.hint
        claimed = self._claim(hint)
        if claimed is None:
            self._count("StaleHints")
            return {"outcome": "stale"}
        under_way.counts = not claimed.test
        exchange = self._exchange(under_way.call, hint, event, claimed, sendable.target, opened)
        return self._record(hint, event, claimed, sendable, exchange, tally)

    def _claim(self, hint: Hint) -> Delivery | None:
        until_ms = clock.epoch_ms(self._now() + self._limits.claim)
        claimed = self._deliveries.claim(hint.event, hint.endpoint, n=hint.n, until_ms=until_ms)
        if claimed is not None and not claimed.is_consistent:
            self._count("I1Violations")
        return claimed

    def _exchange(
        self,
        call: Call,
        hint: Hint,
        event: Event,
        claimed: Delivery,
        target: Target,
        opened: credentials.Credentials,
    ) -> tuple[datetime, Answer]:
        """S5: the only place where a duplicate is born."""
        body = self._body(event, claimed.dialect)
        started = self._now()
        timestamp = int(started.timestamp())
        headers = of_request(
            event=event.id,
            type=event.type,
            timestamp=timestamp,
            signatures=signing.signatures(opened.keys, id=event.id, timestamp=timestamp, body=body),
            attempt=claimed.attempts,
            sequence=claimed.sequence,
            round=claimed.round,
            test=claimed.test,
            own=target.endpoint.headers,
            credential=opened.header,
        )
        if hint.why == "event":
            waited = started - event.created_at
            self._count("CommitToWireMs", waited / timedelta(milliseconds=1))
        if len(body) > _LARGE_BODY:
            self._count("LargeBodies")
        answer = self._post(
            target.endpoint.url, headers, body, deadline=self._limits.deadline, call=call
        )
        return started, answer

    def _record(
        self,
        hint: Hint,
        event: Event,
        claimed: Delivery,
        sendable: Sendable,
        exchange: tuple[datetime, Answer],
        tally: Tally,
    ) -> dict[str, Any]:
        """S6 to S10. A result that cannot be kept is let go: the claim runs out and is healed."""
        endpoint = sendable.target.endpoint
        started, answer = exchange
        now = self._now()
        wait = self._wait(endpoint.schedule, claimed, answer, now)
        attempt = Attempt(
            event=event.id,
            endpoint=endpoint.id,
            n=claimed.attempts,
            round=claimed.round,
            why=hint.why,
            started_at=started,
            ms=answer.ms,
            url=endpoint.url,
            outcome=answer.outcome,
            detail=answer.detail or None,
            status=answer.status,
            headers=dict(answer.headers),
            excerpt=answer.excerpt,
            next_due=None if wait is None else clock.epoch_ms(now + timedelta(seconds=wait)),
            expires_at=expiry(now, ATTEMPT_KEPT),
        )
        delay = None if wait is None else schedule.queue_delay(wait)
        line = {
            "result": answer.outcome,
            "status": answer.status,
            "receiver_ms": answer.ms,
            "refused_address": answer.refused_address,
            "next_due": attempt.next_due,
        }
        try:
            became = keep(
                claimed,
                attempt,
                deliveries=self._deliveries,
                now=now,
                margin_ms=0 if delay is None else _HEAL_MARGIN_MS,
            )
        except NotRecorded:
            self._count("RecordFailed")
            return {**line, "outcome": "record_failed"}
        if became == "retrying" and delay is not None:
            again = Hint(
                event=event.id, endpoint=endpoint.id, n=attempt.n, lane="slow", why="retry"
            )
            self._queues.send([again], delay=delay)
        self._measure(claimed, answer, became)
        if claimed.test:
            self._note_test(sendable, answer)
        else:
            tally.add(endpoint.id, answer.outcome)
            seen = self._note_health(hint, event, sendable, answer, became)
            if answer.outcome is Outcome.GONE:
                self._switch_off(sendable, seen)
        return {**line, "outcome": became}

    def _wait(
        self, waits: Sequence[int], claimed: Delivery, answer: Answer, now: datetime
    ) -> float | None:
        """Seconds until the next attempt; None after a success, a test, or the last wait."""
        if answer.outcome is Outcome.DELIVERED:
            return None
        asked = retry_after(answer.headers.get("retry-after"), now)
        return schedule.wait_after(
            claimed.failures + 1,
            () if claimed.test else waits,
            random=self._random,
            retry_after=asked,
        )

    def _note_health(
        self, hint: Hint, event: Event, sendable: Sendable, answer: Answer, became: Became
    ) -> Health:
        """S9: nothing is written for an endpoint that is well and stays so."""
        seen = sendable.target.health
        now = self._now()
        if answer.outcome is Outcome.DELIVERED:
            change = health.after_success(seen, now, seconds=answer.ms / 1000)
        else:
            is_told = became == "gave_up" and not EVENT_TYPES[event.type].operational
            change = health.after_failure(
                answer.outcome,
                now,
                probe_of=seen if hint.why == "probe" else None,
                exhausted=event.id if is_told else None,
            )
        return seen if change is None else self._change_health(sendable, change)

    def _switch_off(self, sendable: Sendable, seen: Health) -> None:
        """S10. Where it does not succeed, the next attempt meets 410 again."""
        target = Target(sendable.target.endpoint, seen)
        off = operational.switched_off(target, "gone", self._now())
        if self._announcements.disable(off.endpoint, off.event):
            self._sendables.note(sendable._replace(target=Target(off.endpoint, seen)), seen)

    def _note_test(self, sendable: Sendable, answer: Answer) -> None:
        """A test counts nowhere, but a receiver that answers it need not wait for its probe."""
        is_open = sendable.target.health.state == "open"
        if is_open and answer.outcome is Outcome.DELIVERED:
            self._change_health(sendable, health.probe_now(self._now()))

    def _change_health(self, sendable: Sendable, change: Change) -> Health:
        """The health as it is now, as far as known."""
        endpoint, seen = sendable.target
        changed = self._endpoints.change_health(endpoint.id, change)
        if changed is None:
            return seen
        step = health.transition(changed, self._now())
        if step is not None:
            changed = self._endpoints.change_health(endpoint.id, step) or changed
        self._sendables.note(sendable, changed)
        return changed

    def _watch(self, futures: Mapping[Future[None], UnderWay]) -> None:
        """Until all are done. Marks endpoints whose requests wait for 3 s: silence tells early."""
        try:
            while waiting := [
                one for future, one in futures.items() if not (one.is_marked or future.done())
            ]:
                # For the youngest, so that one write marks all the requests of an endpoint.
                left = self._limits.late - min(one.call.waited() for one in waiting)
                wait(futures, timeout=max(left, 0.01))
                self._mark_late([one for one in waiting if one.call.waited() >= self._limits.late])
        finally:
            # Whatever a mark met: a request that outlived its batch would be frozen with the
            # function, its claim would run out, and it would be sent twice.
            wait(futures)
        for future in futures:
            future.result()

    def _mark_late(self, late: Sequence[UnderWay]) -> None:
        requests = Counter[str]()
        endpoints: dict[str, Sendable] = {}
        for one in late:
            one.is_marked = True
            if one.counts and one.sendable is not None:
                requests[one.hint.endpoint] += 1
                endpoints[one.hint.endpoint] = one.sendable
        for id, sendable in endpoints.items():
            self._change_health(sendable, health.after_late(requests[id]))

    def _measure(self, claimed: Delivery, answer: Answer, became: Became) -> None:
        self._count("Attempts", outcome=answer.outcome)
        self._count("ReceiverMs", answer.ms)
        if claimed.attempts == 1 and not claimed.test:
            self._count("FirstAttemptSuccess", float(answer.outcome is Outcome.DELIVERED))
        if answer.outcome is Outcome.ADDRESS_REFUSED:
            self._count("EgressRefused")
        if became == "gave_up" and not claimed.test:
            self._count("Exhausted")

    def _give_up_expired(self, hint: Hint, sendable: Sendable) -> None:
        """It is told, as when attempts are used up."""
        ended = self._end(hint, "exhausted", "event_expired")
        if ended is not None and operational.is_told(ended):
            self._count("Exhausted")
            self._change_health(sendable, health.after_held([ended.event]))

    def _end(self, hint: Hint, state: State, reason: str) -> Delivery | None:
        expires_at = expiry(self._now(), DELIVERY_KEPT)
        return self._deliveries.end(
            hint.event, hint.endpoint, state, reason=reason, expires_at=expires_at
        )

    def _event(self, id: str) -> Event | None:
        known = self._events.get(id)
        if known is not None:
            return known
        found = self._outbox.find(id, now=self._now())
        return found and self._events.keep(id, found)

    def _body(self, event: Event, dialect: Dialect) -> bytes:
        """Rendered once: every attempt sends the very same bytes."""
        known = self._bodies.get((event.id, dialect))
        if known is not None:
            return known
        return self._bodies.keep((event.id, dialect), render(event.type, event.snapshot, dialect))

    @contextmanager
    def _faults_counted(self) -> Iterator[None]:
        """Whatever a receiver does is an answer, so what fails here is our own fault."""
        is_fault = True
        try:
            yield
            is_fault = False
        finally:
            if is_fault:
                self._count("SenderFaults")


def gate(hint: Hint, target: Target | None) -> Gate:
    """S2: may this hint be sent now? What is dropped is still due, and the sweep decides when."""
    if target is None or target.endpoint.status == "deleted":
        return "cancel"
    if hint.why == "test":
        return "send"
    state = target.health.state
    if target.endpoint.status != "active":
        return "drop"
    if state == "open" and hint.why not in ("probe", "manual"):
        return "drop"
    return "move" if hint.lane == "fast" and state != "ok" else "send"
