"""Every passing fault at every call that an order makes: it ends complete, with each thing once.

What makes something is hit alone, which is where doubles could come from; the reads of an order,
and the writes that set a value, are hit all in one run. Where money moves, what Zuora calls an
internal mistake is for a person to judge: the key stays, and Zuora repeats its answer for a day.
"""

import copy
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
import requests

from tessera.commerce.models import Holding
from tessera.integrations.http import Profile
from tests.commerce.carrying import (
    ACCOUNT,
    NUMBER,
    REFERENCE,
    START,
    TODAY,
    address,
    customer,
    order,
    store_with,
    subscription,
)
from tests.integrations.faults import PASSING, PASSING_IN_SALESFORCE
from tests.integrations.test_provisioning import (
    PATIENT,
    Vendors,
    World,
    assert_complete,
    running,
    vendors,
)
from tests.integrations.test_provisioning_changes import bought, ordered, switched

__all__ = ["running", "vendors"]

HASTY = Profile(connect=2, read=0.1, total=5)
"""For faults that answer late."""

Call = tuple[str, str]
"""Method and path."""

ACCOUNT_MADE = ("POST", "/v1/accounts$")
ORDER_MADE = ("POST", "/v1/orders$")
PAYMENT_MADE = ("POST", "/v1/payments$")

CALLS_OF_A_SALE: tuple[Call, ...] = (
    ("POST", "/oauth/token$"),
    ("GET", "/v1/accounts/T-[^/]+/payment-methods$"),
    ("PUT", "/v1/payment-methods/"),
    ("PUT", "/v1/accounts/T-"),
    ("GET", "/v1/accounts/T-[^/]+$"),
    ("GET", f"/v1/subscriptions/{NUMBER}$"),
    ("GET", "/v1/accounts/[0-9a-f]{32}$"),
)
CALLS_OF_A_SWITCH: tuple[Call, ...] = (
    ("GET", f"/v1/subscriptions/{NUMBER}$"),
    ("GET", "/object-query/product-rate-plans/"),
)
CALLS_OF_AN_ADDRESS: tuple[Call, ...] = (("GET", "/v1/accounts/T-"), ("PUT", "/v1/contacts/"))
CALLS_OF_A_PAYMENT: tuple[Call, ...] = (
    ("GET", "/object-query/invoices/"),
    ("GET", "/v1/accounts/[0-9a-f]{32}$"),
)
LOOKS: tuple[tuple[Call, Call], ...] = (
    (ACCOUNT_MADE, ("GET", f"/v1/accounts/{ACCOUNT}$")),
    (ORDER_MADE, ("GET", f"/v1/orders/{REFERENCE}$")),
)
"""A write whose answer is lost, and the look whether it was done."""

WITHOUT_KEY = [fault for fault in PASSING if fault != "key_in_work"]
BORNE = [fault for fault in WITHOUT_KEY if fault != "internal"]
"""Any number of times; of internal mistakes a step bears two."""
FOR_A_PERSON = ("internal", "outside_system")
"""Where money moves."""


def inject(vendors: Vendors, fault: str, *calls: Call) -> None:
    for method, path in calls:
        vendors.fault("zuora", path, PASSING[fault], method=method)


def profile_for(fault: str) -> Profile:
    return HASTY if PASSING.get(fault, {}).get("kind") == "delay" else PATIENT


def carry_out(world: World, vendors: Vendors, *, faults: int = 1) -> None:
    """Waits for what a stand-in does late, so that it disturbs no other test."""
    world.run()
    stand_ins: list[Any] = [one.stand_in for one in vendors]
    for _ in range(200):
        journals = [one.journal.entries("") for one in stand_ins]
        if sum(entry["fault"] is not None for journal in journals for entry in journal) == faults:
            return
        with stand_ins[0].changed:
            stand_ins[0].changed.wait(0.02)
    raise AssertionError("a fault hit nothing")


