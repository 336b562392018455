"""Switching to another offer: to which, by whom, on which day, and what goes with it."""

from datetime import date, timedelta
from typing import Any, get_args

import pytest

from tessera.commerce.calendar import Interval, Unit
from tessera.commerce.callers import Caller
from tessera.commerce.change_rules import subscription_named
from tessera.commerce.models import Holding
from tessera.commerce.order_bodies import read_order
from tessera.commerce.subscriptions import on_day
from tessera.errors import ChangePending, InvalidFields
from tests.builders import TODAY
from tests.commerce.selling import (
    ACME,
    BASIC,
    CROSSWORDS,
    CUSTOMER,
    HALF_PRICE,
    MACHINE,
    MONTHLY,
    NUMBER,
    OPERATOR,
    PARTNER,
    PERIOD_END,
    SUBSCRIPTION,
    SUPPORT,
    TERM_END,
    Shop,
    body,
    held_id,
    offer,
    offer_id,
    offers,
    pending,
    prepared,
    price,
    refused,
    sold,
    status_of,
    subscription,
)


def switch(to: str = "Digital Annual", **members: Any) -> dict[str, Any]:
    return body("change_offer", offer={"id": offer_id(to)}, **members)


def test_the_old_offer_ends_when_the_new_one_begins() -> None:
    done = prepared(switch())

    assert done.day == PERIOD_END
    assert done.entitlements == ("SKU0010002",)
    old, new = done.after.offers
    assert (old.data.end, old.status) == (PERIOD_END, "active")
    assert (new.data.start, new.data.end, new.status) == (PERIOD_END, None, "pending")
    assert done.alteration.adds == (new.id,)
    assert [(one.id, one.before) for one in done.alteration.ends] == [(old.id, None)]


def test_name_price_and_period_follow_the_offer_in_force() -> None:
    after = prepared(switch()).after

    before_day, from_day = on_day(after, PERIOD_END - timedelta(days=1)), on_day(after, PERIOD_END)

    assert (before_day.data.name, from_day.data.name) == ("Digital Monthly", "Digital Annual")
    assert from_day.data.price is not None
    assert from_day.data.price.summary is not None
    assert from_day.data.price.summary.subline == "£180.00 per year"
    assert from_day.data.current_period is not None
    assert from_day.data.current_period.end == date(2027, 3, 20)
    assert [one.status for one in from_day.offers] == ["ended", "active"]


@pytest.mark.parametrize(
    ("to", "day"),
    [("Print", TODAY), ("Digital Annual", PERIOD_END), ("Basic", TERM_END)],
    ids=["immediate", "next_payment", "term_end"],
)
def test_switch_date_of_the_new_offer_decides_the_day(to: str, day: date) -> None:
    assert prepared(switch(to)).day == day


def test_without_a_payment_to_come_next_payment_is_the_end_of_the_term() -> None:
    unpaid = subscription().model_copy(update={"schedule": ()})

    assert prepared(switch(), unpaid).day == TERM_END


@pytest.mark.parametrize("by", [MACHINE, OPERATOR], ids=["machine", "operator"])
@pytest.mark.parametrize(
    ("wanted", "day", "warned"),
    [
        ("2026-03-09", date(2026, 3, 9), []),
        ("2026-03-09T00:00:00.000", date(2026, 3, 9), []),
        ("2026-02-28", TODAY, ["effective_date_adjusted"]),
        ("2028-01-01", TERM_END, ["effective_date_adjusted"]),
    ],
    ids=["within", "zoneless", "before-today", "after-the-term"],
)
def test_effective_date_outside_today_and_term_end_moves_to_the_nearest_day(
    by: Caller, wanted: str, day: date, warned: list[str]
) -> None:
    done = prepared(switch(effectiveDate=wanted), by=by)

    assert done.day == day
    assert [warning.code for warning in done.warnings] == warned


@pytest.mark.parametrize(
    ("wanted", "warned"),
    [("2026-03-20", []), ("2026-03-09", ["effective_date_adjusted"])],
    ids=["the-rules-day", "another"],
)
def test_effective_date_from_a_customer_is_replaced_by_the_rules_day(
    wanted: str, warned: list[str]
) -> None:
    done = prepared(switch(effectiveDate=wanted), by=CUSTOMER)

    assert done.day == PERIOD_END
    assert [warning.code for warning in done.warnings] == warned


