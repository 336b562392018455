"""Placing a `new` order: who buys, what it becomes, and that access is granted at once.

One transaction writes everything and its events; the billing system follows behind. Source:
README, "Orders"; `001_2d86728002fa75f1.txt` of the seeds ("as soon as the purchase is confirmed").
"""

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from tessera import ids
from tessera.catalog.models import AddOn, ForSale, Offer
from tessera.commerce.commits import Commit, OwnerBusy, decided
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import (
    Customer,
    Holding,
    Identity,
    IdentityData,
    Order,
    Owner,
    PlacedBy,
    SoldProduct,
    identity_id,
)
from tessera.commerce.order_requests import NewOrder
from tessera.commerce.purchased_objects import Buyer, Purchase, customer_of, holding_of
from tessera.commerce.subscriptions import on_day
from tessera.errors import Conflict, FieldError, Gone, InvalidFields, invalid
from tessera.identity.issuers import normalised
from tessera.objects import Model, Record, canonical_json

EARLIEST, LATEST = timedelta(days=90), timedelta(days=365)
"""How far back and ahead staff and middleware may set the first day."""


class OrderExists(Conflict):
    title = "The external id names another order"


class OfferChanged(Conflict):
    title = "The offer has changed"


class OwnerMerged(Gone):
    title = "The owner has become another"


class Shop(Protocol):
    def for_sale(
        self, ids: Collection[str]
    ) -> Mapping[str, tuple[ForSale, tuple[SoldProduct, ...]]]:
        """Offers and add-ons by id, each with its products as they are sold; unknown ids absent."""


class Organisation(Protocol):
    """A partner organisation, as far as an order needs it."""

    @property
    def id(self) -> str: ...

    @property
    def is_zuora_invoice_owner(self) -> bool: ...


class Partners(Protocol):
    def active(self, id: str) -> Organisation | None: ...


class Labels(Protocol):
    def of(self, normalised_issuer: str) -> tuple[str | None, str | None]:
        """Service and type as configured for an issuer."""


class Owners(Protocol):
    def order(self, id: str) -> Order | None: ...

    def ownership(self, owner: str) -> Ownership | None: ...

    def identity(self, id: str) -> Identity | None: ...

    def customer(self, id: str) -> Customer | None: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


class Placed(Model):
    """The answer to whoever placed the order."""

    id: str
    order_reference: str
    status: str
    external_id: str | None = None
    subscriptionReference: str | None = None
    subscriptionReferences: tuple[str, ...] | None = None
    owner: str | None = None
    customer: str | None = None
    warnings: tuple[dict[str, str], ...] = ()


class Moment(NamedTuple):
    now: datetime
    today: date
    mode: str


def place(
    order: NewOrder,
    submitted: Mapping[str, Any],
    *,
    by: PlacedBy,
    scope: str,
    owners: Owners,
    shop: Shop,
    partners: Partners,
    labels: Labels,
    moment: Moment,
) -> Placed:
    """The order as accepted, or the earlier one of the same `external_id`.

    `submitted` is the body as sent: a repeat is recognised by it. `scope` keeps the external ids of
    callers apart. Raises `InvalidFields`, `OrderExists`, `OfferChanged`, `OwnerBusy`.
    """
    fingerprint = _fingerprint(submitted)
    id = (
        ids.derived("order", "order", scope, order.external_id)
        if order.external_id
        else ids.random("order")
    )

    def decide() -> Order:
        earlier = owners.order(id) if order.external_id else None
        if earlier is not None:
            if earlier.fingerprint != fingerprint:
                raise OrderExists(
                    f"external_id {order.external_id} belongs to order {id} with another body."
                    " Use a new external_id for a new order.",
                    id=id,
                )
            return earlier
        return _commit(id, order, fingerprint, by, owners, shop, partners, labels, moment)

    return _answer(decided(decide))


