"""What the pages about pages look up and save, a bounded number of requests each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tessera.catalog import items
from tessera.catalog.models import AnyItem, Offer, Page, PlanCharge
from tessera.catalog.page_problems import Surroundings
from tessera.catalog.store import CatalogTable
from tessera.edge.pages.faults import worded
from tessera.errors import InvalidFields, NotFound
from tessera.partners.models import Organisation
from tessera.partners.store import PartnersTable

from .forms import WORDS

_MOST_OFFERS = 500
_MOST_PARTNERS = 500


class Shelf:
    def __init__(self, *, catalog: CatalogTable, partners: PartnersTable, mode: str) -> None:
        self._catalog = catalog
        self._partners = partners
        self._mode = mode

    def surroundings(self) -> Surroundings:
        found = self._catalog.listed(
            "offers", limit=_MOST_OFFERS, after=None, status="active", label=None
        )
        return Surroundings(
            pages=sorted(self._catalog.pages(), key=lambda one: one.name.casefold()),
            offers=[one for one in found.items if isinstance(one, Offer)],
            archived={
                one.id: one.name for one in self._organisations() if one.status == "archived"
            },
        )

    def partners(self) -> list[Organisation]:
        """Active ones, by name."""
        active = [one for one in self._organisations() if one.status == "active"]
        return sorted(active, key=lambda one: one.name.casefold())

    def seen_by(self, page: Page, partner: str) -> tuple[Organisation | None, list[Offer]]:
        """What a partner's users get there; none while no partner is chosen.

        Raises `NotFound` for a page without offers for partners.
        """
        if page.kind != "pricing" or page.authentication != "partner":
            raise NotFound("This page shows no offers to partners.")
        chosen = self._partners.active(partner) if partner.startswith("partner_org-") else None
        if chosen is None:
            return None, []
        found = self._catalog.of_label(page.label or "", visible_to=chosen.id)
        # As the page itself shows them: a save offer is for who leaves.
        shown = [
            one
            for one in found
            if one.is_visible_to(chosen.id) and one.data.record_subtype == "standard"
        ]
        return chosen, sorted(shown, key=lambda one: one.name)

    def find(self, id: str) -> Page:
        """Raises `NotFound`."""
        return _page(items.read("pages", id, catalog=self._catalog))

    def create(self, members: Mapping[str, Any], *, now: datetime) -> Page:
        """Raises `InvalidFields` in the form's words, and `NotUnique`."""
        try:
            saved = items.create(
                "pages",
                members,
                catalog=self._catalog,
                plans=_NothingBilled(),
                mode=self._mode,
                now=now,
            )
        except InvalidFields as refusal:
            raise worded(refusal, WORDS) from None
        return _page(saved.item)

    def save(self, id: str, members: Mapping[str, Any], *, now: datetime) -> Page:
        """Raises `InvalidFields` in the form's words, `NotUnique` and `VersionMismatch`."""
        try:
            saved = items.replace(
                "pages",
                id,
                members,
                if_match=None,
                catalog=self._catalog,
                plans=_NothingBilled(),
                now=now,
            )
        except InvalidFields as refusal:
            raise worded(refusal, WORDS) from None
        return _page(saved.item)

    def archive(self, id: str, *, now: datetime) -> Page:
        page = self.find(id)
        items.archive("pages", id, catalog=self._catalog, now=now)
        return page

    def _organisations(self) -> list[Organisation]:
        found, _ = self._partners.organisations(limit=_MOST_PARTNERS, after=None)
        return found


class _NothingBilled:
    """Pages have no rate plans, so there is nothing to ask Zuora about."""

    def charges(self, rate_plan: str) -> tuple[PlanCharge, ...] | None:
        raise TypeError(f"a page has no rate plan {rate_plan}")


def _page(item: AnyItem) -> Page:
    if not isinstance(item, Page):
        raise TypeError(f"{item.id} is no page")
    return item
