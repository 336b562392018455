"""Products: their attributes and the entitlements selected on them."""

from typing import Any

import pytest

from tests.catalog.shelf import MemoryCatalog, emitted, faults, product_body


def test_emits_attributes_with_their_suffix_and_entitlements_by_id_and_path(
    catalog: MemoryCatalog,
) -> None:
    access = catalog.entitlement()

    made = emitted(
        catalog.product(
            access.id,
            attributes={"display_name": "Digital", "product_code": "DIG", "has_delivery": True},
        )
    )

    assert made["record_type"] == "product"
    assert made["path"] == "/products/Digital"
    assert made["status"] == "active"
    assert made["attributes"] == {
        "display_name__limio": "Digital",
        "product_code__limio": "DIG",
        "has_delivery__limio": True,
    }
    assert made["entitlements"] == [{"id": access.id, "$ref": "/entitlements/Web access"}]


def test_keeps_entitlements_in_the_order_given(catalog: MemoryCatalog) -> None:
    ids = [catalog.entitlement(name=f"Access {n}", code=f"A{n}").id for n in (3, 1, 2)]

    assert [reference.id for reference in catalog.product(*ids).entitlements] == ids


def test_needs_nothing_but_a_name(catalog: MemoryCatalog) -> None:
    made = emitted(catalog.has("products", {"name": "Print"}))

    assert made["entitlements"] == []
    assert made["attributes"] == {"has_delivery__limio": False}


def test_refuses_an_entitlement_named_twice_by_id_and_by_path(catalog: MemoryCatalog) -> None:
    access = catalog.entitlement()
    body = product_body(entitlements=[access.id, {"$ref": access.path}])

    assert faults("products", body, catalog) == {"entitlements": "invalid_value"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"colour": "red"}, {"attributes.colour": "unknown_member"}),
        ({"colour__limio": "red"}, {"attributes.colour__limio": "unknown_member"}),
        ({"has_delivery": "no"}, {"attributes.has_delivery": "invalid_value"}),
        ({"has_delivery": 0}, {"attributes.has_delivery": "invalid_value"}),
        ({"display_name__limio": ""}, {"attributes.display_name__limio": "invalid_value"}),
        ({"product_code": "a" * 201}, {"attributes.product_code": "too_long"}),
        ([], {"attributes": "invalid_value"}),
    ],
)
def test_refuses_attributes(
    attributes: Any, expected: dict[str, str], catalog: MemoryCatalog
) -> None:
    assert faults("products", product_body(attributes=attributes), catalog) == expected


def test_refuses_more_entitlements_than_a_product_holds(catalog: MemoryCatalog) -> None:
    ids = [f"ent-{n:032x}" for n in range(51)]

    assert faults("products", product_body(*ids), catalog) == {"entitlements": "too_long"}