def _commit(
    id: str,
    order: NewOrder,
    fingerprint: str,
    by: PlacedBy,
    owners: Owners,
    shop: Shop,
    partners: Partners,
    labels: Labels,
    moment: Moment,
) -> Order:
    organisation = _organisation(order, partners)
    sold = shop.for_sale(_chosen(order))
    start = _start(order, moment.today)
    _check(order, sold, organisation)
    buyer, ownership, identity, seen = _buyer(order, owners, labels, organisation, moment)
    currency = _currency(order, sold, buyer)
    _check_buyer(order, buyer, organisation)
    source = order.source or "api"
    reference = ids.reference(id)
    purchase = Purchase(
        order=id,
        reference=reference,
        source=source,
        owner=ownership.owner.id,
        partner_org=organisation.id if organisation else buyer.partner_org,
        currency=currency,
        start=start,
        now=moment.now,
        today=moment.today,
        mode=moment.mode,
    )
    customer, addresses = customer_of(purchase, order, buyer)
    holdings = [
        holding_of(purchase, n, item, sold, customer, order.buyer_country)
        for n, item in enumerate(order.order_items)
    ]
    placed = Order(
        id=id,
        mode=moment.mode,
        name=reference,
        reference=reference,
        owner=ownership.owner.id,
        customer=customer.id,
        partner_org=purchase.partner_org,
        created=moment.now,
        updated=moment.now,
        order_type=order.order_type,
        external_id=order.external_id,
        source=source,
        order_date=order.order_date or moment.now,
        subscriptions=tuple(holding.id for holding in holdings),
        placed_by=by,
        data=order.accepted(),
        fingerprint=fingerprint,
    )
    telling = _told(ownership, customer, buyer, placed, holdings, moment)
    creates: list[Record] = [placed]
    if identity is not None:
        creates.append(identity)
    if not buyer.is_known:
        creates += [customer, *addresses]
    for holding in holdings:
        creates += [holding, *holding.offers, *holding.add_ons, *holding.schedule]
    owners.commit(
        Commit(ownership=telling.ownership, seen=seen, creates=creates, events=telling.events)
    )
    return placed


def _told(
    ownership: Ownership,
    customer: Customer,
    buyer: Buyer,
    placed: Order,
    holdings: list[Holding],
    moment: Moment,
) -> Announcements:
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    state = ownership.owning(customer)
    for holding in holdings:
        state = state.holding(held(holding), moment.today)
    telling.becomes(state)
    if not buyer.is_known:
        telling.tell("customer.created", customer.wire())
    telling.tell("order.submitted", placed.wire())
    for holding in holdings:
        body = on_day(holding, moment.today).wire()
        telling.tell("subscription.created", body, subscription=holding.id)
    for holding in holdings:
        starts_later = holding.data.start_date > moment.today
        telling.entitlements(holding.id, day=holding.data.start_date if starts_later else None)
    return telling


def _answer(order: Order) -> Placed:
    # A subscription's reference derives from the order and its position.
    references = tuple(ids.reference(f"{order.id}/{n}") for n, _ in enumerate(order.subscriptions))
    return Placed(
        id=order.id,
        order_reference=ids.reference(order.id),
        status=order.status,
        external_id=order.external_id,
        subscriptionReference=references[0] if references else None,
        subscriptionReferences=references or None,
        owner=order.owner,
        customer=order.customer,
        warnings=tuple(warning.wire() for warning in order.warnings),
    )


def _fingerprint(submitted: Mapping[str, Any]) -> str:
    content = {name: v for name, v in submitted.items() if name != "process_immediately"}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def _chosen(order: NewOrder) -> set[str]:
    offers = {item.offer.id for item in order.order_items}
    return offers | {add_on.id for item in order.order_items for add_on in item.add_ons}


def _organisation(order: NewOrder, partners: Partners) -> Organisation | None:
    if order.partner_org is None:
        return None
    organisation = partners.active(order.partner_org)
    if organisation is None:
        raise invalid("partner_org", "There is no active partner organisation with this id.")
    return organisation


