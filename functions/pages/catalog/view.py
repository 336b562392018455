"""What the pages of entitlements and products show."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tessera.catalog.items import Saved
from tessera.catalog.kinds import KINDS, Kind
from tessera.catalog.models import AnyItem, Entitlement, Item, Offer, Product
from tessera.edge.pages.cells import (
    GOOD,
    OFF,
    WAIT,
    Cell,
    Column,
    Table,
    Tone,
    badge,
    link,
    number,
    several,
    text,
)
from tessera.edge.pages.frames import Link
from tessera.edge.pages.visit import Answer, Visit

from .shelf import ItemPage

_TITLES: Mapping[Kind, str] = {
    "entitlements": "Entitlements",
    "products": "Products",
    "offers": "Offers",
    "add-ons": "Add-ons",
}
_TONES: Mapping[str, Tone] = {"draft": WAIT, "active": GOOD, "archived": OFF}
_NAME_HINT = "It cannot be changed once it is saved, and has no / in it."


class Tick(NamedTuple):
    """A checkbox of the tab "Entitlements"."""

    id: str
    words: str
    hint: str


def home(kind: Kind) -> str:
    return f"/settings/catalog/{kind}"


def address(item: Item) -> str:
    return f"{home(item.catalog_kind)}/{item.id}"


def crumb(kind: Kind) -> tuple[str, str]:
    return _TITLES[kind], home(kind)


def may_save(visit: Visit, item: Item | None = None) -> bool:
    is_admin = "admin" in visit.operator.groups
    return is_admin and (item is None or item.status != "archived")


def status(item: Item) -> Cell:
    return badge(item.status, _TONES[item.status])


def saved(visit: Visit, done: Saved, tab: str = "") -> Answer:
    """What Zuora could not be asked about is said at once; other warnings are on the page."""
    unchecked = [one for one in done.warnings if one.code == "rate_plan_unchecked"]
    told = f"{done.item.name} saved"
    if unchecked:
        told = f"{told}. {unchecked[0].message}"
    return visit.moved(f"{address(done.item)}{tab}", told)


def archived(visit: Visit, item: AnyItem) -> Answer:
    return visit.moved(address(item), f"{item.name} archived")


def ask_to_archive(visit: Visit, item: AnyItem) -> Answer:
    kind = item.catalog_kind
    return visit.show(
        "confirm.html",
        f"Archive “{item.name}”?",
        crumbs=[crumb(kind), (item.name, address(item))],
        sentence="Nothing new is sold with it. What was sold with it stays as it is.",
        button=f"Archive {KINDS[kind].noun}",
        cancel=address(item),
    )


def all_entitlements(
    visit: Visit, found: ItemPage[Entitlement], products: Iterable[Product]
) -> Answer:
    using = Counter(one.id for product in products for one in product.entitlements)
    rows = [
        (
            _named(one),
            text(one.label),
            text(one.code or f"{one.name} (its name is sent)"),
            number(using[one.id]),
        )
        for one in found.shown
    ]
    table = Table(
        "Entitlements",
        (
            Column("Name"),
            Column("Label"),
            Column("Code"),
            Column("Products using it", numeric=True),
        ),
        rows,
        visit.paging(found.next),
        "by name",
    )
    return visit.show(
        "entitlements.html",
        "Entitlements",
        crumbs=[("Catalog", "")],
        table=table,
        new=f"{home('entitlements')}/new",
        may_save=may_save(visit),
    )


def new_entitlement(visit: Visit) -> Answer:
    return visit.show(
        "entitlement.html",
        "Add Entitlements",
        crumbs=[crumb("entitlements")],
        item={},
        name_hint=_NAME_HINT,
        may_save=True,
        cancel=home("entitlements"),
        archive="",
        products=[],
    )


def entitlement(visit: Visit, item: Entitlement, products: Iterable[Product]) -> Answer:
    using = [one for one in products if item.id in {e.id for e in one.entitlements}]
    return visit.show(
        "entitlement.html",
        item.name,
        crumbs=[crumb("entitlements")],
        item=item.wire(),
        name_hint="",
        may_save=may_save(visit, item),
        cancel=home("entitlements"),
        archive=_archive(visit, item),
        products=[Link(one.name, f"{address(one)}/entitlements") for one in using],
    )


def all_products(
    visit: Visit,
    found: ItemPage[Product],
    entitlements: Iterable[Entitlement],
    offers: Iterable[Offer],
) -> Answer:
    names = {one.id: one.name for one in entitlements}
    sold = Counter(id for offer in offers for id in _products_of(offer))
    rows = [
        (
            _named(one),
            text(one.attributes.product_code),
            text("Yes" if one.attributes.has_delivery else "No"),
            text(", ".join(names.get(e.id, e.ref) for e in one.entitlements)),
            number(sold[one.id]),
        )
        for one in found.shown
    ]
    table = Table(
        "Products",
        (
            Column("Name"),
            Column("Product code"),
            Column("Delivery needed"),
            Column("Entitlements"),
            Column("Offers", numeric=True),
        ),
        rows,
        visit.paging(found.next),
        "by name",
    )
    return visit.show(
        "products.html",
        "Products",
        crumbs=[("Catalog", "")],
        table=table,
        new=f"{home('products')}/new",
        may_save=may_save(visit),
    )


def new_product(visit: Visit) -> Answer:
    return visit.show(
        "product.html",
        "Create product",
        crumbs=[crumb("products")],
        tabs=[],
        updated="",
        attributes={},
        name_hint=_NAME_HINT,
        may_save=True,
        cancel=home("products"),
        archive="",
    )


def product(visit: Visit, item: Product) -> Answer:
    return visit.show(
        "product.html",
        item.name,
        crumbs=[crumb("products")],
        tabs=_tabs(item, 0),
        updated=_updated(item),
        attributes=item.wire()["attributes"],
        name_hint="",
        may_save=may_save(visit, item),
        cancel=home("products"),
        archive=_archive(visit, item),
    )


def product_entitlements(
    visit: Visit, item: Product, entitlements: Sequence[Entitlement]
) -> Answer:
    ticked = [one.id for one in item.entitlements]
    return visit.show(
        "product_entitlements.html",
        f"Entitlements of {item.name}",
        crumbs=[crumb("products"), (item.name, address(item))],
        tabs=_tabs(item, 1),
        updated=_updated(item),
        options=[
            Tick(one.id, one.name, f"{one.label} · {one.effective_code}")
            for one in entitlements
            if one.status != "archived" or one.id in ticked
        ],
        ticked=ticked,
        may_save=may_save(visit, item),
        new=f"{home('entitlements')}/new",
    )


def product_offers(visit: Visit, item: Product, offers: Iterable[Offer]) -> Answer:
    rows = [
        (link(one.name, address(one)), text(", ".join(one.data.attributes.label)), status(one))
        for one in offers
        if item.id in _products_of(one)
    ]
    columns = (Column("Name"), Column("Offer label"), Column("Status"))
    return visit.show(
        "product_offers.html",
        f"Offers of {item.name}",
        crumbs=[crumb("products"), (item.name, address(item))],
        tabs=_tabs(item, 2),
        table=Table(f"Offers of {item.name}", columns, rows, sorted_by="by name"),
        new=f"{home('offers')}/new" if may_save(visit) else "",
    )


def _tabs(item: Product, current: int) -> list[Link]:
    here = address(item)
    tabs = (
        ("Details", here),
        ("Entitlements", f"{here}/entitlements"),
        ("Offers", f"{here}/offers"),
    )
    return [Link(*tab, position == current) for position, tab in enumerate(tabs)]


def _named(item: Item) -> Cell:
    name = link(item.name, address(item))
    return several(name, status(item)) if item.status != "active" else name


def _archive(visit: Visit, item: Item) -> str:
    return f"{address(item)}/archive" if may_save(visit, item) else ""


def _updated(item: Item) -> Any:
    return item.wire()["updated"]


def _products_of(offer: Offer) -> set[str]:
    return {bundle.product.id for bundle in offer.data.product_bundles}
