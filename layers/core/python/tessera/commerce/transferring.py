"""A subscription that the billing system has given to another account, whose owner is another.

What hangs from it goes with it, so that the new owner sees what was paid; its orders stay with
whoever placed them. Both owners change in one transaction: there is no moment at which both have
access or neither. Source: README, "Subscription sync".
"""

from datetime import date, datetime
from typing import TypeVar

from tessera import clock
from tessera.commerce.entitlements import Announcements, Ownership
from tessera.commerce.models import Customer, Holding, Order
from tessera.errors import Conflict
from tessera.objects import Record

_IN_FLIGHT = ("submitted", "processing")

Hanging = TypeVar("Hanging", bound=Record)


class TransferPending(Conflict):
    title = "An order of the former owner is still being carried out"


def refuse_in_flight(change: Order | None, finishing: str | None) -> None:
    """Raises `TransferPending`: what an order writes next, it writes for its own owner.

    `finishing` is the order that reads the subscription at its end, if one does; it need not be
    that of the pending change.
    """
    pending = change.id if change is not None and change.status in _IN_FLIGHT else finishing
    if pending is not None:
        raise TransferPending(
            f"In Zuora this subscription belongs to another account by now, and {pending} of its "
            "former owner is not complete yet. It is handed over when that order has ended."
        )


def handed_over(holding: Holding, customer: Customer, now: datetime) -> Holding:
    """The subscription with all that hangs from it, as that customer's."""

    def theirs(one: Hanging) -> Hanging:
        belongs = {
            "owner": customer.owner,
            "customer": customer.id,
            "partner_org": customer.partner_org,
            "updated": clock.after(one.updated, now),
        }
        return one.model_copy(update=belongs)

    parts = {
        "offers": tuple(theirs(one) for one in holding.offers),
        "add_ons": tuple(theirs(one) for one in holding.add_ons),
        "schedule": tuple(theirs(one) for one in holding.schedule),
    }
    return theirs(holding).model_copy(update=parts)


def left(former: Ownership, subscription: str, *, now: datetime, today: date) -> Announcements:
    """What the former owner is told: nothing is granted any more, now or on a day announced."""
    telling = Announcements(former, now=now, today=today)
    kept = former.find(subscription)
    if kept is not None:
        over = {"spans": (), "start": min(kept.start, today), "end": None, "change_day": None}
        nothing = kept.model_copy(update={**over, "cancels": False})
        telling.becomes(former.holding(nothing, today))
        telling.entitlements_if_changed(subscription)
    state = telling.ownership
    telling.becomes(
        state.model_copy(
            update={
                "held": tuple(one for one in state.held if one.id != subscription),
                "unannounced": tuple(one for one in state.unannounced if one != subscription),
            }
        )
    )
    return telling
