"""Orders at the Zuora stand-in: what each action makes of a subscription."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import demo
from infra.local.zuora_dates import add_months
from tests.integrations.zuora_calls import Body, Caller, categories, running_zuora

DIGITAL = demo.DIGITAL_MONTHLY_PLAN.id
GOLD = demo.GOLD_ANNUAL_PLAN.id


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    return shared.reset()


def change(zuora: Caller, *actions: Body, **more: Any) -> Body:
    """Places an order on Halden's Digital."""
    return zuora.place(
        *actions,
        **{"account": demo.HALDEN.number, "subscription": demo.DIGITAL_SUBSCRIPTION, **more},
    )


def plan_id(zuora: Caller, number: str = demo.DIGITAL_SUBSCRIPTION, plan: int = 0) -> str:
    return str(zuora.subscription(number)["ratePlans"][plan]["id"])


def test_creates_a_subscription_under_the_number_it_is_given(zuora: Caller) -> None:
    placed = zuora.buy(quantity=5, invoiceOwnerAccountNumber=demo.ACME.number)

    read = zuora.subscription("IDEQB58U8CQL")
    assert placed["orderNumber"] == "C5PBH5JD6698"
    assert (placed["status"], placed["accountNumber"]) == ("Completed", "T-715G5QA2PB2I")
    assert placed["subscriptions"] == [
        {
            "subscriptionNumber": "IDEQB58U8CQL",
            "subscriptionId": read["id"],
            "status": "Active",
        }
    ]
    assert len(placed["orderId"]) == 32
    assert len(placed["invoiceNumbers"]) == 1
    assert (read["status"], read["version"], read["orderNumber"]) == ("Active", 1, "C5PBH5JD6698")
    assert read["accountNumber"] == "T-715G5QA2PB2I"
    assert read["invoiceOwnerAccountNumber"] == demo.ACME.number
    assert read["termStartDate"] == zuora.day()
    assert read["termEndDate"] == add_months(zuora.today, 12).isoformat()
    assert (read["autoRenew"], read["renewalTerm"]) == (True, 12)
    [charge] = read["ratePlans"][0]["ratePlanCharges"]
    assert (charge["price"], charge["quantity"], charge["currency"]) == (17.5, 5, "GBP")


def test_answers_without_ids_unless_they_are_asked_for(zuora: Caller) -> None:
    zuora.open_account()
    create = zuora.action("CreateSubscription", zuora.new_subscription())

    placed = zuora.post("/v1/orders", zuora.order(create))

    assert placed["success"] is True
    assert "orderId" not in placed


def test_finds_an_order_again_by_its_number(zuora: Caller) -> None:
    zuora.buy()

    read = zuora.get("/v1/orders/C5PBH5JD6698")["order"]

    assert (read["orderNumber"], read["status"]) == ("C5PBH5JD6698", "Completed")
    [line] = read["subscriptions"]
    assert (line["subscriptionNumber"], line["newVersion"]) == ("IDEQB58U8CQL", 1)
    assert [action["type"] for action in line["orderActions"]] == ["CreateSubscription"]


def test_takes_an_order_number_and_a_subscription_number_once(zuora: Caller) -> None:
    zuora.buy()
    create = zuora.action("CreateSubscription", zuora.new_subscription(subscriptionNumber="S2"))
    same = zuora.action("CreateSubscription", zuora.new_subscription())

    taken_order = zuora.place(create)
    taken_subscription = zuora.place(same, number="O2")

    assert categories(taken_order) == [30]
    assert categories(taken_subscription) == [30]
    assert categories(zuora.subscription("S2")) == [40]


def test_numbers_what_comes_without_number(zuora: Caller) -> None:
    zuora.open_account()
    created = zuora.new_subscription()
    del created["subscriptionNumber"]
    order = zuora.order(zuora.action("CreateSubscription", created))
    del order["orderNumber"]

    placed = zuora.post("/v1/orders", order)

    assert placed["orderNumber"] == "O-00000001"
    assert placed["subscriptions"][0]["subscriptionNumber"] == "A-S00000001"