def test_cancel_date_is_the_older_name_of_effective_date() -> None:
    assert prepared(switch(cancelDate="2026-03-09")).day == date(2026, 3, 9)
    both = switch(cancelDate="2026-03-09", effectiveDate="2026-03-10")
    assert refused(both) == ("cancelDate", "invalid_value")


@pytest.mark.parametrize(
    "named",
    [
        {"forSubscription": {"name": NUMBER}},
        {"forSubscription": {}, "subscriptionRef": NUMBER},
        {"forSubscription": {}, "subscriptionId": NUMBER},
        {"forSubscription": {"name": NUMBER}, "subscriptionRef": NUMBER},
    ],
    ids=["name", "subscriptionRef", "subscriptionId", "twice-the-same"],
)
def test_a_subscription_is_named_in_older_words_too(named: dict[str, Any]) -> None:
    request: Any = read_order({**switch(), **named})

    assert subscription_named(request) == SUBSCRIPTION


@pytest.mark.parametrize(
    ("named", "field", "code"),
    [
        ({"forSubscription": {}}, "forSubscription", "required"),
        ({"subscriptionRef": "A-OTHER"}, "subscriptionRef", "invalid_value"),
        ({"subscriptionId": "A-OTHER"}, "subscriptionId", "invalid_value"),
    ],
    ids=["none", "ref-differs", "id-differs"],
)
def test_two_names_that_disagree_are_refused(named: dict[str, Any], field: str, code: str) -> None:
    request: Any = read_order({**switch(), **named})
    with pytest.raises(InvalidFields) as refusal:
        subscription_named(request)

    assert (refusal.value.errors[0].field, refusal.value.errors[0].code) == (field, code)
    by_name = {"forSubscription": {"id": "sub-" + "0" * 32, "name": NUMBER}}
    with pytest.raises(InvalidFields) as refusal:
        subscription_named(read_order({**switch(), **by_name}))  # type: ignore[arg-type]
    assert refusal.value.errors[0].field == "forSubscription.name"


def test_to_a_discount_or_to_the_present_offer_there_is_no_switch() -> None:
    assert refused(switch("Half price")) == ("offer.id", "invalid_value")
    assert refused(switch("Digital Monthly")) == ("offer.id", "invalid_value")


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_an_offer_that_is_not_active_is_not_eligible(status: str) -> None:
    shop = Shop(MONTHLY, offer("Digital Annual", "X", status=status))

    assert refused(switch(), shop=shop) == ("offer.id", "offer_not_eligible")
    assert refused(switch("Nothing"), by=OPERATOR) == ("offer.id", "offer_not_eligible")
    assert status_of(switch(), by=CUSTOMER, shop=shop) == (404, "offer_not_found")


def test_customers_see_what_is_sold_online_and_partners_what_is_theirs() -> None:
    theirs: dict[str, Any] = {"sales_channel": ["Partner"], "eligible_partners": [ACME]}
    shop = Shop(MONTHLY, offer("Digital Annual", "X", **theirs))
    sold_by_acme = subscription(partner_org=ACME)

    assert status_of(switch(), by=CUSTOMER, shop=shop) == (404, "offer_not_found")
    assert prepared(switch(), sold_by_acme, by=PARTNER, shop=shop).entitlements == ("X",)
    assert status_of(switch(), sold_by_acme, by=PARTNER) == (404, "offer_not_found")


def test_on_a_partners_subscription_staff_sells_what_the_partner_may_sell() -> None:
    sold_by_acme = subscription(partner_org=ACME)

    assert refused(switch(), sold_by_acme, by=OPERATOR) == ("offer.id", "offer_not_eligible")


@pytest.mark.parametrize(
    ("by", "holding"),
    [(CUSTOMER, subscription()), (PARTNER, subscription(partner_org=ACME))],
    ids=["customer", "partner"],
)
def test_customers_and_partners_go_to_listed_offers_only(by: Caller, holding: Holding) -> None:
    everywhere: dict[str, Any] = {
        "sales_channel": ["Online", "Partner"],
        "eligible_partners": [ACME],
    }
    other = offer("Other", "X", **everywhere)
    listing = Shop(offer("Digital Monthly", "W2", downgrade_offers=offers("Other")), other)

    assert refused(switch("Other"), holding, by=by, shop=Shop(MONTHLY, other)) == (
        "offer.id",
        "offer_not_eligible",
    )
    assert prepared(switch("Other"), holding, by=by, shop=listing).entitlements == ("X",)
    assert prepared(switch("Other"), shop=Shop(MONTHLY, other)).entitlements == ("X",)


