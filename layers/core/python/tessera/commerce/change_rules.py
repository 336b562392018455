"""What may be changed about a subscription, by whom, and on which day it takes hold.

Source: README, "Changing a subscription". All is decided from the subscription and the catalog as
they are; what it becomes is made elsewhere.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple, Protocol, TypeVar

from tessera import clock, ids
from tessera.catalog.models import AddOn, ForSale, Offer
from tessera.commerce.calendar import Interval
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import (
    AddOffer,
    AddOnPart,
    AnyChange,
    CancelSubscription,
    Change,
    ChangeAddOn,
    ChangeOffer,
    Renew,
    UpdateSubscription,
)
from tessera.commerce.eligibility import OfferChanged
from tessera.commerce.models import (
    Holding,
    OfferKind,
    OrderWarning,
    ResizedOffer,
    SoldProduct,
    SubscriptionOffer,
    Terms,
)
from tessera.commerce.periods import billing_period, next_payment, plan_of, term_end, term_of
from tessera.commerce.purchased_objects import Sold
from tessera.commerce.subscriptions import plans_on, status_on, with_terms
from tessera.errors import ChangePending, Conflict, Forbidden, NotFound, invalid

Sellable = TypeVar("Sellable", Offer, AddOn)


class ManagedByPartner(Forbidden):
    title = "A partner looks after this subscription"


class SubscriptionNotActive(Conflict):
    title = "The subscription is not active"


class SaveAlreadyActive(Conflict):
    title = "A discount is active already"


class Shop(Protocol):
    def for_sale(self, ids: Collection[str]) -> Sold:
        """Offers and add-ons by id, each with its products as they are sold; unknown ids absent."""


class Added(NamedTuple):
    """An offer or add-on to be held from a day on."""

    item: ForSale
    products: tuple[SoldProduct, ...]
    kind: OfferKind
    quantity: int
    start: date
    end: date | None = None


class Decision(NamedTuple):
    """What an order does to a subscription, all rules checked."""

    day: date
    adds: tuple[Added, ...] = ()
    ends: tuple[SubscriptionOffer, ...] = ()
    resizes: tuple[ResizedOffer, ...] = ()
    terms: Terms | None = None
    """From the day on; of a renewal at once."""
    cancels: bool = False
    reopens: tuple[SubscriptionOffer, ...] = ()
    """Those that ended with a term after which the subscription now goes on."""
    removed_add_ons: tuple[SubscriptionOffer, ...] = ()
    """Of `ends`, those that nobody asked to end: they do not go with the new offer."""
    warnings: tuple[OrderWarning, ...] = ()


class CancelDays(NamedTuple):
    """When a subscription may end, as its first day not covered."""

    default: date
    earliest: date
    latest: date | None
    """None: any later day."""


class _Scene(NamedTuple):
    caller: Caller
    holding: Holding
    today: date
    sold: Sold


def subscription_named(request: Change) -> str:
    """The id of the subscription concerned. Raises `InvalidFields` if none or two are named."""
    wanted = request.for_subscription
    given = {
        "forSubscription.id": wanted.id,
        "forSubscription.name": wanted.name,
        "subscriptionId": request.subscription_id,
        "subscriptionRef": request.subscription_ref,
    }
    named = {field: _id_of(text) for field, text in given.items() if text is not None}
    if not named:
        raise invalid("forSubscription", "forSubscription names the subscription", "required")
    first, *others = named.items()
    for field, id in others:
        if id != first[1]:
            raise invalid(field, f"{field} and {first[0]} name two different subscriptions.")
    return first[1]


def reached(holding: Holding | None, caller: Caller) -> Holding:
    """The subscription, if the caller may see it; else it does not exist for it."""
    if holding is None or not caller.may_see(holding):
        raise NotFound("There is no such subscription.")
    return holding


def decide(
    request: AnyChange, caller: Caller, holding: Holding, shop: Shop, today: date
) -> Decision:
    """Raises `ManagedByPartner`, `ChangePending`, `SubscriptionNotActive`, `SaveAlreadyActive`,
    `OfferChanged`, `NotFound` for an offer that the caller cannot see, and `InvalidFields`.
    """
    check_open(request, caller, holding, today)
    sold = shop.for_sale(wanted) if (wanted := _looked_up(request, holding, today)) else {}
    scene = _Scene(caller, holding, today, sold)
    match request:
        case ChangeOffer():
            return _update(scene, request, request.offer.id, request.quantity, {})
        case UpdateSubscription():
            parts = {f"addOns[{n}]": part for n, part in enumerate(request.add_ons)}
            offer = request.offer.id if request.offer else None
            return _update(scene, request, offer, request.quantity, parts)
        case ChangeAddOn():
            if request.add_on.quantity not in (None, request.part.quantity):
                raise invalid("quantity", "quantity and addOn.quantity differ.")
            return _update(scene, request, None, None, {"addOn": request.part})
        case AddOffer():
            return _save(scene, request)
        case CancelSubscription():
            return _cancel(scene, request)
        case Renew():
            return _renew(scene, request)


def cancel_days(holding: Holding, caller: Caller, today: date) -> CancelDays:
    """The day of a cancellation: the default, and the bounds within which another may be given."""
    if status_on(holding, today) == "pending":
        start = holding.data.start_date
        return CancelDays(start, start, start)
    period = billing_period(holding, today)
    term = term_end(holding, today)
    to_the_term = any(
        plan.data.offer.attributes.get("cancel_date__limio") == "term_end"
        for plan in plans_on(holding, today)
    )
    default = term if to_the_term and term is not None else period.end
    if caller.kind == "customer":
        return CancelDays(default, default, default)
    earliest = period.start if caller.is_company else today
    is_evergreen = holding.data.term_type == "EVERGREEN"
    return CancelDays(default, earliest, None if is_evergreen else max(default, period.end))


def switch_day(holding: Holding, to: Offer, today: date) -> date:
    """As the offer switched to says: today, with the next payment, or at the end of the term."""
    if to.data.attributes.switch_date == "immediate":
        return today
    end = term_end(holding, today) or billing_period(holding, today).end
    if to.data.attributes.switch_date == "next_payment":
        payment = next_payment(holding, today)
        return min(payment.data.date, end) if payment else end
    return end


def listed(offer: ForSale | None) -> tuple[str, ...]:
    """Ids of the offers to which a subscriber may go from this one."""
    if not isinstance(offer, Offer):
        return ()
    attributes = offer.data.attributes
    return tuple(one.id for one in (*attributes.upgrade_offers, *attributes.downgrade_offers))


def saves_of(offer: ForSale | None) -> tuple[str, ...]:
    """Ids of the discounts that keep its subscribers."""
    return (
        tuple(one.id for one in offer.data.attributes.save_offers)
        if isinstance(offer, Offer)
        else ()
    )


def is_eligible(item: ForSale, caller: Caller, holding: Holding) -> bool:
    """May it be sold to this caller for this subscription?"""
    if caller.kind == "customer":
        return item.is_visible_online()
    organisation = caller.partner_org or holding.partner_org
    return item.is_visible_to(organisation) if organisation else item.status == "active"


def goes_with(add_on: ForSale | None, products: Collection[str]) -> bool:
    """Is the add-on compatible with any of the products?"""
    if not isinstance(add_on, AddOn):
        return False
    return any(one.id in products for one in add_on.data.attributes.compatible_products)


def _id_of(text: str) -> str:
    return text if ids.is_id(text, "sub") else ids.subscription_id(text)


def check_open(request: AnyChange, caller: Caller, holding: Holding, today: date) -> None:
    if caller.kind == "customer" and holding.partner_org is not None:
        raise ManagedByPartner(
            "This subscription was sold by a partner, who also changes it. Ask the partner."
        )
    if (change := holding.data.pending_change) is not None:
        raise ChangePending(
            f"Another change of this subscription is pending for {change.effective_date}.",
            effectiveDate=clock.zoneless(change.effective_date),
        )
    status = status_on(holding, today)
    if status != "active" and not (status == "pending" and isinstance(request, CancelSubscription)):
        raise SubscriptionNotActive(f"The subscription is {status}.")


def _looked_up(request: AnyChange, holding: Holding, today: date) -> set[str]:
    """Ids of all offers and add-ons that the decision depends on."""
    plans = {plan.data.offer.id for plan in plans_on(holding, today)}
    held = {one.data.offer.id for one in _live(holding.add_ons, today)}
    match request:
        case ChangeOffer() | AddOffer():
            return {request.offer.id, *plans, *held}
        case UpdateSubscription():
            named = {part.id for part in request.add_ons if part.id is not None}
            return {*named, *plans, *held, *([request.offer.id] if request.offer else [])}
        case ChangeAddOn():
            return {*([request.add_on.id] if request.add_on.id else []), *held}
    return set()


def _update(
    scene: _Scene,
    request: Change,
    offer: str | None,
    quantity: int | None,
    parts: Mapping[str, AddOnPart],
) -> Decision:
    """A switch, changes of add-ons, or both on one day: that of the switch if there is one."""
    if offer is not None:
        return _switch(scene, request, offer, quantity, parts)
    if quantity is not None:
        text = "This is the quantity of the offer switched to. Name the offer, or an add-on's own."
        raise invalid("quantity", text)
    if not parts:
        raise invalid("offer", "Choose an offer or add-ons: the order changes nothing.", "required")
    days = {_day_of(part, scene) for part in parts.values()}
    if len(days) > 1:
        raise invalid(
            "addOns",
            "Add-ons are added today and removed at the end of the billing period. Send the two"
            " in separate orders.",
            "one_day_only",
        )
    day = days.pop()
    _check_not_over(scene, day)
    products = {
        product.id
        for plan in plans_on(scene.holding, scene.today)
        for product in plan.data.products
    }
    adds, ends, resizes = _parts(scene, parts, day, products, _live(scene.holding.add_ons, day))
    warnings = _adjusted(_requested_day(request), day)
    return Decision(day, adds=adds, ends=ends, resizes=resizes, warnings=warnings)


def _switch(
    scene: _Scene,
    request: Change,
    offer: str,
    quantity: int | None,
    parts: Mapping[str, AddOnPart],
) -> Decision:
    caller, holding, sold = scene.caller, scene.holding, scene.sold
    current = _current(scene, request)
    new = _sellable(scene, offer, Offer, "offer.id")
    if new.data.record_subtype == "discount":
        raise invalid("offer.id", "A discount is no plan to switch to.")
    if new.id == current.data.offer.id:
        raise invalid("offer.id", "The subscription has this offer already.")
    now_sold = sold.get(current.data.offer.id)
    if not caller.is_company and new.id not in listed(now_sold[0] if now_sold else None):
        raise invalid(
            "offer.id",
            "This offer is not among the upgrades and downgrades of the present one.",
            "offer_not_eligible",
        )
    _check_terms_of_sale(scene, request, new, "offer")
    size = quantity or current.data.quantity
    _check_size(new, size, "quantity")
    day, warnings = _day_of_switch(scene, request, new)
    _check_not_over(scene, day)
    kept = [plan for plan in plans_on(holding, day) if plan.id != current.id]
    products = {product.id for product in sold[new.id][1]}
    products |= {product.id for plan in kept for product in plan.data.products}
    add_ons = _live(holding.add_ons, day)
    staying = [one for one in add_ons if goes_with(_item(scene, one), products)]
    removed = tuple(one for one in add_ons if one not in staying)
    adds, ends, resizes = _parts(scene, parts, day, products, staying)
    saves = saves_of(now_sold[0] if now_sold else None)
    discounts = [
        one
        for one in _live(holding.offers, day)
        if _is_discount(one) and (not kept or one.data.offer.id in saves)
    ]
    gone = (current, *discounts, *removed, *ends)
    terms = _terms_of_switch(scene, new, day)
    return Decision(
        day,
        adds=(Added(new, sold[new.id][1], "standard", size, day), *adds),
        ends=gone,
        resizes=resizes,
        terms=terms,
        reopens=_reopened(scene, terms, gone),
        removed_add_ons=removed,
        warnings=warnings,
    )


def _day_of_switch(
    scene: _Scene, request: Change, new: Offer
) -> tuple[date, tuple[OrderWarning, ...]]:
    day = switch_day(scene.holding, new, scene.today)
    wanted = _requested_day(request)
    if wanted is not None and scene.caller.kind != "customer":
        last = term_end(scene.holding, scene.today)
        day = max(wanted, scene.today)
        day = day if last is None else min(day, last)
    return day, _adjusted(wanted, day)


def _terms_of_switch(scene: _Scene, new: Offer, day: date) -> Terms | None:
    """At the end of a term a new one begins, of the new offer; else only its renewal differs."""
    attributes = new.data.attributes
    term = attributes.term
    if day == term_end(scene.holding, scene.today):
        is_termed = term.renewal_type == "TERMED"
        length = Interval(term.length or 12, term.type or "months")
        return Terms(
            auto_renew=attributes.auto_renew,
            term_type=term.renewal_type,
            term_start_date=day,
            term_end_date=length.after(day) if is_termed else None,
        )
    present = with_terms(scene.holding.data, scene.today)
    if present.auto_renew == attributes.auto_renew:
        return None
    return Terms(auto_renew=attributes.auto_renew)


def _save(scene: _Scene, request: AddOffer) -> Decision:
    current = _current(scene, request)
    new = _sellable(scene, request.offer.id, Offer, "offer.id")
    if new.data.discount is None or new.id not in saves_of(_item(scene, current)):
        raise invalid("offer.id", "This is no save offer of the present offer.")
    _check_terms_of_sale(scene, request, new, "offer")
    live = [o for o in _live(scene.holding.offers, scene.today) if _is_discount(o)]
    if live:
        raise SaveAlreadyActive("A discount is active on this subscription. It can have one.")
    day = billing_period(scene.holding, scene.today).end
    _check_not_over(scene, day)
    if _ends_with_term(scene) and day == term_end(scene.holding, scene.today):
        raise SubscriptionNotActive(f"The subscription ends on {day}, when the discount begins.")
    discount = new.data.discount
    end = Interval(discount.term_length, discount.term_type).after(day)
    added = Added(new, scene.sold[new.id][1], "discount", 1, day, end)
    return Decision(day, adds=(added,), warnings=_adjusted(_requested_day(request), day))


def _cancel(scene: _Scene, request: CancelSubscription) -> Decision:
    holding, today = scene.holding, scene.today
    days = cancel_days(holding, scene.caller, today)
    wanted = _requested_day(request)
    day = days.default if wanted is None else wanted
    warnings: tuple[OrderWarning, ...] = ()
    if status_on(holding, today) == "pending":
        day = days.default
        warnings = _adjusted(wanted, day)
    elif day < days.earliest or (days.latest is not None and day > days.latest):
        until = f" and {days.latest}" if days.latest else " and any later day"
        raise invalid(
            _day_field(request),
            f"The subscription can end between {days.earliest}{until}.",
            "cancel_date_out_of_range",
            earliest=days.earliest.isoformat(),
            **({"latest": days.latest.isoformat()} if days.latest else {}),
        )
    _check_not_over(scene, day)
    ends = (*_live(holding.offers, day), *_live(holding.add_ons, day))
    return Decision(day, ends=ends, cancels=True, warnings=warnings)


def _renew(scene: _Scene, request: Renew) -> Decision:
    day = term_end(scene.holding, scene.today)
    if day is None:
        raise invalid("forSubscription", "This subscription has no term that could be renewed.")
    _check_not_over(scene, day)
    end = term_of(plan_of(scene.holding, scene.today)).after(day)
    terms = Terms(term_end_date=end)
    return Decision(
        day,
        terms=terms,
        reopens=_reopened(scene, terms, ()),
        warnings=_adjusted(_requested_day(request), day),
    )


def _parts(
    scene: _Scene,
    parts: Mapping[str, AddOnPart],
    day: date,
    products: Collection[str],
    held: Sequence[SubscriptionOffer],
) -> tuple[tuple[Added, ...], tuple[SubscriptionOffer, ...], tuple[ResizedOffer, ...]]:
    """`held` are the add-ons that are there on that day and stay, whatever the parts do."""
    adds: list[Added] = []
    ends: list[SubscriptionOffer] = []
    resizes: list[ResizedOffer] = []
    touched: set[str] = set()
    for path, part in parts.items():
        if part.action == "add":
            added = _added(scene, path, part, day, products, held)
            key = added.item.id
            adds.append(added)
        else:
            one = _held(path, part, held)
            key = one.data.offer.id
            if part.action == "remove":
                ends.append(one)
            else:
                resizes.append(_resized(scene, path, part, one))
        if key in touched:
            raise invalid(f"{path}.id", "The order changes this add-on twice.")
        touched.add(key)
    return tuple(adds), tuple(ends), tuple(resizes)


def _added(
    scene: _Scene,
    path: str,
    part: AddOnPart,
    day: date,
    products: Collection[str],
    held: Sequence[SubscriptionOffer],
) -> Added:
    if part.id is None:
        raise invalid(f"{path}.id", f"{path}.id names the add-on", "required")
    item = _sellable(scene, part.id, AddOn, f"{path}.id")
    if not goes_with(item, products):
        raise invalid(f"{path}.id", "This add-on does not go with any product of the offer.")
    if any(one.data.offer.id == item.id for one in held):
        text = "The subscription has this add-on already. Change its quantity instead."
        raise invalid(f"{path}.id", text)
    _check_terms_of_sale(scene, None, item, path)
    size = part.quantity or 1
    _check_size(item, size, _quantity_field(path))
    return Added(item, scene.sold[item.id][1], "add_on", size, day)


def _held(path: str, part: AddOnPart, held: Sequence[SubscriptionOffer]) -> SubscriptionOffer:
    field = f"{path}.subscription_offer" if part.subscription_offer else f"{path}.id"
    if part.id is None and part.subscription_offer is None:
        raise invalid(f"{path}.subscription_offer", "Name the add-on that is held.", "required")
    found = [
        one
        for one in held
        if part.subscription_offer in (None, one.id) and part.id in (None, one.data.offer.id)
    ]
    if not found:
        raise invalid(field, "The subscription does not have this add-on, or it ends by then.")
    if len(found) > 1:
        raise invalid(field, "The subscription has it more than once: name its subscription_offer.")
    return found[0]


def _resized(scene: _Scene, path: str, part: AddOnPart, one: SubscriptionOffer) -> ResizedOffer:
    field = _quantity_field(path)
    if part.quantity is None:
        raise invalid(field, "quantity says how many there shall be", "required")
    if part.quantity == one.data.quantity:
        raise invalid(field, "There are that many already.")
    if part.quantity > one.data.quantity:
        item = _sellable(scene, one.data.offer.id, AddOn, f"{path}.id")
        _check_size(item, part.quantity, field)
    return ResizedOffer(id=one.id, before=one.data.quantity, after=part.quantity)


def _current(scene: _Scene, request: Change) -> SubscriptionOffer:
    """The offer that the change is about."""
    plans = plans_on(scene.holding, scene.today)
    wanted = request.for_subscription.subscription_offer
    field = "forSubscription.subscription_offer"
    if not plans:
        raise invalid(
            "forSubscription",
            "No offer of the catalog was recognised on this subscription. Complete the catalog and"
            " sync it again.",
            "subscription_unmapped",
        )
    if wanted is None:
        if len(plans) > 1:
            text = f"The subscription has several offers: {field} says which."
            raise invalid(field, text, "which_offer")
        return plans[0]
    found = next((plan for plan in plans if plan.id == wanted), None)
    if found is None:
        raise invalid(field, "This is no offer that the subscription has now.")
    return found


def _sellable(scene: _Scene, id: str, kind: type[Sellable], field: str) -> Sellable:
    item = scene.sold.get(id, (None,))[0]
    if isinstance(item, kind) and is_eligible(item, scene.caller, scene.holding):
        return item
    text = "This cannot be sold here: it is unknown, not active or not eligible."
    if scene.caller.is_company:
        raise invalid(field, text, "offer_not_eligible")
    raise NotFound(text, code="offer_not_found")


def _check_terms_of_sale(scene: _Scene, request: Change | None, item: ForSale, path: str) -> None:
    chosen = getattr(request, "offer", None)
    if chosen is not None and chosen.version not in (None, item.version):
        raise OfferChanged(
            f"{path} has changed to version {item.version}. Show the offer as it is now, then order"
            " that version.",
            version=item.version,
        )
    currency = scene.holding.data.currency
    if currency is not None and item.currency not in (None, currency):
        raise invalid(
            f"{path}.id",
            f"The subscription is paid in {currency}, this in {item.currency}. Cancel the one and"
            " buy the other.",
            "currency_mismatch",
        )
    allowed = item.data.attributes.allowed_countries
    country = scene.holding.data.purchase_country
    if allowed is not None and country is not None and country not in allowed:
        raise invalid(f"{path}.id", f"{item.name} is not sold in {country}.")


def _check_size(item: ForSale, quantity: int, field: str) -> None:
    if quantity > 1 and not item.data.attributes.allow_multibuy:
        raise invalid(field, f"{item.name} is sold one at a time.")


def _check_not_over(scene: _Scene, day: date) -> None:
    """A cancellation may be booked already, without an order, in the billing system."""
    end = scene.holding.data.cancel_date
    if end is not None and day >= end:
        raise SubscriptionNotActive(f"The subscription is cancelled as of {end}.")


def _day_of(part: AddOnPart, scene: _Scene) -> date:
    """Removed when what was paid for is over."""
    if part.action == "remove":
        return billing_period(scene.holding, scene.today).end
    return scene.today


def _requested_day(request: Change) -> date | None:
    given = {day for day in (request.effective_date, request.cancel_date) if day is not None}
    if len(given) > 1:
        raise invalid("cancelDate", "effectiveDate and cancelDate, its older name, differ.")
    return given.pop() if given else None


def _day_field(request: Change) -> str:
    return "effectiveDate" if request.effective_date is not None else "cancelDate"


def _adjusted(wanted: date | None, day: date) -> tuple[OrderWarning, ...]:
    if wanted is None or wanted == day:
        return ()
    text = f"The change takes hold on {day}; {wanted} is not possible."
    return (OrderWarning(code="effective_date_adjusted", message=text, field="effectiveDate"),)


def _quantity_field(path: str) -> str:
    """The short form has it beside its one add-on."""
    return "quantity" if path == "addOn" else f"{path}.quantity"


def _live(offers: Sequence[SubscriptionOffer], day: date) -> list[SubscriptionOffer]:
    """In force after that day begins, or still to come."""
    return [
        one
        for one in offers
        if one.status != "cancelled" and (one.data.end is None or one.data.end > day)
    ]


def _is_discount(one: SubscriptionOffer) -> bool:
    return one.data.record_subtype == "discount"


def _item(scene: _Scene, one: SubscriptionOffer) -> ForSale | None:
    return scene.sold.get(one.data.offer.id, (None,))[0]


def _reopened(
    scene: _Scene, terms: Terms | None, gone: Sequence[SubscriptionOffer]
) -> tuple[SubscriptionOffer, ...]:
    """The billing system ends all with a term that does not renew, and so does a sync. A discount
    ends on the day that was promised.
    """
    if terms is None or not _ends_with_term(scene):
        return ()
    data = with_terms(scene.holding.data, scene.today)
    over, then = data.term_end_date, data.model_copy(update=terms.given)
    if (then.term_type, then.auto_renew, then.term_end_date) == ("TERMED", False, over):
        return ()
    return tuple(
        one
        for one in scene.holding.all_offers
        if one.data.end == over
        and one.status not in ("cancelled", "ended")
        and one not in gone
        and not _is_discount(one)
    )


def _ends_with_term(scene: _Scene) -> bool:
    data = with_terms(scene.holding.data, scene.today)
    return data.term_type == "TERMED" and not data.auto_renew