def test_creates_several_subscriptions_with_one_order(zuora: Caller) -> None:
    zuora.open_account()
    order = zuora.order(zuora.action("CreateSubscription", zuora.new_subscription()))
    second = zuora.new_subscription(plan=GOLD, subscriptionNumber="S2")
    order["subscriptions"].append({"orderActions": [zuora.action("CreateSubscription", second)]})

    placed = zuora.post("/v1/orders", order)

    assert [s["subscriptionNumber"] for s in placed["subscriptions"]] == ["IDEQB58U8CQL", "S2"]
    assert len(placed["invoiceNumbers"]) == 1
    assert zuora.subscription("S2")["ratePlans"][0]["productName"] == "Gold"


def test_an_evergreen_subscription_has_no_end(zuora: Caller) -> None:
    zuora.buy(terms={"initialTerm": {"termType": "EVERGREEN", "startDate": zuora.day()}})

    read = zuora.subscription("IDEQB58U8CQL")
    assert (read["termType"], read["termEndDate"]) == ("EVERGREEN", None)
    assert read["ratePlans"][0]["ratePlanCharges"][0]["effectiveEndDate"] is None


def test_takes_a_price_and_a_quantity_of_ours(zuora: Caller) -> None:
    override = {
        "productRatePlanChargeId": demo.DIGITAL_MONTHLY_PLAN.charge_id,
        "pricing": {"recurringPerUnit": {"listPrice": 9.99, "quantity": 3}},
    }
    zuora.buy(subscribeToRatePlans=[{"productRatePlanId": DIGITAL, "chargeOverrides": [override]}])

    [charge] = zuora.subscription("IDEQB58U8CQL")["ratePlans"][0]["ratePlanCharges"]
    assert (charge["price"], charge["quantity"]) == (9.99, 3)


@pytest.mark.parametrize(
    ("plan", "override", "expected"),
    [
        ("8ad0965d0000000000000000000000ff", {}, 40),
        (DIGITAL, {"productRatePlanChargeId": demo.GOLD_ANNUAL_PLAN.charge_id}, 40),
        (
            DIGITAL,
            {
                "productRatePlanChargeId": demo.DIGITAL_MONTHLY_PLAN.charge_id,
                "pricing": {"recurringFlatFee": {"listPrice": 1}},
            },
            20,
        ),
        (
            DIGITAL,
            {
                "productRatePlanChargeId": demo.DIGITAL_MONTHLY_PLAN.charge_id,
                "pricing": {"recurringPerUnit": {"listPrice": 1, "uom": "Each"}},
            },
            21,
        ),
    ],
)
def test_refuses_plans_and_prices_that_do_not_fit(
    zuora: Caller, plan: str, override: Body, expected: int
) -> None:
    bought: Body = {"productRatePlanId": plan}
    if override:
        bought["chargeOverrides"] = [override]

    assert categories(zuora.buy(subscribeToRatePlans=[bought])) == [expected]


def test_refuses_a_plan_without_a_price_in_the_currency(zuora: Caller) -> None:
    zuora.open_account(accountNumber="T-CHF", currency="CHF")

    create = zuora.action("CreateSubscription", zuora.new_subscription())

    assert categories(zuora.place(create, account="T-CHF")) == [30]


def test_every_order_makes_a_version_with_ids_of_its_own(zuora: Caller) -> None:
    before = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)

    change(zuora, zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id}))

    after = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    old = zuora.subscription(before["id"])
    assert old == {**before, "isLatestVersion": False}
    assert (after["version"], after["isLatestVersion"]) == (2, True)
    assert zuora.subscription(after["id"]) == after
    kept, added = after["ratePlans"]
    assert (kept["lastChangeType"], added["lastChangeType"]) == ("Add", "Add")
    assert kept["productRatePlanId"] == DIGITAL
    assert kept["id"] != before["ratePlans"][0]["id"]
    [charge], [charge_before] = kept["ratePlanCharges"], before["ratePlans"][0]["ratePlanCharges"]
    assert charge["id"] != charge_before["id"]
    assert charge["number"] == charge_before["number"]
    assert added["ratePlanCharges"][0]["effectiveStartDate"] == zuora.day()
    assert added["ratePlanCharges"][0]["effectiveEndDate"] == after["termEndDate"]


def test_changes_plans_by_removing_one_and_adding_another(zuora: Caller) -> None:
    on = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][0]["ratePlanCharges"][0][
        "chargedThroughDate"
    ]

    change(
        zuora,
        zuora.action("RemoveProduct", {"ratePlanId": plan_id(zuora)}, on),
        zuora.action("AddProduct", {"productRatePlanId": GOLD}, on),
        bill=False,
    )

    removed, added = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"]
    assert (removed["lastChangeType"], added["lastChangeType"]) == ("Remove", "Add")
    assert removed["ratePlanCharges"][0]["effectiveEndDate"] == on
    assert added["ratePlanCharges"][0]["effectiveStartDate"] == on


