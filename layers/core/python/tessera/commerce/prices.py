"""How a price is shown to people."""

from decimal import Decimal

from tessera import money
from tessera.commerce.calendar import Interval
from tessera.commerce.models import Price, PriceSummary

_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥"}


def shown(amount: Decimal, currency: str, every: Interval | None) -> Price:
    """`£17.50`, and below it `£17.50 per month`, or `£17.50 once` for a single payment."""
    headline = _headline(amount, currency)
    often = "once" if every is None else f"per {every.words}"
    return Price(
        amount=money.rounded(amount, currency),
        currency=currency,
        summary=PriceSummary(headline=headline, subline=f"{headline} {often}"),
    )


def _headline(amount: Decimal, currency: str) -> str:
    digits = f"{money.rounded(amount, currency):,f}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{digits}" if symbol else f"{digits} {currency}"
