"""What the Zuora stand-in bills, previews, and takes payments for."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import demo
from tests.integrations.zuora_calls import Body, Caller, categories, running_zuora

SUPPORT = {"productRatePlanId": demo.SUPPORT_PLAN.id}


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    """On a day in the middle of a billing period of Halden's Digital that has 30 days."""
    shared.control("reset")
    shared.control("clock", {"now": "2027-04-25T10:00:00Z"})
    shared.stand_in.seed("demo")
    shared.sign_in()
    return shared


def invoices_of(zuora: Caller, account_id: str) -> list[Body]:
    query = {"filter[]": f"accountid.EQ:{account_id}", "sort[]": "invoicenumber.ASC"}
    return list(zuora.get("/object-query/invoices", **query, pageSize=99)["data"])


def change(zuora: Caller, *actions: Body, **more: Any) -> Body:
    return zuora.order(
        *actions,
        **{"account": demo.HALDEN.number, "subscription": demo.DIGITAL_SUBSCRIPTION, **more},
    )


def halden_digital(zuora: Caller) -> Body:
    return dict(zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][0])


def test_the_seed_stands_in_the_middle_of_a_period_of_thirty_days(zuora: Caller) -> None:
    [charge] = halden_digital(zuora)["ratePlanCharges"]

    assert charge["chargedThroughDate"] == "2027-05-15"
    assert (charge["price"], charge["quantity"]) == (22, 5)


def test_posts_an_invoice_to_the_invoice_owner(zuora: Caller) -> None:
    placed = zuora.buy(quantity=5, invoiceOwnerAccountNumber=demo.ACME.number)

    [invoice] = invoices_of(zuora, demo.ACME.id)
    assert placed["invoiceNumbers"] == [invoice["invoiceNumber"]]
    assert (invoice["amount"], invoice["balance"], invoice["status"]) == (87.5, 87.5, "Posted")
    assert (invoice["invoiceDate"], invoice["dueDate"]) == ("2027-04-25", "2027-05-25")
    [charge] = zuora.subscription("IDEQB58U8CQL")["ratePlans"][0]["ratePlanCharges"]
    assert charge["chargedThroughDate"] == "2027-05-25"
    assert zuora.get("/v1/accounts/A00000007")["metrics"]["balance"] == 87.5


def test_bills_nothing_unless_it_is_asked_to(zuora: Caller) -> None:
    zuora.open_account()
    create = zuora.action("CreateSubscription", zuora.new_subscription())

    placed = zuora.place(create, bill=False)

    assert placed["invoiceNumbers"] == []
    [charge] = zuora.subscription("IDEQB58U8CQL")["ratePlans"][0]["ratePlanCharges"]
    assert charge["chargedThroughDate"] is None


def test_bills_an_addition_from_its_day_to_the_end_of_the_period(zuora: Caller) -> None:
    zuora.post("/v1/orders", change(zuora, zuora.action("AddProduct", SUPPORT)))

    [*_, invoice] = invoices_of(zuora, demo.HALDEN.id)
    assert invoice["amount"] == 10  # 15 a month, for 20 days of 30
    [charge] = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][1]["ratePlanCharges"]
    assert charge["chargedThroughDate"] == "2027-05-15"


def test_credits_what_was_billed_beyond_a_removal(zuora: Caller) -> None:
    remove = zuora.action("RemoveProduct", {"ratePlanId": halden_digital(zuora)["id"]})

    placed = zuora.post("/v1/orders", change(zuora, remove))

    assert (placed["invoiceNumbers"], placed["creditMemoNumbers"]) == ([], ["CM00000001"])
    [memo] = zuora.get("/_control/state")["creditMemos"].values()
    assert memo["amount"] == 73.33  # 110 a month, for 20 days of 30
    [charge] = halden_digital(zuora)["ratePlanCharges"]
    assert charge["chargedThroughDate"] == "2027-04-25"


def test_bills_another_quantity_from_its_day_on(zuora: Caller) -> None:
    plan = halden_digital(zuora)
    pricing = {"recurringPerUnit": {"quantity": 8}}
    updates = [{"chargeNumber": plan["ratePlanCharges"][0]["number"], "pricing": pricing}]
    update = zuora.action("UpdateProduct", {"ratePlanId": plan["id"], "chargeUpdates": updates})

    preview = zuora.post("/v1/orders/preview", zuora.preview_of(change(zuora, update)))
    zuora.post("/v1/orders", change(zuora, update))

    [charged] = preview["previewResult"]["invoices"]
    [credited] = preview["previewResult"]["creditMemos"]
    assert (charged["amount"], credited["amount"]) == (117.33, 73.33)
    [*_, invoice] = invoices_of(zuora, demo.HALDEN.id)
    assert invoice["amount"] == 117.33


