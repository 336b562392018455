"""Fan-out: one event becomes one delivery row per endpoint that is to hear of it, and its hints.

Rows come first, so that a crash between a row and its hint leaves work that the sweep finds; the
event is closed last, so that until then it is published again. The hints of a batch travel
together, ten a message batch, whichever events they are of.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any, Protocol, TypeVar

from tessera import clock
from tessera.events import EVENT_TYPES, Event
from tessera.webhooks.filters import goes_to
from tessera.webhooks.models import Delivery, Each, Hint, Lane, Now, Target, Why

_CLOCK_SKEW = timedelta(seconds=5)
_SWEPT_AFTER = timedelta(seconds=120)
_SURELY_RECENT = timedelta(days=1)

R = TypeVar("R")


class Endpoints(Protocol):
    def all(self) -> list[Target]:
        """Every endpoint with its health, exactly as it is now."""


class Deliveries(Protocol):
    def add(self, delivery: Delivery) -> Delivery | None:
        """Makes the row; answers the one that stood there already."""


class Outbox(Protocol):
    def is_fanned_out(self, event: str) -> bool: ...
    def mark_fanned_out(self, event: str, now: datetime, told: Sequence[str]) -> None:
        """Closes it; `told` are the endpoints that have a row of it."""


class Queues(Protocol):
    def send(self, hints: Sequence[Hint]) -> None: ...


class FanOut:
    def __init__(
        self,
        *,
        endpoints: Endpoints,
        deliveries: Deliveries,
        outbox: Outbox,
        queues: Queues,
        pool: Executor,
        now: Now,
    ) -> None:
        self._endpoints = endpoints
        self._deliveries = deliveries
        self._outbox = outbox
        self._queues = queues
        self._pool = pool
        self._now = now

    def batch(self, events: Sequence[Event], each: Each[Event]) -> None:
        """Reads the endpoints once for all events of a batch; each event fails by itself."""
        targets = self._endpoints.all()
        chosen = [self._pool.submit(self._chosen, event, targets) for event in events]
        rows = [
            [self._pool.submit(self._row, event, target) for target in _held(found) or ()]
            for event, found in zip(events, chosen, strict=True)
        ]
        self._queues.send([hint for row in chain(*rows) if (hint := _held(row)) is not None])
        for event, found, made in zip(events, chosen, rows, strict=True):
            each(event, partial(self._close, chosen=found, rows=made))

    def _chosen(self, event: Event, targets: Sequence[Target]) -> list[Target] | None:
        """Who is to hear of it; None where it was seen to long ago."""
        # A replay of the bus archive must not send again what has expired here.
        is_old = self._now() - event.created_at > _SURELY_RECENT
        if is_old and self._outbox.is_fanned_out(event.id):
            return None
        return [target for target in targets if is_to_hear(target, event)]

    def _close(
        self,
        event: Event,
        *,
        chosen: Future[list[Target] | None],
        rows: Sequence[Future[Hint | None]],
    ) -> Mapping[str, Any]:
        """Answers members of the event's outcome line; raises what its rows met."""
        line = {"webhook_event": event.id, "type": event.type}
        if (targets := chosen.result()) is None:
            return {**line, "outcome": "skipped"}
        hints = [hint for row in rows if (hint := row.result()) is not None]
        told = [target.endpoint.id for target in targets]
        self._outbox.mark_fanned_out(event.id, self._now(), told)
        return {**line, "outcome": "fanned_out", "deliveries": len(rows), "hints": len(hints)}

    def _row(self, event: Event, target: Target) -> Hint | None:
        endpoint = target.endpoint
        is_test = event.only_endpoint is not None
        delivery = Delivery(
            event=event.id,
            endpoint=endpoint.id,
            type=event.type,
            owner=event.owner,
            subscription=event.subscription,
            sequence=event.sequence,
            dialect=endpoint.dialect,
            created_at=event.created_at,
            next_due=clock.epoch_ms(self._now() + _SWEPT_AFTER),
            test=is_test,
        )
        found = self._deliveries.add(delivery)
        lane = first_lane(target, is_test=is_test)
        was_sent = found is not None and (found.attempts or found.state != "pending")
        if lane is None or was_sent:
            return None
        why: Why = "test" if is_test else "event"
        return Hint(event=event.id, endpoint=endpoint.id, n=0, lane=lane, why=why)


def _held(one: Future[R]) -> R | None:
    """What came of it; None where it failed, as `_close` tells."""
    return None if one.exception() else one.result()


def is_to_hear(target: Target, event: Event) -> bool:
    """Is a row to be made? Paused and disabled endpoints get theirs too, for when they resume."""
    endpoint = target.endpoint
    return (
        endpoint.status != "deleted"
        and endpoint.created_at <= event.created_at + _CLOCK_SKEW
        and (endpoint.dialect.announce_ahead or not event.ahead)
        and goes_to(
            endpoint.id,
            endpoint.types,
            type=event.type,
            operational=EVENT_TYPES[event.type].operational,
            only_endpoint=event.only_endpoint,
            about_endpoint=event.about_endpoint,
        )
    )


def first_lane(target: Target, *, is_test: bool) -> Lane | None:
    """Where the first hint goes; none where the sweep alone decides when to send."""
    if is_test:
        return "fast"
    if target.endpoint.status != "active" or target.health.state == "open":
        return None
    return "fast" if target.health.state == "ok" else "slow"