def test_knows_a_rate_plan_by_the_id_of_the_latest_version_only(zuora: Caller) -> None:
    old = plan_id(zuora)
    change(zuora, zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id}))

    stale = change(zuora, zuora.action("RemoveProduct", {"ratePlanId": old}), number="O2")
    first = change(
        zuora, zuora.action("RemoveProduct", {"ratePlanId": plan_id(zuora)}), number="O3"
    )
    second = change(
        zuora, zuora.action("RemoveProduct", {"ratePlanId": plan_id(zuora)}), number="O4"
    )

    assert categories(stale) == [40]
    assert first["success"] is True
    assert categories(second) == [40]


def test_gives_a_charge_another_quantity(zuora: Caller) -> None:
    [charge] = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][0]["ratePlanCharges"]
    pricing = {"recurringPerUnit": {"quantity": 7}}
    update = {
        "ratePlanId": plan_id(zuora),
        "chargeUpdates": [{"chargeNumber": charge["number"], "pricing": pricing}],
    }

    change(zuora, zuora.action("UpdateProduct", update))

    [plan] = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"]
    [changed] = plan["ratePlanCharges"]
    assert plan["lastChangeType"] == "Update"
    assert (changed["number"], changed["quantity"]) == (charge["number"], 7)
    assert (changed["effectiveStartDate"], changed["segment"]) == (zuora.day(), 2)


def test_refuses_a_quantity_for_a_flat_fee_or_an_unknown_charge(zuora: Caller) -> None:
    gold = zuora.subscription(demo.GOLD_SUBSCRIPTION)["ratePlans"][0]

    def update(charge: str) -> Body:
        changes = [{"chargeNumber": charge, "pricing": {"recurringPerUnit": {"quantity": 2}}}]
        body = {"ratePlanId": gold["id"], "chargeUpdates": changes}
        return change(
            zuora, zuora.action("UpdateProduct", body), subscription=demo.GOLD_SUBSCRIPTION
        )

    assert categories(update(gold["ratePlanCharges"][0]["number"])) == [30]
    assert categories(update("C-99999999")) == [40]


def test_a_discount_ends_after_its_periods(zuora: Caller) -> None:
    through = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][0]["ratePlanCharges"][0][
        "chargedThroughDate"
    ]
    end = {"endDateCondition": "Fixed_Period", "upToPeriods": 3, "upToPeriodsType": "Months"}
    override = {
        "productRatePlanChargeId": demo.LOYALTY_DISCOUNT_PLAN.charge_id,
        "pricing": {"discount": {"discountPercentage": 25}},
        "endDate": end,
    }
    body = {"productRatePlanId": demo.LOYALTY_DISCOUNT_PLAN.id, "chargeOverrides": [override]}

    change(zuora, zuora.action("AddProduct", body, through), bill=False)

    [charge] = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][1]["ratePlanCharges"]
    year, month = divmod(int(through[:4]) * 12 + int(through[5:7]) - 1 + 3, 12)
    assert (charge["model"], charge["discountPercentage"]) == ("DiscountPercentage", 25)
    assert charge["price"] is None
    assert charge["effectiveStartDate"] == through
    assert charge["effectiveEndDate"] == f"{year}-{month + 1:02}-{through[8:]}"


def test_changes_the_terms_of_renewal(zuora: Caller) -> None:
    terms = {
        "autoRenew": False,
        "renewalSetting": "RENEW_WITH_SPECIFIC_TERM",
        "renewalTerms": [{"period": 6, "periodType": "Month"}],
    }

    change(zuora, zuora.action("TermsAndConditions", terms))

    read = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    assert (read["autoRenew"], read["renewalTerm"]) == (False, 6)


def test_says_cancelled_as_soon_as_a_cancellation_is_booked(zuora: Caller) -> None:
    ends = zuora.day(ahead=20)
    body = {"cancellationPolicy": "SpecificDate", "cancellationEffectiveDate": ends}

    placed = change(zuora, zuora.action("CancelSubscription", body))
    again = change(zuora, zuora.action("CancelSubscription", body), number="O2")

    read = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    assert placed["subscriptions"][0]["status"] == "Cancelled"
    assert (read["status"], read["subscriptionEndDate"]) == ("Cancelled", ends)
    assert read["statusHistory"][-2:] == [
        {"startDate": read["subscriptionStartDate"], "endDate": ends, "status": "Active"},
        {"startDate": ends, "endDate": None, "status": "Cancelled"},
    ]
    assert read["ratePlans"][0]["ratePlanCharges"][0]["effectiveEndDate"] == ends
    assert categories(again) == [30]


