"""Which events an endpoint gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.events import EVENT_TYPES
from tessera.webhooks.filters import TypesRefused, checked_types, goes_to, passes

KNOWN = [name for name, kind in EVENT_TYPES.items() if kind.webhook]
OPERATIONAL = {name for name, kind in EVENT_TYPES.items() if kind.operational}


def delivered(types: list[str]) -> set[str]:
    return {name for name in KNOWN if passes(types, name, operational=name in OPERATIONAL)}


def test_an_empty_filter_means_every_business_event() -> None:
    assert delivered([]) == set(KNOWN) - OPERATIONAL


def test_exact_names_let_just_those_through() -> None:
    assert delivered(["order.failed", "customer.created"]) == {"order.failed", "customer.created"}


def test_a_group_lets_all_of_its_events_through() -> None:
    assert delivered(["order.*"]) == {name for name in KNOWN if name.startswith("order.")}


@pytest.mark.parametrize("named", ["endpoint.disabled", "endpoint.*"])
def test_operational_events_come_only_if_named(named: str) -> None:
    assert "endpoint.disabled" in delivered([named])
    assert "endpoint.disabled" not in delivered(["order.*"])


@given(st.lists(st.sampled_from(KNOWN), max_size=50, unique=True))
def test_known_types_are_kept_in_the_order_given(types: list[str]) -> None:
    assert checked_types(types, KNOWN) == tuple(types)


def test_a_type_named_twice_is_kept_once() -> None:
    assert checked_types(["order.*", "owner.merged", "order.*"], KNOWN) == (
        "order.*",
        "owner.merged",
    )


@pytest.mark.parametrize(
    ("unknown", "nearest"),
    [
        ("order.submited", "order.submitted"),
        ("ORDER.FAILED", "order.failed"),
        ("orders.*", "order.*"),
        ("entitlement.updated", "entitlements.updated"),
        ("qqq", ""),
        ("order", "order."),
        ("x" * 10_000, ""),
    ],
)
def test_refuses_an_unknown_type_and_names_the_nearest(unknown: str, nearest: str) -> None:
    with pytest.raises(TypesRefused) as refused:
        checked_types(["order.failed", unknown], KNOWN)

    assert refused.value.at == "[1]"
    assert f"The nearest is {nearest}" in refused.value.message
    assert len(refused.value.message) < 300


def test_says_how_to_ask_for_everything() -> None:
    with pytest.raises(TypesRefused, match="Leave the list empty"):
        checked_types(["*"], KNOWN)


def test_refuses_more_than_fifty_types() -> None:
    with pytest.raises(TypesRefused) as refused:
        checked_types([f"order.{number}" for number in range(51)], KNOWN)

    assert refused.value.code == "too_long"


def test_refuses_a_type_that_is_for_the_bus_only() -> None:
    with pytest.raises(TypesRefused):
        checked_types(["order.retry_requested"], KNOWN)


def test_a_test_event_goes_to_its_endpoint_alone_whatever_the_filter() -> None:
    event = {"type": "order.failed", "operational": False, "only_endpoint": "endpoint-a"}

    assert goes_to("endpoint-a", ["customer.*"], **event)  # type: ignore[arg-type]
    assert not goes_to("endpoint-b", ["order.*"], **event)  # type: ignore[arg-type]


def test_nothing_about_an_endpoint_goes_to_that_endpoint() -> None:
    event = {"type": "endpoint.failing", "operational": True, "about_endpoint": "endpoint-a"}

    assert not goes_to("endpoint-a", ["endpoint.*"], **event)  # type: ignore[arg-type]
    assert goes_to("endpoint-b", ["endpoint.*"], **event)  # type: ignore[arg-type]
