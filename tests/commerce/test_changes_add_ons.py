"""Adding, resizing and removing add-ons, alone or with a switch, all on one day."""

from datetime import date
from typing import Any

import pytest

from tessera.commerce.subscriptions import on_day
from tests.builders import TODAY
from tests.commerce.selling import (
    ACME,
    ANNUAL,
    CROSSWORDS,
    CUSTOMER,
    MONTHLY,
    PARTNER,
    PERIOD_END,
    PRINT,
    SUPPORT,
    Shop,
    add_on,
    add_on_id,
    body,
    held_id,
    offer_id,
    prepared,
    price,
    refused,
    sold,
    status_of,
    subscription,
)

HELD = subscription(sold(MONTHLY), sold(SUPPORT, quantity=2))


def add(name: str = "Support", **members: Any) -> dict[str, Any]:
    return body("add_on", action="add", addOn={"id": add_on_id(name)}, **members)


def change(action: str, name: str = "Support", **members: Any) -> dict[str, Any]:
    named = {"subscription_offer": held_id(name)}
    return body("add_on", action=action, addOn=named, **members)


def update(*parts: dict[str, Any], to: str | None = None, **members: Any) -> dict[str, Any]:
    chosen = {"offer": {"id": offer_id(to)}} if to else {}
    return body("update_subscription", addOns=list(parts), **chosen, **members)


def test_it_is_added_today_and_grants_at_once() -> None:
    done = prepared(add(quantity=2))

    (added,) = done.after.add_ons
    assert (done.day, done.entitlements) == (TODAY, ("W2", "HELP"))
    assert (added.data.start, added.data.quantity, added.status) == (TODAY, 2, "active")
    assert done.announces == "if_changed"


def test_its_price_is_in_every_payment_to_come() -> None:
    rows = prepared(add(quantity=2)).after.schedule

    assert {(row.status, f"{row.data.amount}") for row in rows} == {("pending", "27.50")}
    assert [row.data.date for row in rows[:2]] == [PERIOD_END, date(2026, 4, 20)]


def test_it_is_removed_when_what_was_paid_for_is_over() -> None:
    done = prepared(change("remove"), HELD)

    assert done.day == PERIOD_END
    assert done.after.add_ons[0].data.end == PERIOD_END
    assert [one.id for one in done.alteration.ends] == [held_id("Support")]
    assert done.removed_add_ons == ()
    assert done.entitlements == ("W2",)


def test_it_can_be_removed_by_the_catalogs_id_if_that_tells_which() -> None:
    by_id = body("add_on", action="remove", addOn={"id": add_on_id("Support")})
    twice = subscription(sold(MONTHLY), sold(SUPPORT), sold(SUPPORT, id="subscription_offer-2"))

    assert prepared(by_id, HELD).day == PERIOD_END
    assert refused(by_id, twice) == ("addOn.id", "invalid_value")


def test_another_quantity_holds_today() -> None:
    done = prepared(change("update", quantity=7), HELD)

    assert done.day == TODAY
    assert done.after.add_ons[0].data.quantity == 7
    (resized,) = done.alteration.resizes
    assert (resized.id, resized.before, resized.after) == (held_id("Support"), 2, 7)


@pytest.mark.parametrize(
    ("order", "field", "code"),
    [
        (add("Nothing"), "addOn.id", "offer_not_eligible"),
        (add("Half price"), "addOn.id", "offer_not_eligible"),
        (body("add_on", action="add", addOn={}), "addOn.id", "required"),
        (add("Support"), "addOn.id", "invalid_value"),
        (add("Crosswords", quantity=2), "quantity", "invalid_value"),
        (change("remove", "Crosswords"), "addOn.subscription_offer", "invalid_value"),
        (body("add_on", action="remove", addOn={}), "addOn.subscription_offer", "required"),
        (change("update"), "quantity", "required"),
        (change("update", quantity=2), "quantity", "invalid_value"),
        (change("update", quantity=0), "quantity", "invalid_value"),
        (
            body("add_on", addOn={"id": add_on_id("Support"), "quantity": 3}, quantity=2),
            "quantity",
            "invalid_value",
        ),
        (change("replace"), "action", "invalid_value"),
        (update(), "offer", "required"),
        (
            update({"action": "add", "id": add_on_id("Nothing")}),
            "addOns[0].id",
            "offer_not_eligible",
        ),
        (
            update(*[{"action": "add", "id": add_on_id("Crosswords")}] * 2),
            "addOns[1].id",
            "invalid_value",
        ),
        (
            update({"action": "add", "id": add_on_id("Crosswords"), "quantity": 2}),
            "addOns[0].quantity",
            "invalid_value",
        ),
        (update(*[{"id": "addon-1"}] * 11), "addOns", "too_long"),
    ],
    ids=[
        "unknown",
        "no-add-on",
        "unnamed",
        "held-already",
        "one-at-a-time",
        "not-held",
        "which",
        "how-many",
        "as-many",
        "none",
        "two-quantities",
        "action",
        "nothing",
        "part-unknown",
        "twice",
        "part-quantity",
        "too-many",
    ],
)
def test_names_the_field_at_fault(order: dict[str, Any], field: str, code: str) -> None:
    assert refused(order, HELD) == (field, code)


