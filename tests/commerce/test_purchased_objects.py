"""What a purchase makes of each offer: dates, term, prices, the first payment."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tessera.commerce.calendar import Interval
from tessera.commerce.models import Holding, Period
from tessera.commerce.order_requests import ChosenAddOn, ChosenOffer, Item
from tessera.commerce.purchased_objects import Purchase, holding_of
from tests.builders import NOW, TODAY
from tests.commerce.desks import NUMBER, customer
from tests.commerce.selling import OWNER, Sale, add_on, offer, price

FIRST = TODAY + timedelta(days=9)


def bought(
    sale: Sale, *more: Sale, start: date = TODAY, quantity: int = 1, currency: str = "GBP"
) -> Holding:
    """The subscription of that offer with these add-ons, two of each."""
    item = Item(
        offer=ChosenOffer(id=sale[0].id),
        quantity=quantity,
        add_ons=tuple(ChosenAddOn(id=one.id, quantity=2) for one, _ in more),
    )
    purchase = Purchase(
        order="order-c3a3d018e1460c3cea0f68c8ae9513d9",
        reference="C5PBH5JD6698",
        source="shop",
        owner=OWNER,
        partner_org=None,
        currency=currency,
        start=start,
        now=NOW,
        today=TODAY,
        mode="test",
    )
    sold = {one[0].id: one for one in (sale, *more)}
    return holding_of(purchase, 0, item, sold, customer(), "GB")


def once(value: str) -> Any:
    return {**price(value), "name": "Set-up", "type": "one_time"}


@pytest.mark.parametrize(("start", "status"), [(TODAY, "active"), (FIRST, "pending")])
def test_what_begins_later_waits_with_all_it_holds(start: date, status: str) -> None:
    holding = bought(offer("Digital", "W2"), add_on("Support", "HELP"), start=start)

    found = {holding.status, *(one.status for one in holding.all_offers)}
    assert found == {status}
    assert {one.data.start for one in holding.all_offers} == {start}


@pytest.mark.parametrize(
    ("term", "end"),
    [
        ({}, date(2027, 3, 2)),
        ({"length": 6, "type": "months"}, date(2026, 9, 2)),
        ({"length": 2, "type": "years"}, date(2028, 3, 2)),
        ({"length": 2}, date(2026, 5, 2)),
        ({"renewal_type": "EVERGREEN"}, None),
    ],
    ids=["a-year-unless-said", "months", "years", "months-unless-said", "evergreen"],
)
def test_a_term_ends_as_the_offer_says(term: dict[str, Any], end: date | None) -> None:
    data = bought(offer("Digital", "W2", term=term)).data

    assert (data.term_start_date, data.term_end_date) == (TODAY, end)
    assert data.term_type == term.get("renewal_type", "TERMED")


@pytest.mark.parametrize("renews", [True, False])
def test_it_renews_as_the_offer_says(renews: bool) -> None:
    assert bought(offer("Digital", "W2", autoRenew=renews)).data.auto_renew == renews


@pytest.mark.parametrize(
    ("every", "end"),
    [(Interval(1, "months"), date(2026, 4, 2)), (Interval(2, "years"), date(2028, 3, 2))],
)
def test_the_first_period_is_as_long_as_what_recurs_says(every: Interval, end: date) -> None:
    data = bought(offer("Digital", "W2", price=[price("17.50", every)])).data

    assert data.current_period == Period(start=TODAY, end=end)


@pytest.mark.parametrize("charges", [[], [once("25.00")]], ids=["free", "paid-once"])
def test_what_does_not_recur_has_no_period_and_no_price_of_one(charges: list[Any]) -> None:
    holding = bought(offer("Digital", "W2", price=charges))

    assert (holding.data.current_period, holding.data.price) == (None, None)
    assert [one.data.price for one in holding.offers] == [None]


def test_several_lines_that_recur_are_one_price_and_the_first_payment_has_all_lines() -> None:
    lines = [price("17.50"), price("2.25"), once("25.00")]

    holding = bought(offer("Digital", "W2", price=lines), quantity=2)

    assert holding.data.price is not None
    assert holding.data.price.amount == Decimal("19.75")
    assert [one.data.price and one.data.price.amount for one in holding.offers] == [
        Decimal("19.75")
    ]
    (first,) = holding.schedule
    assert (first.status, first.data.date) == ("pending", TODAY)
    assert first.data.amount == Decimal("89.50")
    assert [str(line.amount_without_tax) for line in first.data.line_items] == [
        "35.00",
        "4.50",
        "50.00",
    ]


def test_the_first_payment_has_the_add_ons_too() -> None:
    holding = bought(offer("Digital", "W2"), add_on("Support", "HELP"), start=FIRST)

    (first,) = holding.schedule
    assert (first.data.date, first.data.amount) == (FIRST, Decimal("27.50"))
    assert first.data.description == "Digital, Support"


def test_what_costs_nothing_expects_no_payment() -> None:
    assert bought(offer("Digital", "W2", price=[])).schedule == ()


def test_prices_have_the_decimals_of_their_currency() -> None:
    (pounds,) = bought(offer("Digital", "W2", price=[price("17.5")])).offers
    in_yen = [price("1750", currency="JPY")]
    (yen,) = bought(offer("Digital", "W2", price=in_yen), currency="JPY").offers

    shown = [str(one.data.price and one.data.price.amount) for one in (pounds, yen)]
    assert shown == ["17.50", "1750"]


def test_offer_and_add_ons_are_told_apart_and_counted_each() -> None:
    holding = bought(offer("Digital", "W2"), add_on("Support", "HELP"), quantity=3)

    assert [(one.data.name, one.data.quantity) for one in holding.offers] == [("Digital", 3)]
    assert [(one.data.name, one.data.quantity) for one in holding.add_ons] == [("Support", 2)]
    assert {one.data.record_subtype for one in holding.add_ons} == {"add_on"}


def test_it_waits_for_its_order_and_knows_the_account() -> None:
    holding = bought(offer("Digital", "W2"), start=FIRST)

    change = holding.data.pending_change
    assert change is not None
    assert (change.order_type, change.effective_date) == ("new", FIRST)
    assert holding.data.zuora.account_number == NUMBER
    assert holding.data.purchase_country == "GB"
