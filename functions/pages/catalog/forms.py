"""What the forms of entitlements and products say, as the catalog wants it."""

from collections.abc import Mapping
from typing import Any

from tessera.catalog.models import Product
from tessera.edge.pages.forms import Fields

ENTITLEMENT: Mapping[str, str] = {"name": "Name", "label": "Label", "code": "Code"}
PRODUCT: Mapping[str, str] = {
    "name": "Name",
    "attributes.display_name__limio": "Display name",
    "attributes.product_code__limio": "Product code",
    "attributes.has_delivery__limio": "Delivery needed",
    "entitlements": "Entitlements",
}


def new_entitlement(fields: Fields) -> dict[str, Any]:
    return {"name": fields.text("name"), **_labelled(fields)}


def entitlement(fields: Fields) -> dict[str, Any]:
    return {**_seen(fields), **_labelled(fields)}


def new_product(fields: Fields) -> dict[str, Any]:
    return {"name": fields.text("name"), "attributes": _attributes(fields)}


def product(fields: Fields, stored: Product) -> dict[str, Any]:
    """The tab "Details": what other tabs have stays as it is."""
    kept = stored.wire()["entitlements"]
    return {**_seen(fields), "attributes": _attributes(fields), "entitlements": kept}


def product_entitlements(fields: Fields, stored: Product) -> dict[str, Any]:
    return {
        **_seen(fields),
        "attributes": stored.wire()["attributes"],
        "entitlements": list(fields.all("entitlements")),
    }


def _labelled(fields: Fields) -> dict[str, Any]:
    code = fields.optional("code")
    return {"label": fields.text("label"), **({"code": code} if code else {})}


def _attributes(fields: Fields) -> dict[str, Any]:
    names = ("display_name__limio", "product_code__limio")
    given = {name: fields.optional(f"attributes.{name}") for name in names}
    return {
        **{name: text for name, text in given.items() if text},
        "has_delivery__limio": fields.ticked("attributes.has_delivery__limio"),
    }


def _seen(fields: Fields) -> dict[str, Any]:
    """When it was last saved, as the form showed it: a save in between is not overwritten."""
    return {"updated": fields.text("updated")}
