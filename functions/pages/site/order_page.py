"""`?order=…` of a checkout page: what became of an order, told until it has ended."""

from datetime import timedelta
from typing import Any

from tessera import ids
from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.models import Order
from tessera.edge.pages import formats
from tessera.edge.pages.cells import Cell, id_, text
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Visit
from tessera.errors import NotFound

from .blocks import Block
from .portal import customer_address
from .world import World

_A_WHILE = timedelta(seconds=20)
"""After which people are told that it takes longer."""

_FAILED = "This order could not be completed"


class OrderPage:
    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block:
        """Raises `NotFound`, for another's in the same words."""
        caller, id = self._world.caller(visit), visit.query["order"]
        order = self._world.owners.order(id) if ids.is_id(id, Order.prefix) else None
        if order is None or order.order_type != "new" or not caller.may_see(order):
            raise NotFound("There is no order with this id.", code="not_found")
        has_failed = order.status == "failed"
        return Block(
            "components/order.html",
            {
                "state": _state(order, visit),
                "sentence": _sentence(order, visit),
                "facts": self._facts(order, visit),
                "next": [] if has_failed else _next(order, visit, self._world.moment().today),
                "thanks": "" if has_failed else options.thank_you or "",
                "here": with_query(visit.path, order=order.id),
                "customer": customer_address(order.owner) if caller.kind == "partner" else "",
                "own": "/subscriptions" if caller.kind == "customer" else "",
            },
            title=_FAILED if has_failed else "Order accepted",
        )

    def _facts(self, order: Order, visit: Visit) -> list[tuple[str, Cell]]:
        facts = [("Order reference", id_(order.reference))]
        if order.external_id:
            facts.append(("Your reference", text(order.external_id)))
        customer = self._world.owners.customer(order.customer or "")
        if customer is not None and visit.kind == "partner":
            data = customer.data
            person = " ".join(one for one in (data.first_name, data.last_name) if one)
            facts.append(("Customer", text(data.company_name or person or data.email)))
        facts.append(("Placed", Cell("moment", order.order_date)))
        if order.status == "complete":
            references = [ids.reference(f"{order.id}/{n}") for n in range(len(order.subscriptions))]
            facts += [("Subscription reference", id_(one)) for one in references]
        return facts


def _state(order: Order, visit: Visit) -> str:
    """`waiting`, `complete` or `failed`."""
    return order.status if order.status in ("complete", "failed") else "waiting"


def _sentence(order: Order, visit: Visit) -> str:
    match order.status:
        case "complete":
            return "Everything is set up."
        case "failed":
            return (
                "Access that came with it was withdrawn, and nothing is charged for it. Tell your"
                " contact the order reference."
            )
    if visit.now - order.order_date > _A_WHILE:
        return "We are still setting this up. You can leave this page: it goes on by itself."
    return "We are setting this up."


def _next(order: Order, visit: Visit, today: Any) -> list[str]:
    first = min((one.day for one in order.alterations), default=today)
    if first > today:
        begins = f"Access begins on {formats.day(first, visit.locale)}."
    else:
        begins = "Access begins now."
    invoice = "The invoice follows from billing."
    return [begins, invoice]