def paid_by_card(vendors: Vendors, fault: str) -> World:
    made = f"{vendors.zuora.url}/_control/payment-methods"
    card = requests.post(made, json={}, timeout=5).json()["id"]
    store = store_with(order(payment_method=card))
    return World(vendors, store, profile=profile_for(fault), auto_pay=False)


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("made", [ACCOUNT_MADE, ORDER_MADE], ids=["account", "order"])
def test_what_a_sale_makes_is_made_once(made: Call, fault: str, vendors: Vendors) -> None:
    world = paid_by_card(vendors, fault)
    inject(vendors, fault, made)

    carry_out(world, vendors)

    if made == ORDER_MADE and fault in FOR_A_PERSON:
        assert_left_to_a_person(world)
        assert (len(vendors.accounts), vendors.subscriptions) == (1, [])
        assert world.store.bodies("entitlements.updated")[-1]["entitlements"] == []
    else:
        assert_complete(world, vendors)
        assert vendors.accounts[0]["defaultPaymentMethodId"] == world.order.payment_method


@pytest.mark.parametrize("fault", BORNE)
def test_a_sale_whose_every_other_call_fails_once(fault: str, vendors: Vendors) -> None:
    world = paid_by_card(vendors, fault)
    inject(vendors, fault, *CALLS_OF_A_SALE)

    carry_out(world, vendors, faults=len(CALLS_OF_A_SALE))

    assert_complete(world, vendors)
    assert vendors.accounts[0]["defaultPaymentMethodId"] == world.order.payment_method


@pytest.mark.parametrize("call", CALLS_OF_A_SALE, ids=range(len(CALLS_OF_A_SALE)))
def test_a_sale_with_an_internal_mistake_of_zuora(call: Call, vendors: Vendors) -> None:
    world = paid_by_card(vendors, "internal")
    inject(vendors, "internal", call)

    carry_out(world, vendors)

    assert_complete(world, vendors)


@pytest.mark.parametrize("fault", WITHOUT_KEY)
def test_a_look_at_what_became_of_a_write(fault: str, vendors: Vendors) -> None:
    for write, look in LOOKS:
        inject(vendors, "lost_after", write)
        inject(vendors, fault, look)
    world = World(vendors, store_with(order()), profile=profile_for(fault))

    carry_out(world, vendors, faults=2 * len(LOOKS))

    assert_complete(world, vendors)


@pytest.mark.parametrize("fault", PASSING_IN_SALESFORCE)
@pytest.mark.parametrize("path", ["/composite$", "/oauth2/token$"], ids=["write", "token"])
def test_a_customer_in_salesforce(path: str, fault: str, vendors: Vendors) -> None:
    action = PASSING_IN_SALESFORCE[fault]
    if action["kind"] == "part" and "token" in path:
        action = {**action, "kind": "errors", "errorCode": "rate_limit_exceeded"}
    vendors.fault("salesforce", path, action)
    world = World(vendors, store_with(order()), profile=profile_for(fault))

    carry_out(world, vendors)

    assert_complete(world, vendors)


class Sold(NamedTuple):
    """The stand-in once a first order is done, to begin later orders with."""

    holding: Holding
    state: dict[str, Any]


@pytest.fixture(scope="module")
def sold(running: Vendors) -> Sold:
    for one in running:
        one.stand_in.start_over("demo", at=START)
    holding = bought(running)
    return Sold(holding, copy.deepcopy(running.zuora.stand_in.state))


@pytest.fixture
def subscriber(vendors: Vendors, sold: Sold) -> Holding:
    with vendors.zuora.stand_in.lock:
        vendors.zuora.stand_in.state = copy.deepcopy(sold.state)
    return sold.holding


@pytest.mark.parametrize("fault", PASSING)
def test_a_switch_is_made_once(fault: str, subscriber: Holding, vendors: Vendors) -> None:
    later = ordered(vendors, "change_offer", *switched(subscriber, TODAY))
    world = World(vendors, later.store, profile=profile_for(fault))
    inject(vendors, fault, ORDER_MADE)

    carry_out(world, vendors)

    assert world.order.status == "complete", world.order.process
    assert list(vendors.orders) == [REFERENCE]
    assert len(vendors.subscriptions) == 2


