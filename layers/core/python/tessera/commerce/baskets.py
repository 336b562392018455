"""Baskets: what a subscriber is about to change, collected step by step, then placed as one order.

A basket belongs to whoever opened it and lives 24 hours. Nothing in it holds until it is placed.
Source: README, "Baskets".
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import Field

from tessera import clock, money
from tessera.catalog.models import AddOn, ForSale, Offer
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import AddOnPart, ForSubscription, UpdateSubscription
from tessera.commerce.change_rules import (
    CancelDays,
    Shop,
    cancel_days,
    check_open,
    goes_with,
    is_eligible,
    reached,
    subscription_named,
)
from tessera.commerce.commits import Commit, decided
from tessera.commerce.entitlements import Announcements, Ownership
from tessera.commerce.models import Holding, SubscriptionOffer
from tessera.commerce.order_requests import ChosenOffer, Id, Quantity, Request
from tessera.commerce.owners import present
from tessera.commerce.periods import billing_period
from tessera.commerce.purchased_objects import Sold
from tessera.commerce.subscriptions import is_in_force, own_eligibility, plans_on
from tessera.errors import Conflict, Gone, InvalidFields, invalid
from tessera.objects import Model

LIVES = timedelta(hours=24)
MOST_CHOSEN = 10
"""Add-ons in one basket: as many as one order changes."""


class BasketGone(Gone):
    title = "The basket is gone"


class ChangedMeanwhile(Conflict):
    title = "The basket was changed at the same moment"

    def __init__(self) -> None:
        super().__init__("This basket was changed at the same moment. Read it, then try again.")


class Chosen(Model):
    """An add-on to be added, changed or removed."""

    action: Literal["add", "update", "remove"] = "add"
    id: str | None = None
    subscription_offer: str | None = None
    quantity: int | None = None

    def names(self, id: str) -> bool:
        return id in (self.id, self.subscription_offer)


class Basket(Model):
    id: str
    opened_by: str
    owner: str
    subscription: str
    subscription_offer: str | None = None
    """Of the plan that an offer would replace."""
    offer: str | None = None
    quantity: int | None = None
    add_ons: tuple[Chosen, ...] = ()
    revision: int = 1
    lives_until: int
    """Milliseconds since 1970."""
    order: str | None = None
    """That it was placed as."""


class OpenBasket(Request):
    order: UpdateSubscription


class ChangeBasket(Request):
    checkout_id: Id
    action: Literal["add", "remove"] = Field(alias="orderItemActionType")
    type: Literal["offer", "add_on"] = "offer"
    offer: ChosenOffer | None = None
    """Of an add-on, too; its own id or that of the one the subscription holds."""
    add_on: ChosenOffer | None = None
    quantity: Quantity | None = None

    @property
    def naming(self) -> str:
        """The member that says which offer or add-on it is about."""
        return "addOn.id" if self.type == "add_on" and self.add_on else "offer.id"


class Stored(Protocol):
    def find(self, id: str) -> Basket | None: ...

    def open(self, basket: Basket, change: Commit) -> None:
        """Raises `Outdated`."""

    def save(self, basket: Basket, *, seen: int) -> None:
        """Raises `ChangedMeanwhile`."""

    def placed_as(self, id: str, order: str) -> None:
        """From now on it answers with this order."""


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def holding(self, subscription: str) -> Holding | None: ...


class Checkout(NamedTuple):
    """Where baskets look."""

    baskets: Stored
    owners: Owners
    shop: Shop


class Previewing(Protocol):
    def __call__(self, request: UpdateSubscription) -> Mapping[str, Any]:
        """What the change would cost. Raises what placing it would raise."""


def open_basket(
    wanted: OpenBasket, *, caller: Caller, desk: Checkout, preview: Previewing, moment: Moment
) -> dict[str, Any]:
    """The new basket, announced as `checkout.initiated`.

    Raises `NotFound`, `ManagedByPartner`, `ChangePending`, `SubscriptionNotActive`.
    """
    request = wanted.order
    with _said_of(lambda field: f"order.{field}"):
        holding = reached(desk.owners.holding(subscription_named(request)), caller)
        check_open(request, caller, holding, moment.today)
        basket = Basket(
            id=f"basket-{uuid.uuid4()}",
            opened_by=_key(caller),
            owner=holding.owner or "",
            subscription=holding.id,
            subscription_offer=_plan(request.for_subscription.subscription_offer, holding, moment),
            offer=request.offer.id if request.offer else None,
            quantity=request.quantity,
            add_ons=tuple(Chosen(**part.model_dump()) for part in request.add_ons),
            lives_until=clock.epoch_ms(moment.now + LIVES),
        )
        view = _view(basket, holding, caller, desk.shop, preview, moment)

    def announce() -> None:
        ownership = present(desk.owners.ownership(basket.owner), basket.owner)
        telling = Announcements(ownership, now=moment.now, today=moment.today)
        telling.happened(
            "checkout.initiated",
            mode=moment.mode,
            partner_org=holding.partner_org,
            subscription=holding.id,
        )
        seen = ownership.owner.updated
        change = Commit(ownership=telling.ownership, seen=seen, events=telling.events)
        desk.baskets.open(basket, change)

    decided(announce)
    return view


def read_basket(
    id: str, *, caller: Caller, desk: Checkout, preview: Previewing, moment: Moment
) -> dict[str, Any]:
    """Raises `BasketGone`."""
    basket = own_basket(id, caller=caller, baskets=desk.baskets, now=moment.now)
    holding = reached(desk.owners.holding(basket.subscription), caller)
    return _view(basket, holding, caller, desk.shop, preview, moment)


def change_basket(
    change: ChangeBasket, *, caller: Caller, desk: Checkout, preview: Previewing, moment: Moment
) -> dict[str, Any]:
    """The basket as it is now. What could not be ordered is not taken in.

    Raises `BasketGone`, `ChangedMeanwhile`, `InvalidFields`, `ChangePending`.
    """
    before = own_basket(change.checkout_id, caller=caller, baskets=desk.baskets, now=moment.now)
    if before.order is not None:
        raise BasketGone("This basket was placed. Open a new one to change something else.")
    holding = reached(desk.owners.holding(before.subscription), caller)
    chosen = _with(before, change, holding, moment)
    basket = chosen.model_copy(update={"revision": before.revision + 1})
    with _said_of(lambda field: _sent_for(field, change, basket)):
        view = _view(basket, holding, caller, desk.shop, preview, moment)
    desk.baskets.save(basket, seen=before.revision)
    return view


def own_basket(id: str, *, caller: Caller, baskets: Stored, now: datetime) -> Basket:
    """Somebody else's, an expired one and one that never was are the same: gone."""
    basket = baskets.find(id)
    is_there = basket is not None and basket.opened_by == _key(caller)
    if basket is None or not is_there or basket.lives_until <= clock.epoch_ms(now):
        raise BasketGone("This basket is gone: it lives 24 hours. Open a new one.")
    return basket


