"""Lists of deliveries: those of an endpoint, newest first, by state, type, owner and time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeAlias

from tessera import clock
from tessera.clock import Instant
from tessera.cursors import Cursors
from tessera.identity.principal import Principal
from tessera.objects import Model, canonical_json
from tessera.webhooks.deliveries import DeliveryFacts, has_expired, word
from tessera.webhooks.endpoints import Finds, known, named
from tessera.webhooks.filters import checked_choice, passes
from tessera.webhooks.jobs import Index
from tessera.webhooks.looking import keys_at_once, look
from tessera.webhooks.models import Delivery, Endpoint, Last, Place
from tessera.webhooks.settings import RECEIVABLE, Checks

Asked: TypeAlias = Literal["pending", "failing", "delivered", "exhausted", "cancelled"]
"""A state; `failing` are those of the pending that have failed, also said `retrying`."""


class DeliverySummary(DeliveryFacts):
    attempted: int
    """Attempts, over all rounds."""
    last: Last | None = None
    next_due: Instant | None = None


class DeliveryPage(Model):
    items: list[DeliverySummary]
    cursor: str | None = None


class Wanted(NamedTuple):
    """Which deliveries of an endpoint are asked for; absent members let all through."""

    state: Asked | None = None
    type: str | None = None
    """An exact name or a group."""
    owner: str | None = None
    since: datetime | None = None
    """Of the event's creation, like `until`; both are included."""
    until: datetime | None = None

    @property
    def walked(self) -> Index:
        """The failures are few, so they have an index of their own."""
        return "failed" if self.state in ("failing", "exhausted") else "by_endpoint"

    def may_fit(self, place: Place) -> bool:
        """The index of failures tells nothing but the key."""
        return self.walked == "failed" or (
            self.owner in (None, place.owner) and self._names(str(place.type))
        )

    def fits(self, delivery: Delivery) -> bool:
        return (
            self._is_in(delivery)
            and self.owner in (None, delivery.owner)
            and self._names(delivery.type)
        )

    def _names(self, type: str) -> bool:
        return self.type is None or passes([self.type], type, operational=False)

    def _is_in(self, delivery: Delivery) -> bool:
        if self.state == "failing":
            return delivery.state == "pending" and delivery.failures > 0
        return self.state in (None, delivery.state)


class Deliveries(Protocol):
    def places(
        self,
        endpoint: str,
        index: Index,
        *,
        since: datetime | None,
        until: datetime | None,
        after: Place | None,
        at_once: int,
    ) -> Iterator[Place]:
        """Newest first, read as far as it is asked for."""

    def at(self, endpoint: str, places: Sequence[Place]) -> Mapping[Place, Delivery]: ...


def of_endpoint(
    id: str,
    wanted: Wanted,
    *,
    by: Principal,
    cursors: Cursors,
    cursor: str | None,
    size: int,
    deliveries: Deliveries,
    endpoints: Finds,
    now: datetime,
) -> DeliveryPage:
    """A page may be short or empty although another one follows, where few fit the filter.

    Raises `NotFound`, `InvalidFields`, and `InvalidRequest` for a cursor of another list.
    """
    endpoint = known(id, endpoints).endpoint
    check_type(wanted.type, RECEIVABLE)
    times = [at and clock.instant(at) for at in (wanted.since, wanted.until)]
    of = canonical_json(["deliveries", named(by), id, *wanted[:3], *times])
    after = Place(**cursors.open(cursor, of=of)) if cursor else None
    is_filtered = any((wanted.state, wanted.type, wanted.owner))
    at_once = keys_at_once(size, is_filtered=is_filtered)
    places = deliveries.places(
        id,
        wanted.walked,
        since=wanted.since,
        until=wanted.until,
        after=after,
        at_once=at_once,
    )
    looked = look(
        places,
        rows=lambda some: deliveries.at(id, some),
        fits=lambda delivery: wanted.fits(delivery) and not has_expired(delivery, now),
        may_fit=wanted.may_fit,
        size=size,
        at_once=at_once,
    )
    last = looked.last
    more = last and {"created_at": last.created_at, "event": last.event}
    return DeliveryPage(
        items=[summary(one, endpoint) for one in looked.shown],
        cursor=cursors.seal(more, of=of) if more else None,
    )


def summary(delivery: Delivery, endpoint: Endpoint | None) -> DeliverySummary:
    names = set(DeliverySummary.model_fields) - {"next_due"}
    due = delivery.next_due
    return DeliverySummary(
        **{name: value for name, value in delivery if name in names},
        word=word(delivery, endpoint),
        attempted=delivery.attempts,
        next_due=None if due is None else clock.from_epoch_ms(due),
    )


def check_type(type: str | None, known: Collection[str]) -> None:
    """Raises `InvalidFields` for an event type or group that does not exist."""
    checks = Checks()
    if type is not None:
        checks.passed("type", lambda: checked_choice(type, known), "")
    checks.refuse()
