"""From an address to a configured page: who may open it, what surrounds it, what it is made of."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tessera.catalog.models import Page
from tessera.edge.pages.frames import Frame, Link
from tessera.edge.pages.locations import image_origins
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import NotFound
from tessera.identity.sessions import Kind

from .blocks import Block, Component, Place

_ABOUT_ONE_CUSTOMER = "/subscriptions"
"""With `?owner=` a partner's page about that customer, whatever the page says."""

_LAYOUTS: Mapping[Kind | None, str] = {"partner": "portal", "customer": "self_service"}
_AREAS = ("portal", "pricing", "self_service")
_HOME = "/subscriptions"
"""Where customers begin."""
"""Kinds of pages that are reached from the header; a checkout is reached through an offer."""


class Configured(Protocol):
    def pages(self) -> list[Page]: ...

    def offers_to(self, partner_org: str, label: str) -> bool: ...


class Site:
    """The configured pages; the one that is visited is kept on the visit."""

    def __init__(self, *, catalog: Configured, components: Mapping[str, Component]) -> None:
        self._catalog = catalog
        self._components = components

    def kind_of(self, visit: Visit) -> Kind | None:
        """As whom the page is used; `None` for pages without sign-in. Raises `NotFound`."""
        visit.place = place = Place.of(visit, self._catalog.pages())
        if place.page.slug == _ABOUT_ONE_CUSTOMER and "owner" in visit.query:
            return "partner"
        authentication = place.page.authentication
        return None if authentication == "none" else authentication

    def show(self, visit: Visit) -> Answer:
        page = _place(visit).page
        shown = []
        for one in page.components:
            component = self._components.get(one.name)
            block = component.show(visit, page, one.options) if component is not None else None
            if block is not None:
                shown.append(block)
        return self._page(visit, shown)

    def act(self, visit: Visit) -> Answer:
        """By the component that the form names, if it is one of this page's."""
        page = _place(visit).page
        named = visit.fields.text("component")
        options = {one.name: one.options for one in page.components}
        component = self._components.get(named)
        if named not in options or component is None or component.act is None:
            raise NotFound("This page has no such form.")
        answer = component.act(visit, page, options[named])
        return self._page(visit, [answer]) if isinstance(answer, Block) else answer

    def _page(self, visit: Visit, shown: Sequence[Block]) -> Answer:
        place = _place(visit)
        frame = _frame(visit, [one for one in place.pages if self._is_area(one, visit)])
        moved = next((block.moved for block in shown if block.moved is not None), None)
        if moved is not None:
            return moved
        title = next((block.title for block in shown if block.title), place.page.name)
        return visit.show(
            "page.html",
            title,
            block="content",
            frame=frame,
            crumbs=next((block.crumbs for block in shown if block.crumbs), ()),
            images=image_origins([frame.logo]),
            card_page=next((block.card_page for block in shown if block.card_page), ""),
            blocks=shown,
        )

    def _is_area(self, page: Page, visit: Visit) -> bool:
        """Of the header. What is made for other partners is not even named to this one."""
        if page.authentication != (visit.kind or "none") or page.status != "active":
            return False
        if page.kind != "pricing" or visit.kind != "partner" or page.slug == visit.path:
            return page.kind in _AREAS
        return self._catalog.offers_to(visit.partner.partner_org, page.label or "")


def _place(visit: Visit) -> Place:
    if not isinstance(visit.place, Place):
        raise TypeError("the page is found when its visitor is let in")
    return visit.place


def _in_menu(page: Page) -> tuple[int, bool, str]:
    """What people see first when they have signed in comes first."""
    return _AREAS.index(page.kind), page.slug != _HOME, page.name


def _frame(visit: Visit, areas: Sequence[Page]) -> Frame:
    links = tuple(
        Link(one.name, one.slug, one.slug == visit.path) for one in sorted(areas, key=_in_menu)
    )
    layout = _LAYOUTS.get(visit.kind, "portal")
    if visit.kind == "partner":
        organisation = visit.partner.organisation
        return Frame(layout, organisation.name, organisation.logo or "", "/partner", links)
    return Frame(layout, home=_HOME if visit.kind else "/", links=links)