def _start(order: NewOrder, today: date) -> date:
    if order.effective_date is not None:
        field, start = "effectiveDate", order.effective_date
    elif order.order_date is not None:
        field, start = "orderDate", order.order_date.date()
    else:
        return today
    if not today - EARLIEST <= start <= today + LATEST:
        raise invalid(
            field,
            f"The first day must lie between {today - EARLIEST} and {today + LATEST}.",
        )
    return start


def _check(
    order: NewOrder,
    sold: Mapping[str, tuple[ForSale, tuple[SoldProduct, ...]]],
    organisation: Organisation | None,
) -> None:
    """What is bought: every field at fault is named at once."""
    errors: list[FieldError] = []
    for name, value in (
        ("orderDiscount", order.order_discount),
        ("promoCode", order.promo_code),
        ("gift", order.gift),
    ):
        if value:
            text = f"{name} is not supported; without it another price would be charged."
            errors.append(FieldError(name, "not_supported", text))
    for n, item in enumerate(order.order_items):
        path = f"orderItems[{n}]"
        offer = sold.get(item.offer.id, (None,))[0]
        if not isinstance(offer, Offer) or not _is_sellable(offer, organisation):
            text = "This offer cannot be sold here: it is unknown, not active or not eligible."
            errors.append(FieldError(f"{path}.offer.id", "offer_not_eligible", text))
            continue
        if item.offer.version not in (None, offer.version):
            raise OfferChanged(
                f"{path}.offer has changed to version {offer.version}. Show the buyer the offer as"
                " it is now, then order that version.",
                version=offer.version,
            )
        errors += _item_errors(path, offer, item.quantity, order.buyer_country)
        bundled = {bundle.product.id for bundle in offer.data.product_bundles}
        for m, chosen in enumerate(item.add_ons):
            add_on = sold.get(chosen.id, (None,))[0]
            place = f"{path}.addOns[{m}]"
            if not isinstance(add_on, AddOn) or not _is_sellable(add_on, organisation):
                text = "This add-on cannot be sold here: it is unknown, not active or not eligible."
                errors.append(FieldError(f"{place}.id", "offer_not_eligible", text))
                continue
            fits = {product.id for product in add_on.data.attributes.compatible_products}
            if not fits & bundled:
                text = "This add-on does not go with any product of the offer."
                errors.append(FieldError(f"{place}.id", "invalid_value", text))
            errors += _item_errors(place, add_on, chosen.quantity, order.buyer_country)
    if errors:
        raise InvalidFields(errors)


def _is_sellable(one: ForSale, organisation: Organisation | None) -> bool:
    if isinstance(one, Offer) and one.data.record_subtype == "discount":
        return False
    if organisation is not None:
        return one.is_visible_to(organisation.id)
    return one.status == "active"


def _item_errors(path: str, one: ForSale, quantity: int, country: str | None) -> list[FieldError]:
    errors = []
    attributes = one.data.attributes
    if quantity > 1 and not attributes.allow_multibuy:
        text = "Only one of this can be bought at a time."
        errors.append(FieldError(f"{path}.quantity", "invalid_value", text))
    allowed = attributes.allowed_countries
    if allowed is not None and country is not None and country not in allowed:
        text = f"{one.name} is not sold in {country}."
        errors.append(FieldError("billingDetails.country", "invalid_value", text))
    return errors


def _currency(
    order: NewOrder,
    sold: Mapping[str, tuple[ForSale, tuple[SoldProduct, ...]]],
    buyer: Buyer,
) -> str:
    """The one currency of the order, which is the account's if there is one."""
    currencies = {
        currency for chosen in _chosen(order) if (currency := sold[chosen][0].currency) is not None
    }
    if buyer.currency is not None:
        currencies.add(buyer.currency)
    if len(currencies) != 1:
        named = ", ".join(sorted(currencies)) or "none"
        raise invalid(
            "orderItems",
            f"An order has one currency, that of the customer's account; these are {named}.",
            "currency_mismatch",
        )
    return currencies.pop()


