"""The pages that every installation has from the start, until somebody changes them.

They are not stored: a page that was never saved follows these definitions from release to release.
Their ids derive from their addresses, so that they stay the same when one is saved.
"""

from datetime import UTC, datetime
from typing import Any

from tessera import ids
from tessera.catalog.kinds import KINDS
from tessera.catalog.models import Component, Page

_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
"""Their `created` and `updated`: older than every save."""

_PAGES: tuple[dict[str, Any], ...] = (
    {
        "name": "Checkout",
        "slug": "/checkout",
        "kind": "checkout",
        "authentication": "customer",
        "components": ("checkout",),
    },
    {
        "name": "Billing",
        "slug": "/billing",
        "kind": "self_service",
        "authentication": "customer",
        "components": ("invoices", "payment_methods", "addresses"),
    },
    {
        "name": "Edit plan",
        "slug": "/edit-plan",
        "kind": "self_service",
        "authentication": "customer",
        "components": ("plan", "add_ons", "cancel"),
    },
    {
        "name": "Subscriptions",
        "slug": "/subscriptions",
        "kind": "self_service",
        "authentication": "customer",
        "components": ("subscriptions",),
    },
    {
        "name": "Partner portal",
        "slug": "/partner",
        "kind": "portal",
        "authentication": "partner",
        "components": (
            "partner_customers_table",
            "partner_invoices_table",
            "update_subscription",
            "cancel_subscription",
        ),
    },
    {
        "name": "Partner offers",
        "slug": "/partner/offers",
        "kind": "pricing",
        "label": "partner",
        "authentication": "partner",
        "components": ("offers",),
    },
    {
        "name": "Partner checkout",
        "slug": "/partner-checkout",
        "kind": "checkout",
        "authentication": "partner",
        "components": ("checkout",),
    },
)


def installed_pages(mode: str) -> tuple[Page, ...]:
    return tuple(_page(definition, mode) for definition in _PAGES)


def _page(definition: dict[str, Any], mode: str) -> Page:
    return Page(
        **definition
        | {"components": tuple(Component(name=name) for name in definition["components"])},
        id=ids.derived(Page.prefix, "page", definition["slug"]),
        mode=mode,
        status="active",
        path=KINDS["pages"].folder + definition["name"],
        created=_SINCE,
        updated=_SINCE,
    )
