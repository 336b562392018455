"""`Update subscription`: another plan, other add-ons; chosen, looked over, confirmed."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from tessera.catalog.models import ForSale, Offer
from tessera.commerce.baskets import (
    Basket,
    Choices,
    OpenBasket,
    choices,
    open_basket,
    own_basket,
)
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import ForSubscription, UpdateSubscription
from tessera.commerce.change_rules import check_open, switch_day
from tessera.commerce.models import Holding, SubscriptionOffer
from tessera.commerce.previews import Preview
from tessera.commerce.subscriptions import interval_of, is_in_force, on_day, plans_on
from tessera.edge.pages import formats
from tessera.edge.pages.cells import Cell, amount, text
from tessera.edge.pages.forms import number
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import invalid

from .blocks import Block
from .step import Step, in_fields
from .wording import (
    display_name,
    held_name,
    price_held,
    price_of,
    recurring,
    rhythm,
    times,
    when,
)
from .world import World

_MOST = 100_000


class _Scene(NamedTuple):
    visit: Visit
    at: Step
    caller: Caller
    holding: Holding
    today: date
    plans: tuple[SubscriptionOffer, ...]
    current: SubscriptionOffer | None
    """The plan that another would replace; with several it is chosen first."""

    @property
    def add_ons(self) -> list[SubscriptionOffer]:
        return [one for one in self.holding.add_ons if is_in_force(one, self.today)]

    @property
    def crumbs(self) -> tuple[tuple[str, str], ...]:
        return ((self.at.home_name, self.at.home),)

    @property
    def is_about_add_ons(self) -> bool:
        """Somebody came for these alone: the plan is not asked for."""
        return self.visit.query.get("part") == "add-ons"


class Changing:
    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, visit: Visit, at: Step) -> Block:
        """Raises what stands in the way: `ManagedByPartner`, `SubscriptionNotActive`."""
        scene = self._scene(visit, at)
        if scene.holding.data.pending_change is not None:
            return Block("components/change.html", {}, moved=visit.moved(at.home))
        self._check(scene)
        if "checkout" in visit.query:
            return self._review(scene, visit.query["checkout"])
        if scene.current is None:
            return _which(scene)
        return self._choices(scene)

    def act(self, visit: Visit, at: Step) -> Answer:
        scene = self._scene(visit, at)
        if scene.holding.data.pending_change is not None:
            return visit.moved(
                at.home,
                f"Another change of {scene.holding.name} is pending already, so nothing else was"
                " changed.",
                failed=True,
            )
        if "checkout" in visit.query:
            return self._confirm(scene, visit.query["checkout"])
        return self._choose(scene)

    def _scene(self, visit: Visit, at: Step) -> _Scene:
        caller, today = self._world.caller(visit), self._world.moment().today
        holding = on_day(self._world.holding(at.subscription, caller), today)
        plans = plans_on(holding, today)
        wanted = visit.query.get("plan")
        current = plans[0] if len(plans) == 1 else None
        current = next((one for one in plans if one.id == wanted), current)
        return _Scene(visit, at, caller, holding, today, plans, current)

    def _check(self, scene: _Scene) -> None:
        request = UpdateSubscription(
            order_type="update_subscription", for_subscription=ForSubscription(id=scene.holding.id)
        )
        check_open(request, scene.caller, scene.holding, scene.today)

    def _offered(self, scene: _Scene) -> Choices:
        return choices(
            scene.holding, scene.current, scene.plans, scene.caller, self._world.desk.shop
        )

    def _choices(self, scene: _Scene) -> Block:
        offered, locale = self._offered(scene), scene.visit.locale
        held = {one.data.offer.id for one in scene.add_ons}
        known = self._world.desk.shop.for_sale(held) if held else {}
        current = scene.current
        name = held_name(current) if current else ""
        kept = price_held(current, locale) if current else ""
        plans = [
            (one.id, display_name(one), _difference(one, kind, scene))
            for kind, found in (("Upgrade", offered.upgrades), ("Downgrade", offered.downgrades))
            for one in found
            if isinstance(one, Offer) and not scene.is_about_add_ons
        ]
        add_ons = [_held(one, known, scene) for one in scene.add_ons]
        add_ons += [
            {
                "field": f"add-{one.id}",
                "name": display_name(one),
                "hint": price_of(one.data.attributes.price, locale),
                "many": one.data.attributes.allow_multibuy,
                "default": "0",
                "is_held": False,
            }
            for one in offered.add_ons
            if one.id not in held
        ]
        return Block(
            "components/change.html",
            {
                "step": "choose",
                "component": scene.at.component,
                "plans": [("", f"Keep {name}", kept), *plans] if plans else [],
                "add_ons": add_ons,
                "back": scene.at.home,
                "nothing": "There is nothing else to choose for this subscription at the moment.",
            },
            title=f"{'Add-ons of' if scene.is_about_add_ons else 'Update'} {scene.holding.name}",
            crumbs=scene.crumbs,
        )

    def _choose(self, scene: _Scene) -> Answer:
        fields = scene.visit.fields
        parts: list[dict[str, Any]] = []
        names = {"offer": "offer", "order.offer.id": "offer", "order.quantity": "offer"}
        for field, part in _parts(scene, self._offered(scene)):
            for member in ("id", "subscription_offer", "quantity"):
                names[f"order.addOns[{len(parts)}].{member}"] = field
            parts.append(part)
        chosen = fields.text("offer")
        if not chosen and not parts:
            raise invalid("offer", "Choose another plan, or change an add-on.", "required")
        wanted = UpdateSubscription.model_validate(
            {
                **_named(scene),
                "order_type": "update_subscription",
                **({"offer": {"id": chosen}} if chosen else {}),
                "addOns": parts,
            }
        )
        world = self._world
        with in_fields(names):
            opened = open_basket(
                OpenBasket(order=wanted),
                caller=scene.caller,
                desk=world.desk.checkout,
                preview=lambda request: world.preview(
                    request.accepted(), scene.caller
                ).preview.wire(),
                moment=world.moment(),
            )
        return scene.visit.moved(
            scene.at.to(checkout=opened["checkoutId"], plan=scene.visit.query.get("plan"))
        )

    def _review(self, scene: _Scene, checkout: str) -> Block:
        basket = self._basket(scene, checkout)
        if basket.order is not None:
            return Block("components/change.html", {}, moved=scene.visit.moved(scene.at.home))
        told = self._world.preview(
            {"order_type": "update_subscription", "checkoutId": basket.id}, scene.caller
        )
        wanted = [id for id in (basket.offer, *(one.id for one in basket.add_ons)) if id]
        items = {id: item for id, (item, _) in self._world.desk.shop.for_sale(wanted).items()}
        new = items.get(basket.offer or "")
        preview, locale = told.preview, scene.visit.locale
        return Block(
            "components/change.html",
            {
                "step": "review",
                "component": scene.at.component,
                "changes": list(_changes(basket, scene, items)),
                "facts": list(_facts(preview, new, scene, locale)),
                "removed": [one.name for one in preview.removed_add_ons],
                "warnings": [
                    "The price in billing differs from the one shown here. Billing's counts."
                    for one in preview.warnings
                    if one.code == "price_differs"
                ],
                "billing_answered": told.billing_answered,
                "version": new.version if new is not None else "",
                "back": scene.at.to(plan=scene.visit.query.get("plan")),
                "leave": scene.at.home,
            },
            title=f"Review the change of {scene.holding.name}",
            crumbs=(*scene.crumbs, ("Update", scene.at.to(plan=scene.visit.query.get("plan")))),
        )

    def _confirm(self, scene: _Scene, checkout: str) -> Answer:
        basket, visit = self._basket(scene, checkout), scene.visit
        if basket.order is not None:
            return visit.moved(scene.at.home)
        if basket.offer is not None and not basket.add_ons:
            # A plan change by itself is known as one, and always announced with its day.
            body = {
                **_named(scene),
                "order_type": "change_offer",
                "offer": {"id": basket.offer, "version": visit.fields.optional("version")},
                "external_id": basket.id,
            }
        else:
            body = {"order_type": "update_subscription", "checkoutId": basket.id}
        with in_fields({}):
            placed = self._world.place(body, scene.caller)
        self._world.desk.baskets.placed_as(basket.id, placed.id)
        after = self._world.holding(scene.holding.id, scene.caller)
        change = after.data.pending_change
        is_later = change is not None and change.effective_date > scene.today
        day = formats.day(change.effective_date, visit.locale) if change and is_later else "today"
        name = scene.holding.name
        said = f"{name} changes on {day}." if is_later else f"{name} was changed."
        return visit.moved(scene.at.home, said)

    def _basket(self, scene: _Scene, id: str) -> Basket:
        """Raises `BasketGone`."""
        world = self._world
        return own_basket(
            id, caller=scene.caller, baskets=world.desk.baskets, now=world.moment().now
        )


def _which(scene: _Scene) -> Block:
    """Of several plans one is chosen first; a subscription without any cannot be changed here."""
    return Block(
        "components/change.html",
        {
            "step": "which",
            "plans": [(held_name(one), scene.at.to(plan=one.id)) for one in scene.plans],
            "back": scene.at.home,
            "nothing": "This subscription has no plan that could be changed here.",
        },
        title=f"Update {scene.holding.name}",
        crumbs=scene.crumbs,
    )


def _named(scene: _Scene) -> dict[str, Any]:
    plan = {"subscription_offer": scene.current.id} if scene.current else {}
    return {"forSubscription": {"id": scene.holding.id, **plan}}


def _difference(offer: Offer, kind: str, scene: _Scene) -> str:
    """`Upgrade · £180.00 per year · £2.50 more per month · from 2 April 2026`."""
    locale, current = scene.visit.locale, scene.current
    said = [kind, price_of(offer.data.attributes.price, locale)]
    charge, price = recurring(offer), current.data.price if current else None
    if charge is not None and current is not None and price is not None:
        every = interval_of(current)
        is_alike = every is not None and (
            (charge.repeat_interval or 1, charge.repeat_interval_type) == (every.length, every.unit)
        )
        more = (Decimal(charge.value) - price.amount) * current.data.quantity
        if is_alike and more:
            word = "more" if more > 0 else "less"
            shown = formats.amount(abs(more), charge.currency_code, locale)
            said.append(f"{shown} {word} {rhythm(charge)}")
    day = switch_day(scene.holding, offer, scene.today)
    said.append(f"from {when(day, scene.holding, scene.today, locale)}".replace("T", "t", 1))
    return " · ".join(one for one in said if one)


def _held(one: SubscriptionOffer, known: Any, scene: _Scene) -> dict[str, Any]:
    item = known.get(one.data.offer.id, (None,))[0]
    is_many = one.data.quantity > 1 or (
        item is not None and item.data.attributes.allow_multibuy is True
    )
    return {
        "field": f"held-{one.id}",
        "name": held_name(one),
        "hint": price_held(one, scene.visit.locale),
        "many": is_many,
        "default": str(one.data.quantity),
        "is_held": True,
    }


def _parts(scene: _Scene, offered: Choices) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each add-on that shall be more, fewer or gone, with its field."""
    fields = scene.visit.fields
    for one in scene.add_ons:
        field = f"held-{one.id}"
        wanted = _count(fields.text(field), field, otherwise=0)
        if wanted == 0:
            yield field, {"action": "remove", "subscription_offer": one.id}
        elif wanted != one.data.quantity and fields.text(field) != "yes":
            yield field, {"action": "update", "subscription_offer": one.id, "quantity": wanted}
    held = {one.data.offer.id for one in scene.add_ons}
    for item in offered.add_ons:
        field = f"add-{item.id}"
        wanted = _count(fields.text(field), field, otherwise=0)
        if item.id not in held and wanted > 0:
            yield field, {"action": "add", "id": item.id, "quantity": wanted}