def test_takes_a_discount_off_the_other_lines(zuora: Caller) -> None:
    discount = {"productRatePlanId": demo.LOYALTY_DISCOUNT_PLAN.id}
    zuora.buy(
        quantity=10,
        subscribeToRatePlans=[{"productRatePlanId": demo.DIGITAL_MONTHLY_PLAN.id}, discount],
    )

    account = zuora.get("/v1/accounts/T-715G5QA2PB2I")["basicInfo"]["id"]
    [invoice] = invoices_of(zuora, account)
    assert invoice["amount"] == 14  # 17.50 less 20 %
    query = {"expand[]": "invoiceitems"}
    items = zuora.get(f"/object-query/invoices/{invoice['id']}", **query)["invoiceItems"]
    assert [item["chargeAmount"] for item in items] == [17.5, -3.5]


def test_a_discount_stops_with_its_periods(zuora: Caller) -> None:
    end = {"endDateCondition": "Fixed_Period", "upToPeriods": 2, "upToPeriodsType": "Months"}
    override = {"productRatePlanChargeId": demo.LOYALTY_DISCOUNT_PLAN.charge_id, "endDate": end}
    discount = {
        "productRatePlanId": demo.LOYALTY_DISCOUNT_PLAN.id,
        "chargeOverrides": [override],
    }
    zuora.buy(subscribeToRatePlans=[{"productRatePlanId": demo.DIGITAL_MONTHLY_PLAN.id}, discount])

    zuora.control("bill-run", {"targetDate": "2027-06-25"})

    account = zuora.get("/v1/accounts/T-715G5QA2PB2I")["basicInfo"]["id"]
    amounts = [invoice["amount"] for invoice in invoices_of(zuora, account)]
    assert amounts == [14, 14 + 17.5]  # the first month; the second and the third


def test_bills_a_one_time_fee_once_less_a_fixed_discount(zuora: Caller) -> None:
    listed = zuora.get("/_control/state")["catalogue"]
    fee, less = listed[demo.LEGACY_ARCHIVE_PLAN.id], listed[demo.LOYALTY_DISCOUNT_PLAN.id]
    fee["charges"][0] |= {"chargeType": "OneTime", "billingPeriod": None}
    less["charges"][0] |= {"chargeModel": "Discount-Fixed Amount", "discountPercentage": None}
    zuora.patch_state({"catalogue": {fee["id"]: fee, less["id"]: less}})
    off = {
        "productRatePlanChargeId": less["charges"][0]["id"],
        "pricing": {"discount": {"discountAmount": 2}},
    }
    price = {
        "productRatePlanChargeId": fee["charges"][0]["id"],
        "pricing": {"oneTimeFlatFee": {"listPrice": 50}},
    }
    plans = [
        {"productRatePlanId": fee["id"], "chargeOverrides": [price]},
        {"productRatePlanId": less["id"], "chargeOverrides": [off]},
    ]
    zuora.buy(subscribeToRatePlans=plans)

    zuora.control("bill-run", {"targetDate": zuora.day(200)})

    account = zuora.get("/v1/accounts/T-715G5QA2PB2I")["basicInfo"]["id"]
    assert [invoice["amount"] for invoice in invoices_of(zuora, account)] == [48]


def test_previews_what_a_customer_without_account_would_pay(zuora: Caller) -> None:
    create = zuora.action("CreateSubscription", zuora.new_subscription(quantity=2))
    before = zuora.get("/_control/state")

    preview = zuora.post("/v1/orders/preview", zuora.preview_of(zuora.order(create), account=False))

    assert preview["previewResult"]["creditMemos"] == []
    [invoice] = preview["previewResult"]["invoices"]
    assert (invoice["targetDate"], invoice["taxAmount"]) == ("2027-04-25", 0)
    assert invoice["amount"] == invoice["amountWithoutTax"] == 35
    [item] = invoice["invoiceItems"]
    assert (item["productName"], item["chargeName"]) == ("Digital", "Monthly fee")
    assert (item["serviceStartDate"], item["serviceEndDate"]) == ("2027-04-25", "2027-05-24")
    assert item["processingType"] == "Charge"
    assert zuora.get("/_control/state") == before


