"""What was announced: events, newest first or of one owner, and one with all that became of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from tessera import clock, ids
from tessera.clock import Instant
from tessera.cursors import Cursors
from tessera.errors import NotFound
from tessera.events import EVENT_TYPES, Event
from tessera.identity.principal import Principal
from tessera.objects import Model, canonical_json
from tessera.webhooks.deliveries import has_expired
from tessera.webhooks.dialects import Dialect, render
from tessera.webhooks.endpoints import named
from tessera.webhooks.filters import passes
from tessera.webhooks.listing import DeliverySummary, check_type, summary
from tessera.webhooks.looking import keys_at_once, look
from tessera.webhooks.models import Delivery, Endpoint, Target

_KEPT = timedelta(days=90)
_DAYS_A_PAGE = 31
"""Each is four requests; the list goes on behind them."""


class EventSummary(Model):
    id: str
    type: str
    created_at: Instant
    owner: str | None = None
    subscription: str | None = None
    sequence: int | None = None
    webhook: bool
    """False for those that are for the bus alone."""
    test: bool
    about_endpoint: str | None = None


class EventPage(Model):
    items: list[EventSummary]
    cursor: str | None = None


class BodyView(Model):
    body: str
    """As sent, byte for byte."""
    dialects: list[Dialect]
    """Those that read it so."""


class EventView(EventSummary):
    bodies: list[BodyView]
    deliveries: list[DeliverySummary]


class Place(NamedTuple):
    """Where an event stands: by time in the list of all, by number in that of an owner."""

    id: str
    created_at: str | None = None
    sequence: int | None = None
    type: str | None = None
    owner: str | None = None
    subscription: str | None = None


class Kept(NamedTuple):
    """An event as it is kept, with the endpoints that were told of it."""

    event: Event
    told: tuple[str, ...] | None
    """None as long as nobody has been."""


class Listed(NamedTuple):
    found: list[Kept]
    cursor: str | None


class Wanted(NamedTuple):
    """Which events are asked for; absent members let all through."""

    type: str | None = None
    """An exact name or a group."""
    owner: str | None = None
    subscription: str | None = None
    since: datetime | None = None
    """Of the event's creation, like `until`; both are included."""
    until: datetime | None = None

    def may_fit(self, place: Place) -> bool:
        """The list of an owner tells the type alone; the row has the last word."""
        told = place.type is None or self._names(place.type)
        if self.owner is not None:
            return told
        return told and self.subscription in (None, place.subscription)

    def fits(self, event: Event) -> bool:
        """Whose it is has been settled by the list that was read."""
        return (
            self._names(event.type)
            and self.subscription in (None, event.subscription)
            and (self.since is None or self.since <= event.created_at)
            and (self.until is None or event.created_at <= self.until)
        )

    def _names(self, type: str) -> bool:
        return self.type is None or passes([self.type], type, operational=False)


class Archive(Protocol):
    def by_time(
        self, *, newest: datetime, oldest: datetime, after: Place | None, at_once: int
    ) -> Iterator[Place]:
        """Newest first, of the days from one to the other; read as far as it is asked for."""

    def of_owner(self, owner: str, *, after: Place | None, at_once: int) -> Iterator[Place]:
        """Newest first, read as far as it is asked for."""

    def at(self, places: Sequence[Place], *, now: datetime) -> Mapping[Place, Kept]:
        """Without those that have expired."""

    def find(self, event: str, *, now: datetime) -> Event | None: ...


class Deliveries(Protocol):
    def of_event(self, event: str) -> list[Delivery]: ...


class Endpoints(Protocol):
    def all(self) -> list[Target]: ...


def page(
    wanted: Wanted,
    *,
    by: Principal,
    cursors: Cursors,
    cursor: str | None,
    size: int,
    archive: Archive,
    now: datetime,
) -> EventPage:
    """Like `listed`, as it is answered."""
    found = listed(
        wanted, by=by, cursors=cursors, cursor=cursor, size=size, archive=archive, now=now
    )
    return EventPage(items=[summary_of(one.event) for one in found.found], cursor=found.cursor)


