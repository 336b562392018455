"""What needs an operator now, the figures of 24 hours, and what is still to be set up."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from tessera.catalog.models import Offer, Page
from tessera.catalog.page_problems import Surroundings, problems
from tessera.catalog.store import CatalogTable
from tessera.commerce.order_lists import OrderLists
from tessera.edge.pages.sources import tried
from tessera.partners.models import Organisation
from tessera.partners.store import PartnersTable
from tessera.webhooks.models import HourCount, Target
from tessera.webhooks.operators_store import Endpoints

_ENTITLEMENTS = ("Add an entitlement", "/settings/catalog/entitlements")
_PRODUCTS = ("Add a product", "/settings/catalog/products")
_OFFERS = ("Add an offer", "/settings/catalog/offers")
_PAGES = ("Show offers on a pricing page", "/settings/pages")
_PARTNERS = ("Create a partner", "/settings/profile/partners")
_WEBHOOKS = ("Add a webhook endpoint", "/objects/webhooks/limio")
_ORDERS = "/objects/orders/limio"
_STUCK = timedelta(minutes=15)
"""An order is taken up within minutes of its time, by the sweep at the latest."""
_NOT_LOOKED = timedelta(minutes=30)
"""The sweep of orders looks every ten minutes."""
_FEW = 5
"""Of each kind are told one by one, the rest as a number."""
_COUNTED = 1000
_MOST_ORGANISATIONS = 500
_MOST_OFFERS = 500


class Trouble(NamedTuple):
    """One line of "Needs attention"."""

    what: str
    is_urgent: bool
    since: datetime | None
    href: str
    """Empty while its page is not deployed."""


class Figures(NamedTuple):
    orders: int
    """Accepted; counting stops at 1,000."""
    delivered: int
    failed: int


class Task(NamedTuple):
    """One line of "Set up"."""

    words: str
    href: str
    is_done: bool


class Overview(NamedTuple):
    troubles: list[Trouble]
    figures: Figures | None
    tasks: list[Task]
    missing: list[str]
    """Sources that could not be read."""


class Queues(Protocol):
    def counts(self) -> dict[str, int]:
        """Of the queues of dead letters that hold any, by name."""


class Shop(NamedTuple):
    offers: list[Offer]
    """In any status."""
    judged: list[tuple[Page, int]]
    """Published pages that show offers, each with how much is wrong with it."""


class Console:
    def __init__(
        self,
        *,
        catalog: CatalogTable,
        partners: PartnersTable,
        endpoints: Endpoints,
        orders: OrderLists,
        dead_letters: Queues,
        deployed: Collection[str],
    ) -> None:
        self._catalog = catalog
        self._partners = partners
        self._endpoints = endpoints
        self._orders = orders
        self._dead_letters = dead_letters
        self._deployed = deployed

    def now(self, now: datetime) -> Overview:
        """One request for each source, two for the hours of a day."""
        targets = tried(self._endpoints.all, what="endpoints")
        figures = tried(lambda: self._figures(now), what="figures")
        orders = tried(lambda: self._order_troubles(now), what="orders")
        dead = tried(self._dead, what="dead letters")
        partners = tried(self._organisations, what="partners")
        shop = tried(lambda: self._shop(partners or []), what="pages")
        tasks = tried(lambda: self._tasks(targets or [], partners or [], shop), what="tasks")
        sources = (
            ("Webhooks", targets),
            ("Orders", orders),
            ("Dead letters", dead),
            ("Pages", shop),
            ("Partners", partners),
            ("Figures", figures),
            ("Set up", tasks),
        )
        troubles = [
            *self._troubles(targets or []),
            *(orders or []),
            *(dead or []),
            *self._page_troubles(shop),
            *self._partner_troubles(partners or []),
        ]
        return Overview(
            troubles=sorted(troubles, key=lambda one: not one.is_urgent),
            figures=figures,
            tasks=tasks or [],
            missing=[name for name, source in sources if source is None],
        )

    def _troubles(self, targets: Iterable[Target]) -> list[Trouble]:
        found = []
        for endpoint, health in targets:
            if endpoint.status == "deleted":
                continue
            name = endpoint.description or endpoint.url
            if endpoint.status == "disabled":
                found.append(
                    Trouble(
                        f"The endpoint {name} is switched off",
                        True,
                        endpoint.updated_at,
                        self._endpoint_at(endpoint.id),
                    )
                )
            elif health.failing_since is not None:
                times = "time" if health.failures == 1 else "times"
                found.append(
                    Trouble(
                        f"The endpoint {name} has failed {health.failures} {times} in a row",
                        health.state != "ok",
                        health.failing_since,
                        self._endpoint_at(endpoint.id),
                    )
                )
            if health.exhausted_count:
                webhooks = "webhook" if health.exhausted_count == 1 else "webhooks"
                found.append(
                    Trouble(
                        f"{health.exhausted_count} {webhooks} to {name} were given up",
                        True,
                        health.last_failure_at,
                        self._endpoint_at(endpoint.id),
                    )
                )
        return found

    def _order_troubles(self, now: datetime) -> list[Trouble]:
        here = _ORDERS if _ORDERS in self._deployed else ""
        failed = self._orders.failed(at_most=_FEW + 1)
        found = [
            Trouble("An order failed", True, one.since, here and f"{here}/{one.id}")
            for one in failed[:_FEW]
        ]
        if len(failed) > _FEW:
            more = here and f"{here}?status=failed"
            found.append(Trouble("More orders failed before", True, None, more))
        late = self._orders.late(now - _STUCK)
        if late.looked is not None and late.looked < now - _NOT_LOOKED:
            silent = "Nobody looks for stuck orders: the function sweep_orders does not run"
            found.append(Trouble(silent, True, late.looked, ""))
        return found + [
            Trouble(
                "An order is stuck: nobody has taken it up",
                True,
                one.since,
                here and f"{here}/{one.id}",
            )
            for one in late.orders[:_FEW]
        ]

    def _dead(self) -> list[Trouble]:
        """Their page is the alarm's, which is not ours."""
        return [
            Trouble(
                f"{count} message{'s' if count > 1 else ''} of {queue} could not be worked off: "
                f"the alarm dead-letters-{queue} says what to do",
                True,
                None,
                "",
            )
            for queue, count in self._dead_letters.counts().items()
        ]

    def _organisations(self) -> list[Organisation]:
        return self._partners.organisations(limit=_MOST_ORGANISATIONS, after=None)[0]

    def _shop(self, organisations: Iterable[Organisation]) -> Shop:
        pages = self._catalog.pages()
        offers = self._catalog.offers(at_most=_MOST_OFFERS)
        active = [one for one in offers if one.status == "active"]
        if not active:
            return Shop(offers, [])  # nothing is sold yet: a task, not a fault of each page
        archived = {one.id: one.name for one in organisations if one.status == "archived"}
        around = Surroundings(pages, active, archived)
        showing = [one for one in pages if one.status == "active" and one.label is not None]
        return Shop(offers, [(one, len(problems(one, around))) for one in showing])

    def _page_troubles(self, shop: Shop | None) -> list[Trouble]:
        at = _PAGES[1] if _PAGES[1] in self._deployed else ""
        return [
            Trouble(
                f"The page {page.name} has {count} problem{'s' if count > 1 else ''}",
                False,
                None,
                at and f"{at}/{page.id}",
            )
            for page, count in (shop.judged if shop else [])
            if count
        ][:_FEW]

    def _partner_troubles(self, organisations: Iterable[Organisation]) -> list[Trouble]:
        at = _PARTNERS[1] if _PARTNERS[1] in self._deployed else ""
        return [
            Trouble(
                f"The partner {one.name} has no users: nobody can sign in for it",
                False,
                one.created,
                at and f"{at}/{one.id}",
            )
            for one in organisations
            if one.status == "active" and one.users == 0
        ][:_FEW]

    def _figures(self, now: datetime) -> Figures:
        since = now - timedelta(hours=24)
        yesterday = [one for one in self._endpoints.hours(since.date()) if one.hour > since.hour]
        today = [one for one in self._endpoints.hours(now.date()) if one.hour <= now.hour]
        counted: list[HourCount] = [*yesterday, *today]
        return Figures(
            self._orders.placed_since(since, at_most=_COUNTED),
            sum(one.delivered for one in counted),
            sum(one.failed for one in counted),
        )

    def _tasks(
        self,
        targets: Iterable[Target],
        organisations: Collection[Organisation],
        shop: Shop | None,
    ) -> list[Task]:
        """Empty once all is done. What is on sale tells that there is a product to sell."""
        offers, judged = shop or Shop([], [])
        sold = any(one.data.product_bundles for one in offers)
        live = any(one.endpoint.status != "deleted" for one in targets)
        tasks = [
            Task(*_ENTITLEMENTS, self._catalog.has_any("entitlements")),
            Task(*_PRODUCTS, sold or self._catalog.has_any("products")),
            Task(*_OFFERS, bool(offers)),
            Task(*_PARTNERS, bool(organisations)),
            Task(*_PAGES, any(not count for _, count in judged)),
            Task(*_WEBHOOKS, live),
        ]
        if all(one.is_done for one in tasks):
            return []
        return [one._replace(href=one.href if one.href in self._deployed else "") for one in tasks]

    def _endpoint_at(self, id: str) -> str:
        here = _WEBHOOKS[1]
        return f"{here}/endpoints/{id}" if here in self._deployed else ""
