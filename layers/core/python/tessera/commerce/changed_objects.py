"""A subscription as an order makes it, before the billing system knows: pure, nothing is written.

What lies ahead stands in the dates of its offers and in its pending change, so that every day's
read is right whether a timer ran or not.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tessera import clock, ids, money
from tessera.catalog.models import ForSale, Offer
from tessera.commerce import schedules
from tessera.commerce.billed import Charge
from tessera.commerce.change_rules import Added, Decision
from tessera.commerce.models import (
    Alteration,
    EndedOffer,
    Holding,
    PendingChange,
    Price,
    Schedule,
    SoldOffer,
    SubscriptionOffer,
    SubscriptionOfferData,
    Terms,
    Tracking,
)
from tessera.commerce.purchased_objects import recurring_amount
from tessera.commerce.subscriptions import (
    interval_of,
    offer_on,
    on_day,
    plans_on,
    status_on,
    with_terms,
)
from tessera.objects import Record


class Ordered(NamedTuple):
    """What the objects of one order share."""

    id: str
    reference: str
    order_type: str
    source: str
    now: datetime
    today: date


class Changed(NamedTuple):
    holding: Holding
    """As it is stored at commit."""
    alteration: Alteration


def changed(before: Holding, decision: Decision, ordered: Ordered) -> Changed:
    added = [_offer(before, one, n, ordered) for n, one in enumerate(decision.adds)]
    day = decision.day
    has_come = day <= ordered.today
    is_renewal = ordered.order_type == "renew"
    sizes = {one.id: one.after for one in decision.resizes} if has_come else {}
    ending = {one.id for one in decision.ends}
    reopened = {one.id for one in decision.reopens}

    def altered(one: SubscriptionOffer) -> SubscriptionOffer:
        news: dict[str, Any] = {}
        if one.id in ending:
            news["end"] = max(day, one.data.start)
        if one.id in reopened:
            news["end"] = None
        if one.id in sizes:
            news["quantity"] = sizes[one.id]
        if not news:
            return one
        data = one.data.model_copy(update=news)
        updated = clock.after(one.updated, ordered.now)
        return offer_on(one.model_copy(update={"data": data, "updated": updated}), ordered.today)

    after_data = _data_changed(decision)
    members = dict(after_data) if has_come or is_renewal or decision.cancels else {}
    terms = decision.terms if not has_come and not is_renewal else None
    members["pending_change"] = PendingChange(
        order=ordered.id,
        order_type=ordered.order_type,
        effective_date=day,
        terms=terms,
    )
    members["tracking"] = Tracking(
        source=ordered.source, name=ordered.reference, order_reference=ordered.reference
    )
    offers = [*map(altered, before.offers), *(o for o in added if not _is_add_on(o))]
    add_ons = [*map(altered, before.add_ons), *(o for o in added if _is_add_on(o))]
    holding = before.model_copy(
        update={
            "updated": clock.after(before.updated, ordered.now),
            "data": before.data.model_copy(update=members),
            "offers": tuple(sorted(offers, key=lambda one: one.place)),
            "add_ons": tuple(sorted(add_ons, key=lambda one: one.place)),
        }
    )
    holding = holding.model_copy(update={"schedule": _schedule(before, holding, decision, ordered)})
    alteration = Alteration(
        subscription=before.id,
        day=ordered.today if is_renewal else day,
        adds=tuple(one.id for one in added),
        ends=tuple(EndedOffer(id=one.id, before=one.data.end) for one in decision.ends),
        reopens=tuple(EndedOffer(id=one.id, before=one.data.end) for one in decision.reopens),
        resizes=decision.resizes,
        before=_stored(before, after_data),
        after=_wired(after_data),
    )
    # Other days that have come are left to their own run, which announces them.
    news: dict[str, Any] = {"data": on_day(holding, ordered.today).data}
    if decision.cancels and has_come:
        news["status"] = status_on(holding, ordered.today)
    return Changed(holding.model_copy(update=news), alteration)


def written(before: Holding, after: Holding) -> tuple[list[Record], list[Schedule]]:
    """The objects that differ from before: what an order must write, and expected payments.

    The subscription comes first, always.
    """
    known: dict[str, Record] = {
        one.id: one for one in (*before.offers, *before.add_ons, *before.schedule)
    }
    hanging = (*after.offers, *after.add_ons)
    return (
        [after, *(one for one in hanging if known.get(one.id) != one)],
        [row for row in after.schedule if known.get(row.id) != row],
    )


def _is_add_on(one: SubscriptionOffer) -> bool:
    return one.data.record_subtype == "add_on"


def _data_changed(decision: Decision) -> dict[str, Any]:
    """Members of the subscription's data, and what they become."""
    if decision.cancels:
        return {"cancel_date": decision.day}
    return decision.terms.given if decision.terms else {}


