"""Bodies that are accepted as they are, and a catalog in memory to check them against."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tessera.catalog.errors import NotUnique
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import Saved, create, replace
from tessera.catalog.kinds import Kind
from tessera.catalog.models import AddOn, AnyItem, Entitlement, Offer, Page, Product
from tessera.catalog.rate_plans import RatePlans
from tessera.catalog.references import Wanted
from tessera.errors import InvalidFields
from tessera.objects import compact_json

NOW = datetime(2026, 3, 2, 9, 14, 7, 512000, tzinfo=UTC)
ACME = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
BOREALIS = "partner_org-00000000000000000000000000000b0b"
MONTHLY_PLAN = "8ad0965d000000000000000000000101"
ANNUAL_PLAN = "8ad0965d000000000000000000000102"
SUPPORT_PLAN = "8ad0965d000000000000000000000103"


def entitlement_body(**detail: Any) -> dict[str, Any]:
    return {"name": "Web access", "label": "Web access", "code": "W2", **detail}


def product_body(*entitlements: str, **detail: Any) -> dict[str, Any]:
    """`Digital`, with entitlements by their ids."""
    return {"name": "Digital", "entitlements": list(entitlements), **detail}


def charge(**detail: Any) -> dict[str, Any]:
    return {
        "name": "Monthly",
        "type": "recurring",
        "value": "17.50",
        "currencyCode": "GBP",
        "repeat_interval": 1,
        "repeat_interval_type": "months",
        **detail,
    }


def offer_body(
    *products: str, plan: str | None = MONTHLY_PLAN, attributes: Any = None, **detail: Any
) -> dict[str, Any]:
    """`Digital Monthly`, an active offer of products by their ids, all under one rate plan each."""
    plans = [plan, ANNUAL_PLAN, SUPPORT_PLAN]
    bundles = [
        {"product": product, **({"rate_plan": plans[n]} if plans[n] else {})}
        for n, product in enumerate(products)
    ]
    return {
        "name": "Digital Monthly",
        "status": "active" if products else "draft",
        "data": {
            "productBundles": bundles,
            "attributes": {"price": [charge()], **(attributes or {})},
        },
        **detail,
    }


def page_body(**detail: Any) -> dict[str, Any]:
    return {
        "name": "Gold partners",
        "status": "active",
        "slug": "/partner/gold",
        "kind": "pricing",
        "label": "partner-gold",
        "authentication": "partner",
        "components": [{"name": "offers", "options": {"title": "Gold offers"}}],
        **detail,
    }


class Unconnected:
    """Nobody knows rate plans while Zuora is not connected."""

    def charges(self, rate_plan: str) -> None:
        return None


class MemoryCatalog:
    """What rules need of the table, without a table, and what Zuora says of rate plans."""

    def __init__(self, plans: RatePlans | None = None) -> None:
        self.plans = plans or Unconnected()
        self.items: dict[str, AnyItem] = {page.id: page for page in installed_pages("test")}

    def find(self, kind: Kind, id: str) -> AnyItem | None:
        return self.items.get(id)

    def resolve(self, wanted: Iterable[Wanted]) -> dict[Wanted, AnyItem]:
        return {
            one: item
            for one in wanted
            for item in self.items.values()
            if item.catalog_kind == one.kind
            and (item.id == one.id if one.id else item.path == one.path)
        }

    def pages(self) -> Sequence[Page]:
        return [item for item in self.items.values() if isinstance(item, Page)]

    def sells_to_partners(self, label: str) -> bool:
        return any(
            item.is_sold_to_partners and label in item.data.attributes.label
            for item in self.items.values()
            if isinstance(item, Offer) and item.status != "archived"
        )

    def add(self, item: AnyItem) -> None:
        if any(item.path == other.path for other in self.items.values()):
            raise NotUnique("The name is taken.", field="name")
        self.items[item.id] = item

    def replace(self, old: AnyItem, new: AnyItem) -> None:
        self.items[new.id] = new

    def has(self, kind: Kind, body: dict[str, Any]) -> Any:
        """Creates it and answers the item."""
        return self.save(kind, body).item

    def save(self, kind: Kind, body: dict[str, Any]) -> Saved:
        return create(kind, body, catalog=self, plans=self.plans, mode="test", now=NOW)

    def entitlement(self, **detail: Any) -> Entitlement:
        item: Entitlement = self.has("entitlements", entitlement_body(**detail))
        return item

    def product(self, *entitlements: str, **detail: Any) -> Product:
        item: Product = self.has("products", product_body(*entitlements, **detail))
        return item

    def offer(self, *products: str, **detail: Any) -> Offer:
        item: Offer = self.has("offers", offer_body(*products, **detail))
        return item

    def add_on(self, *products: str, **detail: Any) -> AddOn:
        item: AddOn = self.has("add-ons", offer_body(*products, **{"name": "Support", **detail}))
        return item

    def put(self, item: AnyItem, body: dict[str, Any], *, if_match: str | None = None) -> Saved:
        return replace(
            item.catalog_kind,
            item.id,
            body,
            if_match=if_match,
            catalog=self,
            plans=self.plans,
            now=NOW,
        )


def faults(kind: Kind, body: dict[str, Any], catalog: MemoryCatalog) -> dict[str, str]:
    """What is wrong with a body: code by field, in the order of the answer."""
    with pytest.raises(InvalidFields) as refused:
        catalog.save(kind, body)
    return {error.field: error.code for error in refused.value.errors}


def emitted(item: AnyItem) -> Any:
    """An item as its reader gets it."""
    return json.loads(compact_json(item.wire()))


def warned(saved: Saved) -> list[str]:
    return [advice.code for advice in saved.warnings]
