"""Tessera's objects as the billing system's picture of a subscription makes them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from tessera import clock, ids
from tessera.commerce import prices, schedules
from tessera.commerce.billed import Account, Billed, RatePlan
from tessera.commerce.entitlements import Ownership
from tessera.commerce.mapping import Match, Plan
from tessera.commerce.models import (
    Address,
    AddressData,
    AddressKind,
    Customer,
    CustomerData,
    Holding,
    Mapping,
    Order,
    Period,
    Price,
    SalesforceAccount,
    Schedule,
    SoldOffer,
    SoldRatePlans,
    SubscriptionData,
    SubscriptionOffer,
    SubscriptionOfferData,
    Tracking,
    ZuoraAccount,
    ZuoraSubscription,
)
from tessera.commerce.subscriptions import offer_on, status_on
from tessera.objects import Record

Kept = TypeVar("Kept", bound=Record)


class Moment(NamedTuple):
    now: datetime
    today: date
    """In the business time zone."""
    mode: str


def address_id(customer: str, kind: AddressKind) -> str:
    return ids.derived("address", "address", customer, kind)


def customer_of(
    account: Account,
    before: Customer | None,
    ownership: Ownership,
    partner_org: str | None,
    moment: Moment,
) -> Customer:
    person = account.billing
    full_name = f"{person.first_name or ''} {person.last_name or ''}".strip()
    kept = before.data.salesforce if before else None
    crm = SalesforceAccount(account_id=account.crm_id) if account.crm_id else None
    data = CustomerData(
        first_name=person.first_name,
        last_name=person.last_name,
        email=person.email,
        phone=person.phone,
        company_name=account.name if account.name != full_name else None,
        currency=account.currency,
        zuora=ZuoraAccount(
            account_id=account.id, account_number=account.number, parent_id=account.parent_id
        ),
        salesforce=kept or crm,
    )
    new = Customer(
        id=ids.customer_id(account.number),
        mode=moment.mode,
        owner=ownership.owner.id,
        partner_org=partner_org,
        created=moment.now,
        updated=moment.now,
        data=data,
    )
    return new if before is None else _kept_or_updated(before, new, moment)


def addresses_of(
    account: Account, customer: Customer, before: dict[str, Address], moment: Moment
) -> list[Address]:
    given: list[tuple[AddressKind, AddressData | None]] = [
        ("billing", account.billing),
        ("delivery", account.delivery),
    ]
    addresses = []
    for kind, data in given:
        if data is None or data.country is None:
            continue
        new = Address(
            id=address_id(customer.id, kind),
            mode=moment.mode,
            owner=customer.owner,
            customer=customer.id,
            partner_org=customer.partner_org,
            relationship_type=kind,
            related=customer.id,
            created=moment.now,
            updated=moment.now,
            data=data,
        )
        known = before.get(new.id)
        addresses.append(new if known is None else _kept_or_updated(known, new, moment))
    return addresses


def live_plan(plan: RatePlan, billed: Billed) -> Plan:
    priced = [charge.price for charge in plan.charges if charge.price is not None]
    return Plan(
        id=plan.id,
        product_rate_plan=plan.product_rate_plan,
        name=plan.name,
        start=plan.start or billed.start,
        end=_end(plan, billed),
        quantity=plan.quantity,
        quantity_from=plan.quantity_from,
        amount=sum(priced[1:], priced[0]) if priced else None,
        currency=billed.currency,
        every=plan.charges[0].every if plan.charges else None,
    )


def _end(plan: RatePlan, billed: Billed) -> date | None:
    """The first day not covered: a plan that ends with a renewing term goes on, unless it is to
    be removed on that very day, as by a switch that waits for the next term.
    """
    if billed.cancel_date is not None:
        return min(filter(None, (plan.end, billed.cancel_date)))
    goes_on = billed.auto_renew and plan.end == billed.term_end and not plan.is_removed
    return None if goes_on else plan.end


def holding_of(
    billed: Billed,
    customer: Customer,
    matches: Sequence[Match],
    mapped: Mapping,
    before: Holding | None,
    moment: Moment,
    refresh: bool,
) -> Holding:
    offers = _offers(billed, customer, matches, before, moment, refresh)
    in_force = [offer for offer in offers if offer.status in ("active", "pending")]
    standard = next((o for o in in_force if o.data.record_subtype == "standard"), None)
    number = billed.number
    known = before.data.zuora if before else None
    holding = Holding(
        id=ids.subscription_id(number),
        mode=moment.mode,
        status=billed.status,
        name=number,
        reference=number,
        owner=customer.owner,
        customer=customer.id,
        partner_org=customer.partner_org,
        ref=before.ref if before else None,
        start=before.start if before else None,
        created=before.created if before else moment.now,
        updated=moment.now,
        data=SubscriptionData(
            name=standard.data.name if standard else None,
            start_date=billed.start,
            term_start_date=billed.term_start,
            term_end_date=billed.term_end,
            term_type=billed.term_type,
            auto_renew=billed.auto_renew,
            cancel_date=billed.cancel_date,
            currency=billed.currency,
            quantity=standard.data.quantity if standard else 1,
            purchase_country=billed.account.billing.country,
            price=_price(standard, matches) or _price_of(billed, moment.today),
            tracking=before.data.tracking if before else Tracking(source="zuora"),
            current_period=_current_period(billed, moment.today),
            zuora=ZuoraSubscription(
                number=number,
                id=billed.id,
                original_id=billed.id if billed.version == 1 else known and known.original_id,
                version=billed.version,
                status=billed.raw_status,
                account_id=billed.account.id,
                account_number=billed.account.number,
                invoice_owner_account_id=billed.invoice_owner_id,
            ),
            mapping=mapped,
            pending_change=before.data.pending_change if before else None,
        ),
        offers=tuple(o for o in offers if o.data.record_subtype != "add_on"),
        add_ons=tuple(o for o in offers if o.data.record_subtype == "add_on"),
    )
    charges = [
        charge.ending(billed.cancel_date)
        for plan in billed.live_plans(moment.today)
        for charge in plan.charges
    ]
    due = schedules.expected(
        holding,
        schedules.payments(charges, today=moment.today),
        status="pending-external",
        now=moment.now,
    )
    earlier = before.schedule if before else ()
    if (day := _resized_on(matches, before, moment.today)) is not None:
        due = _as_before_until(day, earlier, due, moment)
    rows = schedules.merged(earlier, due, today=moment.today, now=moment.now)
    holding = holding.model_copy(update={"schedule": tuple(rows)})
    holding = holding.model_copy(update={"status": status_on(holding, moment.today)})
    if before is not None and _same(before, holding):
        return before
    updated = moment.now if before is None else clock.after(before.updated, moment.now)
    return holding.model_copy(update={"updated": updated})


def with_order_in_flight(read: Holding, before: Holding, order: Order, moment: Moment) -> Holding:
    """The reading, save what the order has changed and the billing system does not know yet.

    Offers, plan, payments and entitlements stay; dates, terms and status follow the reading.
    """
    noted = [one for one in order.alterations if one.subscription == before.id]
    of_order = {name for one in noted for name in (*one.before, *one.after)}
    fields = SubscriptionData.model_fields
    kept = {name for name, field in fields.items() if field.alias in of_order}
    kept |= {"name", "quantity", "price", "tracking", "pending_change", "mapping"}
    if order.order_type == "cancel_subscription":
        kept.add("cancel_date")
    stays = {name: getattr(before.data, name) for name in kept}
    holding = read.model_copy(
        update={
            "data": read.data.model_copy(update=stays),
            "offers": before.offers,
            "add_ons": before.add_ons,
            "schedule": before.schedule,
        }
    )
    holding = holding.model_copy(update={"status": status_on(holding, moment.today)})
    return before if _same(before, holding) else holding


def without_lost_change(holding: Holding, billed: Billed, order: Order, moment: Moment) -> Holding:
    """Released of a change still to come that the billing system has no longer.

    It is known there by its day, on which a plan begins or ends, or the subscription does.
    """
    change = holding.data.pending_change
    if change is None or order.order_type in ("new", "renew"):
        return holding
    days = {billed.cancel_date, *(day for plan in billed.plans for day in plan.days)}
    if change.effective_date <= moment.today or change.effective_date in days:
        return holding
    data = holding.data.model_copy(update={"pending_change": None})
    updated = clock.after(holding.updated, moment.now)
    return holding.model_copy(update={"data": data, "updated": updated})


def _offers(
    billed: Billed,
    customer: Customer,
    matches: Sequence[Match],
    before: Holding | None,
    moment: Moment,
    refresh: bool,
) -> list[SubscriptionOffer]:
    """What is recognised now, and what was held before and is no longer there as `ended`."""
    open_before = [o for o in before.all_offers if o.status != "cancelled"] if before else []
    left = {offer.id: offer for offer in open_before}
    offers: list[SubscriptionOffer] = []
    for match in matches:
        known = next(
            (
                o
                for o in left.values()
                if o.data.offer.id == match.candidate.id
                and (o.data.end is None or o.data.end > moment.today)
            ),
            None,
        )
        if known is not None:
            del left[known.id]
        offers.append(_offer(billed, customer, match, known, moment, refresh))
    plan_ends = {plan.id: plan.end for plan in billed.plans}
    offers.extend(_ended(offer, plan_ends, moment) for offer in left.values())
    cancelled = [o for o in before.all_offers if o.status == "cancelled"] if before else []
    return sorted((*offers, *cancelled), key=lambda offer: offer.place)


def _offer(
    billed: Billed,
    customer: Customer,
    match: Match,
    known: SubscriptionOffer | None,
    moment: Moment,
    refresh: bool,
) -> SubscriptionOffer:
    candidate, plans = match.candidate, match.plans
    first = min(plan.start for plan in plans)
    # A charge whose quantity changes begins anew in the billing system; the offer does not.
    start = first if known is None else min(first, known.data.start)
    ends = [plan.end for plan in plans]
    end = None if None in ends else max(end for end in ends if end is not None)
    if end is None and known is not None and candidate.kind == "discount":
        # The billing system cuts it at the end of a term and lengthens it with the renewal; the
        # day on which it was promised to end stays.
        end = known.data.end
    subscription = ids.subscription_id(billed.number)
    sold = SoldOffer(
        id=candidate.id,
        version=candidate.version,
        path=candidate.path,
        name=candidate.name,
        attributes=candidate.attributes,
    )
    snapshot_kept = known is not None and not refresh
    data = SubscriptionOfferData(
        name=candidate.name,
        record_subtype=candidate.kind,
        start=start,
        end=end,
        quantity=_quantity(plans, known, moment.today),
        price=_offer_price(plans),
        offer=known.data.offer if known and snapshot_kept else sold,
        zuora=SoldRatePlans(rate_plan_ids=tuple(plan.id for plan in plans)),
        products=known.data.products if known and snapshot_kept else candidate.products,
    )
    new = SubscriptionOffer(
        id=known.id
        if known
        else ids.derived(
            "subscription_offer",
            "subscription_offer",
            subscription,
            candidate.id,
            start.isoformat(),
        ),
        mode=moment.mode,
        status="pending" if start > moment.today else "active",
        reference=billed.number,
        owner=customer.owner,
        customer=customer.id,
        partner_org=customer.partner_org,
        related=subscription,
        created=moment.now,
        updated=moment.now,
        data=data,
    )
    return new if known is None else _kept_or_updated(known, new, moment)


def _quantity(plans: Sequence[Plan], known: SubscriptionOffer | None, today: date) -> int:
    """The billing system tells the last one only: until its day there are as many as were known."""
    if known is not None and _is_resized_ahead(plans, known, today):
        return known.data.quantity
    return max(plan.quantity for plan in plans)


def _is_resized_ahead(plans: Sequence[Plan], known: SubscriptionOffer, today: date) -> bool:
    is_ahead = any(plan.quantity_from is not None and plan.quantity_from > today for plan in plans)
    return is_ahead and known.data.start <= today


def _resized_on(matches: Sequence[Match], before: Holding | None, today: date) -> date | None:
    """The first day to come on which there are more or fewer of what is held by then."""
    held = before.all_offers if before else ()
    open_ = {one.data.offer.id: one for one in held if offer_on(one, today).status == "active"}
    days = [
        plan.quantity_from
        for match in matches
        if (known := open_.get(match.candidate.id)) is not None
        for plan in match.plans
        if plan.quantity_from is not None and _is_resized_ahead([plan], known, today)
    ]
    return min(days, default=None)


def _as_before_until(
    day: date, earlier: Sequence[Schedule], due: Sequence[Schedule], moment: Moment
) -> list[Schedule]:
    """What is paid until that day is what was expected: the reading has only what follows."""
    rows = {row.id: row for row in due}
    for row in earlier:
        if row.status != "cancelled" and moment.today <= row.data.date < day:
            rows[row.id] = row.model_copy(update={"status": "pending-external"})
    return list(rows.values())


def _ended(
    offer: SubscriptionOffer, plan_ends: dict[str, date | None], moment: Moment
) -> SubscriptionOffer:
    """Its plans are no longer live: it ends when they did, or today when they are gone."""
    if offer.data.end is not None and offer.data.end <= moment.today:
        end: date = offer.data.end
    else:
        known = [plan_ends.get(plan) for plan in offer.data.zuora.rate_plan_ids]
        end = min(
            max((day for day in known if day is not None), default=moment.today), moment.today
        )
        end = max(end, offer.data.start)
    data = offer.data.model_copy(update={"end": end})
    if (offer.status, offer.data) == ("ended", data):
        return offer
    updated = clock.after(offer.updated, moment.now)
    return offer.model_copy(update={"status": "ended", "data": data, "updated": updated})


def _offer_price(plans: Sequence[Plan]) -> Price | None:
    amounts = [plan.amount for plan in plans if plan.amount is not None]
    if not amounts:
        return None
    return Price(amount=sum(amounts[1:], amounts[0]), currency=plans[0].currency)


def _price(standard: SubscriptionOffer | None, matches: Sequence[Match]) -> Price | None:
    """Of the first standard offer, in words too."""
    for match in matches:
        if standard is not None and match.candidate.id == standard.data.offer.id:
            price = standard.data.price
            if price is not None:
                return prices.shown(price.amount, price.currency, match.plans[0].every)
    return None


def _price_of(billed: Billed, today: date) -> Price | None:
    """What is paid each period, where all charges have the same one."""
    charges = [c for plan in billed.plans if plan.is_live(today) for c in plan.charges]
    periods = {charge.every for charge in charges}
    if not charges or len(periods) != 1 or any(charge.price is None for charge in charges):
        return None
    amount = sum((charge.amount for charge in charges[1:]), charges[0].amount)
    return prices.shown(amount, billed.currency, periods.pop())


def _current_period(billed: Billed, today: date) -> Period | None:
    charges = (c for plan in billed.plans if plan.is_live(today) for c in plan.charges)
    periods = (charge.period(today) for charge in charges)
    first = next((period for period in periods if period is not None), None)
    return Period(start=first[0], end=first[1]) if first is not None else None


def _same(before: Holding, after: Holding) -> bool:
    """Alike but for the time of writing."""
    return before.model_copy(update={"updated": after.updated}) == after


def _kept_or_updated(before: Kept, new: Kept, moment: Moment) -> Kept:
    """The stored object if nothing about it changed, else the new content under its history."""
    same = new.model_copy(update={"created": before.created, "updated": before.updated})
    if same == before:
        return before
    return same.model_copy(update={"updated": clock.after(before.updated, moment.now)})