def _check_buyer(order: NewOrder, buyer: Buyer, organisation: Organisation | None) -> None:
    if buyer.is_known:
        return
    details = order.customer_details
    required = {
        "customerDetails.firstName": details.first_name,
        "customerDetails.lastName": details.last_name,
        "customerDetails.email": details.email,
        "billingDetails.country": order.buyer_country,
    }
    errors = [
        FieldError(field, "required", f"{field} is required for a new customer")
        for field, value in required.items()
        if value is None
    ]
    invoiced_to_partner = organisation is not None and organisation.is_zuora_invoice_owner
    if order.payment is None and not invoiced_to_partner:
        text = 'payment is required: a payment method of Zuora, or {"type": "invoice"}'
        errors.append(FieldError("payment", "required", text))
    if order.payment is not None and order.payment.type == "zuora" and order.payment.zuora is None:
        text = "payment.zuora.refId names the payment method"
        errors.append(FieldError("payment.zuora.refId", "required", text))
    if errors:
        raise InvalidFields(errors)


def _buyer(
    order: NewOrder,
    owners: Owners,
    labels: Labels,
    organisation: Organisation | None,
    moment: Moment,
) -> tuple[Buyer, Ownership, Identity | None, datetime | None]:
    """Who buys, with an identity to be attached, and when the owner was last written."""
    named = [n for n in ("owner", "customer", "id_token") if getattr(order, n) is not None]
    if len(named) > 1:
        raise invalid(named[1], f"Name the buyer once: by {' or '.join(named)}, not by both.")
    if order.customer is not None:
        customer = owners.customer(order.customer)
        if customer is None or customer.owner is None:
            raise invalid("customer", "There is no customer with this id.")
        ownership = _known(owners.ownership(customer.owner), "customer")
        known = Buyer(customer.id, customer.data.currency, customer.partner_org)
        return known, ownership, None, ownership.owner.updated
    if order.owner is not None:
        ownership = _known(owners.ownership(order.owner), "owner")
        return _reused(ownership, organisation), ownership, None, ownership.owner.updated
    owner = Owner(
        id=ids.random("id"),
        mode=moment.mode,
        partner_org=organisation.id if organisation else None,
        created=moment.now,
        updated=moment.now,
    )
    if order.id_token is None:
        return Buyer(), Ownership(owner=owner), None, None
    issuer = normalised(order.id_token.iss)
    id = identity_id(issuer, order.id_token.sub)
    existing = owners.identity(id)
    if existing is not None and existing.owner is not None:
        ownership = _known(owners.ownership(existing.owner), "id_token")
        return _reused(ownership, organisation), ownership, None, ownership.owner.updated
    service, type_ = labels.of(issuer)
    identity = Identity(
        id=id,
        mode=moment.mode,
        owner=owner.id,
        name=order.id_token.sub,
        created=moment.now,
        updated=moment.now,
        data=IdentityData(
            iss=order.id_token.iss, sub=order.id_token.sub, service=service, type=type_
        ),
    )
    return Buyer(), Ownership(owner=owner, identities=(identity,)), identity, None


def _reused(ownership: Ownership, organisation: Organisation | None) -> Buyer:
    """The owner's customer under the same partner, or equally under none; else a new one."""
    partner_org = organisation.id if organisation else None
    for customer in ownership.customers:
        if customer.partner_org == partner_org:
            return Buyer(customer.id, customer.currency, partner_org)
    return Buyer()


def _known(ownership: Ownership | None, field: str) -> Ownership:
    if ownership is None:
        raise invalid(field, "There is no owner with this id.")
    survivor = ownership.owner.merged_into or ownership.owner.replaced_by
    if survivor is not None:
        raise OwnerMerged(f"This owner is now {survivor}. Use that id.", owner=survivor)
    if ownership.owner.status == "merging":
        raise OwnerBusy("The owner is being merged. Try again in a minute.")
    return ownership
