"""A Tessera order as an order in Zuora: pure, for carrying it out and for previews alike."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from tessera.catalog.models import DISCOUNTS
from tessera.commerce.calendar import Interval, Unit
from tessera.commerce.models import Alteration, Holding, SubscriptionOffer
from tessera.errors import Conflict
from tessera.integrations import zuora_requests as requests
from tessera.integrations.zuora_models import (
    ProductRatePlan,
    RatePlan,
    RatePlanCharge,
    ZuoraSubscription,
)

Plans = Mapping[str, ProductRatePlan]
"""Product rate plans by id: those that `plans_needed` names."""

_UNITS: Mapping[str, Any] = {"days": "Day", "weeks": "Week", "months": "Month", "years": "Year"}
_LONGEST_DISCOUNT = 120


class DiscountAmbiguous(Conflict):
    """One value would be a percentage of one charge and an amount of another."""

    title = "The discount is a percentage and an amount"


class Payer(NamedTuple):
    """Whose accounts an order in Zuora names, by number."""

    customer: str
    partner: str | None = None
    """The partner's account, if the partner is invoiced."""
    style: str = "A"
    """How this tenant's orders name an invoice owner: `A` as newer ones do, `B` as older ones."""

    @property
    def existing(self) -> str:
        """The account under which the order is placed."""
        if self.partner is not None and self.style == "B":
            return self.partner
        return self.customer

    @property
    def owner(self) -> str | None:
        return self.customer if self.partner is not None and self.style == "B" else None

    @property
    def invoice_owner(self) -> str | None:
        return self.partner if self.style != "B" else None


def plans_needed(offers: Iterable[SubscriptionOffer]) -> set[str]:
    """The product rate plans whose charges an order must name: with a price of ours, a quantity
    or an end.
    """
    return {
        product.rate_plan
        for offer in offers
        for product in offer.data.products
        if product.rate_plan is not None
        and (_priced(offer) or offer.data.quantity != 1 or _is_discount(offer))
    }


def creation(
    number: str,
    holdings: Sequence[Holding],
    payer: Payer,
    plans: Plans,
    *,
    today: date,
    run_billing: bool,
    collect: bool,
) -> requests.OrderRequest:
    """`collect`: take the payment at once from the default method of the customer's account."""
    return requests.OrderRequest(
        order_number=number,
        order_date=today,
        existing_account_number=payer.existing,
        subscriptions=tuple(
            requests.OrderLine(
                order_actions=(
                    requests.OrderAction(
                        deed=requests.CreateSubscription(
                            subscription_number=holding.name or "",
                            subscription_owner_account_number=payer.owner,
                            invoice_owner_account_number=payer.invoice_owner,
                            terms=_terms(holding),
                            subscribe_to_rate_plans=tuple(
                                plan
                                for offer in holding.all_offers
                                if offer.status != "cancelled"
                                for plan in _plans(offer, plans)
                            ),
                        ),
                        on=holding.data.start_date,
                    ),
                )
            )
            for holding in holdings
        ),
        processing_options=_processing(
            max(holding.data.start_date for holding in holdings), today, run_billing, collect
        ),
    )


def change(
    number: str,
    order_type: str,
    alteration: Alteration,
    holding: Holding,
    read: ZuoraSubscription,
    plans: Plans,
    *,
    account: str,
    today: date,
    run_billing: bool,
    collect: bool,
) -> requests.OrderRequest | None:
    """None when the subscription, as it was read just before, has nothing left to change.

    `account` is the number under which Zuora wants later orders.
    """
    day = alteration.day
    actions = _actions(order_type, alteration, holding, read, plans, today)
    if not actions:
        return None
    return requests.OrderRequest(
        order_number=number,
        order_date=today,
        existing_account_number=account,
        subscriptions=(
            requests.OrderLine(
                subscription_number=read.subscription_number, order_actions=tuple(actions)
            ),
        ),
        processing_options=_processing(day, today, run_billing, collect),
    )


