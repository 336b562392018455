"""Tessera's objects as a purchase makes them, before the billing system knows of it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from tessera import ids, money
from tessera.catalog.models import ForSale, Offer, OfferAttributes
from tessera.commerce import prices, schedules
from tessera.commerce.billed import Charge
from tessera.commerce.calendar import Interval
from tessera.commerce.models import (
    Address,
    AddressData,
    AddressKind,
    Customer,
    CustomerData,
    Holding,
    OfferKind,
    PendingChange,
    Period,
    Price,
    SoldOffer,
    SoldProduct,
    SoldRatePlans,
    SubscriptionData,
    SubscriptionOffer,
    SubscriptionOfferData,
    Tracking,
    ZuoraAccount,
    ZuoraSubscription,
)
from tessera.commerce.order_requests import AddressDetails, Item, NewOrder

Sold = Mapping[str, tuple[ForSale, tuple[SoldProduct, ...]]]


class Buyer(NamedTuple):
    """The customer that is reused; without an id a new one is made."""

    customer: str | None = None
    currency: str | None = None
    partner_org: str | None = None

    @property
    def is_known(self) -> bool:
        return self.customer is not None


class Purchase(NamedTuple):
    """What all objects of one order share."""

    order: str
    reference: str
    source: str
    owner: str
    partner_org: str | None
    currency: str
    start: date
    now: datetime
    today: date
    mode: str


def customer_of(
    purchase: Purchase, order: NewOrder, buyer: Buyer, item: int | None = None
) -> tuple[Customer, list[Address]]:
    """The customer with its addresses; a reused one stands for itself and is not written.

    `item`: whose customer it is, where each subscription has one.
    """
    account = f"{purchase.order}/account" + ("" if item is None else f"/{item}")
    number = f"T-{ids.reference(account)}"
    details = order.customer_details
    customer = Customer(
        id=buyer.customer or ids.customer_id(number),
        mode=purchase.mode,
        status="active",
        owner=purchase.owner,
        partner_org=purchase.partner_org,
        created=purchase.now,
        updated=purchase.now,
        data=CustomerData(
            first_name=details.first_name,
            last_name=details.last_name,
            email=details.email,
            company_name=details.company_name,
            phone=details.phone,
            currency=purchase.currency,
            zuora=ZuoraAccount(account_number=number),
        ),
    )
    billing = order.billing_details.model_copy(update={"country": order.buyer_country})
    addresses = [_address(purchase, customer, "billing", billing, details.email)]
    delivery = order.delivery_details
    if delivery is not None and delivery != AddressDetails():  # a form left empty is no address
        addresses.append(_address(purchase, customer, "delivery", delivery, None))
    return customer, addresses


def holding_of(
    purchase: Purchase,
    position: int,
    item: Item,
    sold: Sold,
    customer: Customer,
    country: str | None,
) -> Holding:
    """The subscription of one item, with its offer, add-ons and first expected payment."""
    offer, _ = sold[item.offer.id]
    assert isinstance(offer, Offer)  # noqa: S101  # the rule has looked
    number = ids.reference(f"{purchase.order}/{position}")
    id = ids.subscription_id(number)
    attributes = offer.data.attributes
    starts_later = purchase.start > purchase.today
    term_end = _term_end(purchase.start, attributes)
    every = interval_of(offer)
    amount = recurring_amount(offer)
    chosen = [(item.offer.id, item.quantity), *((one.id, one.quantity) for one in item.add_ons)]
    offers = [
        _offer(purchase, id, number, customer, sold[one], quantity, position, place)
        for place, (one, quantity) in enumerate(chosen)
    ]
    holding = Holding(
        id=id,
        mode=purchase.mode,
        status="pending" if starts_later else "active",
        name=number,
        reference=number,
        owner=purchase.owner,
        customer=customer.id,
        partner_org=purchase.partner_org,
        ref=f"{purchase.order}/{ids.order_item(purchase.order, position)}",
        start=purchase.now,
        created=purchase.now,
        updated=purchase.now,
        data=SubscriptionData(
            name=offer.name,
            start_date=purchase.start,
            term_start_date=purchase.start,
            term_end_date=term_end,
            term_type=attributes.term.renewal_type,
            auto_renew=attributes.auto_renew,
            currency=purchase.currency,
            quantity=item.quantity,
            purchase_country=country,
            price=None if amount is None else prices.shown(amount, purchase.currency, every),
            tracking=Tracking(
                source=purchase.source, name=purchase.reference, order_reference=purchase.reference
            ),
            current_period=(
                Period(start=purchase.start, end=every.after(purchase.start)) if every else None
            ),
            zuora=ZuoraSubscription(
                number=number, account_number=customer.data.zuora.account_number
            ),
            pending_change=PendingChange(
                order=purchase.order, order_type="new", effective_date=purchase.start
            ),
        ),
        offers=tuple(offers[:1]),
        add_ons=tuple(offers[1:]),
    )
    charges = [
        charge
        for one, quantity in chosen
        for charge in _first_charges(sold[one][0], quantity, purchase)
    ]
    first = [schedules.Payment(purchase.start, tuple(charges))] if charges else []
    rows = schedules.expected(holding, first, status="pending", now=purchase.now)
    return holding.model_copy(update={"schedule": tuple(rows)})


def recurring_amount(one: ForSale) -> Decimal | None:
    """What one unit costs each period; none for what is paid once or free."""
    values = [line.value for line in one.data.attributes.price if line.type == "recurring"]
    return sum(values[1:], values[0]) if values else None


def interval_of(one: ForSale) -> Interval | None:
    """How often it is paid: as its first recurring line says."""
    for line in one.data.attributes.price:
        if line.type == "recurring":
            return Interval(line.repeat_interval or 1, line.repeat_interval_type or "months")
    return None


def _term_end(start: date, attributes: OfferAttributes) -> date | None:
    term = attributes.term
    if term.renewal_type == "EVERGREEN":
        return None
    return Interval(term.length or 12, term.type or "months").after(start)


def _offer(
    purchase: Purchase,
    subscription: str,
    number: str,
    customer: Customer,
    sold: tuple[ForSale, tuple[SoldProduct, ...]],
    quantity: int,
    item: int,
    place: int,
) -> SubscriptionOffer:
    one, products = sold
    amount = recurring_amount(one)
    kind: OfferKind = "standard" if isinstance(one, Offer) else "add_on"
    return SubscriptionOffer(
        id=ids.derived(
            "subscription_offer", "subscription_offer", purchase.order, str(item), str(place)
        ),
        mode=purchase.mode,
        status="pending" if purchase.start > purchase.today else "active",
        reference=number,
        owner=purchase.owner,
        customer=customer.id,
        partner_org=purchase.partner_org,
        related=subscription,
        created=purchase.now,
        updated=purchase.now,
        data=SubscriptionOfferData(
            name=one.name,
            record_subtype=kind,
            start=purchase.start,
            quantity=quantity,
            price=None
            if amount is None
            else Price(amount=money.rounded(amount, purchase.currency), currency=purchase.currency),
            offer=SoldOffer(
                id=one.id,
                version=one.version,
                path=one.path,
                name=one.name,
                attributes=one.data.attributes.wire(),
            ),
            zuora=SoldRatePlans(),
            products=products,
        ),
    )


def _first_charges(one: ForSale, quantity: int, purchase: Purchase) -> Sequence[Charge]:
    """All that is paid on the first day, what recurs and what is paid once."""
    return [
        Charge(
            name=line.name or one.name,
            product=one.name,
            plan=one.name,
            price=line.value,
            quantity=quantity,
            currency=purchase.currency,
            every=None,
            start=purchase.start,
            end=None,
            charged_through=None,
        )
        for line in one.data.attributes.price
    ]


def _address(
    purchase: Purchase,
    customer: Customer,
    kind: AddressKind,
    details: AddressDetails,
    email: str | None,
) -> Address:
    return Address(
        id=ids.derived("address", "address", customer.id, kind),
        mode=purchase.mode,
        owner=purchase.owner,
        customer=customer.id,
        partner_org=purchase.partner_org,
        relationship_type=kind,
        related=customer.id,
        created=purchase.now,
        updated=purchase.now,
        data=AddressData(
            first_name=customer.data.first_name,
            last_name=customer.data.last_name,
            company=customer.data.company_name,
            email=email,
            phone=customer.data.phone,
            **details.model_dump(),
        ),
    )
