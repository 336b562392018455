"""Calendar arithmetic of the Zuora stand-in: terms, billing periods and shares of them."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

MONTHS_IN = {"Month": 1, "Quarter": 3, "Semi_Annual": 6, "Annual": 12}
"""The billing periods of the catalogue."""
MOST_PERIODS = 240
CENT = Decimal("0.01")


def day(text: str) -> date:
    return date.fromisoformat(text)


def add_months(start: date, months: int) -> date:
    """The same day some months on, or the last day of a month that is too short for it."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def add_term(start: date, count: int, unit: str) -> date:
    """`unit` is Day, Week, Month or Year, with or without a plural s."""
    match unit.removesuffix("s"):
        case "Day":
            return start + timedelta(days=count)
        case "Week":
            return start + timedelta(weeks=count)
        case "Month":
            return add_months(start, count)
        case "Year":
            return add_months(start, 12 * count)
        case _:
            raise ValueError(f"{unit} is no unit of time")


def periods(anchor: date, months: int, begin: date, end: date) -> Iterator[tuple[date, date, int]]:
    """The billing periods from `begin` to before `end`, each with the days a full one has.

    They are counted from `anchor`; the first and the last are cut where the time asked for begins
    and ends. At most `MOST_PERIODS`.
    """
    number = max(0, ((begin.year - anchor.year) * 12 + begin.month - anchor.month) // months - 1)
    for step in range(number, number + MOST_PERIODS):
        first, after = add_months(anchor, step * months), add_months(anchor, (step + 1) * months)
        if first >= end:
            return
        if after > begin:
            yield max(first, begin), min(after, end), (after - first).days


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def plain(amount: Any) -> Any:
    """A number as Zuora spells it: 480 rather than 480.00."""
    if isinstance(amount, Decimal) and amount == amount.to_integral_value():
        return int(amount)
    return amount.normalize() if isinstance(amount, Decimal) else amount
