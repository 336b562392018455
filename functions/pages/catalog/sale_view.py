"""What the pages of offers and add-ons show."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tessera.catalog import offers
from tessera.catalog.models import AddOn, Charge, ForSale, Offer, Page
from tessera.edge.pages import formats
from tessera.edge.pages.cells import Cell, Column, Table, amount, link, several, text
from tessera.edge.pages.faults import field_of
from tessera.edge.pages.forms import Form
from tessera.edge.pages.visit import Answer, Visit
from tessera.partners.models import Organisation

from .sale_forms import ATTRIBUTES, CHECKOUT, PRICE, PRODUCTS, WORDS
from .shelf import Choices, ItemPage
from .view import address, crumb, home, may_save, status

_NOUNS = {"offers": "offer", "add-ons": "add-on"}
_MOST_NAMED = 3
_MOST_ROWS = {PRODUCTS: 20, PRICE: 10}
_CHANNELS = (
    ("Online", "Online", "Customers buy it on your pages"),
    ("Salesforce", "Salesforce", "Sales staff sell it"),
    ("Partner", "Partner", "The partners ticked below sell it"),
)
UNITS = (("days", "days"), ("weeks", "weeks"), ("months", "months"), ("years", "years"))


class Option(NamedTuple):
    """A checkbox: its value, words and hint."""

    value: str
    words: str
    hint: str = ""


class Picks(NamedTuple):
    """A list of checkboxes that may be long."""

    name: str
    label: str
    hint: str
    options: Sequence[Option]
    ticked: Sequence[str]


class Warned(NamedTuple):
    sentence: str
    field: str
    """Empty where there is no field to mend it at."""


def all_for_sale(
    visit: Visit,
    model: type[Offer] | type[AddOn],
    found: ItemPage[Any],
    partners: Iterable[Organisation],
) -> Answer:
    kind = model.catalog_kind
    (title, here), noun = crumb(kind), _NOUNS[kind]
    names = {one.id: one.name for one in partners}
    columns = (
        Column("Name"),
        Column("Offer label" if kind == "offers" else "Label"),
        Column("Price", numeric=True),
        Column("Sales Channel"),
        Column("Eligible Partners"),
        Column("Status"),
    )
    rows = [_row(one, names) for one in found.shown]
    paging = visit.paging(found.next, filters=("status", "label"))
    return visit.show(
        "sales.html",
        f"{title}, filtered" if paging.is_filtered else title,
        crumbs=[("Catalog", "")],
        table=Table(title, columns, rows, paging, "by name"),
        noun=noun,
        new=f"{here}/new",
        may_save=may_save(visit),
        narrowed=visit.query.get("status", ""),
        label=visit.query.get("label", ""),
    )


def new(visit: Visit, model: type[ForSale]) -> Answer:
    kind = model.catalog_kind
    return visit.show(
        "new_sale.html",
        f"Create {_NOUNS[kind]}",
        crumbs=[crumb(kind)],
        noun=_NOUNS[kind],
        cancel=home(kind),
    )


def for_sale(visit: Visit, item: Offer | AddOn, choices: Choices) -> Answer:
    kind = item.catalog_kind
    values = _values(item)
    may = may_save(visit, item)
    return visit.show(
        "sale.html",
        item.name,
        crumbs=[crumb(kind)],
        noun=_NOUNS[kind],
        is_offer=isinstance(item, Offer),
        state=status(item),
        values=values,
        channels=_CHANNELS,
        channel=item.data.attributes.sales_channel or _default_channel(item),
        products=_products(item, choices),
        bundle_rows=_rows(visit.form, values, PRODUCTS, ("product", "rate_plan"), more=may),
        price_rows=_rows(
            visit.form, values, PRICE, ("value", "name", "rate_plan_charge"), more=may
        ),
        units=UNITS,
        partners=_partners(item, choices.partners),
        checkouts=", ".join(_checkouts(choices.pages)),
        lists=_lists(item, choices),
        warnings=_warnings(item, choices),
        audience=_audience(item, choices),
        may_save=may,
        can_activate=may and item.status == "draft",
        cancel=home(kind),
        archive=f"{address(item)}/archive" if may else "",
    )


def _row(item: Offer | AddOn, names: Mapping[str, str]) -> tuple[Cell, ...]:
    attributes = item.data.attributes
    channels = attributes.sales_channel
    eligible = [names.get(one, one) for one in attributes.eligible_partners]
    return (
        link(item.name, address(item)),
        text(", ".join(attributes.label)),
        several(*(cell for charge in attributes.price for cell in _price(charge)))
        if attributes.price
        else text(""),
        text("Online" if channels is None else ", ".join(channels)),
        text(_named(eligible) if item.is_sold_to_partners else ""),
        status(item),
    )


def _price(charge: Charge) -> tuple[Cell, Cell]:
    rhythm = formats.rhythm(charge.repeat_interval, charge.repeat_interval_type)
    return amount(charge.value, charge.currency_code), text(rhythm)


def _values(item: ForSale) -> dict[str, Any]:
    """What is stored, by the names of the form's fields; lists of texts as they are typed."""
    known = item.wire()
    found = dict(_leaves("data", known["data"]))
    attributes = item.data.attributes
    found |= {
        "updated": known["updated"],
        f"{ATTRIBUTES}label__limio": ", ".join(attributes.label),
        f"{ATTRIBUTES}allowed_countries__limio": ", ".join(attributes.allowed_countries or ()),
    }
    for position, bundle in enumerate(item.data.product_bundles):
        found[f"{PRODUCTS}[{position}].product"] = bundle.product.id
    if isinstance(item, Offer):
        found[CHECKOUT] = item.data.attributes.checkout.destination
    return found


