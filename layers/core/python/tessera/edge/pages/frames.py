"""Frames: the header, the menu and the crumbs around a page's own content."""

from collections.abc import Collection, Iterable
from typing import NamedTuple


class Link(NamedTuple):
    text: str
    href: str
    is_current: bool = False


class Section(NamedTuple):
    """An entry of the console's menu: a link by itself, or a group of links and groups."""

    text: str
    href: str = ""
    inside: tuple["Section", ...] = ()
    also: str = ""
    """Where else one is within it: pages that no entry leads to."""


class Menu(NamedTuple):
    """A section as it is shown on one page."""

    text: str
    href: str
    is_current: bool
    is_open: bool
    inside: tuple["Menu", ...]


class Frame(NamedTuple):
    """Which layout surrounds a page, and what its header says."""

    layout: str
    """`console`, `portal`, `self_service` or `plain`."""
    name: str = "Tessera"
    logo: str = ""
    """Of the partner organisation: an address; its name always stands beside it."""
    home: str = "/"
    links: tuple[Link, ...] = ()
    """The areas of a portal or of self-service, in its header."""


CONSOLE = Frame("console", home="/settings")
PLAIN = Frame("plain")

CONSOLE_SECTIONS = (
    Section("Home", "/settings"),
    Section("Orders", "/objects/orders/limio", also="/objects/identities/limio"),
    Section(
        "Catalog",
        inside=(
            Section("Entitlements", "/settings/catalog/entitlements"),
            Section("Products", "/settings/catalog/products"),
            Section("Offers", "/settings/catalog/offers"),
            Section("Add-ons", "/settings/catalog/add-ons"),
        ),
    ),
    Section("Pages", "/settings/pages"),
    Section("Webhooks", "/objects/webhooks/limio"),
    Section(
        "Settings",
        inside=(Section("Profile", inside=(Section("Partners", "/settings/profile/partners"),)),),
    ),
)


def addresses(sections: Iterable[Section] = CONSOLE_SECTIONS) -> list[str]:
    """Of every entry, groups opened."""
    found: list[str] = []
    for one in sections:
        found += [address for address in (one.href, one.also) if address]
        found += addresses(one.inside)
    return found


def console_menu(path: str, deployed: Collection[str]) -> tuple[Menu, ...]:
    """The menu as seen from a page; what is not deployed is not offered."""
    here = max((one for one in addresses() if _is_within(path, one)), key=len, default="")
    return tuple(
        shown for one in CONSOLE_SECTIONS if (shown := _menu(one, here, deployed)) is not None
    )


def _menu(section: Section, here: str, deployed: Collection[str]) -> Menu | None:
    inside = tuple(m for one in section.inside if (m := _menu(one, here, deployed)) is not None)
    if not inside and section.href not in deployed:
        return None
    return Menu(
        text=section.text,
        href=section.href,
        is_current=bool(here) and here in (section.href, section.also),
        is_open=any(one.is_current or one.is_open for one in inside),
        inside=inside,
    )


def _is_within(path: str, href: str) -> bool:
    return path == href or path.startswith(f"{href}/")
