"""References: by id or by path, looked up, and emitted as both."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.catalog.models import AnyItem
from tessera.catalog.references import Wanted
from tests.catalog.shelf import MemoryCatalog, emitted, faults, offer_body, product_body

NAMES = st.text(
    st.characters(blacklist_categories=["C", "Z"], blacklist_characters="/"),
    min_size=1,
    max_size=20,
)


class NeverAsked(MemoryCatalog):
    def resolve(self, wanted: Iterable[Wanted]) -> dict[Wanted, AnyItem]:
        raise AssertionError(f"asked for {list(wanted)}")


@given(name=NAMES, by=st.sampled_from(["id", "bare id", "path", "both"]))
def test_any_way_of_naming_an_item_is_emitted_as_id_and_path(name: str, by: str) -> None:
    catalog = MemoryCatalog()
    access = catalog.entitlement(name=name, code="W2")
    reference: Any = {
        "id": {"id": access.id},
        "bare id": access.id,
        "path": {"$ref": access.path},
        "both": {"id": access.id, "$ref": access.path},
    }[by]

    made = catalog.has("products", product_body(entitlements=[reference]))

    assert emitted(made)["entitlements"] == [{"id": access.id, "$ref": f"/entitlements/{name}"}]


def test_what_is_emitted_can_be_sent_again(catalog: MemoryCatalog) -> None:
    product = catalog.product(catalog.entitlement().id)

    assert catalog.put(product, emitted(product)).item == product


@pytest.mark.parametrize(
    "reference",
    [
        "ent-00000000000000000000000000000000",
        {"id": "ent-00000000000000000000000000000000"},
        {"$ref": "/entitlements/Unknown"},
    ],
)
def test_refuses_what_does_not_exist(reference: Any, catalog: MemoryCatalog) -> None:
    body = product_body(entitlements=[reference])

    assert faults("products", body, catalog) == {"entitlements[0]": "invalid_value"}


@pytest.mark.parametrize(
    "reference",
    [
        "Web access",
        "/entitlements/Web access",
        "prod-00000000000000000000000000000000",
        {},
        {"id": None},
        {"id": 5},
        {"$ref": "/products/Web access"},
        {"$ref": "/entitlements/"},
        {"$ref": "/entitlements/" + "a" * 101},
        {"$ref": "/entitlements/\ud800"},
        {"$ref": ["/entitlements/Web access"]},
        {"path": "/entitlements/Web access"},
        {"id": "ent-00000000000000000000000000000000", "name": "Web access"},
        ["ent-00000000000000000000000000000000"],
        None,
    ],
)
def test_refuses_what_is_no_reference_without_looking_for_it(reference: Any) -> None:
    body = product_body(entitlements=[reference])

    assert faults("products", body, NeverAsked()) == {"entitlements[0]": "invalid_value"}


def test_refuses_an_id_and_a_path_of_two_items(catalog: MemoryCatalog) -> None:
    access = catalog.entitlement()
    other = catalog.entitlement(name="Print", code="P1")
    body = product_body(entitlements=[{"id": access.id, "$ref": other.path}])

    assert faults("products", body, catalog) == {"entitlements[0]": "invalid_value"}


def test_says_which_reference_is_at_fault_and_what_it_names(catalog: MemoryCatalog) -> None:
    product = catalog.product()
    missing = "offer-00000000000000000000000000000000"
    body = offer_body(product.id, attributes={"upgrade_offers": [missing], "colour": 1})
    del body["data"]["attributes"]["colour"]

    assert faults("offers", body, catalog) == {"data.attributes.upgrade_offers[0]": "invalid_value"}
