"""`plan`, `add_ons`, `cancel`: a customer's subscription, and the ways to change it.

The three share one card: which of them are on the page says which ways it offers.
"""

from typing import Any

from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.models import Holding
from tessera.edge.pages.app import Answer, Visit
from tessera.edge.pages.locations import with_query
from tessera.errors import NotFound

from . import flows, held, payments, refusals, wording
from .blocks import Block
from .flows import Flows
from .on_offer import Items, on_offer
from .own import Belongings, Own, nothing_found
from .step import Step

NAMES = ("plan", "add_ons", "cancel")
_FLOWS = {"plan": ("update", "renew"), "add_ons": ("update",), "cancel": ("cancel",)}
_ADD_ONS = "add-ons"


class Plan:
    def __init__(self, name: str, own: Belongings, steps: Flows, items: Items) -> None:
        self._name = name
        self._own = own
        self._steps = steps
        self._items = items

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        if visit.query.get("do"):
            return (
                self._steps.show(visit, self._at(visit, page)) if self._takes(visit, page) else None
            )
        if self._name != _present(page)[0]:
            return None
        own = self._own.of(visit)
        if not own.holdings:
            return nothing_found(visit, page, self._name, options)
        return self._card(visit, own, page, options)

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer:
        if not self._takes(visit, page):
            raise NotFound("This page has no such form.")
        return self._steps.act(visit, self._at(visit, page))

    def _at(self, visit: Visit, page: Page) -> Step:
        return Step.of(
            visit,
            home=page.slug,
            home_name=page.name,
            component=self._name,
            allowed=_FLOWS[self._name],
        )

    def _takes(self, visit: Visit, page: Page) -> bool:
        """Is the flow that the address names this component's?"""
        flow = visit.query.get("do", "")
        fitting = [one for one in _present(page) if flow in _FLOWS[one]]
        if visit.query.get("part") == _ADD_ONS and "add_ons" in fitting:
            return self._name == "add_ons"
        if not fitting:
            raise NotFound("This page has no such form.")
        return self._name == fitting[0]

    def _card(self, visit: Visit, own: Own, page: Page, options: ComponentOptions) -> Block:
        wanted = visit.query.get("subscription")
        several = len(own.holdings) > 1
        if several and not wanted:
            choice = [_choice(one, visit) for one in own.holdings]
            return Block(
                "components/plan.html",
                {"choice": choice, "subscription": None, "others": ""},
                title=options.title or "",
            )
        holding = own.holding(wanted) if wanted else own.holdings[0]
        return Block(
            "components/plan.html",
            {
                "choice": [],
                "subscription": self._view(holding, own, visit, page),
                "others": visit.path if several else "",
            },
            title=options.title or (f"Edit {payments.name_of(holding)}" if wanted else ""),
            crumbs=((page.name, page.slug),) if wanted else (),
        )

    def _view(self, holding: Holding, own: Own, visit: Visit, page: Page) -> dict[str, Any]:
        today, locale = own.moment.today, visit.locale
        is_known = bool(holding.offers)
        pending = flows.pending(holding, today, locale)
        seller = self._own.seller(holding)
        sentence, needs_support = "", False
        if seller:
            sentence = f"{seller} manages your plan. Ask them to change it."
        elif not is_known and held.is_running(holding):
            sentence = (
                "This plan is not sold here, so it cannot be changed on this page. Our support can"
                " change it for you."
            )
            needs_support = True
        facts = held.facts(holding, today, locale)
        if not is_known:
            facts += held.charges(holding, today, locale)
        return {
            "id": holding.id,
            "name": payments.name_of(holding),
            "status": wording.status_of(holding),
            "facts": facts,
            "pending": pending,
            "refused": refusals.refused(holding, self._own.orders(own)),
            "sentence": sentence,
            "needs_support": needs_support,
            "links": [] if pending or seller else self._links(holding, own, page),
        }

    def _links(self, holding: Holding, own: Own, page: Page) -> list[tuple[str, str]]:
        present, today = _present(page), own.moment.today
        can = flows.links(holding, own.caller, today, page.slug)
        offered = on_offer([holding], own.caller, today, self._items)[holding.id]
        links = [
            ("Change plan", can.update, "plan" in present and offered.plans),
            ("Add-ons", _of_add_ons(can.update), "add_ons" in present and offered.add_ons),
            ("Renew", can.renew, "plan" in present and bool(holding.offers)),
            (_END, can.cancel, "cancel" in present),
        ]
        return [(words, href) for words, href, is_offered in links if href and is_offered]


def _of_add_ons(update: str) -> str:
    return update and with_query(update, part=_ADD_ONS)


_END = "Cancel subscription"
"""In full: elsewhere "Cancel" leaves a form and changes nothing."""


def _present(page: Page) -> list[str]:
    return [one.name for one in page.components if one.name in NAMES]


def _choice(holding: Holding, visit: Visit) -> dict[str, Any]:
    return {
        "name": payments.name_of(holding),
        "status": wording.status_of(holding),
        "reference": holding.name or "",
        "href": with_query(visit.path, subscription=holding.id),
    }
