"""Add-ons: as offers, with the products that they go with."""

from typing import Any

import pytest

from tests.catalog.shelf import (
    ACME,
    MONTHLY_PLAN,
    MemoryCatalog,
    charge,
    emitted,
    faults,
    offer_body,
    warned,
)


def test_emits_the_products_that_it_goes_with(catalog: MemoryCatalog) -> None:
    digital = catalog.product(catalog.entitlement().id)

    made = emitted(
        catalog.add_on(digital.id, attributes={"compatible_products": [{"$ref": digital.path}]})
    )

    assert made.pop("id").startswith("addon-")
    assert len(made.pop("version")) == 40
    reference = {"id": digital.id, "$ref": "/products/Digital"}
    assert made == {
        "type": "item",
        "record_type": "add_on",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "name": "Support",
        "path": "/add_ons/Support",
        "created": "2026-03-02T09:14:07.512Z",
        "updated": "2026-03-02T09:14:07.512Z",
        "data": {
            "productBundles": [{"product": reference, "rate_plan": MONTHLY_PLAN}],
            "attributes": {
                "label__limio": [],
                "eligible_partners__limio": [],
                "price__limio": [{**charge(), "trigger": "subscription_start"}],
                "allow_multibuy__limio": False,
                "compatible_products__limio": [reference],
            },
        },
    }


@pytest.mark.parametrize(
    "name", ["term", "autoRenew", "upgrade_offers", "downgrade_offers", "save_offers", "checkout"]
)
def test_has_no_term_and_no_upgrades_of_its_own(name: str, catalog: MemoryCatalog) -> None:
    body = offer_body(attributes={name: []})

    assert faults("add-ons", body, catalog) == {f"data.attributes.{name}": "unknown_member"}


def test_has_no_subtype(catalog: MemoryCatalog) -> None:
    body = {"name": "Support", "data": {"record_subtype": "standard"}}

    assert faults("add-ons", body, catalog) == {"data.record_subtype": "unknown_member"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"compatible_products": ["Digital"]}, "data.attributes.compatible_products[0]"),
        (
            {"price": [charge(), charge(currencyCode="USD")]},
            "data.attributes.price[1].currencyCode",
        ),
        ({"allow_multibuy": "yes"}, "data.attributes.allow_multibuy"),
    ],
)
def test_follows_the_rules_of_offers(
    attributes: dict[str, Any], expected: str, catalog: MemoryCatalog
) -> None:
    body = offer_body(attributes=attributes)

    assert faults("add-ons", body, catalog) == {expected: "invalid_value"}


def test_needs_a_rate_plan_to_be_active(catalog: MemoryCatalog) -> None:
    body = offer_body(catalog.product().id, plan=None)

    assert faults("add-ons", body, catalog) == {"data.productBundles[0].rate_plan": "required"}


def test_warns_when_it_goes_with_nothing(catalog: MemoryCatalog) -> None:
    product = catalog.product(catalog.entitlement().id)

    assert warned(catalog.save("add-ons", offer_body(product.id))) == ["no_compatible_product"]


def test_is_visible_to_partners_as_an_offer_is(catalog: MemoryCatalog) -> None:
    attributes = {"sales_channel": ["Partner"], "eligible_partners": [ACME]}

    made = catalog.add_on(catalog.product().id, attributes=attributes)

    assert made.is_visible_to(ACME)
    assert not made.is_visible_online()
