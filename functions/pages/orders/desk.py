"""What the pages on orders and owners look up, a bounded number of requests each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from tessera import clock, ids
from tessera.catalog.store import CatalogTable
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import Address, Customer, Holding, Order, ProcessEvent
from tessera.commerce.order_lists import OrderLists, Wanted
from tessera.commerce.owners import TooManySubscriptions, present
from tessera.commerce.store import CommerceTable
from tessera.commerce.subscriptions import on_day
from tessera.cursors import Cursors
from tessera.edge.pages.tables import ROWS, from_day, to_day
from tessera.edge.pages.visit import Visit
from tessera.errors import NotFound
from tessera.objects import Record, canonical_json
from tessera.partners.store import PartnersTable
from tessera.webhooks import announced
from tessera.webhooks.announced import EventSummary, Kept
from tessera.webhooks.archive import Archive
from tessera.webhooks.models import Delivery
from tessera.webhooks.operators_store import Deliveries

FILTERS = ("status", "type", "partner", "reference", "from", "to")
_RECENT = 10
_OF_AN_OWNER = 40
_MOST_SELLERS = 500


class OrdersPage(NamedTuple):
    orders: list[Order]
    next: str | None
    offers: Mapping[str, str]
    """Names by id."""
    partners: Mapping[str, str]
    """Names by id, of those who sold what is listed."""
    sellers: Mapping[str, str]
    """Names by id, in their order: whose orders can be asked for."""


class About(NamedTuple):
    """An order with all that hangs from it."""

    order: Order
    offers: Mapping[str, str]
    partner: str
    steps: Mapping[str, ProcessEvent]
    ownership: Ownership | None
    customers: list[Customer]
    addresses: list[Address]
    holdings: list[Holding]
    events: list[EventSummary]
    deliveries: list[list[Delivery]]


class Owned(NamedTuple):
    """An owner with all that is its own."""

    ownership: Ownership
    today: date
    partner: str
    customers: list[Customer]
    holdings: list[Holding] | None
    """`None`: there are more than a page holds."""
    orders: list[Order]
    events: list[EventSummary]


class Named(NamedTuple):
    ownership: Ownership
    name: str


class Desk:
    def __init__(
        self,
        *,
        orders: OrderLists,
        owners: CommerceTable,
        catalog: CatalogTable,
        partners: PartnersTable,
        archive: Archive,
        deliveries: Deliveries,
        cursors: Cursors,
        zone: str,
    ) -> None:
        self._orders, self._owners, self._catalog = orders, owners, catalog
        self._partners, self._archive, self._deliveries = partners, archive, deliveries
        self._cursors, self._zone = cursors, zone

    def orders_page(self, visit: Visit) -> OrdersPage:
        """Raises `InvalidFields` for a day that is none, `InvalidRequest` for a foreign cursor."""
        wanted = _wanted(visit.query, self._zone)
        of = canonical_json(["orders", *(visit.query.get(one, "") for one in FILTERS)])
        found, following = self._orders.page(
            wanted, limit=ROWS, after=visit.opened(self._cursors, of=of)
        )
        named = self._partners.names(one.partner_org for one in found if one.partner_org)
        return OrdersPage(
            found,
            self._cursors.seal(following, of=of) if following else None,
            self._offers(found),
            named,
            self._sellers(wanted.partner_org),
        )

    def order(self, id: str, visit: Visit) -> About:
        """Raises `NotFound`."""
        order = self._known(id)
        ownership = self._owners.ownership(order.owner or "")
        own = self._own(order.owner)
        kept = self._kept(visit, order.owner, since=order.created)
        told = self._deliveries.told([(one.event.id, id) for one in kept for id in one.told or ()])
        return About(
            order=order,
            offers=self._offers([order]),
            partner=self._partner(order.partner_org),
            steps=self._orders.steps([one.id for one in order.process]),
            ownership=ownership,
            customers=[one for one in own if isinstance(one, Customer)],
            addresses=[one for one in own if isinstance(one, Address)],
            holdings=self._holdings(order.subscriptions, visit),
            events=[announced.summary_of(one.event) for one in kept],
            deliveries=[[row for row in told if row.event == one.event.id] for one in kept],
        )

    def failed_order(self, id: str) -> Order:
        return self._known(id)

    def owner(self, id: str, visit: Visit) -> Owned:
        """Raises `NotFound`, and `OwnerMerged` for one that has become another."""
        ownership = self.live_owner(id)
        today = clock.today(visit.now, self._zone)
        try:
            holdings = [on_day(one, today) for one in self._owners.holdings_of(id)]
        except TooManySubscriptions:
            holdings = None
        return Owned(
            ownership=ownership,
            today=today,
            partner=self._partner(ownership.owner.partner_org),
            customers=[one for one in self._own(id) if isinstance(one, Customer)],
            holdings=holdings,
            orders=self._owners.newest_orders_by(id, limit=_OF_AN_OWNER),
            events=[announced.summary_of(one.event) for one in self._kept(visit, id)],
        )

    def live_owner(self, id: str) -> Ownership:
        """Raises `NotFound` and `OwnerMerged`."""
        return present(self._owners.ownership(id), id)

    def named_owner(self, id: str) -> Named:
        """Raises as `live_owner` does."""
        ownership = self.live_owner(id)
        customers = [one for one in self._own(id) if isinstance(one, Customer)]
        return Named(ownership, name_of(id, customers))

    def _known(self, id: str) -> Order:
        order = self._owners.order(id) if ids.is_id(id, "order") else None
        if order is None:
            raise NotFound("There is no such order.", code="not_found")
        return order

    def _own(self, owner: str | None) -> list[Record]:
        """Customers and addresses of an owner."""
        found: list[Record] = []
        for kind in ("customers", "address") if owner else ():
            page, _ = self._owners.objects(
                kind, owner=owner, partner_org=None, limit=_OF_AN_OWNER, after=None
            )
            found += page
        return found

    def _holdings(self, subscriptions: Sequence[str], visit: Visit) -> list[Holding]:
        today = clock.today(visit.now, self._zone)
        held = (self._owners.holding(id) for id in subscriptions[:_OF_AN_OWNER])
        return [on_day(one, today) for one in held if one is not None]

    def _kept(self, visit: Visit, owner: str | None, since: datetime | None = None) -> list[Kept]:
        """Events of the owner, newest first."""
        if owner is None:
            return []
        return announced.listed(
            announced.Wanted(owner=owner, since=since),
            by=visit.operator,
            cursors=self._cursors,
            cursor=None,
            size=_RECENT,
            archive=self._archive,
            now=visit.now,
        ).found

    def _offers(self, orders: Sequence[Order]) -> dict[str, str]:
        wanted = {id for one in orders if (id := offer_of(one))}
        found = self._catalog.for_sale(sorted(wanted)) if wanted else {}
        return {id: item.name for id, item in found.items()}

    def _sellers(self, chosen: str | None) -> dict[str, str]:
        """The newest, and the chosen one whatever it is: a form shows what it filters by."""
        found, _ = self._partners.organisations(limit=_MOST_SELLERS, after=None)
        sellers = {one.id: one.name for one in found}
        if chosen and chosen not in sellers:
            is_one = ids.is_id(chosen, "partner_org")
            sellers[chosen] = self._partner(chosen) if is_one else chosen
        several = Counter(sellers.values())
        told = {
            id: name if several[name] == 1 else f"{name} ({id.rpartition('-')[2][:8]})"
            for id, name in sellers.items()
        }
        return dict(sorted(told.items(), key=lambda one: one[1].casefold()))

    def _partner(self, id: str | None) -> str:
        """Its name; its id where it is not there any more."""
        organisation = self._partners.find(id) if id else None
        return organisation.name if organisation is not None else id or ""


def offer_of(order: Order) -> str:
    """The id of the first offer or add-on that the order names."""
    items = order.data.get("orderItems")
    first = items[0] if isinstance(items, list) and items else order.data
    for name in ("offer", "addOn", "add_on"):
        item = first.get(name) if isinstance(first, dict) else None
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            return str(item["id"])
    return ""


def _wanted(query: Mapping[str, str], zone: str) -> Wanted:
    texts = {one: query.get(one, "").strip() or None for one in FILTERS}
    return Wanted(
        status=texts["status"],
        type=texts["type"],
        partner_org=texts["partner"],
        reference=texts["reference"],
        since=from_day(query, "from", zone),
        until=to_day(query, "to", zone),
    )


def name_of(owner: str, customers: Sequence[Customer]) -> str:
    """An owner's: that of its first customer; its id where it has none."""
    for one in customers:
        data = one.data
        full = " ".join(filter(None, (data.first_name, data.last_name)))
        if shown := data.company_name or full or data.email:
            return shown
    return owner
