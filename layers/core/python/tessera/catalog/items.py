"""Creating, reading, listing, replacing and archiving the items of the catalog."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from tessera import clock, ids
from tessera.catalog import offers, pages
from tessera.catalog.bodies import WRITTEN_BY_US, Body, ItemsNamed
from tessera.catalog.errors import ChangedMeanwhile
from tessera.catalog.fields import Status
from tessera.catalog.kinds import KINDS, Kind, kind_of
from tessera.catalog.models import (
    MODELS,
    AddOn,
    Advice,
    AnyItem,
    ForSale,
    Item,
    Listing,
    Offer,
    Page,
    SaleData,
)
from tessera.catalog.rate_plans import RatePlans, looked_up
from tessera.cursors import Cursors
from tessera.errors import FieldError, InvalidFields, InvalidRequest, NotFound, VersionMismatch
from tessera.identity.principal import Principal
from tessera.objects import canonical_json

ItemT = TypeVar("ItemT", bound=Item)
T = TypeVar("T")

_TRIES = 3
_FIRST_STATUS: dict[Kind, Status] = {
    "entitlements": "active",
    "products": "active",
    "offers": "draft",
    "add-ons": "draft",
    "pages": "draft",
}
"""Of an item created without one: what has nothing to be completed begins active."""


class Saved(NamedTuple):
    item: AnyItem
    warnings: Sequence[Advice]

    def wire(self) -> dict[str, Any]:
        return {**self.item.wire(), "warnings": [one.wire() for one in self.warnings]}


class Items(Protocol):
    def find(self, kind: Kind, id: str) -> AnyItem | None: ...


class Names(Protocol):
    def listed(
        self, kind: Kind, *, limit: int, after: str | None, status: str | None, label: str | None
    ) -> Listing:
        """By name. A page may be short or empty although another one follows."""


class Surroundings(ItemsNamed, Protocol):
    """What an item is checked against."""

    def pages(self) -> Sequence[Page]: ...

    def sells_to_partners(self, label: str) -> bool:
        """Is the label on any offer of the channel Partner that is not archived?"""


class Additions(Surroundings, Protocol):
    def add(self, item: AnyItem) -> None:
        """Raises `NotUnique`."""


class Shelf(Items, Protocol):
    def replace(self, old: AnyItem, new: AnyItem) -> None:
        """Raises `NotUnique`, and `ChangedMeanwhile` unless `old` is what is stored."""


class Replacements(Surroundings, Shelf, Protocol): ...


def create(
    kind: str,
    members: Mapping[str, Any],
    *,
    catalog: Additions,
    plans: RatePlans,
    mode: str,
    now: datetime,
) -> Saved:
    """Raises `InvalidFields`, `NotUnique`, and `UpstreamFailed` for what shall be sold at once."""
    model = MODELS[kind_of(kind)]
    envelope: dict[str, Any] = {
        "id": ids.random(model.prefix),
        "mode": mode,
        "status": _FIRST_STATUS[model.catalog_kind],
        "created": now,
        "updated": now,
        **({"version": ""} if issubclass(model, ForSale) else {}),
    }
    item, warnings = _checked(Body(model, members), envelope, catalog, plans)
    catalog.add(item)
    return Saved(item, warnings)


def read(kind: str, id: str, *, catalog: Items) -> AnyItem:
    """Raises `InvalidRequest` for what is no id, and `NotFound`."""
    known = kind_of(kind)
    naming = KINDS[known]
    if not ids.is_id(id, naming.prefix):
        raise InvalidRequest(
            f"The id of {naming.one} is {naming.prefix}- and 32 hexadecimal digits.",
            code="invalid_request",
        )
    item = catalog.find(known, id)
    if item is None:
        raise NotFound(f"There is no such {naming.noun}.", code="not_found")
    return item


def list_page(
    kind: str,
    *,
    status: Status | None,
    label: str | None,
    limit: int,
    cursor: str | None,
    by: Principal,
    catalog: Names,
    cursors: Cursors,
) -> dict[str, Any]:
    """`{"items", "queryMore"}`, by name. Raises `InvalidRequest` for a cursor of another list."""
    known = kind_of(kind)
    query = canonical_json(["catalog", by.kind, by.id, known, status, label])
    after = None if cursor is None else str(cursors.open(cursor, of=query)["after"])
    page = catalog.listed(known, limit=limit, after=after, status=status, label=label)
    more = None if page.next is None else cursors.seal({"after": page.next}, of=query)
    return {"items": [item.wire() for item in page.items], "queryMore": more}


def replace(
    kind: str,
    id: str,
    members: Mapping[str, Any],
    *,
    if_match: str | None,
    catalog: Replacements,
    plans: RatePlans,
    now: datetime,
) -> Saved:
    """Puts the body in the place of what was there; without a status it keeps the one it had.

    Members that callers do not set may be sent as they were read. Nothing is written when nothing
    changes. Raises `VersionMismatch`, `InvalidFields`, `NotUnique`, `ChangedMeanwhile`, and
    `UpstreamFailed` when what is on sale gets rate plans that Zuora cannot be asked about.
    """

    def attempt() -> Saved:
        stored = read(kind, id, catalog=catalog)
        _match(stored, if_match)
        body = Body(type(stored), _settable(stored, members))
        envelope = {
            **{name: value for name, value in stored if name in WRITTEN_BY_US},
            "name": stored.name,
            "status": stored.status,
            "updated": clock.after(stored.updated, now),
        }
        item, warnings = _checked(body, envelope, catalog, plans, stored)
        body.refuse(_back_to_draft(stored, item))
        if item.content() == stored.content():
            return Saved(stored, warnings)
        catalog.replace(stored, item)
        return Saved(item, warnings)

    return _unless_overtaken(attempt)


def archive(kind: str, id: str, *, catalog: Shelf, now: datetime) -> None:
    """Takes it from sale; it stays valid on what was sold. A repeat changes nothing."""

    def attempt() -> None:
        stored = read(kind, id, catalog=catalog)
        if stored.status != "archived":
            changes = {"status": "archived", "updated": clock.after(stored.updated, now)}
            catalog.replace(stored, _versioned(stored.model_copy(update=changes)))

    _unless_overtaken(attempt)


def _checked(
    body: Body[ItemT],
    envelope: Mapping[str, Any],
    catalog: Surroundings,
    plans: RatePlans,
    stored: AnyItem | None = None,
) -> tuple[ItemT, list[Advice]]:
    """The item that the body describes, with what to warn of. Raises `InvalidFields`."""
    item, named = body.read(envelope, catalog)
    match item:
        case Offer() | AddOn():
            body.refuse(offers.faults(item, named))
            found = looked_up(item, stored, plans)
            body.refuse(found.faults)
            warnings = [*offers.advice(item, named, catalog.pages), *found.advice]
            data = item.data.model_copy(update={"product_bundles": found.bundles})
            return _versioned(_with_data(item, data)), warnings
        case Page():
            body.refuse(pages.faults(item, catalog.sells_to_partners))
    return item, []


def _with_data(item: ItemT, data: SaleData) -> ItemT:
    return item.model_copy(update={"data": data})


def _versioned(item: ItemT) -> ItemT:
    if not isinstance(item, ForSale):
        return item
    digest = hashlib.sha1(canonical_json(item.content()).encode(), usedforsecurity=False)
    return item.model_copy(update={"version": digest.hexdigest()})


def _back_to_draft(stored: Item, item: Item) -> Iterator[FieldError]:
    """What was on sale may have been sold: as a draft it would not be recognised any more."""
    if isinstance(item, ForSale) and item.status == "draft" and stored.status != "draft":
        yield FieldError(
            "status",
            "invalid_value",
            "what was on sale can be archived, but not made a draft again",
        )


def _match(stored: Item, if_match: str | None) -> None:
    if if_match is None:
        return
    versions = {tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")}
    if not isinstance(stored, ForSale):
        raise VersionMismatch("Only offers and add-ons have a version. Leave If-Match out.")
    if stored.version not in versions and "*" not in versions:
        raise VersionMismatch("Somebody has saved it since you read it. Read it again.")


def _settable(stored: Item, members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that a save sets; the others must be as they were read."""
    known = stored.wire()
    fixed = {name for name in known if name in WRITTEN_BY_US or name == "name"}
    differing = [name for name in members if name in fixed and members[name] != known[name]]
    if "version" in differing or "updated" in differing:
        raise VersionMismatch("Somebody has saved it since you read it. Read it again.")
    if differing:
        raise InvalidFields(
            FieldError(name, "not_editable", f"{name} cannot be changed") for name in differing
        )
    return {n: value for n, value in members.items() if n not in fixed and n != "warnings"}


def _unless_overtaken(attempt: Callable[[], T]) -> T:
    """Tries again on what others have saved in between. Raises `ChangedMeanwhile` in the end."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except ChangedMeanwhile:
            continue
    return attempt()
