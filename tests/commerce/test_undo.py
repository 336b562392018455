"""What an order did to a subscription is taken back exactly, and can be done again."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.commerce.entitlements import held
from tessera.commerce.models import (
    Alteration,
    EndedOffer,
    Holding,
    Order,
    ResizedOffer,
    Schedule,
    ScheduleData,
    Terms,
)
from tessera.commerce.undo import redone, undone
from tests.commerce.carrying import (
    START,
    SUB,
    TODAY,
    offer,
    order,
    pending,
    subscription,
)


def switched(day: date) -> tuple[Holding, Holding, Order]:
    """Before and after a switch that also cancels an earlier cancellation's day."""
    old = offer("old")
    extra = offer("extra", codes=("HELP",), record_subtype="add_on", quantity=2)
    before = subscription(old, extra)
    new = offer("new", status="pending" if day > TODAY else "active", start=day, codes=("SKU2",))
    ended = old.model_copy(update={"data": old.data.model_copy(update={"end": day})})
    more = 5 if day <= TODAY else 2
    resized = extra.model_copy(update={"data": extra.data.model_copy(update={"quantity": more})})
    after = subscription(ended, new, resized, pending_change=pending("change_offer", day))
    altered = Alteration(
        subscription=SUB,
        day=day,
        adds=(new.id,),
        ends=(EndedOffer(id=old.id),),
        resizes=(ResizedOffer(id=extra.id, before=2, after=5),),
    )
    return before, after, order("change_offer", altered)


@given(st.integers(min_value=0, max_value=90))
def test_without_the_order_the_set_is_that_of_before_on_every_day(ahead: int) -> None:
    before, after, placed = switched(TODAY + timedelta(days=ahead))

    back = undone(after, placed, today=TODAY, now=START)

    for days in range(0, 120, 7):
        day = TODAY + timedelta(days=days)
        assert held(back).on(day) == held(before).on(day)
    assert back.data.pending_change is None
    assert [one.data.quantity for one in back.add_ons] == [2]
    assert back.offers[0].data.end is None


@given(st.integers(min_value=0, max_value=90))
def test_done_again_the_set_is_that_of_the_order_on_every_day(ahead: int) -> None:
    day = TODAY + timedelta(days=ahead)
    _, after, placed = switched(day)

    again = redone(undone(after, placed, today=TODAY, now=START), placed, today=TODAY, now=START)

    for days in range(0, 120, 7):
        at = TODAY + timedelta(days=days)
        assert held(again).on(at) == held(after).on(at)
    assert again.data.pending_change == after.data.pending_change
    assert [one.data.quantity for one in again.add_ons] == [5 if ahead == 0 else 2]


def test_a_new_subscription_is_cancelled_with_its_reason_and_granted_again() -> None:
    placed = order()
    new = subscription(pending_change=pending())

    gone = undone(new, placed, today=TODAY, now=START)

    assert (gone.status, gone.data.cancel_reason) == ("cancelled", "provisioning_failed")
    assert held(gone).on(TODAY) == ()
    again = redone(gone, placed, today=TODAY, now=START)
    assert (again.status, again.data.cancel_reason) == ("active", None)
    assert held(again).on(TODAY) == ("W2",)


def test_a_cancellation_taken_back_leaves_the_subscription_open() -> None:
    altered = Alteration(subscription=SUB, day=TODAY, after={"cancelDate": TODAY.isoformat()})
    placed = order("cancel_subscription", altered)
    ended = subscription(
        status="cancelled", cancel_date=TODAY, pending_change=pending("cancel_subscription")
    )

    back = undone(ended, placed, today=TODAY, now=START)

    assert (back.status, back.data.cancel_date) == ("active", None)
    again = redone(back, placed, today=TODAY, now=START)
    assert (again.status, again.data.cancel_date) == ("cancelled", TODAY)


def test_terms_return_to_what_they_were() -> None:
    altered = Alteration(
        subscription=SUB,
        day=TODAY,
        before={"termEndDate": "2027-11-21"},
        after={"termEndDate": "2028-11-21"},
    )
    renewed = subscription(term_end_date=date(2028, 11, 21), pending_change=pending("renew"))

    back = undone(renewed, order("renew", altered), today=TODAY, now=START)

    assert back.data.term_end_date == date(2027, 11, 21)


def test_the_lock_of_another_order_stays() -> None:
    _, after, placed = switched(TODAY)
    other = pending("add_on").model_copy(update={"order": "order-" + "0" * 32})
    data = after.data.model_copy(update={"pending_change": other})

    back = undone(after.model_copy(update={"data": data}), placed, today=TODAY, now=START)

    assert back.data.pending_change == other


