"""Prices, terms and days of subscriptions in the words of pages."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from tessera.catalog.models import Charge, ForSale, Offer
from tessera.commerce.calendar import Interval
from tessera.commerce.models import Holding, Schedule, SubscriptionOffer
from tessera.commerce.periods import next_payment, term_end
from tessera.commerce.subscriptions import interval_of
from tessera.edge.pages import formats
from tessera.edge.pages.cells import BAD, GOOD, INFO, OFF, WAIT, Cell, Tone, badge

_STATUS: dict[str, tuple[str, Tone]] = {
    "pending": ("Starts later", INFO),
    "active": ("Active", GOOD),
    "suspended": ("Suspended", WAIT),
    "cancelled": ("Ended", OFF),
    "expired": ("Ended", OFF),
}


def status_of(holding: Holding) -> Cell:
    return badge(*_STATUS.get(holding.status, (holding.status.capitalize(), BAD)))


def rhythm(charge: Charge) -> str:
    """`per month`, `every 3 months`, `once`."""
    if charge.type == "one_time" or not charge.repeat_interval_type:
        return "once" if charge.type == "one_time" else ""
    return often(Interval(charge.repeat_interval or 1, charge.repeat_interval_type))


def often(every: Interval | None) -> str:
    if every is None:
        return "once"
    return f"per {every.words}" if every.length == 1 else f"every {every.words}"


def recurring(item: ForSale) -> Charge | None:
    return next((one for one in item.data.attributes.price if one.type == "recurring"), None)


def price_of(charges: Sequence[Charge], locale: formats.Locale, *, quantity: int = 1) -> str:
    """`£17.50 per month and £5.00 once`; empty without a price."""
    return " and ".join(
        f"{formats.amount(Decimal(one.value) * quantity, one.currency_code, locale)} {rhythm(one)}"
        for one in charges
    ).strip()


def price_held(held: SubscriptionOffer, locale: formats.Locale) -> str:
    """As it was sold, for all of its quantity; empty where only billing knows."""
    price = held.data.price
    if price is None:
        return ""
    total = formats.amount(price.amount * held.data.quantity, price.currency, locale)
    return f"{total} {often(interval_of(held))}"


def term_of_offer(offer: Offer) -> str:
    """`12 months, renews by itself`."""
    term, renews = offer.data.attributes.term, offer.data.attributes.auto_renew
    if term.renewal_type == "EVERGREEN":
        return "Runs until it is cancelled"
    if term.length is None or term.type is None:
        return ""
    unit = term.type.removesuffix("s") if term.length == 1 else term.type
    return f"{term.length} {unit}, {'renews by itself' if renews else 'then ends'}"


def display_name(item: ForSale) -> str:
    return item.data.attributes.display_name or item.name


def held_name(held: SubscriptionOffer) -> str:
    """As it was called when it was sold."""
    return str(held.data.offer.attributes.get("display_name__limio") or held.data.name)


def times(name: str, quantity: int) -> str:
    return f"{name} × {quantity}" if quantity > 1 else name


def when(day: date, holding: Holding, today: date, locale: formats.Locale) -> str:
    """`2 April 2026, with the next payment`."""
    if day <= today:
        return "Today"
    said = formats.day(day, locale)
    if day == term_end(holding, today):
        return f"{said}, at the end of the term"
    payment = next_payment(holding, today)
    return f"{said}, with the next payment" if payment and payment.data.date == day else said


def payment_of(row: Schedule | None, locale: formats.Locale) -> str:
    """`£17.50 on 2 April 2026`."""
    if row is None:
        return ""
    total = formats.amount(row.data.amount, row.data.currency, locale)
    return f"{total} on {formats.day(row.data.date, locale)}"