def test_another_currency_needs_a_new_subscription() -> None:
    shop = Shop(MONTHLY, offer("Digital Annual", "X", price=[price("9.00", currency="USD")]))

    assert refused(switch(), shop=shop) == ("offer.id", "currency_mismatch")


def test_allowed_countries_hold_for_a_switch_too() -> None:
    shop = Shop(MONTHLY, offer("Digital Annual", "X", allowed_countries=["DE"]))

    assert refused(switch(), shop=shop) == ("offer.id", "invalid_value")


def test_the_price_seen_must_be_the_price() -> None:
    seen = body("change_offer", offer={"id": offer_id("Digital Annual"), "version": "0" * 40})

    assert status_of(seen) == (409, "offer_changed")


def test_quantity_stays_unless_given_and_needs_an_offer_that_allows_many() -> None:
    five = subscription(sold(MONTHLY, quantity=5), quantity=5)
    many = Shop(MONTHLY, offer("Digital Annual", "X", allow_multibuy=True))

    assert refused(switch(), five) == ("quantity", "invalid_value")
    assert prepared(switch(quantity=1), five).after.offers[1].data.quantity == 1
    assert prepared(switch(), five, shop=many).after.offers[1].data.quantity == 5


def test_add_ons_that_do_not_go_with_the_new_offer_end_the_same_day() -> None:
    held = subscription(sold(MONTHLY), sold(SUPPORT), sold(CROSSWORDS))

    done = prepared(switch("Print"), held)

    assert [one.data.name for one in done.removed_add_ons] == ["Support"]
    assert {one.data.name: one.data.end for one in done.after.add_ons} == {
        "Support": TODAY,
        "Crosswords": None,
    }
    assert done.entitlements == ("PAPER", "PUZZLE")
    ended = [one.id for one in done.alteration.ends]
    assert ended == [held_id("Digital Monthly"), held_id("Support")]


def test_discounts_of_the_old_offer_end_the_same_day() -> None:
    later = sold(HALF_PRICE, start=date(2026, 4, 20), end=date(2026, 7, 20))

    done = prepared(switch(), subscription(sold(MONTHLY), later))

    discount = next(one for one in done.after.offers if one.id == later.id)
    assert discount.data.end == discount.data.start, "it never begins"


def test_one_of_several_offers_is_switched_and_the_others_stay() -> None:
    two = subscription(sold(MONTHLY), sold(BASIC))
    which = {"id": two.id, "subscription_offer": held_id("Basic")}

    assert refused(switch(), two) == ("forSubscription.subscription_offer", "which_offer")
    assert prepared(switch(forSubscription=which), two).entitlements == ("W2", "SKU0010002")
    other = {**which, "subscription_offer": "subscription_offer-0"}
    assert refused(switch(forSubscription=other), two) == (
        "forSubscription.subscription_offer",
        "invalid_value",
    )


def test_an_unmapped_subscription_cannot_be_switched() -> None:
    bare = subscription().model_copy(update={"offers": ()})

    assert refused(switch(), bare) == ("forSubscription", "subscription_unmapped")


def test_while_a_change_is_pending_its_day_is_answered() -> None:
    with pytest.raises(ChangePending) as refusal:
        prepared(switch(), subscription(pending_change=pending(PERIOD_END)))

    assert (refusal.value.status, refusal.value.wire_code) == (423, "change_pending")
    assert refusal.value.members["effectiveDate"] == "2026-03-20T00:00:00.000"


@pytest.mark.parametrize(
    ("detail", "status"),
    [
        ({"start_date": TODAY + timedelta(days=1)}, "pending"),
        ({"cancel_date": TODAY}, "cancelled"),
        ({"term_end_date": TODAY, "auto_renew": False}, "expired"),
    ],
    ids=["pending", "cancelled", "expired"],
)
def test_only_an_active_subscription_is_switched(detail: dict[str, Any], status: str) -> None:
    assert status_of(switch(), subscription(**detail)) == (409, "subscription_not_active")
    suspended = subscription(status="suspended")
    assert status_of(switch(), suspended) == (409, "subscription_not_active")


def test_nothing_is_changed_from_the_day_on_that_it_is_cancelled() -> None:
    booked = subscription(cancel_date=PERIOD_END)

    assert status_of(switch(), booked) == (409, "subscription_not_active")
    assert prepared(switch("Print"), booked).day == TODAY


def test_customers_leave_a_partners_subscription_to_the_partner() -> None:
    sold_by_acme = subscription(partner_org=ACME)

    assert status_of(switch(), sold_by_acme, by=CUSTOMER) == (403, "managed_by_partner")


