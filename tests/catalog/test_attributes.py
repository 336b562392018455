"""Attributes with and without the suffix `__limio`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.catalog.attributes import contradictions, suffixed
from tests.catalog.shelf import MemoryCatalog, faults, offer_body

NAMES = st.sampled_from(["label", "price", "autoRenew", "term", "display_name"])
VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
ATTRIBUTES = st.dictionaries(NAMES, VALUES)


@given(ATTRIBUTES, st.data())
def test_either_spelling_means_the_same(attributes: dict[str, Any], data: st.DataObject) -> None:
    spelled = {
        name + data.draw(st.sampled_from(["", "__limio"])): value
        for name, value in attributes.items()
    }

    assert suffixed(spelled) == {f"{name}__limio": value for name, value in attributes.items()}
    assert contradictions(spelled, "attributes") == []


@given(ATTRIBUTES)
def test_both_spellings_with_one_value_are_accepted(attributes: dict[str, Any]) -> None:
    both = {**attributes, **{f"{name}__limio": value for name, value in attributes.items()}}

    assert contradictions(both, "attributes") == []
    assert suffixed(both) == suffixed(attributes)


@given(ATTRIBUTES)
def test_what_has_the_suffix_keeps_it(attributes: dict[str, Any]) -> None:
    assert suffixed(suffixed(attributes)) == suffixed(attributes)


@given(NAMES, VALUES, VALUES)
def test_two_values_of_one_attribute_contradict(name: str, one: Any, other: Any) -> None:
    found = contradictions({name: one, f"{name}__limio": other}, "data.attributes")

    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert [fault.field for fault in found] == ([] if same else [f"data.attributes.{name}"])


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"label": ["a"], "label__limio": ["b"]}, "data.attributes.label"),
        ({"allow_multibuy": True, "allow_multibuy__limio": 1}, "data.attributes.allow_multibuy"),
    ],
)
def test_refuses_both_spellings_with_different_values(
    attributes: dict[str, Any], field: str, catalog: MemoryCatalog
) -> None:
    assert faults("offers", offer_body(attributes=attributes), catalog) == {field: "invalid_value"}


@pytest.mark.parametrize("name", ["label", "label__limio"])
def test_names_a_field_at_fault_as_the_caller_wrote_it(name: str, catalog: MemoryCatalog) -> None:
    body = offer_body(attributes={name: ["gold", ""]})

    assert faults("offers", body, catalog) == {f"data.attributes.{name}[1]": "invalid_value"}