def _actions(
    order_type: str,
    alteration: Alteration,
    holding: Holding,
    read: ZuoraSubscription,
    plans: Plans,
    today: date,
) -> list[requests.OrderAction]:
    begins = read.contract_effective_date or alteration.day
    on = max(alteration.day, begins)
    match order_type:
        case "cancel_subscription":
            ended = read.status.casefold() == "cancelled"
            if ended and read.subscription_end_date == alteration.day:
                return []
            deed = requests.CancelSubscription(cancellation_effective_date=alteration.day)
            return [requests.OrderAction(deed=deed, on=max(today, begins))]
        case "renew":
            renewal = requests.RenewSubscription()
            return [requests.OrderAction(deed=renewal, on=read.term_end_date or on)]
    deeds = _deeds(order_type, alteration, holding, read, plans)
    return [requests.OrderAction(deed=deed, on=on) for deed in deeds]


def _deeds(
    order_type: str,
    alteration: Alteration,
    holding: Holding,
    read: ZuoraSubscription,
    plans: Plans,
) -> list[requests.Deed]:
    offers = {offer.id: offer for offer in holding.all_offers}
    left = [plan for plan in read.rate_plans if (plan.last_change_type or "") != "Remove"]
    deeds: list[requests.Deed] = []
    removed = [
        requests.RemoveProduct(rate_plan_id=plan.id)
        for ended in alteration.ends
        for plan in _claimed(offers[ended.id], left)
    ]
    resized = [
        update
        for one in alteration.resizes
        for plan in _claimed(offers[one.id], left)
        if (update := _quantity(plan, one.after)) is not None
    ]
    there = {plan.product_rate_plan_id for plan in left}
    added = [
        requests.AddProduct(**plan.model_dump())
        for id in alteration.adds
        for plan in _plans(offers[id], plans)
        if removed or plan.product_rate_plan_id not in there
    ]
    switched = next(
        (
            offers[id]
            for id in alteration.adds
            if order_type in ("change_offer", "update_subscription")
            and offers[id].data.record_subtype == "standard"
        ),
        None,
    )
    if switched is not None and (removed or added):
        terms = _new_terms(switched, read)
        deeds += [terms] if terms is not None else []
    return [*deeds, *removed, *added, *resized]


def _claimed(offer: SubscriptionOffer, left: list[RatePlan]) -> list[RatePlan]:
    """The subscription's own plans that an offer stands for, each taken once."""
    found = []
    for product in offer.data.products:
        plan = next((one for one in left if one.product_rate_plan_id == product.rate_plan), None)
        if plan is not None:
            left.remove(plan)
            found.append(plan)
    return found


def _quantity(plan: RatePlan, quantity: int) -> requests.UpdateProduct | None:
    charges = [charge for charge in plan.rate_plan_charges if _is_per_unit(charge)]
    if not charges or all(charge.quantity == quantity for charge in charges):
        return None
    return requests.UpdateProduct(
        rate_plan_id=plan.id,
        charge_updates=tuple(
            requests.ChargeUpdate.to_quantity(charge.number, quantity) for charge in charges
        ),
    )


def _is_per_unit(charge: RatePlanCharge) -> bool:
    model = charge.model.replace(" ", "").replace("_", "").casefold()
    return model == "perunit" and charge.type == "Recurring"


def _plans(offer: SubscriptionOffer, plans: Plans) -> list[requests.PlanToAdd]:
    """One for each product that is sold with it. Raises `DiscountAmbiguous`."""
    _check_discount(offer, plans)
    return [
        requests.PlanToAdd(
            product_rate_plan_id=product.rate_plan,
            charge_overrides=_overrides(offer, plans.get(product.rate_plan)) or None,
        )
        for product in offer.data.products
        if product.rate_plan is not None
    ]


def _check_discount(offer: SubscriptionOffer, plans: Plans) -> None:
    if not _is_discount(offer):
        return
    sold = [plan for one in offer.data.products if (plan := plans.get(one.rate_plan or ""))]
    charges = [charge for plan in sold for charge in plan.product_rate_plan_charges]
    if len({charge.charge_model for charge in charges} & DISCOUNTS) > 1:
        raise DiscountAmbiguous(
            f"The rate plans of the discount {offer.data.offer.name} take off a percentage here and"
            " an amount there, and its one value cannot be both. Give it plans of one kind."
        )


