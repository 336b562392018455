"""Zuora's callouts: hints that a subscription has changed there, each leading to a sync.

A callout is not signed: only the key in it is taken, and everything is read from Zuora again. So
callouts may be lost, doubled or out of order without harm. Source: README, "Callouts of Zuora".
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from tessera import clock
from tessera.clock import Instant
from tessera.commerce.commits import Busy, OwnerBusy
from tessera.commerce.sync import Synced
from tessera.errors import Conflict, InvalidFields, NotFound, UpstreamFailed, invalid
from tessera.objects import Model

_OWN_ORDERS_SETTLE = 10
"""Seconds. Tessera's own orders cause callouts too, and end with a sync of their own."""
_WAITS = (10, 30, 60, 120, 300, 900, 1800, 3600)
"""Seconds after each failure; the last one repeats."""
_SPREAD = 0.2
_GIVEN_UP_AFTER = timedelta(hours=6)
_LONGEST_TYPE = 100


def _printable(key: str) -> str:
    """Otherwise no sync would take it, and its message would end among the dead letters."""
    if not key.isprintable():
        raise ValueError("has characters that no number or id has")
    return key


Key = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(_printable),
]


def _filled(value: object) -> object:
    """A parameter of the callout that has no value is sent empty."""
    return value if not isinstance(value, str) or value.strip() else None


def _cut(value: object) -> str | None:
    """Only logs want the type: none of it is worth losing the hint for."""
    return value[:_LONGEST_TYPE] if isinstance(value, str) else None


class Callout(Model):
    """What Zuora sends. All but the key is ignored."""

    model_config = ConfigDict(extra="ignore")

    subscription_number: Annotated[Key | None, BeforeValidator(_filled)] = Field(
        default=None, alias="subscriptionNumber"
    )
    subscription_id: Annotated[Key | None, BeforeValidator(_filled)] = Field(
        default=None, alias="subscriptionID"
    )
    """A number, too, or the id of one version."""
    type: Annotated[str | None, BeforeValidator(_cut)] = None

    @property
    def key(self) -> str:
        """Raises `InvalidFields` when it names no subscription."""
        key = self.subscription_number or self.subscription_id
        if key is None:
            raise invalid("subscriptionID", "Name the subscription by number or id.", "required")
        return key


class Resync(Model):
    """A message of the queue `resync-subscription`."""

    subscription_key: str
    type: str | None = None
    notification_id: str | None = None
    received_at: Instant
    attempt: int = 0
    """Failures so far."""
    next_at: Instant | None = None
    """Not before then: a queue holds a message back for a quarter of an hour at most."""
    correlation_id: str | None = None


class Notifications(Protocol):
    def is_known(self, id: str, now: datetime) -> bool: ...

    def remember(self, id: str, now: datetime) -> None: ...


class ResyncQueue(Protocol):
    def send(self, wanted: Resync, *, delay: int) -> None:
        """`delay` in seconds, of which a queue grants 900 at most."""


def receive(
    callout: Callout,
    notification_id: str | None,
    *,
    notifications: Notifications,
    queue: ResyncQueue,
    now: datetime,
    correlation_id: str | None = None,
) -> str:
    """Queues a sync, and answers what was decided: `queued` or `repeated`.

    Remembered after it is queued: a crash in between costs a second sync, never the only one.
    """
    key = callout.key
    if notification_id and notifications.is_known(notification_id, now):
        return "repeated"
    wanted = Resync(
        subscription_key=key,
        type=callout.type,
        notification_id=notification_id,
        received_at=now,
        correlation_id=correlation_id,
    )
    queue.send(wanted, delay=_OWN_ORDERS_SETTLE)
    if notification_id:
        notifications.remember(notification_id, now)
    return "queued"


def resync(
    wanted: Resync,
    *,
    sync: Callable[[str], Synced],
    queue: ResyncQueue,
    now: datetime,
    random: Callable[[], float],
    count: Callable[[str], None],
) -> dict[str, Any]:
    """Syncs the subscription, or sends the message again for later; members of the outcome line.

    What Zuora does not know, or what cannot be taken over as it is, is acknowledged: the next
    change there brings the next callout. `random` is from 0 to 1.
    """
    told: dict[str, Any] = {"subscription_key": wanted.subscription_key}
    if wanted.next_at is not None and wanted.next_at > now:
        queue.send(wanted, delay=_seconds(wanted.next_at - now))
        return {**told, "outcome": "waiting"}
    try:
        synced = sync(wanted.subscription_key)
    except NotFound:
        return {**told, "outcome": "unknown"}
    except (UpstreamFailed, Busy, OwnerBusy) as failed:
        told |= {"code": failed.wire_code, "attempt": wanted.attempt + 1}
        wait = _wait(wanted.attempt, failed, random())
        if now + wait - wanted.received_at > _GIVEN_UP_AFTER:
            count("ResyncsGivenUp")
            return {**told, "outcome": "gave_up"}
        later = {"attempt": wanted.attempt + 1, "next_at": clock.to_millisecond(now + wait)}
        queue.send(wanted.model_copy(update=later), delay=_seconds(wait))
        return {**told, "outcome": "retrying"}
    except (Conflict, InvalidFields) as refused:
        return {**told, "outcome": "refused", "code": refused.wire_code}
    return {**told, "outcome": "synced", "subscription": synced.id, "owner": synced.owner}


def _wait(attempt: int, failed: Exception, random: float) -> timedelta:
    """A fifth more or less, so that what failed together does not come back together."""
    planned = _WAITS[min(attempt, len(_WAITS) - 1)] * (1 + _SPREAD * (2 * random - 1))
    asked = failed.retry_after if isinstance(failed, UpstreamFailed) else None
    return timedelta(seconds=max(planned, asked or 0))


def _seconds(rest: timedelta) -> int:
    return min(900, -int(-rest.total_seconds() // 1))
