"""Publishing: every committed event reaches the bus, by the table's stream or else by the sweep."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from tessera import clock
from tessera.events import Event
from tessera.webhooks.models import Count, Now

_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(minutes=2), timedelta(minutes=60)
_AT_ONCE = 100
_STOPS_AFTER = timedelta(seconds=40)


class OpenEvent(NamedTuple):
    """An event that nobody has vouched for yet, and when the sweep is to look at it."""

    event: Event
    open_at: int


class Bus(Protocol):
    def publish(self, events: Sequence[Event]) -> set[int]:
        """Puts events on the bus; answers the positions of those that it did not take."""


class Outbox(Protocol):
    def close(self, event: str) -> None:
        """No sweep will look at this event again."""

    def due(self, *, now_ms: int, at_most: int) -> list[OpenEvent]:
        """Open events whose time has come, in no particular order."""

    def postpone(self, due: OpenEvent, *, until_ms: int) -> bool:
        """Moves `open_at`, unless somebody else has or the event was closed."""


def publish(events: Sequence[Event], *, bus: Bus, outbox: Outbox) -> set[int]:
    """Announces them; answers the positions of those that must be given again.

    An event for webhook endpoints stays open until it is fanned out: one write then vouches for
    stream, bus, rule and queue together.
    """
    failed = bus.publish(events)
    for position, event in enumerate(events):
        if position not in failed and not event.webhook:
            outbox.close(event.id)
    return failed


def republish(*, bus: Bus, outbox: Outbox, now: Now, count: Count) -> dict[str, int]:
    """One turn of the sweep: publishes again what is still open after 2, 4, 8 … 60 minutes."""
    stop = now() + _STOPS_AFTER
    published = left = oldest = 0
    while now() < stop:
        due = outbox.due(now_ms=clock.epoch_ms(now()), at_most=_AT_ONCE)
        if not due:
            break
        events = [one.event for one in due if _is_ours(one, outbox, now())]
        oldest = max([oldest, *(int((now() - one.created_at).total_seconds()) for one in events)])
        failed = publish(events, bus=bus, outbox=outbox)
        published += len(events) - len(failed)
        left += len(failed)
    count("OldestOpenEventSeconds", oldest)
    return {"published": published, "failed": left}


def _is_ours(due: OpenEvent, outbox: Outbox, now: datetime) -> bool:
    """Takes the event for this turn: its next look is moved away before it is published.

    The distance doubles without a counter: an event waits as long again as it is old.
    """
    age = now - due.event.created_at
    wait = min(max(age, _SHORTEST_WAIT), _LONGEST_WAIT)
    return outbox.postpone(due, until_ms=clock.epoch_ms(now + wait))