def filled_in(request: UpdateSubscription, basket: Basket) -> UpdateSubscription:
    """The order with what the basket holds. Raises `InvalidFields` for an empty basket, and for one
    of another subscription than the order names.
    """
    wanted = request.for_subscription
    names_one = wanted.id is not None or wanted.name is not None
    if names_one and subscription_named(request) != basket.subscription:
        raise invalid("forSubscription", "The basket is for another subscription than this one.")
    if basket.offer is None and not basket.add_ons:
        raise invalid("checkoutId", "There is nothing in this basket to be ordered.")
    held = order_of(basket)
    members = ("for_subscription", "offer", "quantity", "add_ons")
    return request.model_copy(update={name: getattr(held, name) for name in members})


def order_of(basket: Basket) -> UpdateSubscription:
    """What the basket would place."""
    parts = tuple(AddOnPart(**one.model_dump()) for one in basket.add_ons)
    return UpdateSubscription(
        order_type="update_subscription",
        for_subscription=ForSubscription(
            id=basket.subscription, subscription_offer=basket.subscription_offer
        ),
        offer=ChosenOffer(id=basket.offer) if basket.offer else None,
        quantity=basket.quantity,
        add_ons=parts,
    )


@contextmanager
def _said_of(sent: Callable[[str], str]) -> Iterator[None]:
    """What the rules say of a member of an order is said of the member that was sent for it."""
    try:
        yield
    except InvalidFields as refusal:
        errors = [one._replace(field=sent(one.field)) for one in refusal.errors]
        raise InvalidFields(errors, **refusal.members) from refusal