@pytest.mark.parametrize("ahead", [-1000, 1000])
def test_refuses_a_cancellation_outside_the_term(zuora: Caller, ahead: int) -> None:
    body = {
        "cancellationPolicy": "SpecificDate",
        "cancellationEffectiveDate": zuora.day(ahead),
    }

    assert categories(change(zuora, zuora.action("CancelSubscription", body))) == [30]


@pytest.mark.parametrize("policy", ["EndOfCurrentTerm", "EndOfLastInvoicePeriod"])
def test_takes_a_cancellation_at_an_announced_day_only(zuora: Caller, policy: str) -> None:
    body = {"cancellationPolicy": policy, "cancellationEffectiveDate": zuora.day()}

    assert categories(change(zuora, zuora.action("CancelSubscription", body))) == [20]


def test_renews_a_term_and_the_charges_that_ran_to_its_end(zuora: Caller) -> None:
    before = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)

    renew = zuora.action("RenewSubscription", {}, before["termEndDate"])
    change(zuora, renew, bill=False)

    read = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    end = f"{int(before['termEndDate'][:4]) + 1}{before['termEndDate'][4:]}"
    assert read["termStartDate"] == before["termEndDate"]
    assert read["termEndDate"] == read["subscriptionEndDate"] == end
    assert read["ratePlans"][0]["ratePlanCharges"][0]["effectiveEndDate"] == end
    assert read["statusHistory"][-1]["endDate"] == end


def test_a_renewal_gives_a_discount_the_time_that_the_term_cut_short(zuora: Caller) -> None:
    ends = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["termEndDate"]
    period = {"endDateCondition": "Fixed_Period", "upToPeriods": 1, "upToPeriodsType": "Years"}
    override = {
        "productRatePlanChargeId": demo.LOYALTY_DISCOUNT_PLAN.charge_id,
        "endDate": period,
    }
    body = {"productRatePlanId": demo.LOYALTY_DISCOUNT_PLAN.id, "chargeOverrides": [override]}
    change(zuora, zuora.action("AddProduct", body, ends), bill=False)

    change(zuora, zuora.action("RenewSubscription", {}, ends), number="O2", bill=False)

    [charge] = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][1]["ratePlanCharges"]
    assert charge["effectiveStartDate"] == ends
    assert charge["effectiveEndDate"] == f"{int(ends[:4]) + 1}{ends[4:]}"


def test_renews_into_an_evergreen_when_its_terms_say_so(zuora: Caller) -> None:
    terms = {"renewalSetting": "RENEW_TO_EVERGREEN"}
    ends = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["termEndDate"]

    change(
        zuora,
        zuora.action("TermsAndConditions", terms),
        zuora.action("RenewSubscription", {}, ends),
    )

    read = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    assert (read["termType"], read["termEndDate"]) == ("EVERGREEN", None)


def test_renews_nothing_that_has_no_term(zuora: Caller) -> None:
    zuora.buy(terms={"initialTerm": {"termType": "EVERGREEN"}})

    answer = change(
        zuora,
        zuora.action("RenewSubscription", {}),
        number="O2",
        account="T-715G5QA2PB2I",
        subscription="IDEQB58U8CQL",
    )

    assert categories(answer) == [30]


def test_a_change_at_the_end_of_the_term_takes_hold_with_the_renewal(zuora: Caller) -> None:
    ends = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["termEndDate"]
    change(
        zuora,
        zuora.action("RemoveProduct", {"ratePlanId": plan_id(zuora)}, ends),
        zuora.action("AddProduct", {"productRatePlanId": GOLD}, ends),
        bill=False,
    )
    change(zuora, zuora.action("RenewSubscription", {}, ends), number="O2", bill=False)

    read = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    [digital], [gold] = (plan["ratePlanCharges"] for plan in read["ratePlans"])
    assert digital["effectiveEndDate"] == gold["effectiveStartDate"] == ends
    assert gold["effectiveEndDate"] == read["termEndDate"] > ends
