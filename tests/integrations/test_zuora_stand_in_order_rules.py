"""The rules of orders at the Zuora stand-in: whole or not at all, under the right accounts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local import demo
from tests.integrations.zuora_calls import Body, Caller, categories, codes, running_zuora


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    return shared.reset()


@pytest.fixture(scope="module")
def shared_b() -> Iterator[Caller]:
    with running_zuora(owner_style="B") as caller:
        yield caller


@pytest.fixture
def style_b(shared_b: Caller) -> Caller:
    return shared_b.reset()


def change(zuora: Caller, *actions: Body, **more: Any) -> Body:
    """Places an order on Halden's Digital."""
    return zuora.place(
        *actions,
        **{"account": demo.HALDEN.number, "subscription": demo.DIGITAL_SUBSCRIPTION, **more},
    )


def plan_id(zuora: Caller, number: str = demo.DIGITAL_SUBSCRIPTION, plan: int = 0) -> str:
    return str(zuora.subscription(number)["ratePlans"][plan]["id"])


@pytest.mark.parametrize(
    ("left_out", "status"),
    [
        ("ContractEffective", "Pending Activation"),
        ("ServiceActivation", "Pending Activation"),
        ("CustomerAcceptance", "Pending Acceptance"),
    ],
)
def test_an_order_without_all_its_dates_is_pending(
    zuora: Caller, left_out: str, status: str
) -> None:
    zuora.open_account()
    create = zuora.action("CreateSubscription", zuora.new_subscription())
    create["triggerDates"] = [t for t in create["triggerDates"] if t["name"] != left_out]

    placed = zuora.place(create)

    assert placed["status"] == "Pending"
    assert placed["invoiceNumbers"] == []
    assert zuora.subscription("IDEQB58U8CQL")["status"] == status
    assert zuora.get("/v1/orders/C5PBH5JD6698")["order"]["status"] == "Pending"


def test_a_change_without_all_its_dates_leaves_the_subscription_as_it_is(zuora: Caller) -> None:
    add = zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id})
    del add["triggerDates"][2]

    placed = change(zuora, add)

    read = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    assert placed["status"] == "Pending"
    assert placed["subscriptions"][0]["subscriptionId"] == read["id"]
    assert (read["version"], len(read["ratePlans"])) == (1, 1)


def test_does_all_actions_of_an_order_or_none(zuora: Caller) -> None:
    before = zuora.get("/_control/state")

    answer = change(
        zuora,
        zuora.action("RemoveProduct", {"ratePlanId": plan_id(zuora)}),
        zuora.action("AddProduct", {"productRatePlanId": "unknown"}),
    )

    after = zuora.get("/_control/state")
    assert categories(answer) == [40]
    for kind in ("subscriptions", "orders", "invoices", "creditMemos", "payments"):
        assert after[kind] == before[kind]


@pytest.mark.parametrize("days", [-1000, 1000])
def test_refuses_trigger_dates_outside_the_contract(zuora: Caller, days: int) -> None:
    add = zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id}, zuora.day(days))

    assert categories(change(zuora, add))[0] in (20, 30)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda order: order.pop("orderDate"), [22]),
        (lambda order: order.update(subscriptions=[]), [20]),
        (lambda order: order.update(orderNumber="a/b"), [20]),
        (lambda order: order.update(orderNumber="N" * 101), [20]),
        (lambda order: order.update(orderDate="21/11/2026"), [20]),
        (lambda order: order.update(category="NewSales"), [21]),
        (lambda order: order["subscriptions"][0].pop("subscriptionNumber"), [22]),
        (lambda order: order["subscriptions"][0].update(subscriptionNumber="unknown"), [40]),
        (lambda order: order["subscriptions"][0]["orderActions"][0].pop("addProduct"), [22]),
        (
            lambda order: order["subscriptions"][0]["orderActions"][0].update(renewSubscription={}),
            [20],
        ),
        (lambda order: order["subscriptions"][0]["orderActions"][0].update(type="Pause"), [20]),
        (lambda order: order["processingOptions"].pop("billingOptions"), [22]),
        (lambda order: order["subscriptions"].append(order["subscriptions"][0]), [20]),
    ],
)
def test_refuses_an_order_that_does_not_fit_its_table(
    zuora: Caller, spoil: Any, expected: list[int]
) -> None:
    order = zuora.order(
        zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id}),
        account=demo.HALDEN.number,
        subscription=demo.DIGITAL_SUBSCRIPTION,
    )
    spoil(order)

    assert categories(zuora.post("/v1/orders", order)) == expected


@pytest.mark.parametrize("number", [demo.DRAFT_SUBSCRIPTION, demo.CANCELLED_SUBSCRIPTION])
def test_changes_no_subscription_that_is_not_running(zuora: Caller, number: str) -> None:
    account = zuora.subscription(number)["accountNumber"]
    add = zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id})

    assert categories(change(zuora, add, account=account, subscription=number)) == [30]


