"""What the forms of a page say, as the catalog wants it."""

from collections.abc import Mapping
from typing import Any

from tessera.catalog.models import Page
from tessera.catalog.pages import ONLY_FOR_PARTNERS
from tessera.edge.pages.forms import Fields, number
from tessera.errors import FieldError, InvalidFields

WORDS: Mapping[str, str] = {
    "name": "Name",
    "kind": "Kind",
    "slug": "Address",
    "label": "Offer label",
    "authentication": "Authentication",
    "components": "Components",
}
SELF_SERVICE = (
    "subscriptions",
    "plan",
    "add_ons",
    "cancel",
    "invoices",
    "payment_methods",
    "addresses",
)
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "offers": ("title", "text", "empty"),
    "checkout": ("title", "thank_you"),
    "partner_customers_table": ("empty", "failed"),
    "partner_invoices_table": ("empty", "failed"),
}
"""The texts that are asked for; others stay as they are."""
_FIRST: Mapping[str, tuple[str, ...]] = {
    "pricing": ("offers",),
    "checkout": ("checkout",),
    "portal": ONLY_FOR_PARTNERS,
    "self_service": ("subscriptions",),
}
"""Components of a new page, until others are chosen."""


def new_page(fields: Fields) -> dict[str, Any]:
    kind = fields.text("kind")
    return {
        "name": fields.text("name"),
        "kind": kind,
        **_where(fields),
        "components": [{"name": name} for name in _FIRST.get(kind, ())],
    }


def page(fields: Fields, stored: Page) -> dict[str, Any]:
    """`status` is there when "Publish" was pressed; `updated` is what the form was made of."""
    published = {"status": "active"} if fields.text("status") == "active" else {}
    return {
        "updated": fields.text("updated"),
        **published,
        "kind": stored.kind,
        **_where(fields),
        "components": _components(fields, stored),
    }


def _where(fields: Fields) -> dict[str, Any]:
    """Raises `InvalidFields` when it is not said who signs in."""
    authentication = "none"
    if fields.ticked("require_authentication"):
        authentication = fields.text("authentication")
        if not authentication:
            text = "Choose who signs in"
            raise InvalidFields([FieldError("authentication", "required", text)])
    label = fields.optional("label")
    return {
        "slug": fields.text("slug"),
        "authentication": authentication,
        **({"label": label} if label else {}),
    }


def _components(fields: Fields, stored: Page) -> list[dict[str, Any]]:
    before: dict[str, dict[str, Any]] = {one.name: one.options.wire() for one in stored.components}
    chosen: list[str] = list(before)
    if stored.kind == "portal":
        ticked = fields.all("components")
        others = [name for name in before if name not in ONLY_FOR_PARTNERS]
        chosen = [*(name for name in ONLY_FOR_PARTNERS if name in ticked), *others]
    elif stored.kind == "self_service":
        typed = {name: number(fields.text(f"place-{name}")) for name in SELF_SERVICE}
        places = {name: place for name, place in typed.items() if place is not None}
        others = [name for name in before if name not in SELF_SERVICE]
        chosen = [*sorted(places, key=places.__getitem__), *others]
    return [{"name": name, "options": _options(fields, name, before)} for name in chosen]


def _options(
    fields: Fields, name: str, before: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    asked = OPTIONS.get(name, ())
    kept = {one: text for one, text in before.get(name, {}).items() if one not in asked}
    typed = {one: fields.text(f"{name}-{one}") for one in asked}
    return {**kept, **{one: text for one, text in typed.items() if text}}
