"""What may be sold to whom: every fault of an order is named by its field, all at once."""

from datetime import date, timedelta
from typing import Protocol

from tessera import clock
from tessera.catalog.models import AddOn, ForSale, Offer
from tessera.commerce.callers import Caller
from tessera.commerce.order_requests import NewOrder
from tessera.commerce.purchased_objects import Buyer, Sold
from tessera.errors import Conflict, FieldError, InvalidFields, NotFound, invalid

EARLIEST, LATEST = timedelta(days=90), timedelta(days=365)
"""How far back and ahead staff and middleware may set the first day."""

LATEST_FOR_PARTNERS = timedelta(days=90)


class OfferChanged(Conflict):
    title = "The offer has changed"


class Organisation(Protocol):
    """A partner organisation, as far as an order needs it."""

    @property
    def id(self) -> str: ...

    @property
    def is_zuora_invoice_owner(self) -> bool: ...

    @property
    def currency(self) -> str | None:
        """Of its Zuora account, where that is known."""


def chosen(order: NewOrder) -> set[str]:
    """Ids of all offers and add-ons that the order names."""
    offers = {item.offer.id for item in order.order_items}
    return offers | {add_on.id for item in order.order_items for add_on in item.add_ons}


def first_day(order: NewOrder, today: date, caller: Caller, zone: str) -> date:
    """A customer begins today; a partner from today on, staff and middleware back as well.

    An order's instant is a day of the business time zone, wherever it was placed.
    """
    if caller.kind == "customer":
        if order.effective_date not in (None, today):
            raise invalid("effectiveDate", f"Your subscription begins today, {today}.")
        return today
    if order.effective_date is not None:
        field, start = "effectiveDate", order.effective_date
    elif order.order_date is not None:
        field, start = "orderDate", clock.today(order.order_date, zone)
    else:
        return today
    earliest, latest = today - EARLIEST, today + LATEST
    if caller.kind == "partner":
        earliest, latest = today, today + LATEST_FOR_PARTNERS
    if not earliest <= start <= latest:
        raise invalid(field, f"The first day must lie between {earliest} and {latest}.")
    return start


def check_items(
    order: NewOrder,
    sold: Sold,
    caller: Caller,
    partner_org: str | None,
) -> None:
    """What is bought: every field at fault is named at once.

    To customers and partners, what they may not buy does not exist. Raises `InvalidFields`,
    `OfferChanged`, `NotFound`.
    """
    errors: list[FieldError] = []
    for n, item in enumerate(order.order_items):
        path = f"orderItems[{n}]"
        offer = sold.get(item.offer.id, (None,))[0]
        if not isinstance(offer, Offer) or not _is_sellable(offer, caller, partner_org):
            _refuse_unseen(item.offer.id, caller)
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
        for m, wanted in enumerate(item.add_ons):
            add_on = sold.get(wanted.id, (None,))[0]
            place = f"{path}.addOns[{m}]"
            if not isinstance(add_on, AddOn) or not _is_sellable(add_on, caller, partner_org):
                _refuse_unseen(wanted.id, caller)
                text = "This add-on cannot be sold here: it is unknown, not active or not eligible."
                errors.append(FieldError(f"{place}.id", "offer_not_eligible", text))
                continue
            fits = {product.id for product in add_on.data.attributes.compatible_products}
            if not fits & bundled:
                text = "This add-on does not go with any product of the offer."
                errors.append(FieldError(f"{place}.id", "invalid_value", text))
            errors += _item_errors(place, add_on, wanted.quantity, order.buyer_country)
    if errors:
        raise InvalidFields(errors)


def _is_sellable(one: ForSale, caller: Caller, partner_org: str | None) -> bool:
    if isinstance(one, Offer) and one.data.record_subtype == "discount":
        return False
    if partner_org is not None:
        return one.is_visible_to(partner_org)
    return one.is_visible_online() if caller.kind == "customer" else one.status == "active"


def _refuse_unseen(id: str, caller: Caller) -> None:
    if not caller.is_company:
        raise NotFound(f"There is no offer {id[:60]}.", code="offer_not_found")


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


def currency_of(
    order: NewOrder,
    sold: Sold,
    buyer: Buyer,
    organisation: Organisation | None,
) -> str:
    """The one currency of the order, which is that of the accounts that are there already.

    Zuora would refuse to invoice a partner in another currency than that of its account.
    """
    currencies = {
        currency for one in chosen(order) if (currency := sold[one][0].currency) is not None
    }
    if buyer.currency is not None:
        currencies.add(buyer.currency)
    if organisation is not None and organisation.is_zuora_invoice_owner and organisation.currency:
        currencies.add(organisation.currency)
    if len(currencies) != 1:
        named = ", ".join(sorted(currencies)) or "none"
        raise invalid(
            "orderItems",
            f"An order has one currency, that of the account that pays; these are {named}.",
            "currency_mismatch",
        )
    return currencies.pop()


def check_buyer(
    order: NewOrder, buyer: Buyer, caller: Caller, organisation: Organisation | None
) -> None:
    """Who pays and how; a new customer must say who it is. Raises `InvalidFields`."""
    errors = [] if buyer.is_known else _missing(order)
    payment = order.payment
    if payment is None and not buyer.is_known and not _is_invoiced(organisation):
        text = "payment is required: a payment method of Zuora"
        if caller.kind != "customer":
            text += ', or {"type": "invoice"}'
        errors.append(FieldError("payment", "required", text))
    if payment is not None and payment.type == "zuora" and payment.zuora is None:
        text = "payment.zuora.refId names the payment method"
        errors.append(FieldError("payment.zuora.refId", "required", text))
    if payment is not None and payment.type == "invoice" and caller.kind == "customer":
        text = "Pay with a payment method of Zuora; there is no account to buy on."
        errors.append(FieldError("payment.type", "invalid_value", text))
    if errors:
        raise InvalidFields(errors)


def pays_by_default(order: NewOrder, buyer: Buyer, organisation: Organisation | None) -> bool:
    """Is it left to what the account of a known customer pays by anyway?"""
    return order.payment is None and buyer.is_known and not _is_invoiced(organisation)


def _is_invoiced(organisation: Organisation | None) -> bool:
    return organisation is not None and organisation.is_zuora_invoice_owner


def _missing(order: NewOrder) -> list[FieldError]:
    details = order.customer_details
    required = {
        "customerDetails.firstName": details.first_name,
        "customerDetails.lastName": details.last_name,
        "customerDetails.email": details.email,
        "billingDetails.country": order.buyer_country,
    }
    return [
        FieldError(field, "required", f"{field} is required for a new customer")
        for field, value in required.items()
        if value is None
    ]
