"""The five kinds of catalog items: how their ids, paths and names in sentences look."""

from typing import Literal, NamedTuple, TypeAlias

from tessera import ids
from tessera.errors import NotFound

Kind: TypeAlias = Literal["entitlements", "products", "offers", "add-ons", "pages"]


class Naming(NamedTuple):
    prefix: str
    """Of ids: `offer-…`."""
    folder: str
    """Of paths: `/offers2/Digital Monthly`."""
    noun: str

    @property
    def one(self) -> str:
        """`an offer`"""
        return f"{'an' if self.noun[0] in 'aeo' else 'a'} {self.noun}"


KINDS: dict[Kind, Naming] = {
    "entitlements": Naming("ent", "/entitlements/", "entitlement"),
    "products": Naming("prod", "/products/", "product"),
    "offers": Naming("offer", "/offers2/", "offer"),
    "add-ons": Naming("addon", "/add_ons/", "add-on"),
    "pages": Naming("page", "/pages/", "page"),
}


def kind_of(segment: str) -> Kind:
    """The kind that a segment of an address names. Raises `NotFound`."""
    for kind in KINDS:
        if kind == segment:
            return kind
    known = ", ".join(KINDS)
    raise NotFound(f"The catalog has no {segment[:40]!r}, only {known}.", code="not_found")


def kind_of_id(id: str) -> Kind | None:
    """The kind whose ids look like this one; none for what is no id of the catalog."""
    return next((kind for kind, of in KINDS.items() if ids.is_id(id, of.prefix)), None)
