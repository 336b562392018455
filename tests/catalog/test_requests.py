"""How many requests to DynamoDB an operation makes, whatever the size of the catalog."""

from typing import Any

import pytest

from tessera.catalog.store import CatalogTable
from tests.catalog.shelf import (
    ACME,
    ANNUAL_PLAN,
    BOREALIS,
    MONTHLY_PLAN,
    entitlement_body,
    offer_body,
    page_body,
    product_body,
)
from tests.catalog.test_store import for_partners, has, put

SIZES = [1, 8]


def filled(table: CatalogTable, size: int) -> list[Any]:
    """As many offers for Acme, and twice as many for others, under one label and two plans."""
    for n in range(size):
        access = has(
            table, "entitlements", entitlement_body(name=f"Access {n}", code=f"ACCESS-{n}")
        )
        has(table, "products", product_body(access.id, name=f"Product {n}"))
    product = {"$ref": "/products/Product 0"}
    made = []
    for n in range(3 * size):
        attributes = for_partners(BOREALIS if n % 3 else ACME)
        body = offer_body(attributes=attributes, name=f"Offer {n:03}", status="active")
        body["data"]["productBundles"] = [
            {"product": product, "rate_plan": MONTHLY_PLAN},
            {"product": {"$ref": f"/products/Product {n % size}"}, "rate_plan": ANNUAL_PLAN},
        ]
        made.append(has(table, "offers", body))
    return made


@pytest.mark.parametrize("size", SIZES)
def test_reading(size: int, table: CatalogTable, requests: list[str]) -> None:
    offers = filled(table, size)

    requests.clear()
    table.find("offers", offers[0].id)
    assert requests == ["GetItem"]

    requests.clear()
    assert len(table.for_sale(offer.id for offer in offers)) == 3 * size
    assert requests == ["BatchGetItem"]

    requests.clear()
    assert len(table.of_label("gold", visible_to=ACME)) == size
    assert requests == ["Query", "BatchGetItem"]

    requests.clear()
    assert len(table.copies(offers)) == 3 * size
    assert requests == ["BatchGetItem"] * 2

    requests.clear()
    assert len(table.holding_plans([MONTHLY_PLAN, ANNUAL_PLAN])) == 3 * size
    assert requests == ["Query"] * 2 + ["BatchGetItem"] * 3

    requests.clear()
    table.listed("offers", limit=100, after=None, status=None, label=None)
    assert requests == ["Query", "BatchGetItem"]

    requests.clear()
    table.listed("offers", limit=100, after=None, status="active", label="gold")
    assert requests == ["Query", "BatchGetItem"]

    requests.clear()
    table.sells_to_partners("gold")
    assert requests == ["Query"]


def test_a_batch_takes_a_hundred(table: CatalogTable, requests: list[str]) -> None:
    table.products(f"prod-{n:032x}" for n in range(101))

    assert requests == ["BatchGetItem"] * 2


def test_nothing_is_asked_for_nothing(table: CatalogTable, requests: list[str]) -> None:
    offer = has(table, "offers", offer_body())

    requests.clear()
    assert table.copy(offer) == ()
    assert table.for_sale([]) == {}
    assert table.holding_plans([]) == []
    assert requests == []


@pytest.mark.parametrize("size", SIZES)
def test_saving(size: int, table: CatalogTable, requests: list[str]) -> None:
    filled(table, size)
    product = has(table, "products", product_body())

    requests.clear()
    has(table, "entitlements", entitlement_body())
    assert requests == ["TransactWriteItems"]

    requests.clear()
    offer = has(table, "offers", offer_body(product.id, attributes=for_partners(ACME)))
    assert requests == ["BatchGetItem", "Query", "TransactWriteItems"]

    requests.clear()
    body = offer_body(attributes={"compatible_products": [{"$ref": product.path}]})
    has(table, "add-ons", body)
    assert requests == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]

    requests.clear()
    has(table, "pages", page_body(label="gold"))
    assert requests == ["TransactWriteItems"]

    requests.clear()
    put(table, offer, offer_body(product.id))
    assert requests == ["GetItem", "BatchGetItem", "TransactWriteItems"]