def _sent_for(field: str, change: ChangeBasket, basket: Basket) -> str:
    """Of an add-on, which is the last one in the basket."""
    if change.type != "add_on" or not field.startswith(f"addOns[{len(basket.add_ons) - 1}]."):
        return field
    return "quantity" if field.endswith(".quantity") else change.naming


def _key(caller: Caller) -> str:
    return f"{caller.kind}/{caller.scope}/{caller.id}"


def _plan(wanted: str | None, holding: Holding, moment: Moment) -> str | None:
    plans = plans_on(holding, moment.today)
    if wanted is not None:
        if wanted not in {plan.id for plan in plans}:
            field = "forSubscription.subscription_offer"
            raise invalid(field, "The subscription has no such offer in force.")
        return wanted
    return plans[0].id if len(plans) == 1 else None


def _with(basket: Basket, change: ChangeBasket, holding: Holding, moment: Moment) -> Basket:
    item = change.offer if change.type == "offer" else change.add_on or change.offer
    if change.type == "offer":
        if change.action == "remove":
            return basket.model_copy(update={"offer": None, "quantity": None})
        if item is None:
            raise invalid("offer.id", "offer.id is required", "required")
        return basket.model_copy(update={"offer": item.id, "quantity": change.quantity})
    if item is None:
        raise invalid("offer.id", "offer.id names the add-on", "required")
    held = _held(item.id, holding, moment)
    # Chosen by the one name, it is chosen again by the other.
    known_as = {item.id, held.id} if held else {item.id}
    others = tuple(one for one in basket.add_ons if not any(map(one.names, known_as)))
    was_chosen = len(others) < len(basket.add_ons)
    if _is_put_back(change, held, was_chosen):
        return basket.model_copy(update={"add_ons": others})
    part = _part(item.id, change, held)
    if len(others) == MOST_CHOSEN:
        raise invalid(change.naming, f"A basket holds at most {MOST_CHOSEN} add-ons.")
    return basket.model_copy(update={"add_ons": (*others, part)})


def _held(id: str, holding: Holding, moment: Moment) -> SubscriptionOffer | None:
    """The add-on in force of that id, which is its own or the catalog's."""
    for one in holding.add_ons:
        if id in (one.id, one.data.offer.id) and is_in_force(one, moment.today):
            return one
    return None


def _is_put_back(change: ChangeBasket, held: SubscriptionOffer | None, was_chosen: bool) -> bool:
    """Does it only take back what was chosen before?

    What is held is put back by adding as many as there are: to remove it twice is no change of
    mind, as the same request may arrive twice.
    """
    if change.action == "remove":
        return was_chosen and held is None
    return was_chosen and held is not None and change.quantity in (None, held.data.quantity)


def _part(id: str, change: ChangeBasket, held: SubscriptionOffer | None) -> Chosen:
    """An add-on that is held is named by itself: there can be several of one kind."""
    if change.action == "remove":
        if held is None:
            raise invalid(change.naming, "The subscription has no such add-on.")
        return Chosen(action="remove", subscription_offer=held.id)
    if held is not None:
        return Chosen(action="update", subscription_offer=held.id, quantity=change.quantity)
    return Chosen(action="add", id=id, quantity=change.quantity)