def test_a_later_order_is_placed_under_the_invoice_owner(zuora: Caller) -> None:
    zuora.buy(invoiceOwnerAccountNumber=demo.ACME.number)
    add = zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id})
    sold = {"subscription": "IDEQB58U8CQL"}

    wrong = change(zuora, add, account="T-715G5QA2PB2I", number="O2", **sold)
    right = change(zuora, add, account=demo.ACME.number, number="O3", **sold)

    assert codes(wrong) == [58730020]
    assert right["success"] is True


def test_a_tenant_may_want_later_orders_under_the_owner_instead(zuora: Caller) -> None:
    zuora.buy(invoiceOwnerAccountNumber=demo.ACME.number)
    zuora.patch_state({"settings": {"laterOrderAccount": "subscriptionOwner"}})
    add = zuora.action("AddProduct", {"productRatePlanId": demo.SUPPORT_PLAN.id})
    sold = {"subscription": "IDEQB58U8CQL"}

    wrong = change(zuora, add, account=demo.ACME.number, number="O2", **sold)
    right = change(zuora, add, account="T-715G5QA2PB2I", number="O3", **sold)

    assert codes(wrong) == [58730020]
    assert right["success"] is True


def test_style_b_places_the_order_under_the_invoice_owner(style_b: Caller) -> None:
    style_b.open_account()
    created = style_b.new_subscription(subscriptionOwnerAccountNumber="T-715G5QA2PB2I")

    placed = style_b.place(style_b.action("CreateSubscription", created), account=demo.ACME.number)

    read = style_b.subscription("IDEQB58U8CQL")
    assert placed["success"] is True
    assert read["accountNumber"] == "T-715G5QA2PB2I"
    assert read["invoiceOwnerAccountNumber"] == demo.ACME.number


def test_each_style_refuses_the_fields_of_the_other(zuora: Caller, style_b: Caller) -> None:
    for caller, field in (
        (zuora, "subscriptionOwnerAccountNumber"),
        (style_b, "invoiceOwnerAccountNumber"),
    ):
        assert categories(caller.buy(**{field: demo.ACME.number})) == [30]


def test_an_owner_exists_and_has_the_currency(zuora: Caller) -> None:
    unknown = zuora.buy(invoiceOwnerAccountNumber="unknown")
    in_dollars = zuora.buy(invoiceOwnerAccountNumber=demo.HALDEN.number)

    assert categories(unknown) == [40]
    assert categories(in_dollars) == [30]


def test_an_owner_is_named_or_opened_with_the_order_but_not_both(style_b: Caller) -> None:
    new = {
        "name": "Nils Ny",
        "currency": "GBP",
        "billCycleDay": 0,
        "billToContact": {"firstName": "Nils", "lastName": "Ny", "postalCode": "0155"},
    }

    def buy(**owner: Any) -> Body:
        create = style_b.action("CreateSubscription", style_b.new_subscription(**owner))
        return style_b.place(create, account=demo.ACME.number)

    both = buy(subscriptionOwnerAccountNumber=demo.BOREALIS.number, newSubscriptionOwnerAccount=new)
    failed = buy(
        newSubscriptionOwnerAccount=new, subscribeToRatePlans=[{"productRatePlanId": "unknown"}]
    )
    left = style_b.get("/object-query/accounts", **{"filter[]": "name.EQ:Nils Ny"})
    opened = buy(newSubscriptionOwnerAccount=new)

    assert categories(both) == [20]
    assert categories(failed) == [40]
    assert left == {"data": []}
    assert opened["success"] is True
    account = style_b.get(f"/v1/accounts/{style_b.subscription('IDEQB58U8CQL')['accountId']}")
    assert account["billToContact"]["zipCode"] == "0155"


def test_places_orders_under_account_numbers_of_active_accounts(zuora: Caller) -> None:
    zuora.open_account()
    create = zuora.action("CreateSubscription", zuora.new_subscription())
    account = zuora.get("/v1/accounts/T-715G5QA2PB2I")["basicInfo"]["id"]

    by_id = zuora.place(create, account=account)
    zuora.patch_state({"accounts": {account: {"status": "Canceled"}}})
    of_closed = zuora.place(create)

    assert categories(by_id) == [40]
    assert categories(of_closed) == [30]


def test_the_style_it_is_started_with_rules_over_the_one_that_was_kept(tmp_path: Path) -> None:
    kept = tmp_path / "zuora.json"
    with running_zuora(state_path=kept):
        assert kept.exists()

    with running_zuora(state_path=kept, owner_style="B") as style_b:
        answer = style_b.buy(invoiceOwnerAccountNumber=demo.ACME.number)

    assert categories(answer) == [30]
