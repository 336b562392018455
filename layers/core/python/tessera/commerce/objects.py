"""Any object by its id, and lists of each kind: of an owner, of a partner organisation, or all.

Source: README, "Objects, ids, times"; the kinds are named as the path names them.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol, TypeAlias

from tessera import clock, ids
from tessera.commerce.entitlement_query import entitlements_of
from tessera.commerce.entitlements import Ownership
from tessera.commerce.method_records import method_on
from tessera.commerce.models import Holding, ProcessEvent, StoredPaymentMethod, SubscriptionOffer
from tessera.commerce.owners import present
from tessera.commerce.subscriptions import offer_on, on_day
from tessera.cursors import Cursors
from tessera.errors import InvalidRequest, NotFound, invalid
from tessera.events import EVENT_TYPES, Event
from tessera.identity.principal import Principal
from tessera.objects import Record, canonical_json

Position: TypeAlias = dict[str, Any]
"""Where a page ended, in the words of the store that read it."""

PREFIXES: Mapping[str, tuple[str, ...]] = {
    "orders": ("order",),
    "customers": ("cus",),
    "subscriptions": ("sub",),
    "identities": ("id", "xid"),
    "address": ("address",),
    "schedules": ("schedule",),
    "payment_methods": ("pm",),
    "subscription_offers": ("subscription_offer",),
    "user_entitlements": ("user_entitlements",),
    "events": ("event",),
    "process": ("process_event",),
}
"""Of the ids of each kind, by the path that names it."""


class Objects(Protocol):
    def object(self, path_type: str, id: str) -> Record | None: ...

    def objects(
        self,
        path_type: str,
        *,
        owner: str | None,
        partner_org: str | None,
        limit: int,
        after: Position | None,
    ) -> tuple[list[Record], Position | None]:
        """A page in a stable order, and where the next one begins."""

    def ownership(self, owner: str) -> Ownership | None: ...

    def ownerships(
        self, *, partner_org: str | None, limit: int, after: Position | None
    ) -> tuple[list[Ownership], Position | None]: ...


class History(Protocol):
    def event(self, id: str, *, now: datetime) -> Event | None: ...

    def events(
        self, *, owner: str | None, limit: int, after: Position | None, now: datetime
    ) -> tuple[list[Event], Position | None]: ...


class Moment(NamedTuple):
    now: datetime
    today: date
    mode: str


class Wanted(NamedTuple):
    """Which objects of a kind; with neither, all of them."""

    owner: str | None = None
    partner_org: str | None = None


def read(
    path_type: str,
    id: str,
    *,
    by: Principal,
    objects: Objects,
    history: History,
    moment: Moment,
) -> dict[str, Any]:
    """Raises `NotFound`, `InvalidRequest` for what is no id of this kind, `OwnerMerged`."""
    _check_id(id, *_prefixes(path_type))
    found: dict[str, Any] | None = None
    if path_type == "user_entitlements":
        owner = ids.owner_of_entitlements(id)
        found = _user_entitlements(present(objects.ownership(owner), owner), moment.today)
    elif path_type == "events":
        if (event := history.event(id, now=moment.now)) is not None:
            found = _event(event, moment.mode)
    elif (one := objects.object(path_type, id)) is not None:
        found = _shown(one, moment.today, by)
    if found is None:
        raise NotFound(f"There is no {id} among {path_type}.", code="not_found")
    return found


def list_page(
    path_type: str,
    wanted: Wanted,
    *,
    limit: int,
    cursor: str | None,
    by: Principal,
    objects: Objects,
    history: History,
    cursors: Cursors,
    moment: Moment,
) -> dict[str, Any]:
    """`{"items", "queryMore"}`. Raises `NotFound` for an unknown kind, `InvalidRequest`."""
    _prefixes(path_type)
    if wanted.owner is not None and wanted.partner_org is not None:
        raise InvalidRequest(
            "List by owner or by partner_org, not by both.", code="invalid_request"
        )
    for id, prefix in ((wanted.owner, "id"), (wanted.partner_org, "partner_org")):
        if id is not None:
            _check_id(id, prefix)
    query = canonical_json(["objects", by.kind, by.id, path_type, *wanted])
    after = None if cursor is None else cursors.open(cursor, of=query)
    items, following = _page(path_type, wanted, limit, after, by, objects, history, moment)
    more = None if following is None else cursors.seal(following, of=query)
    return {"items": items, "queryMore": more}


def _page(
    path_type: str,
    wanted: Wanted,
    limit: int,
    after: Position | None,
    by: Principal,
    objects: Objects,
    history: History,
    moment: Moment,
) -> tuple[list[dict[str, Any]], Position | None]:
    match path_type:
        case "events":
            if wanted.partner_org is not None:
                raise invalid("partner_org", "Events are listed by owner, or all together.")
            told, following = history.events(
                owner=wanted.owner, limit=limit, after=after, now=moment.now
            )
            return [_event(one, moment.mode) for one in told], following
        case "user_entitlements":
            owned, following = _ownerships(wanted, limit, after, objects)
            return [_user_entitlements(one, moment.today) for one in owned], following
    found, following = objects.objects(path_type, **wanted._asdict(), limit=limit, after=after)
    return [_shown(one, moment.today, by) for one in found], following


def _ownerships(
    wanted: Wanted, limit: int, after: Position | None, objects: Objects
) -> tuple[list[Ownership], Position | None]:
    """Of owners that became others nothing is shown: they have no entitlements of their own."""
    if wanted.owner is None:
        owned, following = objects.ownerships(
            partner_org=wanted.partner_org, limit=limit, after=after
        )
    else:
        one = objects.ownership(wanted.owner)
        owned, following = ([one] if one else []), None
    return [one for one in owned if one.owner.status not in ("merged", "replaced")], following


def _shown(one: Record, today: date, by: Principal) -> dict[str, Any]:
    """As its GET returns it: with the statuses that its dates give it today.

    What outside systems said in their own words is for the company's staff alone.
    """
    match one:
        case Holding():
            return on_day(one, today).wire()
        case SubscriptionOffer():
            return offer_on(one, today).wire()
        case StoredPaymentMethod():
            return method_on(one, today).wire()
        case ProcessEvent() if by.kind != "operator":
            silent = one.data.model_copy(update={"text": None})
            return one.model_copy(update={"data": silent}).wire()
    return one.wire()


def _user_entitlements(ownership: Ownership, today: date) -> dict[str, Any]:
    """What the entitlement query answers, in the envelope of an object."""
    owner = ownership.owner
    answer = entitlements_of(ownership, today).wire()
    envelope = {
        "id": ids.entitlements_of_owner(owner.id),
        "record_type": "user_entitlements",
        "service": owner.service,
        "mode": owner.mode,
        "status": "active",
        "owner": owner.id,
        "partner_org": owner.partner_org,
        "created": clock.instant(owner.created),
        "updated": answer.pop("updated"),
        "data": {name: value for name, value in answer.items() if name != "owner"},
    }
    return {name: value for name, value in envelope.items() if value is not None}


def _event(event: Event, mode: str) -> dict[str, Any]:
    """Some announce nothing but themselves: their snapshot is the object."""
    kind = EVENT_TYPES.get(event.type)
    if kind is not None and kind.body == "event body":
        return event.snapshot
    shown = {
        "id": event.id,
        "record_type": "event",
        "service": "limio",
        "mode": mode,
        "name": event.type,
        "owner": event.owner,
        "partner_org": event.partner_org,
        "subscription": event.subscription,
        "created": clock.instant(event.created_at),
        "data": event.snapshot,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _prefixes(path_type: str) -> tuple[str, ...]:
    if path_type not in PREFIXES:
        raise NotFound(
            f"There are no objects of this kind. The kinds are {', '.join(PREFIXES)}.",
            code="not_found",
        )
    return PREFIXES[path_type]


def _check_id(id: str, *prefixes: str) -> None:
    if not any(ids.is_id(id, prefix) for prefix in prefixes):
        begins = " or ".join(f"{prefix}-" for prefix in prefixes)
        raise InvalidRequest(
            f"This id must be {begins} and 32 hexadecimal digits.", code="invalid_request"
        )
