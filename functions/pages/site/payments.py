"""What is paid next for each subscription, when, and by what."""

from collections.abc import Iterable, Sequence
from typing import Any

from tessera.commerce.models import Holding
from tessera.commerce.payment_methods import PaymentMethod
from tessera.commerce.periods import next_payment
from tessera.edge.pages import formats

from . import cards, wording
from .own import Own


def is_invoiced_elsewhere(holding: Holding) -> bool:
    """Another account than the customer's gets the invoices: the partner's."""
    zuora = holding.data.zuora
    invoiced = zuora.invoice_owner_account_id
    return invoiced is not None and invoiced != zuora.account_id


def view_of(
    holding: Holding,
    own: Own,
    methods: Sequence[PaymentMethod],
    payee: str,
    locale: formats.Locale,
) -> dict[str, Any]:
    """`payee` is the partner that is invoiced, empty if it is the customer."""
    row = next_payment(holding, own.moment.today)
    default = cards.default_of(methods, holding.customer)
    view = {
        "name": name_of(holding),
        "anchor": f"next-{holding.id}",
        "amount": None,
        "on": None,
        "by": "",
        "sentence": "",
    }
    if payee:
        return view | {"sentence": f"Invoices for this subscription go to {payee}."}
    if row is None:
        return view | {"sentence": _nothing_due(holding, locale)}
    paid = {"amount": row.data.amount, "currency": row.data.currency, "on": row.data.date}
    return view | paid | {"by": cards.name_of(default) if default else ""}


def name_of(holding: Holding) -> str:
    """Of its plan; one that was synced and is sold nowhere has its number alone."""
    plans = [one for one in holding.offers if one.status == "active"]
    if plans:
        return wording.held_name(plans[0])
    return holding.data.name or holding.name or "Subscription"


def told_apart(holdings: Sequence[Holding]) -> list[str]:
    """The name of each, with its number where several are called the same."""
    names = [name_of(one) for one in holdings]
    return [
        f"{name}, {one.name}" if names.count(name) > 1 else name
        for one, name in zip(holdings, names, strict=True)
    ]


def names_of(holdings: Iterable[Holding]) -> str:
    """Names may have commas in them."""
    return " and ".join(dict.fromkeys(name_of(one) for one in holdings))


def _nothing_due(holding: Holding, locale: formats.Locale) -> str:
    if holding.data.cancel_date is not None:
        day = formats.day(holding.data.cancel_date, locale)
        is_over = holding.status == "cancelled"
        return f"It ended on {day}." if is_over else f"It ends on {day}. Nothing more is due."
    return "No payment is planned."
