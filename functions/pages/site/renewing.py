"""`Renew`: another term for what would end with the present one."""

from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import ForSubscription, Renew
from tessera.commerce.change_rules import check_open
from tessera.commerce.models import Holding
from tessera.commerce.periods import plan_of, term_end, term_of
from tessera.commerce.subscriptions import on_day
from tessera.edge.pages import formats
from tessera.edge.pages.cells import text
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import invalid

from .blocks import Block
from .step import Step, in_fields
from .wording import price_held
from .world import World


class Renewing:
    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, visit: Visit, at: Step) -> Block:
        """Raises what stands in the way: `ManagedByPartner`, `SubscriptionNotActive`."""
        holding, caller = self._holding(visit, at)
        if holding.data.pending_change is not None:
            return Block("components/renew.html", {}, moved=visit.moved(at.home))
        today, locale = self._world.moment().today, visit.locale
        request = Renew(order_type="renew", for_subscription=ForSubscription(id=holding.id))
        check_open(request, caller, holding, today)
        end, plan = term_end(holding, today), plan_of(holding, today)
        if end is None:
            raise invalid("", "This subscription has no term that could be renewed.")
        facts = [
            ("Term until now", text(f"Until {formats.day(end, locale)}")),
            ("New term", text(f"Until {formats.day(term_of(plan).after(end), locale)}")),
        ]
        if plan is not None and (price := price_held(plan, locale)):
            facts.append(("Price", text(price)))
        return Block(
            "components/renew.html",
            {"facts": facts, "component": at.component, "home": at.home},
            title=f"Renew {holding.name}",
            crumbs=((at.home_name, at.home),),
        )

    def act(self, visit: Visit, at: Step) -> Answer:
        holding, caller = self._holding(visit, at)
        if holding.data.pending_change is not None:
            return visit.moved(
                at.home,
                f"A change of {holding.name} is pending already, so nothing else was done.",
                failed=True,
            )
        body = {"order_type": "renew", "forSubscription": {"id": holding.id}}
        with in_fields({}):
            self._world.place(body, caller)
        return visit.moved(at.home, f"{holding.name} is being renewed.")

    def _holding(self, visit: Visit, at: Step) -> tuple[Holding, Caller]:
        caller = self._world.caller(visit)
        found = self._world.holding(at.subscription, caller)
        return on_day(found, self._world.moment().today), caller
