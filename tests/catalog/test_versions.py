"""Versions of offers and add-ons: the same for the same content, another after every change."""

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.errors import VersionMismatch
from tests.catalog.shelf import (
    ACME,
    MemoryCatalog,
    charge,
    emitted,
    offer_body,
    product_body,
)

ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "display_name": st.sampled_from(["Digital", "Digital, monthly"]),
        "label": st.lists(st.sampled_from(["gold", "silver", "partner"]), unique=True),
        "sales_channel": st.lists(st.sampled_from(["Online", "Partner"]), unique=True),
        "eligible_partners": st.just([ACME]),
        "autoRenew": st.booleans(),
        "price": st.lists(
            st.builds(charge, value=st.sampled_from(["1", "1.0", "1.00", "2.50"])), max_size=2
        ),
        "switch_date": st.sampled_from(["immediate", "next_payment", "term_end"]),
    },
)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same JSON with the members of every object in another order."""
    if isinstance(value, dict):
        names = list(value)
        order.shuffle(names)
        return {name: shuffled(value[name], order) for name in names}
    return [shuffled(one, order) for one in value] if isinstance(value, list) else value


@given(ATTRIBUTES, st.randoms(use_true_random=False), st.data())
def test_saving_the_same_content_in_other_words_keeps_the_version(
    attributes: dict[str, Any], order: random.Random, data: st.DataObject
) -> None:
    catalog = MemoryCatalog()
    made = catalog.offer(attributes=attributes)
    respelled = {
        name + data.draw(st.sampled_from(["", "__limio"])): value
        for name, value in attributes.items()
    }
    price = {"price": [charge()]} if "price" not in attributes else {}
    body = {"name": made.name, "data": {"attributes": shuffled({**respelled, **price}, order)}}

    assert catalog.put(made, body).item == made


@given(ATTRIBUTES, ATTRIBUTES)
def test_versions_differ_exactly_when_contents_do(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    catalog = MemoryCatalog()
    made = catalog.offer(attributes=before)

    saved = catalog.put(made, offer_body(attributes=after)).item

    assert (emitted(saved)["version"] != made.version) == (saved.content() != made.content())
    assert re.fullmatch("[0-9a-f]{40}", emitted(saved)["version"])


@pytest.mark.parametrize("kind", ["offers", "add-ons"])
def test_a_change_of_status_is_a_change(kind: Any, catalog: MemoryCatalog) -> None:
    made = catalog.has(kind, offer_body(catalog.product().id, status="draft"))

    saved = catalog.put(made, {**emitted(made), "status": "active"}).item

    assert emitted(saved)["version"] != made.version


def test_an_offer_that_nobody_changed_since_is_saved(catalog: MemoryCatalog) -> None:
    made = catalog.offer()
    body = offer_body(attributes={"label": ["gold"]})

    for if_match in (f'"{made.version}"', f'W/"{made.version}"', made.version, "*", '"x", "y", *'):
        saved = catalog.put(made, body, if_match=if_match).item

        assert emitted(saved)["data"]["attributes"]["label__limio"] == ["gold"]
        catalog.items[made.id] = made


def test_an_offer_that_was_changed_since_is_not_overwritten(catalog: MemoryCatalog) -> None:
    made = catalog.offer()
    changed = catalog.put(made, offer_body(attributes={"label": ["gold"]})).item

    with pytest.raises(VersionMismatch):
        catalog.put(made, offer_body(attributes={"label": ["silver"]}), if_match=made.version)

    assert catalog.items[made.id] == changed


def test_what_has_no_version_cannot_match_one(catalog: MemoryCatalog) -> None:
    product = catalog.product()

    with pytest.raises(VersionMismatch):
        catalog.put(product, product_body(attributes={"product_code": "DIG"}), if_match="*")