@pytest.mark.parametrize("fault", BORNE)
def test_a_switch_whose_reads_fail_once(fault: str, subscriber: Holding, vendors: Vendors) -> None:
    later = ordered(vendors, "change_offer", *switched(subscriber, TODAY))
    world = World(vendors, later.store, profile=profile_for(fault))
    inject(vendors, fault, *CALLS_OF_A_SWITCH)

    carry_out(world, vendors, faults=len(CALLS_OF_A_SWITCH))

    assert world.order.status == "complete", world.order.process
    assert len(vendors.subscriptions) == 2


def on_the_account(vendors: Vendors, order_type: str, fault: str, **data: Any) -> World:
    (account,) = vendors.accounts
    placed = order(order_type, data={"order_type": order_type, **data})
    known = customer(zuora={"account_number": ACCOUNT, "account_id": account["id"]})
    at = address().data.model_copy(update={"address1": "2 Low Rd"})
    moved = address().model_copy(update={"data": at})
    store = store_with(placed, subscription(), known, moved)
    return World(vendors, store, profile=profile_for(fault))


@pytest.mark.usefixtures("subscriber")
@pytest.mark.parametrize("fault", WITHOUT_KEY)
def test_a_change_of_address(fault: str, vendors: Vendors) -> None:
    world = on_the_account(vendors, "change_address", fault, addressType="billing")
    inject(vendors, fault, *CALLS_OF_AN_ADDRESS)

    carry_out(world, vendors, faults=len(CALLS_OF_AN_ADDRESS))

    assert world.order.status == "complete", world.order.process
    (account,) = vendors.accounts
    contact = vendors.zuora.stand_in.state["contacts"][account["billToId"]]
    assert (contact["address1"], contact["lastName"]) == ("2 Low Rd", "Conte")


@pytest.mark.usefixtures("subscriber")
@pytest.mark.parametrize("fault", PASSING)
def test_an_invoice_is_paid_once(fault: str, vendors: Vendors) -> None:
    world = invoice_order(vendors, fault)
    inject(vendors, fault, PAYMENT_MADE)

    carry_out(world, vendors)

    if fault in FOR_A_PERSON:
        assert_left_to_a_person(world)
        assert payments(vendors) == []
    else:
        assert world.order.status == "complete", world.order.process
        assert [Decimal(str(one["amount"])) for one in payments(vendors)] == [Decimal("10.00")]


@pytest.mark.usefixtures("subscriber")
@pytest.mark.parametrize("fault", WITHOUT_KEY)
def test_a_payment_whose_reads_fail_once(fault: str, vendors: Vendors) -> None:
    world = invoice_order(vendors, fault)
    inject(vendors, fault, *CALLS_OF_A_PAYMENT)

    carry_out(world, vendors, faults=len(CALLS_OF_A_PAYMENT))

    assert world.order.status == "complete", world.order.process
    assert len(payments(vendors)) == 1


@pytest.mark.usefixtures("subscriber")
def test_a_payment_under_the_key_of_another_call_fails(vendors: Vendors) -> None:
    world = invoice_order(vendors, "none")
    action = {"kind": "status", "status": 422}
    vendors.fault("zuora", "/v1/payments$", action, method="POST")

    carry_out(world, vendors)

    assert world.order.status == "failed"
    assert payments(vendors) == []


def assert_left_to_a_person(world: World) -> None:
    assert world.order.status == "failed"
    assert world.order.error is not None
    assert world.order.error.code == "outcome_unknown"
    assert world.store.told.count("order.failed") == 1


def invoice_order(vendors: Vendors, fault: str) -> World:
    stand_in = vendors.zuora.stand_in
    (account,) = vendors.accounts
    made = f"{vendors.zuora.url}/_control/payment-methods"
    card = requests.post(made, json={"account": ACCOUNT}, timeout=5).json()["id"]
    stand_in.state["accounts"][account["id"]] |= {"defaultPaymentMethodId": card}
    invoices = stand_in.state["invoices"].values()
    (invoice,) = [one for one in invoices if one["accountId"] == account["id"]]
    asked = {"id": invoice["id"], "amount": "10.00"}
    return on_the_account(vendors, "pay_invoice", fault, invoice=asked)


def payments(vendors: Vendors) -> list[dict[str, Any]]:
    there = vendors.zuora.stand_in.state["payments"].values()
    return [one for one in there if one.get("gatewayOrderId") == REFERENCE]