def _stored(before: Holding, after: dict[str, Any]) -> dict[str, Any]:
    present = before.data.wire()
    return {name: present[name] for name in _wired(after) if name in present}


def _wired(members: dict[str, Any]) -> dict[str, Any]:
    if "cancel_date" in members:
        return {"cancelDate": members["cancel_date"].isoformat()}
    return Terms(**members).wire()


def _offer(before: Holding, added: Added, place: int, ordered: Ordered) -> SubscriptionOffer:
    item = added.item
    amount = recurring_amount(item)
    currency = item.currency or before.data.currency
    price = None
    if amount is not None and currency is not None:
        price = Price(amount=money.rounded(amount, currency), currency=currency)
    return SubscriptionOffer(
        id=ids.derived("subscription_offer", "subscription_offer", ordered.id, "0", str(place)),
        mode=before.mode,
        status="pending" if added.start > ordered.today else "active",
        reference=before.reference,
        owner=before.owner,
        customer=before.customer,
        partner_org=before.partner_org,
        related=before.id,
        created=ordered.now,
        updated=ordered.now,
        data=SubscriptionOfferData(
            name=item.name,
            record_subtype=added.kind,
            start=added.start,
            end=added.end,
            quantity=added.quantity,
            price=price,
            offer=SoldOffer(
                id=item.id,
                version=item.version,
                path=item.path,
                name=item.name,
                attributes=item.data.attributes.wire(),
                discount=_discount(item),
            ),
            products=added.products,
        ),
    )


def _discount(item: ForSale) -> Decimal | None:
    said = item.data.discount if isinstance(item, Offer) else None
    return None if said is None else said.value


def _schedule(
    before: Holding, after: Holding, decision: Decision, ordered: Ordered
) -> tuple[Schedule, ...]:
    """Payments before the day stay as they were; from it on they are what the plan then costs.

    A discount and a renewal leave them to the billing system, which alone knows what they are then;
    so does a plan without a price of ours.
    """
    if ordered.order_type in ("add_offer", "renew"):
        return before.schedule
    is_switch = any(one.kind == "standard" for one in decision.adds)
    # What is due today is paid for what there was, unless it is another plan from today on.
    earliest = ordered.today if is_switch or decision.cancels else ordered.today + timedelta(days=1)
    first = max(decision.day, earliest)
    open_rows = [row for row in before.schedule if row.status != "cancelled"]
    kept = [row for row in open_rows if ordered.today <= row.data.date < first]
    coming: list[Schedule] = []
    if not decision.cancels:
        later = [row.data.date for row in open_rows if row.data.date >= first]
        charges = _charges(after, first, None if is_switch else min(later, default=None))
        if charges is None:
            return before.schedule
        due = schedules.payments(charges, today=first)
        coming = schedules.expected(after, due, status="pending", now=ordered.now)
    return tuple(
        schedules.merged(before.schedule, [*kept, *coming], today=ordered.today, now=ordered.now)
    )


def _charges(after: Holding, first: date, billed_on: date | None) -> list[Charge] | None:
    """What recurs from that day on; add-ons are paid together with the plan.

    `billed_on` is a day on which the present plan is known to be billed.
    """
    plans = plans_on(after, first)
    terms = with_terms(after.data, first)
    over = terms.term_end_date if terms.term_type == "TERMED" and not terms.auto_renew else None
    charges = []
    for one in (*plans, *after.add_ons):
        if one.data.end is not None and one.data.end <= first:
            continue
        price, every = one.data.price, interval_of(one)
        if price is None or every is None:
            if one in plans:
                return None
            continue
        same = next((plan for plan in plans if interval_of(plan) == every), one)
        charges.append(
            Charge(
                name=one.data.name,
                product=one.data.name,
                plan=one.data.name,
                price=price.amount,
                quantity=one.data.quantity,
                currency=price.currency,
                every=every,
                start=billed_on or same.data.start,
                end=one.data.end,
                charged_through=None,
                bill_days=(after.data.start_date.day,),
            ).ending(over)
        )
    return charges
