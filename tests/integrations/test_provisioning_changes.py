"""Each later order at the Zuora stand-in: what it becomes there, with and without faults."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from infra.local import demo
from infra.local._server import serve
from infra.local.salesforce import Salesforce as SalesforceStandIn
from infra.local.zuora import Zuora as ZuoraStandIn
from tessera.commerce.method_records import method_id
from tessera.commerce.models import Alteration, EndedOffer, Holding, ResizedOffer, SoldOffer
from tests.builders import SUPPORT, product
from tests.commerce.carrying import (
    ACCOUNT,
    REFERENCE,
    SUB,
    TODAY,
    address,
    customer,
    offer,
    order,
    pending,
    store_with,
    subscription,
)
from tests.integrations.faults import PASSING
from tests.integrations.test_provisioning import Vendors, World
from tests.integrations.test_provisioning import vendors as _vendors

FIRST = "order-" + "f" * 32
DAY = TODAY + timedelta(days=30)
GOLD = demo.GOLD_ANNUAL_PLAN
FAULTS = ["lost_after", "down", "locked", "throttled", "expired_token", "maintenance_page"]


@pytest.fixture(scope="module")
def running() -> Iterator[Vendors]:
    with serve(ZuoraStandIn()) as zuora, serve(SalesforceStandIn()) as salesforce:
        yield Vendors(zuora, salesforce)


vendors = _vendors
"""The same, reset for each test."""


def bought(vendors: Vendors, **data: Any) -> Holding:
    """The subscription as it is once its first order is done."""
    add_on = data.pop("add_on", None)
    held = [offer(), *([add_on] if add_on else [])]
    locked = pending().model_copy(update={"order": FIRST})
    holding = subscription(*held, pending_change=locked, **data)
    first = order(id=FIRST, reference="FIRSTORDER01")
    world = World(vendors, store_with(first, holding))
    assert world.run(FIRST) == ["completed"]
    return world.holding


def ordered(
    vendors: Vendors, order_type: str, holding: Holding, altered: Alteration, **data: Any
) -> World:
    """A later order on its way, everything changed by its commit."""
    locked = holding.data.model_copy(
        update={"pending_change": pending(order_type, altered.day), **data}
    )
    placed = order(order_type, altered)
    known = customer(zuora={"account_number": ACCOUNT, "account_id": _account(vendors)["id"]})
    store = store_with(placed, holding.model_copy(update={"data": locked}), known)
    return World(vendors, store)


def _account(vendors: Vendors) -> dict[str, Any]:
    (account,) = vendors.accounts
    return account


def latest(vendors: Vendors) -> dict[str, Any]:
    return vendors.subscriptions[-1]


def plans(vendors: Vendors) -> dict[str, tuple[str, str, str | None]]:
    """By product rate plan: what became of it, from when, until when."""
    return {
        plan["productRatePlanId"]: (
            plan["lastChangeType"],
            plan["charges"][0]["effectiveStartDate"],
            plan["charges"][0]["effectiveEndDate"],
        )
        for plan in latest(vendors)["ratePlans"]
    }


def gold(day: date) -> Any:
    return offer(
        "gold",
        status="pending" if day > TODAY else "active",
        start=day,
        codes=("SKU2",),
        plan=GOLD.id,
        name="Gold",
        offer=SoldOffer(
            id="offer-b7f683983309ac9bca2045778f70fc80",
            version="7" * 40,
            path="/offers2/Gold",
            name="Gold",
            attributes={
                "term__limio": {"length": 12, "type": "months"},
                "autoRenew__limio": False,
                "price__limio": [{"value": Decimal("350.00"), "rate_plan_charge": GOLD.charge_id}],
            },
        ),
    )


def switched(holding: Holding, day: date) -> tuple[Holding, Alteration]:
    (old,), new = holding.offers, gold(day)
    ended = old.model_copy(update={"data": old.data.model_copy(update={"end": day})})
    altered = Alteration(subscription=SUB, day=day, adds=(new.id,), ends=(EndedOffer(id=old.id),))
    return holding.model_copy(update={"offers": (ended, new)}), altered


@pytest.mark.parametrize("ahead", [0, 30])
def test_a_switch_removes_and_adds_on_its_day(ahead: int, vendors: Vendors) -> None:
    day = TODAY + timedelta(days=ahead)
    world = ordered(vendors, "change_offer", *switched(bought(vendors), day))

    assert world.run() == ["completed"], world.order.process

    there = plans(vendors)
    assert there[demo.DIGITAL_MONTHLY_PLAN.id][::2] == ("Remove", day.isoformat())
    assert there[GOLD.id][:2] == ("Add", day.isoformat())
    charge = latest(vendors)["ratePlans"][-1]["charges"][0]
    assert Decimal(str(charge["price"])) == Decimal("350.00")
    assert latest(vendors)["autoRenew"] is False
    sent = vendors.calls("/v1/orders")[-1]["body"]
    assert ("processingOptions" in sent) == (ahead == 0)
    assert (world.holding.data.pending_change is None) == (ahead == 0)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_switch_is_made_once_whatever_fails(fault: str, vendors: Vendors) -> None:
    holding, altered = switched(bought(vendors), DAY)
    world = ordered(vendors, "change_offer", holding, altered)
    vendors.fault("zuora", "/v1/orders$", PASSING[fault], method="POST")

    world.run()

    assert world.order.status == "complete"
    assert list(vendors.orders) == [REFERENCE]
    assert len(vendors.subscriptions) == 2
    assert [one.status for one in world.holding.offers] == ["active", "pending"]


def test_a_cancellation_is_booked_for_the_announced_day(vendors: Vendors) -> None:
    altered = Alteration(subscription=SUB, day=DAY, after={"cancelDate": DAY.isoformat()})
    world = ordered(vendors, "cancel_subscription", bought(vendors), altered, cancel_date=DAY)

    assert world.run() == ["completed"]

    assert latest(vendors)["status"] == "Cancelled"
    assert latest(vendors)["subscriptionEndDate"] == DAY.isoformat()
    assert (world.holding.status, world.holding.data.cancel_date) == ("active", DAY)


def support(**detail: Any) -> Any:
    return offer(
        "support",
        record_subtype="add_on",
        name="Support",
        plan=SUPPORT,
        **{"products": (product("HELP").model_copy(update={"rate_plan": SUPPORT}),), **detail},
    )


def test_an_add_on_comes_with_its_quantity(vendors: Vendors) -> None:
    holding = bought(vendors)
    added = support(quantity=3)
    altered = Alteration(subscription=SUB, day=TODAY, adds=(added.id,))
    more = holding.model_copy(update={"add_ons": (added,)})
    world = ordered(vendors, "add_on", more, altered)

    assert world.run() == ["completed"]

    assert plans(vendors)[SUPPORT][0] == "Add"
    assert latest(vendors)["ratePlans"][-1]["charges"][0]["quantity"] == 3


def test_another_quantity_is_an_update(vendors: Vendors) -> None:
    holding = bought(vendors)
    size = ResizedOffer(id=holding.offers[0].id, before=1, after=7)
    altered = Alteration(subscription=SUB, day=TODAY, resizes=(size,))
    world = ordered(vendors, "update_subscription", holding, altered)

    assert world.run() == ["completed"]

    (plan,) = latest(vendors)["ratePlans"]
    assert (plan["lastChangeType"], plan["charges"][0]["quantity"]) == ("Update", 7)


def test_a_quantity_to_come_is_not_taken_for_that_of_today(vendors: Vendors) -> None:
    holding = bought(vendors)
    day = TODAY + timedelta(days=45)
    size = ResizedOffer(id=holding.offers[0].id, before=1, after=7)
    altered = Alteration(subscription=SUB, day=day, resizes=(size,))
    world = ordered(vendors, "update_subscription", holding, altered)

    assert world.run() == ["completed"]

    assert plans(vendors)[demo.DIGITAL_MONTHLY_PLAN.id][:2] == ("Update", f"{day}")
    assert world.holding.offers[0].data.quantity == 1
    assert min(row.data.date for row in world.holding.schedule if row.status != "cancelled") < day


def test_a_save_is_a_discount_of_our_own_for_so_many_months(vendors: Vendors) -> None:
    end = date(2027, 2, 21)
    plan = demo.LOYALTY_DISCOUNT_PLAN
    save = offer(
        "save",
        record_subtype="discount",
        codes=(),
        plan=plan.id,
        end=end,
        products=(product().model_copy(update={"rate_plan": plan.id}),),
        offer=SoldOffer(
            id="offer-bf5d7fe9a7b40d765a8b404269d7e6d6",
            version="7" * 40,
            path="/offers2/Half price",
            name="Half price",
            discount=Decimal(50),
        ),
    )
    holding = bought(vendors)
    altered = Alteration(subscription=SUB, day=TODAY, adds=(save.id,))
    saved = holding.model_copy(update={"offers": (*holding.offers, save)})
    world = ordered(vendors, "add_offer", saved, altered)

    assert world.run() == ["completed"], world.order.process

    added = vendors.calls("/v1/orders")[-1]["body"]["subscriptions"][0]["orderActions"][0]
    (override,) = added["addProduct"]["chargeOverrides"]
    assert override["pricing"] == {"discount": {"discountPercentage": 50}}
    assert override["endDate"] == {
        "endDateCondition": "Fixed_Period",
        "upToPeriods": 3,
        "upToPeriodsType": "Months",
    }
    assert plans(vendors)[plan.id] == ("Add", TODAY.isoformat(), end.isoformat())


def test_a_renewal_lengthens_the_term(vendors: Vendors) -> None:
    world = ordered(vendors, "renew", bought(vendors), Alteration(subscription=SUB, day=TODAY))

    assert world.run() == ["completed"], world.order.process

    assert latest(vendors)["termEndDate"] == "2028-11-21"
    assert world.holding.data.term_end_date == date(2028, 11, 21)
    assert world.holding.data.pending_change is None


def test_a_later_order_of_a_tenant_that_wants_the_owners_account(vendors: Vendors) -> None:
    """The account that Zuora wants is found by its refusal, once."""
    holding, altered = switched(bought(vendors), TODAY)
    world = ordered(vendors, "change_offer", holding, altered)
    wrong = {"kind": "reasons", "codes": [58730020], "status": 200}
    vendors.fault("zuora", "/v1/orders$", wrong, method="POST")

    assert world.run() == ["put_off", "completed"]

    first, second = vendors.calls("/v1/orders")[-2:]
    assert first["key"] != second["key"]


def account_order(order_type: str, vendors: Vendors, **detail: Any) -> World:
    bought(vendors)
    placed = order(order_type, data={"order_type": order_type, **detail.pop("data", {})}, **detail)
    known = customer(zuora={"account_number": ACCOUNT, "account_id": _account(vendors)["id"]})
    moved = address().model_copy(
        update={"data": address().data.model_copy(update={"address1": "2 Low Rd"})}
    )
    return World(vendors, store_with(placed, subscription(), known, moved))


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_a_change_of_address_changes_the_contact(fault: str, vendors: Vendors) -> None:
    world = account_order("change_address", vendors, data={"addressType": "billing"})
    if fault != "none":
        vendors.fault("zuora", "/v1/contacts/", PASSING[fault], method="PUT")

    world.run()

    assert world.order.status == "complete"
    contact = vendors.zuora.stand_in.state["contacts"][_account(vendors)["billToId"]]
    assert (contact["address1"], contact["lastName"]) == ("2 Low Rd", "Conte")


def card(vendors: Vendors) -> str:
    made = requests.post(
        f"{vendors.zuora.url}/_control/payment-methods", json={"account": ACCOUNT}, timeout=5
    )
    return str(made.json()["id"])


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_a_change_of_payment_makes_the_card_the_default(fault: str, vendors: Vendors) -> None:
    world = account_order("change_payment", vendors)
    new = card(vendors)
    world.store.keep(world.order.model_copy(update={"payment_method": new}))
    if fault != "none":
        vendors.fault("zuora", "/v1/accounts/T-", PASSING[fault], method="PUT")

    world.run()

    assert world.order.status == "complete"
    assert _account(vendors)["defaultPaymentMethodId"] == new
    kept = world.store.payment_method(method_id(new))
    assert kept is not None
    assert kept.data.zuora.result.mask == "************1111"
    assert world.store.told.count("payment_method.added") == 1


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_an_invoice_is_paid_once(fault: str, vendors: Vendors) -> None:
    world = account_order("pay_invoice", vendors)
    vendors.zuora.stand_in.state["accounts"][_account(vendors)["id"]] |= {
        "defaultPaymentMethodId": card(vendors)
    }
    (invoice,) = [
        one
        for one in vendors.zuora.stand_in.state["invoices"].values()
        if one["accountId"] == _account(vendors)["id"]
    ]
    data = {"order_type": "pay_invoice", "invoice": {"id": invoice["id"], "amount": "10.00"}}
    world.store.keep(world.order.model_copy(update={"data": data}))
    if fault != "none":
        vendors.fault("zuora", "/v1/payments$", PASSING[fault], method="POST")

    world.run()

    assert world.order.status == "complete", world.order.process
    paid = vendors.zuora.stand_in.state["payments"].values()
    mine = [one for one in paid if one.get("gatewayOrderId") == REFERENCE]
    assert [Decimal(str(one["amount"])) for one in mine] == [Decimal("10.00")]


def test_a_declined_payment_fails_the_order(vendors: Vendors) -> None:
    world = account_order("pay_invoice", vendors)
    vendors.zuora.stand_in.state["accounts"][_account(vendors)["id"]] |= {
        "defaultPaymentMethodId": card(vendors)
    }
    (invoice,) = [
        one
        for one in vendors.zuora.stand_in.state["invoices"].values()
        if one["accountId"] == _account(vendors)["id"]
    ]
    data = {"order_type": "pay_invoice", "invoice": {"id": invoice["id"], "amount": "13.13"}}
    world.store.keep(world.order.model_copy(update={"data": data}))

    assert world.run() == ["failed"]
    assert world.store.told == ["order.failed"]
