"""Pages behind a page: `/billing?pay=…` is one component's alone, the others say nothing there."""

from tessera.edge.pages.frames import Link
from tessera.edge.pages.visit import Visit

_NAMES = ("pay", "pdf", "card", "remove", "address", "change", "add-ons", "renew", "cancel")


def asked(visit: Visit) -> str:
    """Which of them the address names; empty on the page itself."""
    return next((name for name in _NAMES if visit.query.get(name)), "")


def crumbs(visit: Visit, page_name: str, here: str) -> tuple[Link, ...]:
    return Link(page_name, visit.path), Link(here, "")