def _count(typed: str, field: str, *, otherwise: int) -> int:
    """Of a field for a number, or of a box that is ticked. Raises `InvalidFields`."""
    if not typed:
        return otherwise
    if typed == "yes":
        return 1
    count = number(typed)
    if count is None or count > _MOST:
        raise invalid(field, f"Give a whole number up to {_MOST:,}, or 0 for none.")
    return count


def _changes(basket: Basket, scene: _Scene, items: dict[str, ForSale]) -> Iterator[str]:
    if basket.offer is not None:
        before = held_name(scene.current) if scene.current else ""
        after = items.get(basket.offer)
        yield f"{before} becomes {display_name(after) if after else 'another plan'}"
    held = {one.id: one for one in scene.holding.add_ons}
    for part in basket.add_ons:
        one = held.get(part.subscription_offer or "")
        if part.action == "add":
            item = items.get(part.id or "")
            yield f"{times(display_name(item) if item else 'Add-on', part.quantity or 1)} is added"
        elif one is not None and part.action == "remove":
            yield f"{held_name(one)} is removed"
        elif one is not None:
            yield f"{held_name(one)}: {part.quantity} in place of {one.data.quantity}"


def _facts(
    preview: Preview, new: ForSale | None, scene: _Scene, locale: formats.Locale
) -> Iterator[tuple[str, Cell]]:
    day, currency, current = preview.effective_date, preview.currency or "", scene.current
    yield "Takes effect", text(when(day, scene.holding, scene.today, locale))
    if new is not None and current is not None:
        yield "Price now", text(price_held(current, locale))
        quantity = current.data.quantity
        yield "New price", text(price_of(new.data.attributes.price, locale, quantity=quantity))
    if currency and day <= scene.today:
        yield "To pay now", amount(preview.due_now, currency)
    following = preview.next
    if following is not None and currency:
        total = formats.amount(following.amount, currency, locale)
        yield "Next payment", text(f"{total} on {formats.day(following.date, locale)}")
