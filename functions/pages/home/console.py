"""What needs an operator now, the figures of 24 hours, and what is still to be set up."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from tessera.catalog.kinds import Kind
from tessera.catalog.store import CatalogTable
from tessera.edge.pages.sources import tried
from tessera.partners.store import PartnersTable
from tessera.webhooks.models import HourCount, Target
from tessera.webhooks.store import Endpoints

_CATALOG: tuple[tuple[Kind, str, str], ...] = (
    ("entitlements", "Add an entitlement", "/settings/catalog/entitlements"),
    ("products", "Add a product", "/settings/catalog/products"),
    ("offers", "Add an offer", "/settings/catalog/offers"),
)
_PARTNERS = ("Create a partner", "/settings/profile/partners")
_WEBHOOKS = ("Add a webhook endpoint", "/objects/webhooks/limio")


class Trouble(NamedTuple):
    """One line of "Needs attention"."""

    what: str
    is_urgent: bool
    since: datetime | None
    href: str
    """Empty while its page is not deployed."""


class Figures(NamedTuple):
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


class Console:
    def __init__(
        self,
        *,
        catalog: CatalogTable,
        partners: PartnersTable,
        endpoints: Endpoints,
        deployed: Collection[str],
    ) -> None:
        self._catalog = catalog
        self._partners = partners
        self._endpoints = endpoints
        self._deployed = deployed

    def now(self, now: datetime) -> Overview:
        targets = tried(self._endpoints.all, what="endpoints")
        figures = tried(lambda: self._figures(now), what="figures")
        tasks = tried(lambda: self._tasks(targets or []), what="tasks")
        sources = (("Webhooks", targets), ("Figures", figures), ("Set up", tasks))
        return Overview(
            troubles=list(self._troubles(targets or [])),
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
                        self._at(),
                    )
                )
            elif health.failing_since is not None:
                times = "time" if health.failures == 1 else "times"
                found.append(
                    Trouble(
                        f"The endpoint {name} has failed {health.failures} {times} in a row",
                        health.state != "ok",
                        health.failing_since,
                        self._at(),
                    )
                )
            if health.exhausted_count:
                webhooks = "webhook" if health.exhausted_count == 1 else "webhooks"
                found.append(
                    Trouble(
                        f"{health.exhausted_count} {webhooks} to {name} were given up",
                        True,
                        health.last_failure_at,
                        self._at(),
                    )
                )
        return sorted(found, key=lambda one: not one.is_urgent)

    def _figures(self, now: datetime) -> Figures:
        since = now - timedelta(hours=24)
        yesterday = [one for one in self._endpoints.hours(since.date()) if one.hour > since.hour]
        today = [one for one in self._endpoints.hours(now.date()) if one.hour <= now.hour]
        counted: list[HourCount] = [*yesterday, *today]
        return Figures(sum(one.delivered for one in counted), sum(one.failed for one in counted))

    def _tasks(self, targets: Iterable[Target]) -> list[Task]:
        """Empty once all is done."""
        tasks = [
            Task(
                words,
                href,
                bool(
                    self._catalog.listed(kind, limit=1, after=None, status=None, label=None).items
                ),
            )
            for kind, words, href in _CATALOG
        ]
        organisations, _ = self._partners.organisations(limit=1, after=None)
        tasks.append(Task(*_PARTNERS, bool(organisations)))
        live = [one for one in targets if one.endpoint.status != "deleted"]
        tasks.append(Task(*_WEBHOOKS, bool(live)))
        if all(one.is_done for one in tasks):
            return []
        return [one._replace(href=one.href if one.href in self._deployed else "") for one in tasks]

    def _at(self) -> str:
        return _WEBHOOKS[1] if _WEBHOOKS[1] in self._deployed else ""
