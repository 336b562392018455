"""A subscription on a given day: dates are the truth, stored statuses only what was last computed.

A late timer neither gives nor withholds access, because every read computes with today's date.
"""

from datetime import date

from tessera.commerce.models import Holding, SubscriptionOffer, SubscriptionStatus


def on_day(holding: Holding, today: date) -> Holding:
    """The subscription with the statuses that its dates give it on that day."""
    return holding.model_copy(
        update={
            "status": status_on(holding, today),
            "offers": tuple(offer_on(offer, today) for offer in holding.offers),
            "add_ons": tuple(offer_on(offer, today) for offer in holding.add_ons),
        }
    )


def status_on(holding: Holding, today: date) -> SubscriptionStatus:
    """`suspended`, and a cancellation without a day (its order failed), stay as stored."""
    data = holding.data
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
