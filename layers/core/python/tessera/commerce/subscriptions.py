"""A subscription on a given day: dates are the truth, stored values only what was last computed.

A late timer neither gives nor withholds access, because every read computes with today's date.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tessera.commerce import prices
from tessera.commerce.calendar import Interval, is_last_of_month
from tessera.commerce.models import (
    Holding,
    Period,
    Price,
    SubscriptionData,
    SubscriptionOffer,
    SubscriptionStatus,
)

_ELIGIBLE = "eligible_partners__limio"


def age(holding: Holding) -> tuple[date, datetime, str]:
    """What subscriptions are sorted by, oldest first."""
    return holding.data.start_date, holding.created, holding.id


def on_day(holding: Holding, today: date) -> Holding:
    """The subscription as its dates make it on that day: statuses, plan, period and terms."""
    return holding.model_copy(
        update={
            "status": status_on(holding, today),
            "data": _data_on(holding, today),
            "offers": tuple(offer_on(offer, today) for offer in holding.offers),
            "add_ons": tuple(offer_on(offer, today) for offer in holding.add_ons),
        }
    )


def shown_to(holding: Holding, partner_org: str | None) -> Holding:
    """As its subscriber reads it, or the partner that sold it.

    Which other partners may sell what it holds is nobody's business.
    """

    def shown(one: SubscriptionOffer) -> SubscriptionOffer:
        attributes = own_eligibility(one.data.offer.attributes, partner_org)
        offer = one.data.offer.model_copy(update={"attributes": attributes})
        return one.model_copy(update={"data": one.data.model_copy(update={"offer": offer})})

    return holding.model_copy(
        update={
            "offers": tuple(shown(one) for one in holding.offers),
            "add_ons": tuple(shown(one) for one in holding.add_ons),
        }
    )


def own_eligibility(attributes: Mapping[str, Any], partner_org: str | None) -> dict[str, Any]:
    """An offer's attributes, of the partners that may sell it the one that asks at most."""
    shown = {name: value for name, value in attributes.items() if name != _ELIGIBLE}
    if partner_org in attributes.get(_ELIGIBLE, ()):
        shown[_ELIGIBLE] = [partner_org]
    return shown


def status_on(holding: Holding, today: date) -> SubscriptionStatus:
    """`suspended`, and a cancellation without a day (its order failed), stay as stored."""
    data = with_terms(holding.data, today)
    if holding.status == "cancelled" and data.cancel_date is None:
        return "cancelled"
    if data.cancel_date is not None and today >= data.cancel_date:
        return "cancelled"
    if is_on_hold(holding):
        return "suspended" if holding.status == "suspended" else "pending"
    if today < data.start_date:
        return "pending"
    over = data.term_end_date is not None and today >= data.term_end_date
    if over and data.term_type == "TERMED" and not data.auto_renew:
        return "expired"
    return "active"


def is_on_hold(holding: Holding) -> bool:
    """Suspended, or not activated or accepted in the billing system yet, whatever its dates."""
    waits = (holding.data.zuora.status or "").casefold().startswith("pending")
    return holding.status == "suspended" or (holding.status == "pending" and waits)


def offer_on(offer: SubscriptionOffer, today: date) -> SubscriptionOffer:
    """With the status that its dates give it on that day; a cancellation stays."""
    if offer.status == "cancelled":
        return offer
    if offer.data.end is not None and today >= offer.data.end:
        status = "ended"
    else:
        status = "pending" if today < offer.data.start else "active"
    return offer.model_copy(update={"status": status})


def is_in_force(offer: SubscriptionOffer, day: date) -> bool:
    return offer_on(offer, day).status == "active"


def plans_on(holding: Holding, day: date) -> tuple[SubscriptionOffer, ...]:
    """The standard offers in force on that day, oldest first."""
    return tuple(
        offer
        for offer in holding.all_offers
        if offer.data.record_subtype == "standard" and is_in_force(offer, day)
    )


def with_terms(data: SubscriptionData, day: date) -> SubscriptionData:
    """With the terms that a pending change brings, if its day has come by then."""
    change = data.pending_change
    if change is None or change.terms is None or day < change.effective_date:
        return data
    return data.model_copy(update=change.terms.given)


def interval_of(offer: SubscriptionOffer) -> Interval | None:
    """How often it is paid, as it was sold; none for what is paid once, is free or unknown."""
    for line in offer.data.offer.attributes.get("price__limio", ()):
        if line.get("type") == "recurring":
            return Interval(
                line.get("repeat_interval") or 1, line.get("repeat_interval_type") or "months"
            )
    return None


def period_on(holding: Holding, day: date) -> Period | None:
    """The billing period that holds the day: the billing system's, else counted from the plan."""
    stored = holding.data.current_period
    plan = next(iter(plans_on(holding, day)), None)
    if plan is None:
        return stored
    if stored is not None and plan.data.start <= stored.start <= day < stored.end:
        return stored
    every = interval_of(plan)
    if every is None:
        return stored
    if stored is not None and plan.data.start <= stored.start < stored.end <= day:
        # Those that follow it, on the day of the month that is meant by its end.
        is_short = is_last_of_month(stored.end) and stored.start.day > stored.end.day
        on = stored.start.day if is_short else stored.end.day
        start, end = every.around(stored.end, day, on=on)
    else:
        start, end = every.around(plan.data.start, day)
    return Period(start=start, end=end)


def _data_on(holding: Holding, today: date) -> SubscriptionData:
    data = with_terms(holding.data, today)
    plan = next(iter(plans_on(holding, today)), None)
    if plan is None:
        return data
    news: dict[str, Any] = {"name": plan.data.name, "quantity": plan.data.quantity}
    if not _same_price(plan.data.price, data.price):
        news["price"] = _shown(plan)
    news["current_period"] = period_on(holding, today)
    return data.model_copy(update=news)


def _same_price(sold: Price | None, shown: Price | None) -> bool:
    """An offer without a price of its own leaves what the billing system says."""
    if sold is None or shown is None:
        return sold is None
    return (sold.amount, sold.currency) == (shown.amount, shown.currency)


def _shown(plan: SubscriptionOffer) -> Price | None:
    price = plan.data.price
    if price is None:
        return None
    return prices.shown(price.amount, price.currency, interval_of(plan))