def _leaves(path: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(f"{path}.{name}", one)
    elif isinstance(value, (list, tuple)):
        for position, one in enumerate(value):
            yield from _leaves(f"{path}[{position}]", one)
    else:
        yield path, value if isinstance(value, bool) else str(value)


def _rows(
    form: Form, values: Mapping[str, Any], base: str, filled: Sequence[str], *, more: bool
) -> list[str]:
    """Names of the rows that are filled in, and of one to add."""
    rows: list[str] = []
    while len(rows) < _MOST_ROWS[base]:
        at = f"{base}[{len(rows)}]"
        is_filled = any(form.value(f"{at}.{n}", values.get(f"{at}.{n}", "")) for n in filled)
        if not is_filled and (rows or not more):
            break
        rows.append(at)
        if not is_filled:
            return rows
    if more and rows and len(rows) < _MOST_ROWS[base]:
        rows.append(f"{base}[{len(rows)}]")
    return rows


def _default_channel(item: ForSale) -> tuple[str, ...]:
    return ("Online",) if item.data.attributes.sales_channel is None else ()


def _products(item: ForSale, choices: Choices) -> list[tuple[str, str]]:
    ours = {bundle.product.id: bundle.product.ref for bundle in item.data.product_bundles}
    known = [
        (one.id, one.name) for one in choices.products if one.status != "archived" or one.id in ours
    ]
    there = {id for id, _ in known}
    return [*known, *((id, ref) for id, ref in ours.items() if id not in there)]


def _partners(item: ForSale, partners: Sequence[Organisation]) -> Picks:
    ticked = item.data.attributes.eligible_partners
    options = [
        Option(one.id, one.name, "archived" if one.status == "archived" else "")
        for one in partners
        if one.status == "active" or one.id in ticked
    ]
    there = {one.value for one in options}
    options += [Option(id, id) for id in ticked if id not in there]
    return Picks(
        f"{ATTRIBUTES}eligible_partners__limio",
        "Eligible Partners",
        "Counts while the channel Partner is ticked.",
        options,
        ticked,
    )


def _checkouts(pages: Iterable[Page]) -> list[str]:
    return sorted(one.slug for one in pages if one.kind == "checkout" and one.status == "active")


def _lists(item: Offer | AddOn, choices: Choices) -> list[Picks]:
    if isinstance(item, AddOn):
        chosen = item.data.attributes.compatible_products
        return [
            _picks(
                "compatible_products",
                "It is offered with these products, and with no others.",
                choices.products,
                chosen,
            )
        ]
    attributes = item.data.attributes
    others = [one for one in choices.offers if one.id != item.id]
    standard = [one for one in others if one.data.record_subtype == "standard"]
    saving = [one for one in others if one.data.record_subtype == "discount"]
    return [
        _picks(
            "upgrade_offers",
            "A subscriber may move up to these.",
            standard,
            attributes.upgrade_offers,
        ),
        _picks(
            "downgrade_offers",
            "A subscriber may move down to these.",
            standard,
            attributes.downgrade_offers,
        ),
        _picks(
            "save_offers",
            "Offered to somebody who is about to cancel.",
            saving,
            attributes.save_offers,
        ),
        _picks(
            "cross_sell_addons",
            "Offered beside it.",
            choices.add_ons,
            attributes.cross_sell_addons,
        ),
    ]


def _picks(name: str, hint: str, items: Iterable[Any], chosen: Iterable[Any]) -> Picks:
    ticked = {one.id: one.ref for one in chosen}
    options = [
        Option(one.id, one.name, "" if one.status == "active" else one.status)
        for one in items
        if one.status != "archived" or one.id in ticked
    ]
    there = {one.value for one in options}
    options += [Option(id, ref) for id, ref in ticked.items() if id not in there]
    field = f"{ATTRIBUTES}{name}__limio"
    return Picks(field, WORDS[field], hint, options, list(ticked))


def _warnings(item: Offer | AddOn, choices: Choices) -> list[Warned]:
    """What saving warned of, as it is now."""
    if item.status == "archived":
        return []
    products = {one.id: one for one in choices.products}
    # Of more products than are looked at nothing is said.
    if any(bundle.product.id not in products for bundle in item.data.product_bundles):
        return []
    advice = offers.advice(item, products, lambda: choices.pages)
    return [Warned(one.message, field_of(one.field or "", WORDS)) for one in advice]


def _audience(item: Offer | AddOn, choices: Choices) -> list[str]:
    """Who can buy it, and where, in sentences."""
    if item.status == "archived":
        return ["It is archived: nobody can buy it any more."]
    attributes = item.data.attributes
    told = ["It is a draft: nobody can buy it before it is activated. Then:"]
    told = told if item.status == "draft" else []
    if isinstance(item, AddOn):
        names = [one.ref.rpartition("/")[2] for one in item.data.attributes.compatible_products]
        told.append(f"It is offered with {_named(names)}." if names else "It goes with no product.")
    labels = set(attributes.label)
    shown = [one for one in choices.pages if one.status == "active" and one.label in labels]
    if attributes.sales_channel is None or "Online" in attributes.sales_channel:
        at = [one.slug for one in shown if one.authentication != "partner"]
        told.append(_seen_at("Customers", "see", at, isinstance(item, Offer)))
    if "Salesforce" in (attributes.sales_channel or ()):
        told.append("Sales staff sell it in Salesforce.")
    if item.is_sold_to_partners:
        names_of = {one.id: one.name for one in choices.partners}
        eligible = [names_of.get(one, one) for one in attributes.eligible_partners]
        at = [one.slug for one in shown if one.authentication == "partner"]
        if not eligible:
            told.append("No partner is eligible, so no partner can buy it.")
        else:
            verb = "sees" if len(eligible) == 1 else "see"
            told.append(_seen_at(_named(eligible), verb, at, isinstance(item, Offer)))
    if attributes.sales_channel == ():
        told.append("It is in no sales channel, so nobody can buy it.")
    return told


def _seen_at(who: str, verb: str, at: Sequence[str], is_offer: bool) -> str:
    if not is_offer:
        return f"{who} may buy it."
    if not at:
        return f"{who} {verb} it on no page: none shows its label."
    return f"{who} {verb} this at {_named(sorted(at))}."


def _named(names: Sequence[str]) -> str:
    """`Acme and Borealis`, `Acme, Borealis, Conte and 4 more`."""
    shown = list(names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        return f"{', '.join(shown)} and {len(names) - _MOST_NAMED} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