def test_somebody_elses_subscription_is_answered_as_one_that_is_not_there() -> None:
    other = CUSTOMER.model_copy(update={"owner": "id-0"})

    assert status_of(switch(), by=other) == (404, "not_found")
    assert status_of(switch(), by=PARTNER) == (404, "not_found")


def test_at_the_end_of_a_term_a_new_one_of_the_new_offer_begins() -> None:
    running_out = subscription(auto_renew=False)
    two_years = offer(
        "Basic", "W1", switch_date="term_end", term={"length": 2, "type": "years"}, autoRenew=False
    )

    done = prepared(switch("Basic"), running_out, shop=Shop(MONTHLY, two_years))

    assert done.entitlements == ("W1",)
    last, first = on_day(done.after, TERM_END - timedelta(days=1)), on_day(done.after, TERM_END)
    assert (last.status, last.data.term_end_date) == ("active", TERM_END)
    assert (first.status, first.data.term_end_date) == ("active", date(2029, 2, 20))
    assert on_day(done.after, date(2029, 2, 20)).status == "expired"


def test_whether_it_renews_follows_the_new_offer_from_its_day_on() -> None:
    ending = Shop(MONTHLY, offer("Digital Annual", "X", autoRenew=False))

    done = prepared(switch(), shop=ending)

    assert on_day(done.after, TODAY).data.auto_renew
    assert not on_day(done.after, PERIOD_END).data.auto_renew
    assert done.alteration.before == {"autoRenew": True}
    assert done.alteration.after == {"autoRenew": False}


def test_a_term_that_does_not_renew_ends_as_before_with_an_offer_that_does_not_either() -> None:
    ending = Shop(MONTHLY, offer("Digital Annual", "X", autoRenew=False))

    done = prepared(switch(), subscription(auto_renew=False), shop=ending)

    assert (done.alteration.before, done.alteration.after) == ({}, {})
    assert on_day(done.after, TERM_END).status == "expired"


def test_without_an_end_of_term_any_day_to_come_is_taken() -> None:
    evergreen, far = subscription(term_type="EVERGREEN", term_end_date=None), date(2030, 1, 31)

    done = prepared(switch(effectiveDate=f"{far}"), evergreen)

    assert (done.day, done.warnings) == (far, ())


def test_what_holds_from_a_later_day_is_not_shown_of_a_pending_change() -> None:
    ending = Shop(MONTHLY, offer("Digital Annual", "X", autoRenew=False))

    shown = prepared(switch(), shop=ending).after.wire()["data"]["pendingChange"]

    assert shown == {
        "order": "order-01c97b3d18337e3e3ce5809a5439a15d",
        "order_type": "change_offer",
        "effectiveDate": "2026-03-20T00:00:00.000",
    }


def test_payments_from_the_day_on_are_those_of_the_new_offer() -> None:
    rows = prepared(switch()).after.schedule

    shown = [(row.data.date, row.status, f"{row.data.amount}") for row in rows][:4]
    assert shown == [
        (date(2026, 3, 20), "pending", "180.00"),
        (date(2026, 4, 20), "cancelled", "17.50"),
        (date(2027, 3, 20), "pending", "180.00"),
        (date(2028, 3, 20), "pending", "180.00"),
    ]


def test_payments_before_the_day_stay_as_they_were() -> None:
    rows = prepared(switch("Basic")).after.schedule

    assert [(row.status, f"{row.data.amount}") for row in rows][:3] == [
        ("pending-external", "17.50"),
        ("pending-external", "17.50"),
        ("pending", "17.50"),
    ]
    assert rows[2].data.date == TERM_END
    assert all(row.data.line_items[0].product_name == "Basic" for row in rows[2:])
    assert Interval(1, "months").after(rows[2].data.date) == rows[3].data.date


def test_a_period_ends_on_the_last_day_of_a_short_month_and_with_the_calendar() -> None:
    month, year = Interval(1, "months"), Interval(1, "years")
    begun = date(2024, 1, 31)

    assert [month.after(begun, n) for n in (1, 2, 3)] == [
        date(2024, 2, 29),
        date(2024, 3, 31),
        date(2024, 4, 30),
    ]
    assert [year.after(date(2024, 2, 29), n) for n in (1, 4)] == [
        date(2025, 2, 28),
        date(2028, 2, 29),
    ]
    for unit in get_args(Unit):
        assert Interval(3650, unit).after(date(9998, 12, 31)) == date.max