def test_previews_a_change_of_plan_as_charge_and_credit(zuora: Caller) -> None:
    body = change(
        zuora,
        zuora.action("RemoveProduct", {"ratePlanId": halden_digital(zuora)["id"]}),
        zuora.action("AddProduct", {"productRatePlanId": demo.GOLD_ANNUAL_PLAN.id}),
    )
    before = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)

    preview = zuora.post("/v1/orders/preview", zuora.preview_of(body))

    [charged] = preview["previewResult"]["invoices"]
    [credited] = preview["previewResult"]["creditMemos"]
    assert charged["invoiceItems"][0]["serviceEndDate"] == "2028-01-14"
    assert charged["amount"] == 348.49  # 480 a year, for 265 days of 365
    assert credited["amount"] == 73.33
    assert zuora.subscription(demo.DIGITAL_SUBSCRIPTION) == before


def test_previews_only_what_fits_the_table_of_previews(zuora: Caller) -> None:
    create = zuora.action("CreateSubscription", zuora.new_subscription())
    body = zuora.preview_of(zuora.order(create))
    del body["existingAccountNumber"]

    assert categories(zuora.post("/v1/orders/preview", body)) == [22]
    assert categories(zuora.post("/v1/orders/preview", zuora.order(create))) == [21, 21, 22]
    body = zuora.preview_of(zuora.order(create))
    body["previewOptions"]["previewTypes"] = ["BillingDocs", "OrderMetrics"]
    assert categories(zuora.post("/v1/orders/preview", body)) == [20]


def test_collects_a_payment_with_the_order(zuora: Caller) -> None:
    add = zuora.action("AddProduct", SUPPORT)

    placed = zuora.post("/v1/orders", change(zuora, add, collectPayment=True))

    [*_, invoice] = invoices_of(zuora, demo.HALDEN.id)
    [payment] = zuora.get("/v1/payments", accountId=demo.HALDEN.id)["payments"]
    assert placed["success"] is True
    assert (invoice["amount"], invoice["balance"]) == (10, 0)
    assert (payment["amount"], payment["status"]) == (10, "Processed")


def test_refuses_the_order_when_its_payment_cannot_be_collected(zuora: Caller) -> None:
    zuora.open_account()
    override = {
        "productRatePlanChargeId": demo.DIGITAL_MONTHLY_PLAN.charge_id,
        "pricing": {"recurringPerUnit": {"listPrice": 13.13}},
    }
    plan = {
        "productRatePlanId": demo.DIGITAL_MONTHLY_PLAN.id,
        "chargeOverrides": [override],
    }
    create = zuora.action("CreateSubscription", zuora.new_subscription(subscribeToRatePlans=[plan]))

    without_card = zuora.place(create, collectPayment=True)
    card = zuora.control("payment-methods", {"account": "T-715G5QA2PB2I"})["id"]
    zuora.put("/v1/accounts/T-715G5QA2PB2I", {"defaultPaymentMethodId": card})
    declined = zuora.place(create, collectPayment=True)

    assert categories(without_card) == [30]
    assert categories(declined) == [30]
    assert categories(zuora.subscription("IDEQB58U8CQL")) == [40]


def payment(amount: float = 110, **changes: Any) -> Body:
    body = {
        "type": "Electronic",
        "accountId": demo.HALDEN.id,
        "amount": amount,
        "currency": "USD",
        "paymentMethodId": demo.HALDEN_CARD_ID,
        "gatewayOrderId": "C5PBH5JD6698",
        "comment": "Tessera C5PBH5JD6698",
        "invoices": [{"invoiceId": demo.HALDEN_UNPAID_INVOICE_ID, "amount": amount}],
    }
    return {**body, **changes}


def test_pays_an_invoice_in_parts(zuora: Caller) -> None:
    first = zuora.post("/v1/payments", payment(100.5))
    second = zuora.post("/v1/payments", payment(9.5))
    third = zuora.post("/v1/payments", payment(1))

    assert (first["number"], first["status"]) == ("P-00000001", "Processed")
    assert first["gatewayResponse"]
    assert second["success"] is True
    assert categories(third) == [30]
    assert zuora.get("/v1/accounts/A00000042")["metrics"]["balance"] == 0


