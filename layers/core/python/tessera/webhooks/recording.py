"""What an attempt makes of its delivery: for the sender, and for a sweep that finds it undone."""

from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias

from tessera.webhooks.models import Attempt, Delivery, Last, NotRecorded, Success
from tessera.webhooks.outcome import Outcome

DELIVERY_KEPT = timedelta(days=30)
"""After it ended."""
ATTEMPT_KEPT = timedelta(days=60)

Became: TypeAlias = Literal["delivered", "retrying", "gave_up", "superseded"]


class Deliveries(Protocol):
    """Each answers whether its condition held. All raise `NotRecorded`."""

    def deliver(
        self, claimed: Delivery, how: Last | Success, *, at: datetime, expires_at: int
    ) -> bool: ...

    def postpone(self, claimed: Delivery, last: Last, *, next_due: int) -> bool: ...
    def exhaust(self, claimed: Delivery, last: Last, *, reason: str, expires_at: int) -> bool: ...


class Keeps(Deliveries, Protocol):
    def record(self, attempt: Attempt) -> None:
        """Keeps a result unless one is there. Raises `NotRecorded`."""


def keep(
    claimed: Delivery,
    attempt: Attempt,
    *,
    deliveries: Keeps,
    now: datetime,
    margin_ms: int = 0,
) -> Became:
    """Keeps a result and what it makes of its delivery. Raises `NotRecorded`.

    One write for the success of a first round. Where that is refused, the attempt is kept by
    itself all the same: for a person who looks, or for the sweep, which then sends nothing again.
    """
    success = attempt.success
    if success is None:
        deliveries.record(attempt)
        return finish(claimed, attempt, deliveries=deliveries, now=now, margin_ms=margin_ms)
    expires_at = expiry(now, DELIVERY_KEPT)
    try:
        if deliveries.deliver(claimed, success, at=now, expires_at=expires_at):
            return "delivered"
    except NotRecorded:
        deliveries.record(attempt)
        raise
    deliveries.record(attempt)
    return "superseded"


def finish(
    claimed: Delivery,
    attempt: Attempt,
    *,
    deliveries: Deliveries,
    now: datetime,
    margin_ms: int = 0,
) -> Became:
    """Writes the delivery as an attempt leaves it that is kept already.

    `margin_ms` is added to the due time when a hint is on its way, so that the sweep only heals.
    `superseded`: somebody ended the delivery or took the claim over meanwhile; that stands.
    """
    became: Became
    if attempt.outcome is Outcome.DELIVERED:
        became = "delivered"
        held = deliveries.deliver(
            claimed, attempt.last, at=now, expires_at=expiry(now, DELIVERY_KEPT)
        )
    elif attempt.next_due is not None:
        became = "retrying"
        held = deliveries.postpone(claimed, attempt.last, next_due=attempt.next_due + margin_ms)
    else:
        became = "gave_up"
        held = deliveries.exhaust(
            claimed,
            attempt.last,
            reason="attempts_used_up",
            expires_at=expiry(now, DELIVERY_KEPT),
        )
    return became if held else "superseded"


def expiry(now: datetime, kept: timedelta) -> int:
    return int((now + kept).timestamp())
