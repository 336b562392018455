"""Taking back what an order did to its subscriptions, and doing it again when it is retried.

Both work from what the order noted of them at commit.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime

from tessera.commerce.activation import changed, replaced, with_members
from tessera.commerce.models import (
    Alteration,
    Holding,
    Order,
    PendingChange,
    Schedule,
    SubscriptionOffer,
    Terms,
)
from tessera.commerce.subscriptions import offer_on, on_day, status_on

FAILED = "provisioning_failed"
"""`cancelReason` of a subscription whose order failed."""


def undone(holding: Holding, order: Order, *, today: date, now: datetime) -> Holding:
    """The subscription as it is without the order."""
    for alteration in order.alterations:
        if alteration.subscription == holding.id:
            holding = _undone(holding, order, alteration, today, now)
    return holding


def redone(holding: Holding, order: Order, *, today: date, now: datetime) -> Holding:
    """The subscription with the order again, as it was when the order was committed."""
    for alteration in order.alterations:
        if alteration.subscription == holding.id:
            holding = _redone(holding, order, alteration, today, now)
    return holding


def _undone(
    holding: Holding, order: Order, alteration: Alteration, today: date, now: datetime
) -> Holding:
    ends = {one.id: one.before for one in (*alteration.ends, *alteration.reopens)}
    sizes = {one.id: one.before for one in alteration.resizes}

    def as_before(offer: SubscriptionOffer) -> SubscriptionOffer:
        if offer.id in alteration.adds or alteration.is_new:
            return offer.model_copy(update={"status": "cancelled"})
        return _dated(offer, ends, sizes, today)

    holding = replaced(holding, now, _stamped(as_before, now))
    # What was absent before is in `after` alone.
    members = {**dict.fromkeys(alteration.after), **alteration.before, "pendingChange": None}
    data = with_members(holding.data, members)
    if data.pending_change is None and _is_of_another(holding, order):
        data = data.model_copy(update={"pending_change": holding.data.pending_change})
    if not alteration.is_new:
        holding = changed(holding, now, data=data)
        return _as_of(holding, today, now)
    schedule = tuple(_cancelled(row, now) for row in holding.schedule)
    data = data.model_copy(update={"cancel_reason": FAILED})
    return changed(holding, now, status="cancelled", data=data, schedule=schedule)


def _redone(
    holding: Holding, order: Order, alteration: Alteration, today: date, now: datetime
) -> Holding:
    day = alteration.day
    ends = {one.id: day for one in alteration.ends}
    sizes = {one.id: one.after if day <= today else one.before for one in alteration.resizes}

    def again(offer: SubscriptionOffer) -> SubscriptionOffer:
        if offer.id in alteration.adds or alteration.is_new:
            return offer_on(offer.model_copy(update={"status": "pending"}), today)
        return _dated(offer, ends, sizes, today)

    holding = replaced(holding, now, _stamped(again, now))
    at_once = day <= today or order.order_type in ("cancel_subscription", "renew")
    change = PendingChange(
        order=order.id,
        order_type=order.order_type,
        effective_date=day,
        terms=None if at_once or not alteration.after else Terms.model_validate(alteration.after),
    )
    data = with_members(holding.data, alteration.after if at_once else {})
    data = data.model_copy(update={"cancel_reason": None, "pending_change": change})
    if not alteration.is_new:
        return _as_of(changed(holding, now, data=data), today, now)
    schedule = tuple(_expected(row, today, now) for row in holding.schedule)
    # Not yet in the billing system: its first day alone decides.
    again_held = changed(holding, now, status="pending", data=data, schedule=schedule)
    return _as_of(again_held, today, now)


def _is_of_another(holding: Holding, order: Order) -> bool:
    change = holding.data.pending_change
    return change is not None and change.order != order.id


def _dated(
    offer: SubscriptionOffer,
    ends: Mapping[str, date | None],
    sizes: Mapping[str, int],
    today: date,
) -> SubscriptionOffer:
    if offer.id not in ends and offer.id not in sizes:
        return offer
    data = offer.data.model_copy(
        update={
            "end": ends.get(offer.id, offer.data.end),
            "quantity": sizes.get(offer.id, offer.data.quantity),
        }
    )
    return offer_on(offer.model_copy(update={"data": data}), today)


def _stamped(
    alter: Callable[[SubscriptionOffer], SubscriptionOffer], now: datetime
) -> Callable[[SubscriptionOffer], SubscriptionOffer]:
    def stamped(offer: SubscriptionOffer) -> SubscriptionOffer:
        after = alter(offer)
        return offer if after == offer else changed(after, now)

    return stamped


def _as_of(holding: Holding, today: date, now: datetime) -> Holding:
    """With the status and the plan that its dates give it."""
    # A cancellation that is taken back leaves a status that its dates no longer give.
    open_again = holding.model_copy(
        update={"status": "active" if holding.status == "cancelled" else holding.status}
    )
    status = status_on(open_again, today)
    data = on_day(open_again, today).data
    if (status, data) == (holding.status, holding.data):
        return holding
    return holding.model_copy(update={"status": status, "data": data})


def _cancelled(row: Schedule, now: datetime) -> Schedule:
    return row if row.status == "cancelled" else changed(row, now, status="cancelled")


def _expected(row: Schedule, today: date, now: datetime) -> Schedule:
    if row.status != "cancelled" or row.data.date < today:
        return row
    return changed(row, now, status="pending")
