"""`/subscriptions?owner=…`: one customer of the partner user's organisation, and its subscriptions.

What can be done there is what an active page of the portal has: `update_subscription`,
`cancel_subscription`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.entitlements import held as entitled
from tessera.commerce.models import Customer, Holding
from tessera.edge.pages.cells import several, text
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import NotFound
from tessera.partners import subscriptions as partner_subscriptions

from . import held, payments, refusals
from .blocks import Block, Place
from .flows import Flows, links, pending
from .on_offer import on_offer
from .portal import INVOICES, customer_address
from .step import Step
from .subscriptions import Subscriptions
from .wording import status_of
from .world import World

_MOST = 100
_FLOWS = {"update_subscription": ("update", "renew"), "cancel_subscription": ("cancel",)}


class PartnerCustomer:
    def __init__(self, world: World, flows: Flows) -> None:
        self._world = world
        self._flows = flows

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block:
        """Raises `NotFound` for an owner who is no customer of the organisation."""
        holdings, customer = self._own(visit)
        at = self._step(visit, customer)
        if at.flow:
            return self._flows.show(visit, at)
        caller, moment = self._world.caller(visit), self._world.moment()
        allowed = _allowed(visit)
        today, locale = moment.today, visit.locale
        subscriptions, orders = [], refusals.latest(visit.query["owner"], self._world.owners)
        offered = on_offer(holdings, caller, today, self._world.catalog)
        for holding in holdings:
            facts = held.facts(holding, today, locale)
            names = _entitlements(holding, today)
            if names:
                facts.append(("Entitlements", several(*(text(name) for name in names))))
            can = links(holding, caller, today, at.home, allowed=allowed)
            subscriptions.append(
                {
                    "id": holding.id,
                    "name": payments.name_of(holding),
                    "status": status_of(holding),
                    "facts": facts,
                    "pending": pending(holding, today, locale),
                    "refused": refusals.refused(holding, orders),
                    "links": [
                        (words, href)
                        for words, href in (
                            ("Update subscription", can.update if any(offered[holding.id]) else ""),
                            ("Cancel subscription", can.cancel),
                            ("Renew", can.renew),
                        )
                        if href
                    ],
                }
            )
        return Block(
            "components/partner_customer.html",
            {
                "contact": _contact(customer),
                "subscriptions": subscriptions,
                "empty": "This customer has no subscription with you.",
                "invoices": _invoices(visit, customer),
            },
            title=at.home_name,
            crumbs=(("Customers", _customers(visit)),),
        )

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer:
        holdings, customer = self._own(visit)
        at = self._step(visit, customer)
        if at.subscription not in {one.id for one in holdings}:
            raise NotFound("There is no such subscription.")
        return self._flows.act(visit, at)

    def _own(self, visit: Visit) -> tuple[list[Holding], Customer]:
        world, by, owner = self._world, visit.partner, visit.query["owner"]
        today = world.moment().today
        holdings = partner_subscriptions.of_owner(owner, by=by, owners=world.owners, today=today)
        found, _ = world.owners.objects(
            "customers", owner=owner, partner_org=None, limit=_MOST, after=None
        )
        customers = [
            one for one in found if isinstance(one, Customer) and one.partner_org == by.partner_org
        ]
        if not customers:
            raise NotFound("There is no customer's owner with this id.", code="not_found")
        return holdings, customers[0]

    def _step(self, visit: Visit, customer: Customer) -> Step:
        return Step.of(
            visit,
            home=customer_address(visit.query["owner"]),
            home_name=_name(customer),
            component="subscriptions",
            allowed=_allowed(visit),
        )


class BothKinds:
    """The address is the customers' own list too; who asks decides."""

    def __init__(self, own: Subscriptions, of_partner: PartnerCustomer) -> None:
        self._own = own
        self._of_partner = of_partner

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        if visit.kind == "partner":
            return self._of_partner.show(visit, page, options)
        return self._own.show(visit, page, options)

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer:
        if visit.kind != "partner":
            raise NotFound("This page has no such form.")
        return self._of_partner.act(visit, page, options)


def _allowed(visit: Visit) -> list[str]:
    """The flows that an active page of the portal lets partner users begin."""
    names = {one.name for page in _portal(visit) for one in page.components if one.name in _FLOWS}
    return [flow for name, flows in _FLOWS.items() if name in names for flow in flows]


def _portal(visit: Visit) -> list[Page]:
    pages: Sequence[Page] = visit.place.pages if isinstance(visit.place, Place) else ()
    return [one for one in pages if one.status == "active" and one.kind == "portal"]


def _customers(visit: Visit) -> str:
    return next((page.slug for page in _portal(visit)), "/partner")


def _invoices(visit: Visit, customer: Customer) -> str:
    """The customer's own, where it is invoiced itself."""
    if visit.partner.organisation.is_zuora_invoice_owner:
        return ""
    with_them = (
        page.slug for page in _portal(visit) if INVOICES in {one.name for one in page.components}
    )
    slug = next(with_them, "")
    return with_query(slug, tab="invoices", customer=customer.id) if slug else ""


def _name(customer: Customer) -> str:
    data = customer.data
    person = " ".join(one for one in (data.first_name, data.last_name) if one)
    return data.company_name or person or data.email or "Customer"


def _contact(customer: Customer) -> list[Any]:
    data = customer.data
    person = " ".join(one for one in (data.first_name, data.last_name) if one)
    facts = [("Name", text(person)), ("Email", text(data.email))]
    if data.phone:
        facts.append(("Phone", text(data.phone)))
    return facts


def _entitlements(holding: Holding, today: date) -> list[str]:
    """What it gives now, by the names that people know."""
    names = {
        granted.effective_code: granted.label or granted.name
        for one in holding.all_offers
        for product in one.data.products
        for granted in product.entitlements
    }
    return [names.get(code, code) for code in entitled(holding).on(today)]
