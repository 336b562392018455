"""`Cancel subscription`: why, an offer to stay, on which day, and then the end.

Whoever keeps customers hears of it with the first answer (`cancel.attempted`).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from tessera.catalog.models import Discount, Offer
from tessera.commerce.baskets import choices
from tessera.commerce.callers import Caller
from tessera.commerce.cancelling import attempt
from tessera.commerce.change_requests import CancelSubscription, ForSubscription
from tessera.commerce.change_rules import CancelDays, cancel_days, check_open
from tessera.commerce.entitlements import held
from tessera.commerce.models import Holding
from tessera.commerce.periods import billing_period
from tessera.commerce.subscriptions import is_in_force, on_day, plans_on
from tessera.edge.pages import formats
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import NotFound, invalid

from .blocks import Block
from .step import Step, in_fields
from .wording import display_name, held_name, times
from .world import World

REASONS = {
    "too-expensive": "It costs too much",
    "not-used": "It is not used enough",
    "missing-something": "Something is missing",
    "other-product": "Another product takes its place",
    "problems": "It does not work as expected",
    "other": "Another reason",
}


class _Scene(NamedTuple):
    visit: Visit
    at: Step
    caller: Caller
    holding: Holding
    today: date
    days: CancelDays

    @property
    def reason(self) -> str:
        given = self.visit.query.get("reason", "")
        return given if given in REASONS else ""

    @property
    def crumbs(self) -> tuple[tuple[str, str], ...]:
        return ((self.at.home_name, self.at.home),)

    @property
    def may_choose_day(self) -> bool:
        return self.days.earliest != self.days.latest


class Leaving:
    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, visit: Visit, at: Step) -> Block:
        """Raises what stands in the way: `ManagedByPartner`, `SubscriptionNotActive`."""
        scene = self._scene(visit, at)
        if scene.holding.data.pending_change is not None:
            return Block("components/leave.html", {}, moved=visit.moved(at.home))
        request = CancelSubscription(
            order_type="cancel_subscription", for_subscription=ForSubscription(id=scene.holding.id)
        )
        check_open(request, scene.caller, scene.holding, scene.today)
        if not scene.reason:
            return self._why(scene)
        saves = self._saves(scene)
        if saves and "last" not in visit.query:
            return self._before_you_go(scene, saves)
        return self._review(scene)

    def act(self, visit: Visit, at: Step) -> Answer:
        scene = self._scene(visit, at)
        if scene.holding.data.pending_change is not None:
            return visit.moved(
                at.home,
                f"A change of {scene.holding.name} is pending already, so nothing else was done.",
                failed=True,
            )
        match visit.fields.text("step"):
            case "reason":
                reason = visit.fields.text("reason")
                if reason not in REASONS:
                    raise invalid(
                        "reason", "Choose a reason, so that we learn from it.", "required"
                    )
                world = self._world
                moment = world.moment()
                attempt(scene.holding.id, caller=scene.caller, owners=world.owners, moment=moment)
                return visit.moved(at.to(reason=reason))
            case "save":
                return self._stay(scene)
            case "end":
                return self._end(scene)
        raise NotFound("This page has no such form.")

    def _scene(self, visit: Visit, at: Step) -> _Scene:
        caller, today = self._world.caller(visit), self._world.moment().today
        holding = on_day(self._world.holding(at.subscription, caller), today)
        return _Scene(visit, at, caller, holding, today, cancel_days(holding, caller, today))

    def _why(self, scene: _Scene) -> Block:
        return Block(
            "components/leave.html",
            {
                "step": "reason",
                "component": scene.at.component,
                "reasons": [(id, words, "") for id, words in REASONS.items()],
                "back": scene.at.home,
            },
            title=f"Cancel {scene.holding.name}",
            crumbs=scene.crumbs,
        )

    def _saves(self, scene: _Scene) -> dict[str, tuple[Offer, str]]:
        """Offers that would keep it, each with the plan that it goes with; none beside another."""
        holding, today = scene.holding, scene.today
        has_one = any(
            one.data.record_subtype == "discount"
            and one.status != "cancelled"
            and (one.data.end is None or one.data.end > today)
            for one in holding.offers
        )
        if has_one or holding.status != "active":
            return {}
        plans = plans_on(holding, today)
        return {
            one.id: (one, plan.id)
            for plan in plans
            for one in choices(
                holding, plan, plans, scene.caller, self._world.desk.shop
            ).save_offers
            if isinstance(one, Offer) and one.data.discount is not None
        }

    def _before_you_go(self, scene: _Scene, saves: dict[str, tuple[Offer, str]]) -> Block:
        begins = billing_period(scene.holding, scene.today).end
        return Block(
            "components/leave.html",
            {
                "step": "save",
                "component": scene.at.component,
                "offers": [
                    {
                        "id": id,
                        "name": display_name(offer),
                        "text": _discount(offer.data.discount, offer, begins, scene.visit.locale),
                        "features": (offer.data.attributes.offer_features or "").splitlines(),
                    }
                    for id, (offer, _) in saves.items()
                ],
                "on": scene.at.to(reason=scene.reason, last="1"),
            },
            title=f"Before you go: {scene.holding.name}",
            crumbs=scene.crumbs,
        )

    def _review(self, scene: _Scene) -> Block:
        days, locale = scene.days, scene.visit.locale
        return Block(
            "components/leave.html",
            {
                "step": "end",
                "component": scene.at.component,
                "name": scene.holding.name,
                "last_day": formats.day(days.default - timedelta(days=1), locale),
                "is_begun": scene.holding.status != "pending",
                "default": days.default.isoformat(),
                "bounds": _bounds(days, locale) if scene.may_choose_day else "",
                "stops": list(_stops(scene.holding, days.default, scene.today)),
                "home": scene.at.home,
            },
            title=f"End {scene.holding.name}",
            crumbs=(*scene.crumbs, ("Cancel subscription", scene.at.to())),
        )

    def _stay(self, scene: _Scene) -> Answer:
        visit, id = scene.visit, scene.visit.fields.text("offer")
        saves = self._saves(scene)
        if id not in saves:
            raise NotFound("This offer is not available any more.", code="offer_not_found")
        offer, plan = saves[id]
        named = {"id": scene.holding.id, "subscription_offer": plan}
        body = {"order_type": "add_offer", "forSubscription": named, "offer": {"id": id}}
        with in_fields({}):
            self._world.place(body, scene.caller)
        return visit.moved(
            scene.at.home, f"{scene.holding.name} goes on, with {display_name(offer)}."
        )

    def _end(self, scene: _Scene) -> Answer:
        visit, fields = scene.visit, scene.visit.fields
        if not scene.reason:
            raise invalid("", "Say why first, so that we learn from it.", "required")
        reason = {"id": scene.reason, "feedback": fields.optional("feedback")}
        body: dict[str, Any] = {
            "order_type": "cancel_subscription",
            "forSubscription": {"id": scene.holding.id},
            "data": {"reason": {name: value for name, value in reason.items() if value}},
        }
        if scene.may_choose_day and (typed := fields.text("day")):
            body["effectiveDate"] = _day(typed)
        with in_fields({"effectiveDate": "day", "data.reason.feedback": "feedback"}):
            self._world.place(body, scene.caller)
        after = self._world.holding(scene.holding.id, scene.caller)
        end = after.data.cancel_date or scene.days.default
        is_over = end <= scene.today
        said = "has ended" if is_over else f"ends on {formats.day(end, visit.locale)}"
        return visit.moved(scene.at.home, f"{scene.holding.name} {said}.")


def _day(typed: str) -> str:
    try:
        return date.fromisoformat(typed).isoformat()
    except ValueError:
        raise invalid("day", "Give the day as 2026-04-02.") from None


def _bounds(days: CancelDays, locale: formats.Locale) -> str:
    first = formats.day(days.earliest, locale)
    if days.latest is None:
        return f"The first day without access: {first} or later."
    return f"The first day without access: {first} to {formats.day(days.latest, locale)}."


def _discount(discount: Discount | None, offer: Offer, begins: date, locale: formats.Locale) -> str:
    """`For 3 months from 2 April 2026`."""
    if discount is None:
        return ""
    length = discount.term_length
    unit = discount.term_type.removesuffix("s") if length == 1 else discount.term_type
    return f"For {length} {unit} from {formats.day(begins, locale)}"


def _stops(holding: Holding, day: date, today: date) -> Iterator[str]:
    """Plans, add-ons and what they give, as they are the day before."""
    for one in (*plans_on(holding, today), *holding.add_ons):
        if is_in_force(one, today):
            yield times(held_name(one), one.data.quantity)
    names = {
        granted.effective_code: granted.label or granted.name
        for one in holding.all_offers
        for product in one.data.products
        for granted in product.entitlements
    }
    for code in held(holding).on(max(today, day - timedelta(days=1))):
        yield names.get(code, code)