def test_a_payment_of_13_13_is_declined(zuora: Caller) -> None:
    answer = zuora.post("/v1/payments", payment(13.13))

    assert (answer["success"], answer["status"]) == (True, "Error")
    assert "declined" in answer["gatewayResponse"]
    assert zuora.get("/v1/accounts/A00000042")["metrics"]["balance"] == 110


def test_pays_the_items_it_is_told_to(zuora: Caller) -> None:
    path = f"/object-query/invoices/{demo.HALDEN_UNPAID_INVOICE_ID}"
    [item] = zuora.get(path, **{"expand[]": "invoiceitems"})["invoiceItems"]

    def pay(item_id: str, part: int) -> Body:
        part_of = {"invoiceId": demo.HALDEN_UNPAID_INVOICE_ID, "amount": 10}
        items = [{"invoiceItemId": item_id, "amount": part}]
        return zuora.post("/v1/payments", payment(10, invoices=[{**part_of, "items": items}]))

    assert categories(pay("unknown", 10)) == [40]
    assert categories(pay(item["id"], 9)) == [30]
    assert pay(item["id"], 10)["success"] is True


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"accountId": "unknown"}, 40),
        ({"paymentMethodId": "unknown"}, 40),
        ({"currency": "GBP"}, 30),
        ({"amount": 109}, 30),
        ({"invoices": [{"invoiceId": demo.HALDEN_UNPAID_INVOICE_ID, "amount": -110}]}, 20),
        ({"type": "External"}, 20),
        ({"gatewayOrderId": "x" * 51}, 20),
        ({"effectiveDate": "2027-04-25"}, 21),
        ({"invoices": [{"invoiceId": "unknown", "amount": 110}]}, 40),
        ({"accountId": demo.ACME.id}, 30),
    ],
)
def test_takes_no_payment_that_does_not_fit(zuora: Caller, changes: Body, expected: int) -> None:
    assert categories(zuora.post("/v1/payments", {**payment(), **changes})) == [expected]
    assert zuora.get("/_control/state")["payments"] == {}


def test_pays_posted_invoices_of_the_account_only(zuora: Caller) -> None:
    acme = zuora.control("invoices", {"account": demo.ACME.number, "amount": 110})["invoice"]
    part = {"invoiceId": acme["id"], "amount": 110}

    of_another = zuora.post("/v1/payments", payment(invoices=[part]))
    zuora.patch_state({"invoices": {demo.HALDEN_UNPAID_INVOICE_ID: {"status": "Draft"}}})
    of_a_draft = zuora.post("/v1/payments", payment())

    assert categories(of_another) == [40]
    assert categories(of_a_draft) == [30]


def test_lists_an_accounts_payments_newest_first_in_pages(zuora: Caller) -> None:
    for amount in (1, 2, 3):
        zuora.post("/v1/payments", payment(amount))

    query = {"accountId": demo.HALDEN.id, "type": "Electronic", "pageSize": 2}
    first = zuora.get("/v1/payments", **query)
    second = zuora.session.get(first["nextPage"], timeout=10).json()

    assert first["nextPage"].startswith(f"{zuora.url}/v1/payments?")
    assert [p["amount"] for p in first["payments"]] == [3, 2]
    assert [p["amount"] for p in second["payments"]] == [1]
    assert "nextPage" not in second
    assert first["payments"][0]["gatewayOrderId"] == "C5PBH5JD6698"
    assert first["payments"][0]["comment"] == "Tessera C5PBH5JD6698"
    assert zuora.get("/v1/payments", accountId=demo.ACME.id)["payments"] == []


def test_lists_payments_of_an_account_only(zuora: Caller) -> None:
    assert categories(zuora.get("/v1/payments")) == [20]
    listed = zuora.get("/v1/payments", accountId=demo.HALDEN.id, pageSize=40)
    assert listed == {"success": True, "payments": []}


@pytest.mark.parametrize("query", [{"pageSize": 41}, {"pageSize": 0}, {"page": "x"}])
def test_refuses_pages_that_are_too_long(zuora: Caller, query: dict[str, Any]) -> None:
    answer = zuora.get("/v1/payments", accountId=demo.HALDEN.id, **query)

    assert categories(answer) == [20]
