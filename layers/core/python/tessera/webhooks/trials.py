"""Test events: a sample that goes the whole real way to one endpoint alone."""

from datetime import datetime, timedelta
from typing import Protocol

from tessera import clock, events
from tessera.errors import TooManyRequests
from tessera.events import Event
from tessera.objects import Model
from tessera.webhooks.endpoints import Finds, live
from tessera.webhooks.filters import checked_type
from tessera.webhooks.samples import sample
from tessera.webhooks.settings import RECEIVABLE, Checks

A_MINUTE = 10
"""Test events for one endpoint."""


class Trial(Model):
    type: str
    """Exactly one, not a group."""


class TrialView(Model):
    """`GET /api/webhooks/deliveries/{event}/{endpoint}` tells what the receiver answered."""

    event: str
    endpoint: str
    type: str


class TooManyTests(TooManyRequests):
    title = "Too many test events"

    def __init__(self, wait: int) -> None:
        super().__init__(f"An endpoint gets {A_MINUTE} test events a minute. Try again in a while.")
        self.headers["Retry-After"] = str(wait)


class Trials(Protocol):
    def announce(self, event: Event, endpoint: str, *, minute: datetime, at_most: int) -> bool:
        """Records the event unless so many have been in this minute; both in one transaction."""


def send(
    id: str,
    asked: Trial,
    *,
    endpoints: Finds,
    trials: Trials,
    correlation_id: str | None,
    now: datetime,
) -> TrialView:
    """Raises `NotFound`, `EndpointDeleted`, `InvalidFields` and `TooManyTests`."""
    live(id, endpoints)
    checks = Checks()
    type = checks.passed("type", lambda: checked_type(asked.type, RECEIVABLE), "")
    checks.refuse()
    snapshot = sample(type, now)
    owner = snapshot.get("owner")
    event = events.event(
        type,
        snapshot,
        at=now,
        owner=owner,
        # Nobody has this owner, so any number that grows will do.
        sequence=clock.epoch_ms(now) if owner else None,
        only_endpoint=id,
        correlation_id=correlation_id,
    )
    minute = now.replace(second=0, microsecond=0)
    if not trials.announce(event, id, minute=minute, at_most=A_MINUTE):
        left = minute + timedelta(minutes=1) - now
        raise TooManyTests(int(left.total_seconds()) + 1)
    return TrialView(event=event.id, endpoint=id, type=type)