def _overrides(
    offer: SubscriptionOffer, plan: ProductRatePlan | None
) -> tuple[requests.ChargeOverride, ...]:
    """Only where we have a price or discount of our own, another quantity than one, or an end."""
    if plan is None:
        return ()
    prices = {line["rate_plan_charge"]: line["value"] for line in _priced(offer)}
    quantity = offer.data.quantity if offer.data.quantity != 1 else None
    is_discount = _is_discount(offer)
    end = _end(offer) if is_discount else None
    overrides = []
    for charge in plan.product_rate_plan_charges:
        takes_off = is_discount and charge.charge_model in DISCOUNTS
        pricing = requests.Pricing.of(
            charge.charge_model,
            charge.charge_type,
            price=offer.data.offer.discount if takes_off else prices.get(charge.id),
            quantity=quantity,
        )
        if pricing is not None or end is not None:
            overrides.append(
                requests.ChargeOverride(
                    product_rate_plan_charge_id=charge.id, pricing=pricing, end_date=end
                )
            )
    return tuple(overrides)


def _priced(offer: SubscriptionOffer) -> list[dict[str, Any]]:
    """The lines of its price that name a charge in Zuora."""
    lines: Iterable[dict[str, Any]] = offer.data.offer.attributes.get("price__limio", ())
    return [line for line in lines if line.get("rate_plan_charge")]


def _is_discount(offer: SubscriptionOffer) -> bool:
    return offer.data.record_subtype == "discount"


def _end(offer: SubscriptionOffer) -> requests.EndDate | None:
    """For how many whole months it was given, else for how many days."""
    start, end = offer.data.start, offer.data.end
    if end is None:
        return None
    for months in range(1, _LONGEST_DISCOUNT + 1):
        if Interval(months, "months").after(start) == end:
            return requests.EndDate(up_to_periods=months, up_to_periods_type="Months")
    return requests.EndDate(up_to_periods=(end - start).days, up_to_periods_type="Days")


def _terms(holding: Holding) -> requests.Terms:
    data = holding.data
    start = data.term_start_date or data.start_date
    if data.term_type == "EVERGREEN":
        return requests.Terms(initial_term=requests.InitialTerm(term_type="EVERGREEN"))
    term = _term(_plan_of(holding))
    return requests.Terms(
        initial_term=requests.InitialTerm(
            term_type="TERMED", period=term.period, period_type=term.period_type, start_date=start
        ),
        auto_renew=data.auto_renew,
        renewal_setting="RENEW_WITH_SPECIFIC_TERM",
        renewal_terms=(term,),
    )


def _plan_of(holding: Holding) -> SubscriptionOffer | None:
    return next((o for o in holding.all_offers if o.data.record_subtype == "standard"), None)


def _term(plan: SubscriptionOffer | None) -> requests.Term:
    """As the offer was sold: twelve months unless it says otherwise."""
    said = plan.data.offer.attributes.get("term__limio", {}) if plan is not None else {}
    unit: Unit = said.get("type") or "months"
    return requests.Term(period=int(said.get("length") or 12), period_type=_UNITS[unit])


def _new_terms(
    plan: SubscriptionOffer, read: ZuoraSubscription
) -> requests.TermsAndConditions | None:
    """How it renews from now on, where the new offer says otherwise than the old one."""
    attributes = plan.data.offer.attributes
    if attributes.get("term__limio", {}).get("renewal_type") == "EVERGREEN":
        return None
    term, renews = _term(plan), bool(attributes.get("autoRenew__limio", False))
    same = (read.renewal_term, read.renewal_term_period_type) == (term.period, term.period_type)
    if same and bool(read.auto_renew) == renews:
        return None
    return requests.TermsAndConditions(
        auto_renew=renews,
        renewal_setting="RENEW_WITH_SPECIFIC_TERM",
        renewal_terms=(term,),
    )


def _processing(
    day: date, today: date, run_billing: bool, collect: bool
) -> requests.ProcessingOptions | None:
    """What takes hold later is billed by the tenant's own bill runs."""
    if not run_billing or day > today:
        return None
    billing = requests.BillingOptions(target_date=today)
    return requests.ProcessingOptions(
        run_billing=True, collect_payment=collect, billing_options=billing
    )
