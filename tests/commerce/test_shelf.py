"""The catalog as a sync looks at it: what each item is a candidate for."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from tessera.catalog.models import AddOn, EntitlementCopy, Offer, ProductCopy
from tessera.commerce.mapping import Candidate
from tessera.commerce.shelf import Shelf
from tests.commerce.selling import add_on, offer

ACME = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
PLAN = "8ad0965d000000000000000000000101"
COPY = ProductCopy(
    id="prod-1",
    path="/products/Digital",
    name="Digital",
    rate_plan=PLAN,
    entitlements=(EntitlementCopy(id="ent-1", name="Web", label="Web access"),),
)
FOR_ACME = {"sales_channel": ["Partner"], "eligible_partners": [ACME]}


class Held(NamedTuple):
    item: Offer | AddOn
    products: tuple[ProductCopy, ...] = (COPY,)


class Items:
    def __init__(self, item: Any) -> None:
        self._held = Held(item)

    def for_sale(self, ids: Iterable[str]) -> Mapping[str, Offer | AddOn]:
        item = self._held.item
        return {item.id: item} if item.id in set(ids) else {}

    def copies(self, items: Iterable[Offer | AddOn]) -> Mapping[str, tuple[ProductCopy, ...]]:
        return {one.id: self._held.products for one in items}

    def holding_plans(self, plans: Iterable[str]) -> Sequence[Held]:
        return [self._held]


def candidate_of(sale: Any, partner_org: str | None = None) -> Candidate:
    (found,) = Shelf(Items(sale[0])).candidates([PLAN], partner_org=partner_org)
    return found


@pytest.mark.parametrize(
    ("attributes", "online", "acme"),
    [
        ({}, True, False),
        ({"sales_channel": ["Online"]}, True, False),
        (FOR_ACME, False, True),
        ({"sales_channel": ["Partner"]}, False, False),
        ({"sales_channel": ["Salesforce"]}, False, False),
    ],
    ids=["no-channel", "online", "for-the-partner", "for-no-partner", "salesforce"],
)
def test_its_channel_fits_where_the_customer_may_see_it(
    attributes: dict[str, Any], online: bool, acme: bool
) -> None:
    sale = offer("Digital", **attributes)

    assert candidate_of(sale).fits_channel == online
    assert candidate_of(sale, ACME).fits_channel == acme


@pytest.mark.parametrize(("status", "is_active"), [("active", True), ("archived", False)])
def test_what_is_archived_is_a_candidate_that_is_not_active(status: str, is_active: bool) -> None:
    assert candidate_of(offer("Digital", status=status)).is_active == is_active


def test_offers_discounts_and_add_ons_are_told_apart() -> None:
    found = (offer("Digital"), offer("Stay", kind="discount"), add_on("Support"))

    assert [candidate_of(one).kind for one in found] == ["standard", "discount", "add_on"]


def test_price_and_currency_are_those_it_is_shown_at() -> None:
    found = candidate_of(offer("Digital"))

    assert (found.amount, found.currency) == (Decimal("17.50"), "GBP")


def test_what_it_would_be_sold_with_today_comes_with_it() -> None:
    (product,) = candidate_of(offer("Digital")).products

    assert [(one.name, one.effective_code) for one in product.entitlements] == [("Web", "Web")]


def test_what_is_for_sale_comes_with_its_products_and_what_is_unknown_does_not_come() -> None:
    sale, _ = offer("Digital")

    found = Shelf(Items(sale)).for_sale([sale.id, "offer-0"])

    assert {id: (item.name, [one.name for one in sold]) for id, (item, sold) in found.items()} == {
        sale.id: ("Digital", ["Digital"])
    }
