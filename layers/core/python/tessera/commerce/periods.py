"""Billing periods, payments and terms of a subscription, as the day of a change depends on them."""

from datetime import date

from tessera.commerce.calendar import Interval
from tessera.commerce.models import Holding, Period, Schedule, SubscriptionOffer
from tessera.commerce.subscriptions import period_on, plans_on, with_terms

_OPEN = ("active", "pending", "pending-external")


def next_payment(holding: Holding, today: date) -> Schedule | None:
    """The earliest one expected from that day on."""
    due = [row for row in holding.schedule if row.status in _OPEN and row.data.date >= today]
    return min(due, key=lambda row: row.data.date, default=None)


def billing_period(holding: Holding, today: date) -> Period:
    """The one paid for now. It ends with the term, and without any sign of the next one today."""
    period = period_on(holding, today)
    if period is None or not period.start <= today < period.end:
        # Its plans are not known here, but what is paid for lasts until the next payment.
        later = [row.data.date for row in holding.schedule if row.status in _OPEN]
        start = max((day for day in later if day <= today), default=holding.data.start_date)
        end = min((day for day in later if day > today), default=term_end(holding, today))
        period = Period(start=min(start, today), end=end or today)
    over = term_end(holding, today)
    if over is not None and over < period.end:
        return Period(start=period.start, end=over)
    return period


def term_end(holding: Holding, today: date) -> date | None:
    """The first day after the term that holds that day; none for one without end."""
    data = with_terms(holding.data, today)
    if data.term_type == "EVERGREEN" or data.term_end_date is None:
        return None
    if today < data.term_end_date or not data.auto_renew:
        return data.term_end_date
    # Renewed meanwhile by the billing system, whose answer is on its way.
    _, end = term_of(plan_of(holding, today)).around(data.term_end_date, today)
    return end


def term_of(plan: SubscriptionOffer | None) -> Interval:
    """How long a term of the plan is, as it was sold; a year where that is not known."""
    term = plan.data.offer.attributes.get("term__limio", {}) if plan else {}
    return Interval(term.get("length") or 12, term.get("type") or "months")


def plan_of(holding: Holding, today: date) -> SubscriptionOffer | None:
    """The standard offer in force, the oldest of several."""
    return next(iter(plans_on(holding, today)), None)
