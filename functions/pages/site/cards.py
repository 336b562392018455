"""Payment methods in the words of pages: `Visa ending 1111`, and how long it lasts."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from tessera.commerce.payment_methods import PaymentMethod
from tessera.edge.pages.cells import BAD, WAIT, Cell, badge

_SOON = timedelta(days=31)
_KINDS = {
    "CreditCard": "Card",
    "CreditCardReferenceTransaction": "Card",
    "ACH": "Bank account",
    "BankTransfer": "Bank account",
    "PayPal": "PayPal",
}


def name_of(method: PaymentMethod) -> str:
    card, kind = method.data.zuora.result, method.data.zuora.kind
    digits = "".join(one for one in card.mask or "" if one.isdigit())[-4:]
    name = card.card_type or _KINDS.get(kind, kind)
    return f"{name} ending {digits}" if digits else name


def default_of(methods: Iterable[PaymentMethod], customer: str | None) -> PaymentMethod | None:
    return next((one for one in methods if one.related == customer and one.data.default), None)


def view_of(method: PaymentMethod, today: date) -> dict[str, Any]:
    return {
        "id": method.id,
        "name": name_of(method),
        "expires": _expires(method),
        "badge": _badge(method, today),
        "is_default": method.data.default,
    }


def _expires(method: PaymentMethod) -> str:
    card = method.data.zuora.result
    if card.expiration_month is None or card.expiration_year is None:
        return ""
    return f"{card.expiration_month:02}/{card.expiration_year}"


def _badge(method: PaymentMethod, today: date) -> Cell | None:
    card = method.data.zuora.result
    if method.status == "expired":
        return badge("Expired", BAD)
    if card.expiration_month is None or card.expiration_year is None:
        return None
    last = monthrange(card.expiration_year, card.expiration_month)[1]
    over = date(card.expiration_year, card.expiration_month, last)
    return badge("Expires soon", WAIT) if over - today <= _SOON else None
