"""Placing a `new` order: who buys, what it becomes, and that access is granted at once.

One transaction writes everything and its events; the billing system follows behind. Source:
README, "Orders"; `001_2d86728002fa75f1.txt` of the seeds ("as soon as the purchase is confirmed").
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tessera.commerce.acceptance import Naming, Placed, answer, once
from tessera.commerce.buyers import Known, Labels, Moment, who_buys
from tessera.commerce.callers import Caller
from tessera.commerce.commits import Commit
from tessera.commerce.eligibility import (
    check_buyer,
    check_items,
    chosen,
    currency_of,
    first_day,
    pays_by_default,
)
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import Address, Alteration, Customer, Holding, Identity, Order
from tessera.commerce.order_clock import clock_of
from tessera.commerce.order_requests import NewOrder
from tessera.commerce.purchased_objects import Buyer, Purchase, Sold, customer_of, holding_of
from tessera.commerce.subscriptions import on_day
from tessera.errors import invalid
from tessera.events import LARGEST_BODY, Event
from tessera.identity.principal import PartnerOrganisation
from tessera.objects import Record


class Shop(Protocol):
    def for_sale(self, ids: Collection[str]) -> Sold:
        """Offers and add-ons by id, each with its products as they are sold; unknown ids absent."""


class Stored(Protocol):
    """A partner organisation as it is stored."""

    def acting(self) -> PartnerOrganisation: ...


class Partners(Protocol):
    def active(self, id: str) -> Stored | None: ...


class Owners(Known, Protocol):
    def order(self, id: str) -> Order | None: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


MethodCheck = Callable[[str | None, str | None], None]
"""Of a payment method, and the customer on whose account it may be: raises `InvalidFields` unless
whoever orders may name it; without a method, unless the account has a default.
"""


class Prepared(NamedTuple):
    """What an order would write, every rule checked."""

    order: Order
    customer: Customer
    holdings: tuple[Holding, ...]
    commit: Commit


def place(
    order: NewOrder,
    submitted: Mapping[str, Any],
    *,
    caller: Caller,
    owners: Owners,
    shop: Shop,
    partners: Partners,
    labels: Labels,
    check_method: MethodCheck,
    moment: Moment,
) -> Placed:
    """The order as accepted, or the earlier one of the same `external_id`.

    `submitted` is the body as sent: a repeat is recognised by it.
    Raises `InvalidFields`, `NotFound`, `OrderExists`, `OfferChanged`, `OwnerBusy`.
    """

    def commit(naming: Naming) -> Order:
        prepared = prepare(
            order,
            naming,
            caller=caller,
            owners=owners,
            shop=shop,
            partners=partners,
            labels=labels,
            check_method=check_method,
            moment=moment,
        )
        owners.commit(prepared.commit)
        return prepared.order

    placed = once(
        commit,
        external_id=order.external_id,
        scope=caller.scope,
        submitted=submitted,
        orders=owners,
    )
    return answer(placed)


def prepare(
    order: NewOrder,
    naming: Naming,
    *,
    caller: Caller,
    owners: Owners,
    shop: Shop,
    partners: Partners,
    labels: Labels,
    check_method: MethodCheck,
    moment: Moment,
) -> Prepared:
    """All that the order makes, nothing of it written."""
    organisation = _organisation(order, caller, partners)
    start = first_day(order, moment.today, caller, moment.zone)
    buyer, ownership, identity, seen = who_buys(order, caller, owners, labels, organisation, moment)
    organisation = _of_buyer(buyer, organisation, partners)
    sold = shop.for_sale(chosen(order))
    check_items(order, sold, caller, organisation.id if organisation else None)
    currency = currency_of(order, sold, buyer, organisation)
    check_buyer(order, buyer, caller, organisation)
    method = _method_named(order)
    if method is not None or pays_by_default(order, buyer, organisation):
        check_method(method, buyer.customer)
    source = order.source or caller.source
    purchase = Purchase(
        order=naming.id,
        reference=naming.reference,
        source=source,
        owner=ownership.owner.id,
        partner_org=organisation.id if organisation else buyer.partner_org,
        currency=currency,
        start=start,
        now=moment.now,
        today=moment.today,
        mode=moment.mode,
    )
    each = moment.account_per_item and not buyer.is_known
    if each and method is not None and len(order.order_items) > 1:
        text = "Each subscription gets an account of its own, and a card pays for one: order one."
        raise invalid("orderItems", text)
    made = [
        customer_of(purchase, order, buyer, item if each else None)
        for item in range(len(order.order_items) if each else 1)
    ]
    customers = [customer for customer, _ in made]
    holdings = [
        holding_of(purchase, n, item, sold, customers[n if each else 0], order.buyer_country)
        for n, item in enumerate(order.order_items)
    ]
    placed = Order(
        id=naming.id,
        mode=moment.mode,
        name=naming.reference,
        reference=naming.reference,
        owner=ownership.owner.id,
        customer=customers[0].id,
        partner_org=purchase.partner_org,
        created=moment.now,
        updated=moment.now,
        order_type=order.order_type,
        external_id=order.external_id,
        source=source,
        order_date=order.order_date or moment.now,
        subscriptions=tuple(holding.id for holding in holdings),
        placed_by=caller.placed_by,
        data=order.accepted(),
        fingerprint=naming.fingerprint,
        payment_method=method,
        provisioning=clock_of(order.order_type, moment.now),
        alterations=tuple(_made(holding) for holding in holdings),
    )
    addresses = () if buyer.is_known else made[0][1]
    telling = _told(ownership, identity, customers, addresses, buyer, placed, holdings, moment)
    _check_size(telling.events, holdings)
    creates: list[Record] = [placed]
    if identity is not None:
        creates.append(identity)
    if not buyer.is_known:
        creates += [one for customer, addresses in made for one in (customer, *addresses)]
    for holding in holdings:
        creates += [holding, *holding.offers, *holding.add_ons, *holding.schedule]
    commit = Commit(ownership=telling.ownership, seen=seen, creates=creates, events=telling.events)
    return Prepared(placed, customers[0], tuple(holdings), commit)


def _told(
    ownership: Ownership,
    identity: Identity | None,
    customers: Sequence[Customer],
    addresses: Sequence[Address],
    buyer: Buyer,
    placed: Order,
    holdings: list[Holding],
    moment: Moment,
) -> Announcements:
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    state = ownership
    for customer in customers:
        state = state.owning(customer)
    for holding in holdings:
        state = state.holding(held(holding), moment.today)
    telling.becomes(state)
    if not buyer.is_known:
        for customer in customers:
            telling.tell("customer.created", customer.wire())
    if identity is not None:
        telling.tell("identity.attached", identity.wire())
    for address in addresses:
        # Once for each kind: what is told names the owner, whichever customer has it.
        telling.happened("address.added", mode=moment.mode, partner_org=address.partner_org)
    telling.tell("order.submitted", placed.wire())
    for holding in holdings:
        body = on_day(holding, moment.today).wire()
        telling.tell("subscription.created", body, subscription=holding.id)
    for holding in holdings:
        starts_later = holding.data.start_date > moment.today
        telling.entitlements(holding.id, day=holding.data.start_date if starts_later else None)
    return telling


def _check_size(events: Sequence[Event], holdings: Sequence[Holding]) -> None:
    too_large = {event.subscription for event in events if event.size > LARGEST_BODY}
    for position, holding in enumerate(holdings):
        if holding.id in too_large:
            text = "This subscription is larger than receivers of webhooks take (64 KB)."
            raise invalid(f"orderItems[{position}]", text, "too_long")


def _made(holding: Holding) -> Alteration:
    return Alteration(
        subscription=holding.id,
        day=holding.data.start_date,
        is_new=True,
        adds=tuple(one.id for one in holding.all_offers),
    )


def _organisation(
    order: NewOrder, caller: Caller, partners: Partners
) -> PartnerOrganisation | None:
    """For which partner it is placed; only middleware and staff choose."""
    id = order.partner_org or caller.partner_org
    if id is None:
        return None
    stored = partners.active(id) if caller.is_company or id == caller.partner_org else None
    if stored is None:
        raise invalid("partner_org", "There is no active partner organisation with this id.")
    return stored.acting()


def _of_buyer(
    buyer: Buyer, organisation: PartnerOrganisation | None, partners: Partners
) -> PartnerOrganisation | None:
    """What is bought on a partner's customer is sold by that partner, whoever places the order."""
    if not buyer.is_known or buyer.partner_org == (organisation.id if organisation else None):
        return organisation
    if organisation is not None or buyer.partner_org is None:
        raise invalid("partner_org", "This customer is not one of this partner organisation.")
    stored = partners.active(buyer.partner_org)
    if stored is None:
        raise invalid("customer", "The partner organisation of this customer is archived.")
    return stored.acting()


def _method_named(order: NewOrder) -> str | None:
    """Zuora's id of a payment method, if the order is paid with one."""
    payment = order.payment
    if payment is None or payment.type != "zuora" or payment.zuora is None:
        return None
    return payment.zuora.ref_id
