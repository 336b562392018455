"""Expected payments: which days, what each says, and what becomes of them when charges change."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tessera.commerce.billed import Charge
from tessera.commerce.calendar import Interval
from tessera.commerce.models import Schedule
from tessera.commerce.schedules import expected, merged, payments
from tests.builders import NOW, TODAY, charge
from tests.commerce.selling import subscription

LATER = NOW + timedelta(hours=1)


def due(*charges: Charge) -> list[Schedule]:
    of = payments(charges, today=TODAY)
    return expected(subscription(), of, status="pending-external", now=NOW)


def test_a_charge_that_was_never_billed_is_expected_from_today_on() -> None:
    never = charge(start=date(2025, 9, 2), end=date(2026, 6, 2), charged_through=None)

    assert [one.data.date for one in due(never)] == [
        date(2026, 3, 2),
        date(2026, 4, 2),
        date(2026, 5, 2),
    ]


def test_a_charge_that_is_overdue_is_expected_from_where_it_was_billed_to() -> None:
    overdue = charge(start=date(2025, 9, 2), end=date(2026, 4, 2), charged_through=date(2026, 1, 2))

    assert [one.data.date.month for one in due(overdue)] == [1, 2, 3]


def test_charges_of_one_day_are_one_payment_of_all_their_amounts() -> None:
    one = charge(price=Decimal("17.50"), quantity=2, plan="Digital", charged_through=TODAY)
    other = charge(price=Decimal("4.255"), quantity=1, plan="Support", charged_through=TODAY)

    first = due(one, other)[0].data

    assert (first.amount, first.amount_without_tax) == (Decimal("39.26"), Decimal("39.26"))
    assert first.unit_amount == Decimal("21.76")
    assert str(first.tax_amount) == "0.00"
    assert (first.currency, first.description) == ("GBP", "Digital, Support")
    assert [(line.quantity, line.amount_without_tax) for line in first.line_items] == [
        (2, Decimal("35.00")),
        (1, Decimal("4.26")),
    ]


@pytest.mark.parametrize(
    ("quantities", "shown"), [((3, 3), 3), ((2, 3), 1), ((4,), 4)], ids=["alike", "mixed", "one"]
)
def test_a_payment_has_the_quantity_that_its_charges_share(
    quantities: tuple[int, ...], shown: int
) -> None:
    charges = [charge(quantity=one, charged_through=TODAY) for one in quantities]

    assert due(*charges)[0].data.quantity == shown


def test_a_charge_without_one_price_adds_nothing() -> None:
    tiered = charge(price=None, charged_through=TODAY)

    first = due(tiered, charge(charged_through=TODAY))[0].data

    assert (first.amount, first.unit_amount) == (Decimal("17.50"), Decimal("17.50"))


def test_a_payment_to_come_that_is_no_longer_expected_is_cancelled_once() -> None:
    before = due(charge(charged_through=TODAY))
    cancelled = merged(before, [], today=TODAY, now=LATER)

    assert {one.status for one in cancelled} == {"cancelled"}
    assert {one.updated for one in cancelled} == {LATER}
    assert merged(cancelled, [], today=TODAY, now=LATER + timedelta(hours=1)) == cancelled


def test_a_payment_of_the_past_stays_as_it_was() -> None:
    before = due(charge(charged_through=TODAY))
    second = before[1].data.date

    after = merged(before, [], today=second, now=LATER)

    assert [one.status for one in after[:3]] == ["pending-external", "cancelled", "cancelled"]
    assert after[0] == before[0]


def test_what_is_expected_as_before_is_not_written_again() -> None:
    before = due(charge(charged_through=TODAY))
    again = [one.model_copy(update={"created": LATER, "updated": LATER}) for one in before]

    assert merged(before, again, today=TODAY, now=LATER) == before


def test_what_changes_keeps_when_it_was_made() -> None:
    before = due(charge(charged_through=TODAY))
    dearer = due(charge(price=Decimal(20), charged_through=TODAY))
    wanted = [one.model_copy(update={"created": LATER}) for one in dearer]

    after = merged(before, wanted, today=TODAY, now=LATER)

    assert {one.data.amount for one in after} == {Decimal("20.00")}
    assert {(one.created, one.updated) for one in after} == {(NOW, LATER)}


def test_what_was_expected_and_no_longer_is_comes_back_as_expected() -> None:
    before = due(charge(charged_through=TODAY))
    cancelled = merged(before, [], today=TODAY, now=LATER)

    after = merged(cancelled, before, today=TODAY, now=LATER + timedelta(hours=1))

    assert {one.status for one in after} == {"pending-external"}


def test_rows_are_in_the_order_of_their_days() -> None:
    monthly = due(charge(charged_through=TODAY))
    weekly = due(charge(every=Interval(2, "weeks"), charged_through=TODAY))

    days = [one.data.date for one in merged(monthly, weekly, today=TODAY, now=LATER)]

    assert days == sorted(days)
