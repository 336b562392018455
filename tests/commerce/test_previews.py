"""What an order would cost and when it would take hold, nothing written."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tessera.commerce.models import Holding
from tessera.commerce.previews import Line, Quote
from tessera.commerce.schedules import schedule_id
from tessera.errors import Refusal
from tests.builders import TODAY
from tests.commerce.desks import INVOICE, Billing, Counter, Invoice
from tests.commerce.selling import (
    CROSSWORDS,
    CUSTOMER,
    MACHINE,
    MONTHLY,
    PERIOD_END,
    SUPPORT,
    Shop,
    add_on_id,
    body,
    held_id,
    offer,
    offer_id,
    pending,
    price,
    sold,
    subscription,
)

NEW = {
    "order_type": "new",
    "orderItems": [{"offer": {"id": offer_id("Digital Monthly")}}],
    "customerDetails": {"firstName": "Ana", "lastName": "Lopes", "email": "ana@example.com"},
    "billingDetails": {"country": "GB"},
    "payment": {"type": "invoice"},
}


def shown(at: Counter, order: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The preview; of nothing that was there is anything different after it."""
    before = (dict(at.owners.records), dict(at.owners.owners), at.owners.commits)
    wire = at.preview(order, **options).wire()
    assert before == (at.owners.records, at.owners.owners, at.owners.commits)
    assert at.owners.events == []
    return wire


def line(description: str, amount: str, quantity: int = 1) -> dict[str, Any]:
    return {
        "description": description,
        "quantity": quantity,
        "amount": amount,
        "taxAmount": "0.00",
    }


def test_a_purchase_costs_its_first_payment_now_and_the_next_a_month_later() -> None:
    assert shown(Counter(), NEW) == {
        "order_type": "new",
        "effectiveDate": "2026-03-02T00:00:00.000",
        "currency": "GBP",
        "dueNow": "17.50",
        "tax": "0.00",
        "next": {"date": "2026-04-02", "amount": "17.50"},
        "lines": [line("Digital Monthly", "17.50")],
        "removedAddOns": (),
        "entitlements": ({"code": "W2"},),
        "warnings": (),
    } | {"lines": (line("Digital Monthly", "17.50"),)}


def test_what_begins_later_is_paid_later() -> None:
    start = TODAY + timedelta(days=30)

    preview = shown(Counter(), {**NEW, "effectiveDate": start.isoformat()})

    assert (preview["dueNow"], preview["next"]) == (
        "0.00",
        {"date": start.isoformat(), "amount": "17.50"},
    )
    assert preview["entitlements"] == ({"code": "W2"},)


def test_a_switch_at_the_next_payment_costs_nothing_before_it() -> None:
    preview = shown(Counter(), body("change_offer", offer={"id": offer_id("Digital Annual")}))

    assert preview["effectiveDate"] == f"{PERIOD_END.isoformat()}T00:00:00.000"
    assert (preview["dueNow"], preview["next"]) == (
        "0.00",
        {"date": PERIOD_END.isoformat(), "amount": "180.00"},
    )
    assert preview["lines"] == (line("Digital Annual", "180.00"),)
    assert preview["entitlements"] == ({"code": "SKU0010002"},)


def test_add_ons_that_do_not_go_with_the_new_offer_are_named() -> None:
    at = Counter(subscription(sold(MONTHLY), sold(SUPPORT), sold(CROSSWORDS)))

    preview = shown(at, body("change_offer", offer={"id": offer_id("Print")}))

    assert preview["removedAddOns"] == ({"id": held_id("Support"), "name": "Support"},)
    assert preview["effectiveDate"] == "2026-03-02T00:00:00.000"
    assert preview["dueNow"] == "17.50"


def test_an_add_on_is_prorated_for_the_rest_of_the_period() -> None:
    order = body("add_on", addOn={"id": add_on_id("Support")}, quantity=2)

    preview = shown(Counter(), order)

    # 18 of the 28 days from 20 February are left on 2 March.
    assert preview["dueNow"] == "6.43"
    assert preview["lines"] == (line("Support", "6.43", 2),)
    assert preview["next"]["date"] == PERIOD_END.isoformat()


