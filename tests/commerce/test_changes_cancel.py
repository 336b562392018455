"""Cancelling, saving and renewing: on which day, within which bounds, and what it leaves behind."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera.commerce.callers import Caller
from tessera.commerce.entitlements import held
from tessera.commerce.models import Holding
from tessera.commerce.subscriptions import on_day
from tessera.errors import InvalidFields
from tests.builders import TODAY
from tests.commerce.selling import (
    ACME,
    BASIC,
    BEGUN,
    CUSTOMER,
    HALF_PRICE,
    MACHINE,
    MONTHLY,
    OPERATOR,
    PARTNER,
    PERIOD_END,
    SUPPORT,
    TERM_END,
    Shop,
    body,
    offer,
    offer_id,
    offers,
    prepared,
    refused,
    sold,
    status_of,
    subscription,
)

COMMITTED = offer("Digital Monthly", "W2", cancel_date="term_end")


def cancel(**members: Any) -> dict[str, Any]:
    return body("cancel_subscription", **members)


def save(name: str = "Half price", **members: Any) -> dict[str, Any]:
    return body("add_offer", offer={"id": offer_id(name)}, **members)


def renew(**members: Any) -> dict[str, Any]:
    return body("renew", **members)


def committed(**data: Any) -> Holding:
    return subscription(sold(COMMITTED), **data)


def test_everything_ends_with_the_billing_period() -> None:
    done = prepared(cancel(), subscription(sold(MONTHLY), sold(SUPPORT)))

    assert (done.day, done.entitlements) == (PERIOD_END, ())
    assert done.after.data.cancel_date == PERIOD_END
    assert {one.data.end for one in done.after.all_offers} == {PERIOD_END}
    last_day = PERIOD_END - timedelta(days=1)
    assert on_day(done.after, last_day).status == "active"
    assert on_day(done.after, PERIOD_END).status == "cancelled"
    assert {one.status for one in on_day(done.after, PERIOD_END).all_offers} == {"ended"}
    assert {row.status for row in done.after.schedule} == {"cancelled"}


def test_it_notes_what_it_takes_to_undo_it() -> None:
    alteration = prepared(cancel()).alteration

    assert (alteration.before, alteration.after) == ({}, {"cancelDate": "2026-03-20"})


def test_cancel_date_term_end_keeps_the_commitment() -> None:
    assert prepared(cancel(), committed()).day == TERM_END
    assert prepared(cancel(), committed(), by=CUSTOMER).day == TERM_END


@pytest.mark.parametrize(
    ("by", "detail", "earliest", "latest"),
    [
        (MACHINE, {}, BEGUN, PERIOD_END),
        (OPERATOR, {}, BEGUN, PERIOD_END),
        (PARTNER, {}, TODAY, PERIOD_END),
        (CUSTOMER, {}, PERIOD_END, PERIOD_END),
        (MACHINE, {"cancel": "term_end"}, BEGUN, TERM_END),
        (PARTNER, {"cancel": "term_end"}, TODAY, TERM_END),
        (MACHINE, {"term_type": "EVERGREEN"}, BEGUN, None),
        (PARTNER, {"term_type": "EVERGREEN"}, TODAY, None),
    ],
    ids=["machine", "operator", "partner", "customer", "m-term", "p-term", "m-ever", "p-ever"],
)
def test_the_bounds_of_the_day_depend_on_who_asks(
    by: Caller, detail: dict[str, Any], earliest: date, latest: date | None
) -> None:
    sale = COMMITTED if detail.get("cancel") else MONTHLY
    data = {name: value for name, value in detail.items() if name != "cancel"}
    owned = ACME if by is PARTNER else None
    holding = subscription(sold(sale), partner_org=owned, **data)

    def on(day: date) -> dict[str, Any]:
        return cancel(cancelDate=day.isoformat())

    too_early = earliest - timedelta(days=1)
    assert prepared(on(earliest), holding, by=by).day == earliest
    assert refused(on(too_early), holding, by=by) == ("cancelDate", "cancel_date_out_of_range")
    if latest is None:
        assert prepared(on(date(2030, 1, 1)), holding, by=by).day == date(2030, 1, 1)
        return
    assert prepared(on(latest), holding, by=by).day == latest
    with pytest.raises(InvalidFields) as refusal:
        prepared(on(latest + timedelta(days=1)), holding, by=by)
    bounds = {"earliest": earliest.isoformat(), "latest": latest.isoformat()}
    assert refusal.value.members == bounds


def test_a_day_in_the_past_ends_it_at_once() -> None:
    done = prepared(cancel(cancelDate=BEGUN.isoformat()))

    assert done.after.status == "cancelled"
    assert done.entitlements == ()


@pytest.mark.parametrize("wanted", [None, "2026-03-20", "2026-06-01"])
def test_one_that_has_not_begun_is_cancelled_as_of_its_start(wanted: str | None) -> None:
    start = TODAY + timedelta(days=30)
    later = subscription(sold(MONTHLY, start=start), start_date=start, status="pending")
    order = cancel() if wanted is None else cancel(effectiveDate=wanted)

    done = prepared(order, later, by=CUSTOMER)

    assert (done.day, done.entitlements) == (start, ())
    assert on_day(done.after, start).status == "cancelled"
    assert [one.code for one in done.warnings] == ["effective_date_adjusted"] * bool(wanted)


def test_one_that_is_cancelled_already_cannot_be_cancelled_later() -> None:
    booked = subscription(cancel_date=PERIOD_END)

    assert status_of(cancel(), booked) == (409, "subscription_not_active")
    earlier = cancel(effectiveDate="2026-03-10")
    assert prepared(earlier, booked).alteration.before == {"cancelDate": "2026-03-20"}


def test_feedback_is_at_most_2000_characters() -> None:
    reason = {"reason": {"id": "too-expensive", "feedback": "x" * 2001}}

    assert refused(cancel(data=reason)) == ("data.reason.feedback", "too_long")


def test_a_suspended_one_cannot_be_cancelled() -> None:
    suspended = subscription(status="suspended")

    assert status_of(cancel(), suspended) == (409, "subscription_not_active")


def test_a_save_is_a_discount_from_the_end_of_the_billing_period() -> None:
    done = prepared(save())

    plan, discount = done.after.offers
    assert (done.day, done.entitlements, plan.data.end) == (PERIOD_END, ("W2",), None)
    assert discount.data.record_subtype == "discount"
    assert discount.data.offer.discount == 50
    assert (discount.data.start, discount.data.end) == (PERIOD_END, date(2026, 6, 20))
    assert done.after.schedule == done.before.schedule


def test_only_save_offers_of_the_present_offer_save() -> None:
    other = Shop(MONTHLY, offer("Other", kind="discount", price=[]))

    assert refused(save("Digital Annual")) == ("offer.id", "invalid_value")
    assert refused(save("Other"), shop=other) == ("offer.id", "invalid_value")
    assert status_of(save("Nothing"), by=CUSTOMER) == (404, "offer_not_found")


def test_a_standard_offer_among_the_save_offers_is_no_discount() -> None:
    odd = Shop(offer("Digital Monthly", "W2", save_offers=offers("Basic")), BASIC)

    assert refused(save("Basic"), shop=odd) == ("offer.id", "invalid_value")


@pytest.mark.parametrize("start", [BEGUN, PERIOD_END], ids=["begun", "to-come"])
def test_a_second_save_while_one_is_live_is_refused(start: date) -> None:
    saved = subscription(sold(MONTHLY), sold(HALF_PRICE, start=start, end=date(2026, 6, 20)))
    over = subscription(sold(MONTHLY), sold(HALF_PRICE, end=TODAY))

    assert status_of(save(), saved) == (409, "save_already_active")
    assert prepared(save(), over).day == PERIOD_END


def test_a_day_given_with_a_save_is_replaced() -> None:
    done = prepared(save(effectiveDate="2026-03-05"))

    assert done.day == PERIOD_END
    assert [one.code for one in done.warnings] == ["effective_date_adjusted"]


def test_nothing_is_saved_that_ends_before_the_discount_begins() -> None:
    ends = subscription(term_end_date=PERIOD_END, auto_renew=False)

    assert status_of(save(), ends) == (409, "subscription_not_active")
    assert status_of(save(), subscription(cancel_date=PERIOD_END))[1] == "subscription_not_active"


@pytest.mark.parametrize(
    "goes_on",
    [
        subscription(term_end_date=PERIOD_END, auto_renew=True),
        subscription(term_end_date=TERM_END, auto_renew=False),
    ],
    ids=["by renewing", "for the rest of its term"],
)
def test_what_goes_on_when_the_discount_begins_is_saved(goes_on: Holding) -> None:
    assert prepared(save(), goes_on).day == PERIOD_END


def test_a_renewal_adds_a_term_and_keeps_what_was_sold() -> None:
    ending = subscription(auto_renew=False)

    done = prepared(renew(), ending)

    assert done.day == TERM_END
    assert done.after.data.term_end_date == date(2028, 2, 20)
    assert done.after.offers == ending.offers
    assert done.announces == "never"
    assert (done.alteration.before, done.alteration.after) == (
        {"termEndDate": "2027-02-20"},
        {"termEndDate": "2028-02-20"},
    )


@pytest.mark.parametrize("by", [MACHINE, CUSTOMER], ids=["machine", "customer"])
def test_only_a_term_can_be_renewed(by: Caller) -> None:
    evergreen = subscription(term_type="EVERGREEN")

    assert refused(renew(), evergreen, by=by) == ("forSubscription", "invalid_value")
    assert status_of(renew(), subscription(cancel_date=PERIOD_END)) == (
        409,
        "subscription_not_active",
    )


def test_a_renewal_is_no_change_ahead() -> None:
    assert held(prepared(renew()).after).ahead(TODAY) is None


def test_the_billing_period_goes_on_when_the_stored_one_is_over() -> None:
    later = date(2026, 5, 25)

    assert prepared(cancel(), today=later).day == date(2026, 6, 20)


def test_without_a_known_price_what_is_paid_lasts_until_the_next_payment() -> None:
    free = offer("Digital Monthly", "W2", price=[])
    unpriced = subscription(sold(free), current_period=None)

    assert prepared(cancel(), unpriced).day == PERIOD_END
    assert prepared(cancel(), unpriced.model_copy(update={"schedule": ()})).day == TERM_END