def test_an_add_on_must_go_with_a_product_of_the_present_offers() -> None:
    on_paper = subscription(sold(PRINT))

    assert refused(add("Support"), on_paper) == ("addOn.id", "invalid_value")
    assert prepared(add("Crosswords"), on_paper).entitlements == ("PAPER", "PUZZLE")


def test_add_ons_are_eligible_as_offers_are() -> None:
    hidden = Shop(MONTHLY, add_on("Support", "HELP", sales_channel=["Partner"]))
    retired = Shop(MONTHLY, add_on("Support", "HELP", status="archived", allow_multibuy=True))
    sold_by_acme = subscription(partner_org=ACME)

    assert status_of(add(), by=CUSTOMER, shop=hidden) == (404, "offer_not_found")
    assert status_of(add(), sold_by_acme, by=PARTNER) == (404, "offer_not_found")
    assert status_of(add(), sold_by_acme, by=CUSTOMER) == (403, "managed_by_partner")
    more, fewer = change("update", quantity=3), change("update", quantity=1)
    assert refused(more, HELD, shop=retired) == ("addOn.id", "offer_not_eligible")
    assert prepared(fewer, HELD, shop=retired).alteration.resizes[0].after == 1
    assert prepared(change("remove"), HELD, shop=retired).day == PERIOD_END


def test_an_add_on_of_another_currency_is_refused() -> None:
    dollars = Shop(MONTHLY, add_on("Support", "HELP", price=[price("5.00", currency="USD")]))

    assert refused(add(), shop=dollars) == ("addOn.id", "currency_mismatch")


def test_parts_on_several_days_need_several_orders() -> None:
    both = update(
        {"action": "add", "id": add_on_id("Crosswords")},
        {"action": "remove", "subscription_offer": held_id("Support")},
    )

    assert refused(both, HELD) == ("addOns", "one_day_only")


def test_with_a_switch_all_parts_hold_on_its_day() -> None:
    order = update(
        {"action": "add", "id": add_on_id("Crosswords")},
        {"action": "update", "subscription_offer": held_id("Support"), "quantity": 3},
        to="Digital Annual",
    )

    done = prepared(order, HELD)

    assert done.day == PERIOD_END
    assert done.entitlements == ("SKU0010002", "HELP", "PUZZLE")
    crosswords = next(one for one in done.after.add_ons if one.data.name == "Crosswords")
    support = next(one for one in done.after.add_ons if one.data.name == "Support")
    assert crosswords.data.start == PERIOD_END
    assert support.data.quantity == 2, "until the day"
    assert done.alteration.resizes[0].after == 3


def test_with_a_switch_an_add_on_can_be_kept_from_going_along() -> None:
    order = update({"action": "remove", "subscription_offer": held_id("Crosswords")}, to="Print")
    held = subscription(sold(MONTHLY), sold(SUPPORT), sold(CROSSWORDS))

    done = prepared(order, held)

    assert done.entitlements == ("PAPER",)
    assert [one.data.name for one in done.removed_add_ons] == ["Support"]


def test_an_add_on_that_ends_with_the_old_offer_cannot_be_changed_too() -> None:
    order = update(
        {"action": "update", "subscription_offer": held_id("Support"), "quantity": 3}, to="Print"
    )

    assert refused(order, HELD) == ("addOns[0].subscription_offer", "invalid_value")


def test_an_update_switches_by_the_rules_of_a_switch() -> None:
    assert refused(update(to="Half price")) == ("offer.id", "invalid_value")
    done = prepared(update(to="Digital Annual", effectiveDate="2026-03-09"))
    assert done.day == date(2026, 3, 9)
    assert on_day(done.after, done.day).data.name == ANNUAL[0].name


def test_a_day_given_with_add_ons_alone_is_replaced() -> None:
    done = prepared(add(effectiveDate="2026-03-09"))

    assert (done.day, [one.code for one in done.warnings]) == (TODAY, ["effective_date_adjusted"])


def test_nothing_is_added_once_it_is_cancelled() -> None:
    booked = subscription(cancel_date=PERIOD_END)

    assert prepared(add(), booked).entitlements == ("W2", "HELP")
    removal = subscription(sold(MONTHLY), sold(SUPPORT), cancel_date=PERIOD_END)
    assert status_of(change("remove"), removal) == (409, "subscription_not_active")
