"""A subscription as its owner reads it: what it is, what it costs, and how long it runs."""

from collections.abc import Iterator
from datetime import date

from tessera.commerce.models import Holding
from tessera.commerce.periods import next_payment, plan_of, term_end
from tessera.commerce.subscriptions import is_in_force
from tessera.edge.pages import formats
from tessera.edge.pages.cells import Cell, id_, several, text

from . import wording


def facts(holding: Holding, today: date, locale: formats.Locale) -> list[tuple[str, Cell]]:
    found = [("Reference", id_(holding.name))]
    if price := _price(holding, today, locale):
        found.append(("Price", text(price)))
    if is_running(holding):
        found += _running(holding, today, locale)
    elif holding.data.cancel_date is not None:
        found.append(("Ended on", Cell("day", holding.data.cancel_date)))
    add_ons = [
        text(wording.times(wording.held_name(one), one.data.quantity))
        for one in holding.add_ons
        if is_in_force(one, today)
    ]
    if add_ons:
        found.append(("Add-ons", several(*add_ons)))
    return found


def charges(holding: Holding, today: date, locale: formats.Locale) -> list[tuple[str, Cell]]:
    """Of the next payment: all that is known of a plan that is sold nowhere."""
    row = next_payment(holding, today)
    if row is None:
        return []
    lines = [
        text(
            f"{one.charge_name or one.product_name}: "
            f"{formats.amount(one.amount_without_tax, row.data.currency, locale)}"
        )
        for one in row.data.line_items
    ]
    return [("Charges", several(*lines))] if lines else []


def is_running(holding: Holding) -> bool:
    return holding.status not in ("cancelled", "expired")


def _price(holding: Holding, today: date, locale: formats.Locale) -> str:
    plan = plan_of(holding, today)
    if plan is not None and "price__limio" in plan.data.offer.attributes:
        return wording.price_held(plan, locale)
    # Of what was synced Zuora tells the amount, not how often it comes.
    known = holding.data.price
    return formats.amount(known.amount, known.currency, locale) if known else ""


def _running(holding: Holding, today: date, locale: formats.Locale) -> Iterator[tuple[str, Cell]]:
    end = term_end(holding, today)
    begins = holding.data.term_start_date or holding.data.start_date
    if end is None:
        yield "Term", text(f"Since {formats.day(begins, locale)}, without an end")
    else:
        yield "Term", text(f"{formats.day(begins, locale)} to {formats.day(end, locale)}")
    if payment := wording.payment_of(next_payment(holding, today), locale):
        yield "Next payment", text(payment)
    if holding.data.cancel_date is None and end is not None:
        said = formats.day(end, locale)
        renews = f"Renews by itself on {said}" if holding.data.auto_renew else f"Ends on {said}"
        yield "Renewal", text(renews)
