"""What the catalog pages look up and save, a bounded number of requests each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from tessera.catalog import items
from tessera.catalog.items import Saved
from tessera.catalog.models import AddOn, AnyItem, Item, Offer, Page, Product
from tessera.catalog.rate_plans import RatePlans
from tessera.catalog.store import CatalogTable
from tessera.cursors import Cursors
from tessera.edge.pages.faults import worded
from tessera.edge.pages.tables import ROWS
from tessera.edge.pages.visit import Visit
from tessera.errors import InvalidFields, NotFound
from tessera.partners.models import Organisation
from tessera.partners.store import PartnersTable

I = TypeVar("I", bound=Item)  # noqa: E741  # an item

_MOST_CHOICES = 500
"""Items of a kind, and partners, that a form offers."""


class ItemPage(NamedTuple, Generic[I]):
    shown: list[I]
    next: str | None


class Choices(NamedTuple):
    """What an offer or an add-on may name."""

    products: Sequence[Product]
    offers: Sequence[Offer]
    add_ons: Sequence[AddOn]
    pages: Sequence[Page]
    partners: Sequence[Organisation]


class Shelf:
    def __init__(
        self,
        *,
        catalog: CatalogTable,
        partners: PartnersTable,
        plans: RatePlans,
        cursors: Cursors,
        mode: str,
    ) -> None:
        self._catalog = catalog
        self._partners = partners
        self._plans = plans
        self._cursors = cursors
        self._mode = mode

    def page(self, visit: Visit, model: type[I]) -> ItemPage[I]:
        """By name, narrowed to `status` and `label` of the query."""
        kind = model.catalog_kind
        status, label = visit.query.get("status") or None, visit.query.get("label") or None
        of = f"console/catalog/{kind}/{status}/{label}"
        after = visit.opened(self._cursors, of=of)
        found = self._catalog.listed(
            kind,
            limit=ROWS,
            after=None if after is None else str(after["after"]),
            status=status,
            label=label,
        )
        more = None if found.next is None else self._cursors.seal({"after": found.next}, of=of)
        return ItemPage([one for one in found.items if isinstance(one, model)], more)

    def all(self, model: type[I]) -> list[I]:
        """By name; of more than a form can offer, the first."""
        found = self._catalog.listed(
            model.catalog_kind, limit=_MOST_CHOICES, after=None, status=None, label=None
        )
        return [one for one in found.items if isinstance(one, model)]

    def partners(self) -> list[Organisation]:
        """Newest first, archived ones among them."""
        found, _ = self._partners.organisations(limit=_MOST_CHOICES, after=None)
        return found

    def choices(self) -> Choices:
        return Choices(
            products=self.all(Product),
            offers=self.all(Offer),
            add_ons=self.all(AddOn),
            pages=self._catalog.pages(),
            partners=sorted(self.partners(), key=lambda one: one.name.casefold()),
        )

    def find(self, model: type[I], id: str) -> I:
        """Raises `NotFound`."""
        found = items.read(model.catalog_kind, id, catalog=self._catalog)
        if not isinstance(found, model):
            raise TypeError(f"{id} is no {model.__name__}")
        return found

    def any(self, kind: str, id: str) -> AnyItem:
        """Raises `NotFound`; pages have addresses of their own."""
        if kind == "pages":
            raise NotFound("There is no such item.")
        return items.read(kind, id, catalog=self._catalog)

    def create(
        self,
        model: type[Item],
        members: Mapping[str, Any],
        *,
        words: Mapping[str, str],
        now: datetime,
    ) -> Saved:
        """Raises `InvalidFields` in the form's words, `NotUnique` and `UpstreamFailed`."""
        try:
            return items.create(
                model.catalog_kind,
                members,
                catalog=self._catalog,
                plans=self._plans,
                mode=self._mode,
                now=now,
            )
        except InvalidFields as refusal:
            raise worded(refusal, words) from None

    def save(
        self,
        model: type[Item],
        id: str,
        members: Mapping[str, Any],
        *,
        words: Mapping[str, str],
        now: datetime,
    ) -> Saved:
        """Raises as `create` does, and `VersionMismatch`."""
        try:
            return items.replace(
                model.catalog_kind,
                id,
                members,
                if_match=None,
                catalog=self._catalog,
                plans=self._plans,
                now=now,
            )
        except InvalidFields as refusal:
            raise worded(refusal, words) from None

    def archive(self, kind: str, id: str, *, now: datetime) -> AnyItem:
        item = self.any(kind, id)
        items.archive(kind, id, catalog=self._catalog, now=now)
        return item
