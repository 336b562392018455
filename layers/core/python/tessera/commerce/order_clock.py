"""How long an order is tried before it is given up."""

from datetime import datetime, timedelta

from tessera.commerce.models import Provisioning

_GIVEN_UP_AFTER = timedelta(hours=24)
_GIVEN_UP_PAYING_AFTER = timedelta(hours=20)
"""Inside the day for which the billing system remembers the key of a payment."""


def clock_of(order_type: str, now: datetime) -> Provisioning:
    """The clock of an order that is committed, or retried, at this moment."""
    lasts = _GIVEN_UP_PAYING_AFTER if order_type == "pay_invoice" else _GIVEN_UP_AFTER
    return Provisioning(next_at=now, give_up_at=now + lasts)