def listed(
    wanted: Wanted,
    *,
    by: Principal,
    cursors: Cursors,
    cursor: str | None,
    size: int,
    archive: Archive,
    now: datetime,
) -> Listed:
    """A page may be short or empty although another one follows: it looks at a month at most.

    Raises `InvalidFields`, and `InvalidRequest` for a cursor of another list.
    """
    check_type(wanted.type, EVENT_TYPES)
    times = [at and clock.instant(at) for at in wanted[3:]]
    of = canonical_json(["events", named(by), *wanted[:3], *times])
    after = Place(**cursors.open(cursor, of=of)) if cursor else None
    at_once = keys_at_once(size, is_filtered=any(wanted[:3]))
    month: datetime | None = None
    if wanted.owner is not None:
        places = archive.of_owner(wanted.owner, after=after, at_once=at_once)
    else:
        newest, oldest, month = _days(wanted, after, now)
        places = archive.by_time(newest=newest, oldest=oldest, after=after, at_once=at_once)
    looked = look(
        places,
        rows=lambda some: archive.at(some, now=now),
        fits=lambda kept: wanted.fits(kept.event),
        may_fit=wanted.may_fit,
        size=size,
        at_once=at_once,
    )
    last = looked.last
    if last is None and month is not None:
        last = Place("", clock.instant(month))
    position = last and {"id": last.id, "created_at": last.created_at, "sequence": last.sequence}
    return Listed(looked.shown, cursors.seal(position, of=of) if position else None)


def read(
    id: str, *, archive: Archive, deliveries: Deliveries, endpoints: Endpoints, now: datetime
) -> EventView:
    """Raises `NotFound`, also for an event that has expired."""
    event = archive.find(id, now=now) if ids.is_id(id, "event") else None
    if event is None:
        raise NotFound("There is no such event. Events are kept for 90 days.", code="not_found")
    rows = [one for one in deliveries.of_event(id) if not has_expired(one, now)]
    by_id: dict[str, Endpoint] = {}
    if rows:
        by_id = {target.endpoint.id: target.endpoint for target in endpoints.all()}
    return EventView(
        **dict(summary_of(event)),
        bodies=_bodies(event, rows),
        deliveries=[summary(one, by_id.get(one.endpoint)) for one in rows],
    )


def _bodies(event: Event, deliveries: Sequence[Delivery]) -> list[BodyView]:
    """Each once, however many dialects read alike; in the newest one where nobody was told."""
    dialects: dict[str, list[Dialect]] = {}
    for dialect in dict.fromkeys(one.dialect for one in deliveries) or [Dialect()]:
        body = render(event.type, event.snapshot, dialect).decode()
        dialects.setdefault(body, []).append(dialect)
    return [BodyView(body=body, dialects=read_by) for body, read_by in dialects.items()]


def _days(
    wanted: Wanted, after: Place | None, now: datetime
) -> tuple[datetime, datetime, datetime | None]:
    """From when to when this page looks, and where the next one begins if that is not all."""
    begin = min(wanted.until or now, now)
    if after is not None and after.created_at is not None:
        begin = min(begin, datetime.fromisoformat(after.created_at))
    end = max(wanted.since or now - _KEPT, now - _KEPT)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    days = timedelta(days=_DAYS_A_PAGE - 1)
    # A date so long before is only made where it is needed: `until` may be in the year 1.
    is_all = midnight - end <= days
    return (begin, end, None) if is_all else (begin, midnight - days, midnight - days)


def summary_of(event: Event) -> EventSummary:
    names = set(EventSummary.model_fields)
    return EventSummary(
        **{name: value for name, value in event if name in names},
        test=event.only_endpoint is not None,
    )
