"""What a subscription can be asked for step by step: another plan, an end, another term.

A component that shows subscriptions offers the flows by links, and hands over when one is followed:

    at = Step.of(visit, home="/edit-plan", home_name="Edit plan", component="plan")
    if at.flow:
        return flows.show(visit, at)         # a Block in place of what the component shows itself
    …
    return flows.act(visit, at)              # what the steps' forms do

`links(holding, home)` are the addresses to offer, `pending(holding, …)` the line that stands in
their place while a change waits. Each flow checks again who asks and what is allowed.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple, TypeAlias

from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import CancelSubscription, ForSubscription, Renew
from tessera.commerce.change_rules import check_open
from tessera.commerce.models import Holding
from tessera.commerce.periods import term_end
from tessera.commerce.subscriptions import status_on
from tessera.edge.pages import formats
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import NotFound, Refusal

from .blocks import Block
from .changing import Changing
from .leaving import Leaving
from .renewing import Renewing
from .step import Step
from .wording import held_name
from .world import World

ALL = ("update", "cancel", "renew")

Flow: TypeAlias = Changing | Leaving | Renewing


class Links(NamedTuple):
    """Addresses of the flows; empty where one is not for this visitor or not possible now."""

    update: str = ""
    cancel: str = ""
    renew: str = ""


class Flows:
    def __init__(self, world: World) -> None:
        self._world = world
        self._flows: Mapping[str, Flow] = {
            "update": Changing(world),
            "cancel": Leaving(world),
            "renew": Renewing(world),
        }

    def show(self, visit: Visit, at: Step) -> Block:
        """Raises `NotFound` for a flow that is not offered here."""
        return self._flow(at).show(visit, at)

    def act(self, visit: Visit, at: Step) -> Answer:
        return self._flow(at).act(visit, at)

    def _flow(self, at: Step) -> Flow:
        if at.flow not in at.allowed:
            raise NotFound("This page has no such form.")
        return self._flows[at.flow]


def links(
    holding: Holding, caller: Caller, today: date, home: str, *, allowed: Collection[str] = ALL
) -> Links:
    """What this visitor can begin for the subscription on this day."""
    wanted = ForSubscription(id=holding.id)
    renew = Renew(order_type="renew", for_subscription=wanted)
    cancel = CancelSubscription(order_type="cancel_subscription", for_subscription=wanted)
    may: Mapping[str, bool] = {
        "update": _is_open(renew, caller, holding, today),
        "cancel": _is_open(cancel, caller, holding, today),
        "renew": _is_open(renew, caller, holding, today) and _can_renew(holding, today),
    }
    return Links(
        **{
            name: with_query(home, do=name, subscription=holding.id)
            for name, is_open in may.items()
            if is_open and name in allowed
        }
    )


def pending(holding: Holding, today: date, locale: formats.Locale) -> str:
    """The line that says what is coming; empty while nothing is."""
    change, end = holding.data.pending_change, holding.data.cancel_date
    if change is not None:
        day_of = change.effective_date
        day = formats.day(day_of, locale)
        if change.order_type == "cancel_subscription":
            return f"Ends on {day}"
        if day_of <= today:
            return "A change of today is being carried out"
        begins = [one for one in holding.offers if one.status == "pending"]
        follows = [one for one in begins if one.data.start == day_of]
        if len(follows) != 1:
            return f"Changes on {day}"
        name, is_discount = held_name(follows[0]), follows[0].data.record_subtype == "discount"
        return f"{name} from {day}" if is_discount else f"Changes to {name} on {day}"
    if end is not None and end > today and status_on(holding, today) == "active":
        return f"Ends on {formats.day(end, locale)}"
    return ""


def _can_renew(holding: Holding, today: date) -> bool:
    """By hand only what has a term and does not renew by itself."""
    return term_end(holding, today) is not None and not holding.data.auto_renew


def _is_open(
    request: Renew | CancelSubscription, caller: Caller, holding: Holding, today: date
) -> bool:
    if holding.data.cancel_date is not None:
        return False
    try:
        check_open(request, caller, holding, today)
    except Refusal:
        return False
    return True
