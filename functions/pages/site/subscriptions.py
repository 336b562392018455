"""`subscriptions`: all that a customer holds, with where to pay for each and where to change it."""

from typing import Any

from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.models import Holding
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Visit

from . import flows, held, payments, wording
from .blocks import Block, Place
from .own import Belongings, Own, nothing_found


class Subscriptions:
    def __init__(self, own: Belongings) -> None:
        self._own = own

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        own = self._own.of(visit)
        if not own.holdings:
            return nothing_found(visit, page, "subscriptions", options)
        billing, plans = _page_with("invoices", visit), _page_with("plan", visit)
        return Block(
            "components/subscriptions.html",
            {"subscriptions": [_view(one, own, visit, billing, plans) for one in own.holdings]},
            title=options.title or "",
        )


def _view(holding: Holding, own: Own, visit: Visit, billing: str, plans: str) -> dict[str, Any]:
    today = own.moment.today
    links = [("Billing", billing)] if billing else []
    if plans:
        links.append(("Edit plan", with_query(plans, subscription=holding.id)))
    return {
        "id": holding.id,
        "name": payments.name_of(holding),
        "status": wording.status_of(holding),
        "facts": held.facts(holding, today, visit.locale),
        "pending": flows.pending(holding, today, visit.locale),
        "links": links if held.is_running(holding) else links[:1],
    }


def _page_with(component: str, visit: Visit) -> str:
    """The address of the customers' page that has it; empty where there is none."""
    pages = visit.place.pages if isinstance(visit.place, Place) else ()
    found = (
        one.slug
        for one in pages
        if one.status == "active"
        and one.authentication == "customer"
        and component in {part.name for part in one.components}
    )
    return next(found, "")