LATER = START + timedelta(hours=1)


def expecting(holding: Holding, *days: date, status: str = "pending") -> Holding:
    """With a payment to come on each of these days."""
    rows = [
        Schedule(
            id=f"schedule-{n:032x}",
            status=status,
            related=SUB,
            created=START,
            updated=START,
            data=ScheduleData(
                date=day,
                schedule_date=day,
                amount=Decimal("17.50"),
                amount_without_tax=Decimal("17.50"),
                unit_amount=Decimal("17.50"),
                tax_amount=Decimal("0.00"),
                currency="GBP",
                quantity=1,
                description="Digital",
                line_items=(),
            ),
        )
        for n, day in enumerate(days)
    ]
    return holding.model_copy(update={"schedule": tuple(rows)})


def test_payments_of_what_is_not_sold_are_cancelled_and_those_to_come_expected_again() -> None:
    placed = order()
    days = [TODAY + timedelta(days=n) for n in (-1, 0, 30)]
    new = expecting(subscription(pending_change=pending()), *days)

    gone = undone(new, placed, today=TODAY, now=LATER)
    again = redone(gone, placed, today=TODAY, now=LATER + timedelta(hours=1))

    assert {one.status for one in gone.schedule} == {"cancelled"}
    assert {one.updated for one in gone.schedule} == {LATER}
    assert [one.status for one in again.schedule] == ["cancelled", "pending", "pending"]


def test_a_payment_that_was_cancelled_before_is_not_written_again() -> None:
    new = expecting(subscription(pending_change=pending()), TODAY, status="cancelled")

    gone = undone(new, order(), today=TODAY, now=LATER)

    assert gone.schedule == new.schedule


def test_payments_of_a_subscription_that_goes_on_are_left_to_the_billing_system() -> None:
    _, after, placed = switched(TODAY)
    expected = expecting(after, TODAY + timedelta(days=30))

    back = undone(expected, placed, today=TODAY, now=LATER)
    again = redone(back, placed, today=TODAY, now=LATER)

    assert back.schedule == again.schedule == expected.schedule
    assert back.data.cancel_reason is None


def test_what_the_order_did_not_touch_is_not_written() -> None:
    _, after, placed = switched(TODAY)
    untouched = offer("untouched", codes=("OTHER",))
    both = after.model_copy(update={"offers": (*after.offers, untouched)})

    back = undone(both, placed, today=TODAY, now=LATER)

    stamps = {one.id: one.updated for one in back.offers}
    assert stamps[untouched.id] == untouched.updated
    assert {stamp for id, stamp in stamps.items() if id != untouched.id} == {LATER}


def test_a_suspended_subscription_stays_suspended_when_its_order_is_taken_back() -> None:
    _, after, placed = switched(TODAY)
    suspended = after.model_copy(update={"status": "suspended"})

    assert undone(suspended, placed, today=TODAY, now=LATER).status == "suspended"


def test_a_cancellation_to_come_is_known_at_once_when_it_is_done_again() -> None:
    day = TODAY + timedelta(days=30)
    altered = Alteration(subscription=SUB, day=day, after={"cancelDate": day.isoformat()})
    placed = order("cancel_subscription", altered)

    again = redone(subscription(), placed, today=TODAY, now=LATER)

    assert (again.status, again.data.cancel_date) == ("active", day)
    change = again.data.pending_change
    assert change is not None
    assert (change.effective_date, change.terms) == (day, None)


@pytest.mark.parametrize("ahead", [0, 1], ids=["today", "to-come"])
def test_terms_that_come_with_another_plan_hold_from_its_day_on(ahead: int) -> None:
    day = TODAY + timedelta(days=ahead)
    altered = Alteration(subscription=SUB, day=day, after={"termEndDate": "2028-11-21"})
    before = subscription()

    again = redone(before, order("change_offer", altered), today=TODAY, now=LATER)

    change = again.data.pending_change
    assert change is not None
    renewed = date(2028, 11, 21)
    if ahead:
        assert again.data.term_end_date == before.data.term_end_date
        assert change.terms == Terms(term_end_date=renewed)
    else:
        assert (again.data.term_end_date, change.terms) == (renewed, None)


def test_another_subscription_of_the_order_is_left_alone() -> None:
    altered = Alteration(subscription="sub-" + "0" * 32, day=TODAY, is_new=True)
    holding = subscription()

    assert undone(holding, order("new", altered), today=TODAY, now=LATER) == holding
    assert redone(holding, order("new", altered), today=TODAY, now=LATER) == holding