def test_a_cancellation_costs_nothing_and_leaves_nothing() -> None:
    preview = shown(Counter(), body("cancel_subscription"), by=CUSTOMER)

    assert preview["effectiveDate"] == f"{PERIOD_END.isoformat()}T00:00:00.000"
    assert (preview["dueNow"], preview["lines"], preview["entitlements"]) == ("0.00", (), ())
    assert "next" not in preview


def test_amounts_are_the_billing_systems_where_there_is_one() -> None:
    at = Counter()
    quoted = Line(description="Annual fee", amount=Decimal("180.00"), tax_amount=Decimal("36.00"))
    at.billing.quoted = Quote(Decimal("216.00"), Decimal("36.00"), (quoted,))

    preview = shown(at, body("change_offer", offer={"id": offer_id("Digital Annual")}))

    assert preview["next"] == {"date": PERIOD_END.isoformat(), "amount": "216.00"}
    assert preview["lines"][0]["taxAmount"] == "36.00"
    assert preview["warnings"] == ()
    (asked,) = at.billing.asked_about
    assert (asked.order_type, len(asked.alterations)) == ("change_offer", 1)


@pytest.mark.parametrize(
    "order",
    [NEW, body("change_offer", offer={"id": offer_id("Digital Annual")})],
    ids=["new", "change_offer"],
)
def test_another_price_than_the_one_shown_is_warned_of(order: dict[str, Any]) -> None:
    at = Counter()
    at.billing.quoted = Quote(Decimal("99.00"), Decimal("9.00"), ())

    (warning,) = shown(at, order)["warnings"]

    assert warning["code"] == "price_differs"
    assert "90.00" in warning["message"]


def test_a_part_of_a_period_is_no_other_price() -> None:
    at = Counter()
    at.billing.quoted = Quote(Decimal("3.10"), Decimal(0), ())

    preview = shown(at, body("add_on", addOn={"id": add_on_id("Support")}))

    assert (preview["dueNow"], preview["warnings"]) == ("3.10", ())


@pytest.mark.parametrize(
    ("order", "due"),
    [
        (body("change_address", address={"city": "Leeds", "country": "GB"}), "0.00"),
        (
            {"order_type": "pay_invoice", "invoice": {"id": INVOICE, "amount": "10.00"}},
            "10.00",
        ),
    ],
    ids=["address", "invoice"],
)
def test_orders_about_the_account_cost_what_they_pay(order: dict[str, Any], due: str) -> None:
    preview = shown(Counter(), order, by=CUSTOMER)

    assert (preview["dueNow"], preview["lines"]) == (due, ())
    assert preview["effectiveDate"] == "2026-03-02T00:00:00.000"


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({**NEW, "orderItems": [{"offer": {"id": "offer-0"}}]}, "offer_not_eligible"),
        (body("change_offer", offer={"id": offer_id("Digital Monthly")}), "invalid_value"),
        (body("change_address"), "required"),
        ({"order_type": "update_subscription", "checkoutId": "basket-0"}, "basket_gone"),
    ],
    ids=["new", "change", "address", "basket"],
)
def test_a_preview_refuses_what_the_order_would(order: dict[str, Any], code: str) -> None:
    refusals = []
    for act in (Counter().preview, Counter().place):
        with pytest.raises(Refusal) as refused:
            act(order, by=MACHINE)
        refusals.append((refused.value.wire_code, refused.value.message))

    assert refusals[0] == refusals[1]
    assert refusals[0][0] == code


def test_a_pending_change_stands_in_the_way_of_a_preview_too() -> None:
    at = Counter(subscription(pending_change=pending(date(2026, 4, 2))))

    with pytest.raises(Refusal) as refused:
        at.preview(body("cancel_subscription"))

    assert refused.value.status == 423


def test_yen_have_no_decimals() -> None:
    price = {
        "type": "recurring",
        "value": "1750",
        "currencyCode": "JPY",
        "repeat_interval": 1,
        "repeat_interval_type": "months",
    }
    at = Counter(shop=Shop(offer("Digital Monthly", "W2", price=[price])))

    preview = shown(at, NEW)

    assert (preview["dueNow"], preview["tax"]) == ("1750", "0")


def paid(holding: Holding, *days: date) -> Holding:
    model = holding.schedule[0]
    rows = []
    for day in days:
        data = model.data.model_copy(update={"date": day, "schedule_date": day})
        id = schedule_id(holding.id, day)
        rows.append(model.model_copy(update={"id": id, "data": data}))
    return holding.model_copy(update={"schedule": tuple(rows)})


