"""What a component is, and what it gives to the page that it is on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from tessera.catalog.models import ComponentOptions, Page
from tessera.edge.pages.frames import Link
from tessera.edge.pages.visit import Answer, Download, Moved, Visit
from tessera.errors import NotFound


class Block(NamedTuple):
    """A component as it is shown. Its template finds `view` and everything that pages have."""

    template: str
    view: Mapping[str, Any]
    title: str = ""
    """What the whole page is then called."""
    crumbs: Sequence[Link | tuple[str, str]] = ()
    card_page: str = ""
    """The origin that the page's policy lets in for a hosted card form."""
    moved: Moved | Download | None = None
    """Instead of the page: its visitor belongs elsewhere, or came for a file."""


Show: TypeAlias = Callable[[Visit, Page, ComponentOptions], Block | None]
"""`None` where the component has nothing to say this time."""
Act: TypeAlias = Callable[[Visit, Page, ComponentOptions], Answer | Block]
"""A block is a further step that needs what was typed."""


class Component(NamedTuple):
    show: Show
    act: Act | None = None
    """What its forms do; a refusal shows the page again with the form as typed."""


class Place(NamedTuple):
    """The page at the address that is visited, and all pages beside it."""

    page: Page
    pages: Sequence[Page]

    @classmethod
    def of(cls, visit: Visit, pages: Sequence[Page]) -> "Place":
        """Raises `NotFound`: a draft or an archived page is there for nobody."""
        slug = visit.path.rstrip("/")
        for page in pages:
            if page.slug == slug and page.status == "active":
                return cls(page, pages)
        raise NotFound("There is no page at this address.")