def _view(
    basket: Basket,
    holding: Holding,
    caller: Caller,
    shop: Shop,
    preview: Previewing,
    moment: Moment,
) -> dict[str, Any]:
    plans = plans_on(holding, moment.today)
    current = next((plan for plan in plans if plan.id == basket.subscription_offer), None)
    offered = choices(holding, current, plans, caller, shop)
    selection = {
        "offer": {"id": basket.offer} if basket.offer else None,
        "quantity": basket.quantity,
        "addOns": [one.wire() for one in basket.add_ons],
    }
    told = _told(basket, holding, preview, moment)
    view = {
        "checkoutId": basket.id,
        "forSubscription": {"id": holding.id, "name": holding.name},
        "forSubscriptionOffer": {"id": current.id} if current else None,
        "upgrades": [_shown(one, caller) for one in offered.upgrades],
        "downgrades": [_shown(one, caller) for one in offered.downgrades],
        "addOns": [_shown(one, caller) for one in offered.add_ons],
        "saveOffers": [_shown(one, caller) for one in offered.save_offers],
        "cancel": _cancel(cancel_days(holding, caller, moment.today)),
        "selection": {name: value for name, value in selection.items() if value is not None},
        "preview": {name: value for name, value in told.items() if name != "warnings"},
        "warnings": list(told.get("warnings", ())),
        "order": basket.order,
    }
    return {name: value for name, value in view.items() if value is not None}


def _told(
    basket: Basket, holding: Holding, preview: Previewing, moment: Moment
) -> Mapping[str, Any]:
    if basket.order is None and (basket.offer is not None or basket.add_ons):
        return preview(order_of(basket))
    return {
        "effectiveDate": clock.zoneless(billing_period(holding, moment.today).end),
        "currency": holding.data.currency,
        "dueNow": money.text(Decimal(0), holding.data.currency or ""),
        "lines": [],
    }


class Choices(NamedTuple):
    """What somebody may choose from for a subscription, as the catalog is now."""

    upgrades: tuple[ForSale, ...] = ()
    downgrades: tuple[ForSale, ...] = ()
    add_ons: tuple[ForSale, ...] = ()
    save_offers: tuple[ForSale, ...] = ()


def choices(
    holding: Holding,
    current: SubscriptionOffer | None,
    plans: tuple[SubscriptionOffer, ...],
    caller: Caller,
    shop: Shop,
) -> Choices:
    """Beside `current`, the plan that would be replaced; `plans` are all that are in force."""
    now_sold = shop.for_sale({plan.data.offer.id for plan in plans})
    offer = now_sold[current.data.offer.id][0] if current and _is_sold(current, now_sold) else None
    add_ons = [
        one.id
        for sold, _ in now_sold.values()
        if isinstance(sold, Offer)
        for one in sold.data.attributes.cross_sell_addons
    ]
    lists: tuple[list[str], ...] = ([], [], add_ons, [])
    if isinstance(offer, Offer):
        attributes = offer.data.attributes
        lists = (
            [one.id for one in attributes.upgrade_offers],
            [one.id for one in attributes.downgrade_offers],
            add_ons,
            [one.id for one in attributes.save_offers],
        )
    items = shop.for_sale({id for ids in lists for id in ids})
    products = {product.id for plan in plans for product in plan.data.products}

    def offered(ids: list[str]) -> tuple[ForSale, ...]:
        found = [items[id][0] for id in dict.fromkeys(ids) if id in items]
        return tuple(
            item
            for item in found
            if is_eligible(item, caller, holding)
            and item.currency in (None, holding.data.currency)
            and (not isinstance(item, AddOn) or goes_with(item, products))
        )

    return Choices(*(offered(ids) for ids in lists))


def _is_sold(plan: SubscriptionOffer, sold: Sold) -> bool:
    return plan.data.offer.id in sold


def _shown(item: ForSale, caller: Caller) -> dict[str, Any]:
    """As the catalog has it; which other partners may buy it is nobody's business."""
    wire = item.wire()
    data = wire["data"]
    data["attributes"] = own_eligibility(data["attributes"], caller.partner_org)
    return wire


def _cancel(days: CancelDays) -> dict[str, str]:
    named = days._asdict().items()
    return {name: day.isoformat() for name, day in named if day is not None}
