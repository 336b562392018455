"""Taking effect on the day: what a subscription's dates say becomes what is stored of it.

Dates are the truth and every read computes with today's date, so a late run neither gives nor
withholds access. Running twice does nothing. Source: README, "Entitlements".
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from tessera import clock
from tessera.commerce.commits import Busy, Commit, OwnerBusy, decided
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import (
    Alteration,
    Holding,
    Order,
    SubscriptionData,
    SubscriptionOffer,
)
from tessera.commerce.subscriptions import is_on_hold, offer_on, on_day, status_on
from tessera.objects import Record

_OPEN = ("pending", "active", "suspended")
_ENDED = ("complete", "failed")
_RELEASED_WITH_ORDER = ("new", "renew")
"""What these lock is free as soon as they are complete; other changes lock until their day."""
_RESERVE_SECONDS = 15

Hanging = TypeVar("Hanging", bound=Record)


class Due(NamedTuple):
    """A subscription that the index of days names."""

    subscription: str
    at: str
    """As the index has it: whoever writes the subscription meanwhile changes it."""


class Subscriptions(Protocol):
    def due_days(self, today: date) -> Iterator[Due]:
        """Subscriptions with a change due up to this day, oldest first in each part."""

    def look_again(self, due: Due, day: date) -> None:
        """Names the subscription again on that day, unless it was written meanwhile."""

    def holding(self, subscription: str) -> Holding | None: ...

    def order(self, id: str) -> Order | None: ...

    def ownership(self, owner: str) -> Ownership | None: ...

    def commit(self, change: Commit) -> None: ...


class Resyncs(Protocol):
    def ask(self, number: str, *, now: datetime) -> None:
        """Has the subscription read from the billing system again."""


def due_day(holding: Holding) -> date | None:
    """The first day on which something stored of the subscription must change; it may be past."""
    data = holding.data
    days: list[date | None] = []
    for offer in holding.all_offers:
        days.append(offer.data.start if offer.status == "pending" else None)
        days.append(offer.data.end if offer.status in ("pending", "active") else None)
    if data.pending_change is not None:
        days.append(data.pending_change.effective_date)
    if holding.status in _OPEN:
        days.append(data.cancel_date)
        # Of a term that renews too: to see whether the billing system has renewed it.
        days.append(data.term_end_date if data.term_type == "TERMED" else None)
    if holding.status == "pending" and not is_on_hold(holding):
        days.append(data.start_date)
    return min((day for day in days if day is not None), default=None)


def advanced(holding: Holding, order: Order | None, *, today: date, now: datetime) -> Holding:
    """The subscription as its dates have it today, itself when nothing is new.

    `order` is that of the pending change: what it alters from its day on is carried out, and the
    lock goes when the order is complete as well.
    """
    holding, change = _with_statuses(holding, today, now), holding.data.pending_change
    if change is None:
        return holding
    has_come = change.effective_date <= today
    data = holding.data
    if has_come:
        alterations = () if order is None else order.alterations
        for alteration in alterations:
            if alteration.subscription == holding.id:
                holding = _altered(holding, alteration, now)
        # The plan, and the terms that stood in the change.
        data = on_day(holding, today).data
    over = order is None or order.status in _ENDED
    if over and (has_come or change.order_type in _RELEASED_WITH_ORDER):
        data = data.model_copy(update={"pending_change": None})
    else:
        data = data.model_copy(update={"pending_change": change})
    return holding if data == holding.data else changed(holding, now, data=data)


def activate(
    *,
    subscriptions: Subscriptions,
    resyncs: Resyncs,
    now: Callable[[], datetime],
    zone: str,
    time_left: Callable[[], float],
) -> dict[str, Any]:
    """One run over all that is due. What it has no time for is found by the next one."""
    today = clock.today(now(), zone)
    counted = {"activated": 0, "waiting": 0, "busy": 0}
    for due in subscriptions.due_days(today):
        if time_left() < _RESERVE_SECONDS:
            return {"outcome": "unfinished", **counted}
        counted[_activate_one(due, subscriptions, resyncs, now(), today)] += 1
    return counted


def _activate_one(
    due: Due, subscriptions: Subscriptions, resyncs: Resyncs, now: datetime, today: date
) -> str:
    try:
        before, after = decided(lambda: _commit(due.subscription, subscriptions, now, today))
    except (Busy, OwnerBusy):
        return "busy"
    if after is None:
        return "waiting"
    day = due_day(after)
    is_due = day is not None and day <= today
    if is_due and _awaits_renewal(after, today):
        resyncs.ask(after.name or "", now=now)
    if is_due and after is before:
        # It waits for something else: for its order to end, or for the term to be renewed.
        subscriptions.look_again(due, today + timedelta(days=1))
        return "waiting"
    return "activated"


def _awaits_renewal(holding: Holding, today: date) -> bool:
    data = holding.data
    over = data.term_end_date is not None and data.term_end_date <= today
    return holding.status in _OPEN and data.auto_renew and over


def _commit(
    id: str, subscriptions: Subscriptions, now: datetime, today: date
) -> tuple[Holding | None, Holding | None]:
    """The subscription before and after, the same where nothing is to be done."""
    holding = subscriptions.holding(id)
    if holding is None or holding.owner is None:
        return None, None
    ownership = subscriptions.ownership(holding.owner)
    if ownership is None:
        return None, None
    if ownership.owner.status == "merging":
        raise OwnerBusy("The owner is being merged. Try again in a minute.")
    change = holding.data.pending_change
    order = None if change is None else subscriptions.order(change.order)
    after = advanced(holding, order, today=today, now=now)
    if after is holding:
        return holding, holding
    telling = Announcements(ownership, now=now, today=today)
    told(telling, holding, after, today)
    subscriptions.commit(
        Commit(
            ownership=telling.ownership,
            seen=ownership.owner.updated,
            replaces=written(holding, after),
            events=telling.events,
            expects={holding.id: holding.updated},
        )
    )
    return holding, after


def told(telling: Announcements, before: Holding, after: Holding, today: date) -> None:
    """What is announced of a subscription whose day has come.

    Its set is sent again, without date, if it was announced ahead; a discount only if the set
    differs.
    """
    known = telling.ownership.find(after.id)
    kept = held(after, known)
    said = known.said.codes if known else ()
    ahead = known.said_ahead if known else None
    has_come = ahead is not None and ahead.day is not None and ahead.day <= today
    change = before.data.pending_change
    is_discount = change is not None and change.order_type == "add_offer"
    differs = kept.on(today) != said
    if has_come and is_discount and not differs:
        kept = kept.model_copy(update={"said_ahead": None})
    telling.becomes(telling.ownership.holding(kept, today))
    ended = after.status == "cancelled" and before.status != "cancelled"
    name = "subscription.cancelled" if ended else "subscription.updated"
    telling.tell(name, on_day(after, today).wire(), subscription=after.id)
    if differs or (has_come and not is_discount):
        telling.entitlements(after.id)
    else:
        # What lies further ahead was not announced while something else came before it.
        telling.entitlements_if_changed(after.id)


def written(before: Holding | None, after: Holding) -> list[Record]:
    """What of a subscription differs from before, and the subscription itself."""
    known: dict[str, Record] = {}
    if before is not None:
        known = {one.id: one for one in (*before.all_offers, *before.schedule)}
    hanging: Iterable[Record] = (*after.offers, *after.add_ons, *after.schedule)
    return [one for one in hanging if known.get(one.id) != one] + [after]


def changed(record: Hanging, now: datetime, **members: Any) -> Hanging:
    """With other members, written later than before."""
    return record.model_copy(update={**members, "updated": clock.after(record.updated, now)})


def with_members(data: SubscriptionData, members: dict[str, Any]) -> SubscriptionData:
    """With members as they are stored; None takes one away."""
    merged = {**data.model_dump(by_alias=True, exclude_none=True), **members}
    return SubscriptionData.model_validate(
        {name: value for name, value in merged.items() if value is not None}
    )


def _altered(holding: Holding, alteration: Alteration, now: datetime) -> Holding:
    """With the quantities that hold from its day on."""
    sizes = {one.id: one.after for one in alteration.resizes}

    def sized(offer: SubscriptionOffer) -> SubscriptionOffer:
        wanted = sizes.get(offer.id, offer.data.quantity)
        if wanted == offer.data.quantity or offer.status == "cancelled":
            return offer
        return changed(offer, now, data=offer.data.model_copy(update={"quantity": wanted}))

    return replaced(holding, now, sized)


def _with_statuses(holding: Holding, today: date, now: datetime) -> Holding:
    def dated(offer: SubscriptionOffer) -> SubscriptionOffer:
        after = offer_on(offer, today)
        return offer if after.status == offer.status else changed(offer, now, status=after.status)

    holding = replaced(holding, now, dated)
    status = status_on(holding, today)
    return holding if status == holding.status else changed(holding, now, status=status)


def replaced(
    holding: Holding, now: datetime, alter: Callable[[SubscriptionOffer], SubscriptionOffer]
) -> Holding:
    """With each offer and add-on altered; itself when none is."""
    offers = tuple(alter(offer) for offer in holding.offers)
    add_ons = tuple(alter(offer) for offer in holding.add_ons)
    if (offers, add_ons) == (holding.offers, holding.add_ons):
        return holding
    return changed(holding, now, offers=offers, add_ons=add_ons)
