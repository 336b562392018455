"""The set of a subscription and of an owner: which codes, in which order, on which day."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera.commerce.entitlements import Ownership, held
from tessera.commerce.models import Owner
from tests.builders import product
from tests.commerce.carrying import START, TODAY, offer, subscription

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


def codes_on(day: date, *offers: Any, **data: Any) -> tuple[str, ...]:
    return held(subscription(*offers, **data)).on(day)


def test_standard_offers_come_by_start_then_discounts_then_add_ons() -> None:
    add_on = offer("a", codes=("ADD-ON",), record_subtype="add_on", start=date(2020, 1, 1))
    discount = offer("b", codes=("SAVE",), record_subtype="discount", start=date(2021, 1, 1))
    newer = offer("d", codes=("NEWER",), start=YESTERDAY)
    older = offer("c", codes=("OLDER",), start=date(2022, 1, 1))

    found = codes_on(TODAY, add_on, discount, newer, older, start_date=date(2020, 1, 1))

    assert found == ("OLDER", "NEWER", "SAVE", "ADD-ON")


def test_products_come_in_bundle_order_and_entitlements_in_product_order() -> None:
    bundle = (product("C", "A"), product("B"))

    assert codes_on(TODAY, offer(products=bundle)) == ("C", "A", "B")


def test_a_code_that_comes_again_is_dropped() -> None:
    one, other = offer("a", codes=("A", "B")), offer("b", codes=("B", "C"))

    assert sorted(codes_on(TODAY, one, other)) == ["A", "B", "C"]


def test_an_entitlement_without_a_code_counts_by_its_name() -> None:
    nameless = product("W2").entitlements[0].model_copy(update={"code": None, "name": "Web"})
    sold = product().model_copy(update={"entitlements": (nameless,)})

    assert codes_on(TODAY, offer(products=(sold,))) == ("Web",)


def test_an_offer_counts_from_its_start_up_to_its_end_and_never_when_cancelled() -> None:
    ends = offer("a", codes=("ENDS",), start=YESTERDAY, end=TOMORROW)
    begins = offer("b", codes=("BEGINS",), status="pending", start=TOMORROW)
    cancelled = offer("c", codes=("CANCELLED",), status="cancelled")
    all_of_them = (ends, begins, cancelled)

    assert codes_on(TODAY, *all_of_them) == ("ENDS",)
    assert codes_on(TOMORROW, *all_of_them) == ("BEGINS",)


@pytest.mark.parametrize(
    ("data", "is_given"),
    [
        ({}, True),
        ({"status": "suspended"}, False),
        ({"start_date": TOMORROW}, False),
        ({"cancel_date": TODAY}, False),
        ({"cancel_date": TOMORROW}, True),
        ({"term_end_date": TODAY, "auto_renew": False}, False),
        ({"term_end_date": TODAY, "auto_renew": True}, True),
    ],
    ids=["active", "suspended", "later", "cancelled", "cancelled-later", "expired", "renewing"],
)
def test_only_a_subscription_that_is_active_that_day_gives_anything(
    data: dict[str, Any], is_given: bool
) -> None:
    assert bool(codes_on(TODAY, offer(), **data)) == is_given


def test_one_that_starts_later_counts_as_active_from_its_start() -> None:
    later = offer(status="pending", start=TOMORROW)

    assert codes_on(TOMORROW, later, status="pending", start_date=TOMORROW) == ("W2",)


def test_an_owner_has_its_oldest_subscription_first_whichever_came_last() -> None:
    owner = Owner(id="id-1", created=START, updated=START)
    newer = held(subscription(start_date=TODAY))
    older = newer.model_copy(update={"id": "sub-older", "start": date(2020, 1, 1)})

    ownership = Ownership(owner=owner).holding(newer, TODAY).holding(older, TODAY)

    assert [one.id for one in ownership.held] == ["sub-older", newer.id]
