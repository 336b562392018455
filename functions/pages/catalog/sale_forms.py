"""What the forms of offers and add-ons say, as the catalog wants it.

Fields are named by the path of what they set, so that a fault of the catalog is a fault of a field.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tessera.catalog.models import AddOn, ForSale, Offer
from tessera.edge.pages.forms import Fields, number

ATTRIBUTES = "data.attributes."
PRODUCTS = "data.productBundles"
PRICE = f"{ATTRIBUTES}price__limio"
CHECKOUT = f"{ATTRIBUTES}checkout__limio"

WORDS: Mapping[str, str] = {
    "name": "Name",
    "status": "Status",
    f"{ATTRIBUTES}display_name__limio": "Display name",
    f"{ATTRIBUTES}offer_features__limio": "Features",
    f"{ATTRIBUTES}cta_text__limio": "Words on the button",
    PRODUCTS: "Products",
    f"{PRODUCTS}[].product": "Product",
    f"{PRODUCTS}[].rate_plan": "Zuora rate plan",
    PRICE: "Price",
    f"{PRICE}[].name": "Name of the charge",
    f"{PRICE}[].value": "Amount",
    f"{PRICE}[].currencyCode": "Currency",
    f"{PRICE}[].type": "Charged",
    f"{PRICE}[].repeat_interval": "Every",
    f"{PRICE}[].repeat_interval_type": "Unit",
    f"{PRICE}[].rate_plan_charge": "Zuora charge",
    f"{ATTRIBUTES}allow_multibuy__limio": "Quantity above 1",
    f"{ATTRIBUTES}allowed_countries__limio": "Allowed countries",
    f"{ATTRIBUTES}sales_channel__limio": "Sales Channel",
    f"{ATTRIBUTES}eligible_partners__limio": "Eligible Partners",
    f"{ATTRIBUTES}label__limio": "Offer label",
    CHECKOUT: "Checkout page",
    f"{ATTRIBUTES}term__limio.renewal_type": "Term",
    f"{ATTRIBUTES}term__limio.length": "Length of the term",
    f"{ATTRIBUTES}term__limio.type": "Unit of the term",
    f"{ATTRIBUTES}autoRenew__limio": "Renews by itself",
    f"{ATTRIBUTES}switch_date__limio": "A switch to it takes effect",
    f"{ATTRIBUTES}cancel_date__limio": "A cancellation takes effect",
    f"{ATTRIBUTES}upgrade_offers__limio": "Upgrades",
    f"{ATTRIBUTES}downgrade_offers__limio": "Downgrades",
    f"{ATTRIBUTES}save_offers__limio": "Save offers",
    f"{ATTRIBUTES}cross_sell_addons__limio": "Add-ons",
    f"{ATTRIBUTES}compatible_products__limio": "Compatible products",
    "data.record_subtype": "Kind of offer",
    "data.discount": "Discount",
    "data.discount.value": "Discount",
    "data.discount.termLength": "Length of the discount",
    "data.discount.termType": "Unit of the discount",
}

_ROW = re.compile(rf"({re.escape(PRODUCTS)}|{re.escape(PRICE)})\[(\d{{1,3}})\](\..+)")
_FILLED = (".product", ".rate_plan", ".value", ".name", ".rate_plan_charge")
"""What makes a row count; the others have values by themselves."""
_LISTS = ("upgrade_offers", "downgrade_offers", "save_offers", "cross_sell_addons")


def new(fields: Fields) -> dict[str, Any]:
    display = fields.optional("display_name")
    attributes = {"display_name__limio": display} if display else {}
    return {"name": fields.text("name"), "data": {"attributes": attributes}}


def compacted(fields: Fields) -> Fields:
    """Without the rows that were left empty; the others follow one another."""
    matched = [(_ROW.fullmatch(name), name, value) for name, value in fields.pairs]
    filled = sorted(
        {
            (row[1], int(row[2]))
            for row, _, value in matched
            if row is not None and row[3] in _FILLED and value.strip()
        }
    )
    places = {
        (base, old): [one for one in filled if one[0] == base].index((base, old))
        for base, old in filled
    }
    pairs = []
    for row, name, value in matched:
        if row is None:
            pairs.append((name, value))
        elif (place := places.get((row[1], int(row[2])))) is not None:
            pairs.append((f"{row[1]}[{place}]{row[3]}", value))
    return Fields(pairs)


def offer(fields: Fields, stored: Offer) -> dict[str, Any]:
    attributes = {
        **_attributes(fields, stored),
        "checkout__limio": _checkout(fields.text(CHECKOUT)),
        "term__limio": _term(fields),
        "autoRenew__limio": fields.ticked(f"{ATTRIBUTES}autoRenew__limio"),
        **{
            f"{name}__limio": fields.text(f"{ATTRIBUTES}{name}__limio")
            for name in ("switch_date", "cancel_date")
        },
        **{f"{name}__limio": list(fields.all(f"{ATTRIBUTES}{name}__limio")) for name in _LISTS},
    }
    data = {
        "record_subtype": fields.text("data.record_subtype"),
        "productBundles": list(_bundles(fields)),
        "attributes": attributes,
    }
    if value := fields.text("data.discount.value"):
        data["discount"] = {
            "value": value,
            "termLength": _whole(fields.text("data.discount.termLength")),
            "termType": fields.text("data.discount.termType"),
        }
    return {**_envelope(fields), "data": data}


def add_on(fields: Fields, stored: AddOn) -> dict[str, Any]:
    name = "compatible_products__limio"
    attributes = {
        **_attributes(fields, stored),
        name: list(fields.all(f"{ATTRIBUTES}{name}")),
    }
    data = {"productBundles": list(_bundles(fields)), "attributes": attributes}
    return {**_envelope(fields), "data": data}


def _envelope(fields: Fields) -> dict[str, Any]:
    """`status` is there when "Activate" was pressed; `updated` is what the form was made of."""
    activated = {"status": "active"} if fields.text("status") == "active" else {}
    return {"updated": fields.text("updated"), **activated}


def _attributes(fields: Fields, stored: ForSale) -> dict[str, Any]:
    texts = {
        name: fields.optional(f"{ATTRIBUTES}{name}")
        for name in ("display_name__limio", "offer_features__limio", "cta_text__limio")
    }
    channels = fields.all(f"{ATTRIBUTES}sales_channel__limio")
    countries = re.split(r"[,;\s]+", fields.text(f"{ATTRIBUTES}allowed_countries__limio").upper())
    # Absent means online: what was never set stays so.
    is_default = stored.data.attributes.sales_channel is None and channels == ("Online",)
    return {
        **{name: text for name, text in texts.items() if text},
        "label__limio": _split(fields.text(f"{ATTRIBUTES}label__limio")),
        **({} if is_default else {"sales_channel__limio": list(channels)}),
        "eligible_partners__limio": list(fields.all(f"{ATTRIBUTES}eligible_partners__limio")),
        "price__limio": list(_charges(fields)),
        "allow_multibuy__limio": fields.ticked(f"{ATTRIBUTES}allow_multibuy__limio"),
        **({"allowed_countries__limio": countries} if any(countries) else {}),
    }


def _bundles(fields: Fields) -> Iterator[dict[str, Any]]:
    for at in _rows(fields, PRODUCTS):
        given = {name: fields.optional(f"{at}.{name}") for name in ("product", "rate_plan")}
        yield {name: text for name, text in given.items() if text}


def _charges(fields: Fields) -> Iterator[dict[str, Any]]:
    for at in _rows(fields, PRICE):
        kind = fields.text(f"{at}.type")
        texts = {name: fields.optional(f"{at}.{name}") for name in ("name", "rate_plan_charge")}
        repeats = {
            "repeat_interval": _whole(fields.text(f"{at}.repeat_interval")),
            "repeat_interval_type": fields.text(f"{at}.repeat_interval_type"),
        }
        yield {
            **{name: text for name, text in texts.items() if text},
            "type": kind,
            "currencyCode": fields.text(f"{at}.currencyCode").upper(),
            "value": fields.text(f"{at}.value"),
            **(repeats if kind == "recurring" else {}),
        }


def _rows(fields: Fields, base: str) -> Sequence[str]:
    found = (_ROW.fullmatch(name) for name in fields.names)
    rows = (f"{row[1]}[{row[2]}]" for row in found if row is not None and row[1] == base)
    return list(dict.fromkeys(rows))


def _term(fields: Fields) -> dict[str, Any]:
    at = f"{ATTRIBUTES}term__limio"
    kind = fields.text(f"{at}.renewal_type")
    if kind == "EVERGREEN":
        return {"renewal_type": kind}
    length = fields.text(f"{at}.length")
    lasting = {"length": _whole(length)} if length else {}
    return {"renewal_type": kind, **lasting, "type": fields.text(f"{at}.type")}


def _checkout(address: str) -> dict[str, Any]:
    if address in ("", "/checkout"):
        return {"checkout_type": "standard"}
    return {"checkout_type": "external", "external_url": address}


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _whole(text: str) -> Any:
    """What is no number is refused by the catalog in the field's words."""
    found = number(text)
    return text if found is None else found