def test_a_payment_of_today_is_not_the_next_one_after_a_change_of_today() -> None:
    tomorrow, later = TODAY + timedelta(days=1), TODAY + timedelta(days=40)
    order = body("add_on", addOn={"id": add_on_id("Support")})

    for days, following in (((TODAY, later), later), ((TODAY, tomorrow), tomorrow)):
        preview = shown(Counter(paid(subscription(), *days)), order)
        assert preview["next"]["date"] == following.isoformat()


def test_a_payment_of_today_is_the_next_one_before_a_change_to_come() -> None:
    at = Counter(paid(subscription(), TODAY, PERIOD_END))
    order = body("change_offer", offer={"id": offer_id("Digital Annual")})

    preview = shown(at, {**order, "effectiveDate": PERIOD_END.isoformat()})

    assert preview["next"]["date"] == TODAY.isoformat()


def test_where_no_period_is_known_an_add_on_costs_all_of_its_price() -> None:
    once = {**price("17.50"), "type": "one_time"}
    plan = sold(offer("Digital Monthly", "W2", price=[once]), start=TODAY)
    endless: Any = {"term_type": "EVERGREEN", "term_end_date": None, "current_period": None}
    bare = subscription(plan, start_date=TODAY, **endless)
    at = Counter(bare.model_copy(update={"schedule": ()}))

    preview = shown(at, body("add_on", addOn={"id": add_on_id("Support")}))

    assert preview["dueNow"] == "5.00"


def test_lines_and_tax_of_a_purchase_are_the_billing_systems() -> None:
    at = Counter()
    quoted = Line(description="Fee", amount=Decimal("17.50"), tax_amount=Decimal("3.50"))
    at.billing.quoted = Quote(Decimal("21.00"), Decimal("3.50"), (quoted,))

    preview = shown(at, NEW)

    assert (preview["dueNow"], preview["tax"]) == ("21.00", "3.50")
    (told,) = preview["lines"]
    assert told == {"description": "Fee", "quantity": 1, "amount": "17.50", "taxAmount": "3.50"}
    assert preview["warnings"] == ()


def test_tax_is_told_of_what_is_paid_now_only() -> None:
    at = Counter()
    at.billing.quoted = Quote(Decimal("21.00"), Decimal("3.50"), ())
    start = (TODAY + timedelta(days=30)).isoformat()

    purchase = shown(at, {**NEW, "effectiveDate": start})
    at.billing.quoted = Quote(Decimal("216.00"), Decimal("36.00"), ())
    change = shown(at, body("change_offer", offer={"id": offer_id("Digital Annual")}))
    at.billing.quoted = Quote(Decimal("6.00"), Decimal("1.00"), ())
    now = shown(at, body("add_on", addOn={"id": add_on_id("Support")}))

    assert (purchase["dueNow"], purchase["tax"]) == ("0.00", "0.00")
    assert (change["dueNow"], change["tax"]) == ("0.00", "0.00")
    assert (now["dueNow"], now["tax"]) == ("6.00", "1.00")
    assert now["next"]["date"] == PERIOD_END.isoformat()


def test_a_credit_for_a_cancellation_is_no_payment() -> None:
    at = Counter()
    at.billing.quoted = Quote(Decimal("-5.00"), Decimal(0), ())

    assert "next" not in shown(at, body("cancel_subscription"), by=CUSTOMER)


def test_an_order_about_the_account_leaves_what_the_subscription_grants() -> None:
    order = body("change_address", address={"city": "Leeds", "country": "GB"})

    preview = shown(Counter(), order, by=CUSTOMER)

    assert preview["entitlements"] == ({"code": "W2"},)
    assert preview["currency"] == "GBP"


def test_a_payment_is_in_the_currency_of_its_invoice() -> None:
    at = Counter(billing=Billing(Invoice(currency="EUR")))

    invoice = {"id": INVOICE, "amount": "210.00"}
    preview = shown(at, {"order_type": "pay_invoice", "invoice": invoice}, by=CUSTOMER)

    assert (preview["currency"], preview["dueNow"]) == ("EUR", "210.00")
    assert preview["entitlements"] == ()
