"""Orders at the stand-ins where each subscription has a Zuora account of its own."""

from tessera import ids
from tessera.commerce.entitlements import held
from tessera.commerce.models import Address, Alteration, Customer, Holding
from tessera.commerce.provisioning import Policy
from tests.commerce.carrying import (
    ORDER,
    OWNER,
    REFERENCE,
    TODAY,
    MemoryStore,
    address,
    customer,
    offer,
    order,
    pending,
    store_with,
    subscription,
)
from tests.integrations.test_provisioning import Vendors, World, running, vendors

__all__ = ["running", "vendors"]

POLICY = Policy(zone="UTC", mode="test", account_per_item=True)
NUMBERS = tuple(ids.reference(f"{ORDER}/{item}") for item in range(2))
ACCOUNTS = tuple(f"T-{ids.reference(f'{ORDER}/account/{item}')}" for item in range(2))


def bought(item: int) -> tuple[Customer, Address, Holding]:
    """What an order made for one of its items: a customer, its address and a subscription."""
    number, account = NUMBERS[item], ACCOUNTS[item]
    buyer = customer(zuora={"account_number": account}).model_copy(
        update={"id": ids.customer_id(account)}
    )
    lives = address().model_copy(
        update={
            "id": ids.derived("address", "address", buyer.id, "billing"),
            "customer": buyer.id,
            "related": buyer.id,
        }
    )
    id = ids.subscription_id(number)
    sold = offer(f"item {item}").model_copy(update={"customer": buyer.id, "related": id})
    base = subscription(
        sold, pending_change=pending(), zuora={"number": number, "account_number": account}
    )
    update = {"id": id, "name": number, "reference": number, "customer": buyer.id}
    return buyer, lives, base.model_copy(update=update)


def two_items() -> MemoryStore:
    (first, home, one), (second, away, other) = bought(0), bought(1)
    made = [Alteration(subscription=each.id, day=TODAY, is_new=True) for each in (one, other)]
    placed = order(
        "new",
        *made,
        customer=first.id,
        subscriptions=tuple(each.subscription for each in made),
    )
    store = store_with(placed, one, first, home, second, away, other)
    owned = store.ownerships[OWNER].owning(second).holding(held(other), TODAY)
    store.ownerships[OWNER] = owned
    return store


def test_each_subscription_has_an_account_and_an_order_of_its_own(vendors: Vendors) -> None:
    world = World(vendors, two_items(), policy=POLICY)

    assert world.run() == ["completed"], world.order.process

    assert list(world.steps().items()) == [
        (step, "complete")
        for step in (
            "salesforce_customer/0",
            "zuora_account/0",
            "zuora_order/0",
            "salesforce_customer/1",
            "zuora_account/1",
            "zuora_order/1",
            "zuora_refresh",
        )
    ]
    assert_one_of_each(world, vendors)


def test_a_fault_on_the_way_doubles_nothing(vendors: Vendors) -> None:
    lost = {"kind": "drop_after"}
    vendors.fault("zuora", "/v1/accounts$", lost, method="POST", after=1)
    vendors.fault("zuora", "/v1/orders$", lost, method="POST", after=1)
    world = World(vendors, two_items(), policy=POLICY)

    assert world.run()[-1] == "completed"

    assert_one_of_each(world, vendors)


def assert_one_of_each(world: World, vendors: Vendors) -> None:
    """In the stand-ins' own state."""
    zuora = vendors.zuora.stand_in.state
    accounts = {
        one["number"]: one for one in zuora["accounts"].values() if one["number"][:2] == "T-"
    }
    assert set(accounts) == set(ACCOUNTS)
    assert {number for number in zuora["orders"] if number.startswith(REFERENCE)} == {
        f"{REFERENCE}-0",
        f"{REFERENCE}-1",
    }
    for number, account in zip(NUMBERS, ACCOUNTS, strict=True):
        (version,) = zuora["subscriptions"][number]
        assert version["accountId"] == version["invoiceOwnerId"] == accounts[account]["id"]
        known = world.store.customer(ids.customer_id(account))
        assert known is not None
        assert known.data.zuora.account_id == accounts[account]["id"]
        assert known.data.salesforce is not None
        assert accounts[account]["crmId"] == known.data.salesforce.account_id
        holding = world.store.holding(ids.subscription_id(number))
        assert holding is not None
        assert holding.data.pending_change is None
        assert holding.data.zuora.account_number == account
    records = vendors.salesforce.stand_in.state["records"]
    written = {ids.customer_id(account) for account in ACCOUNTS}
    for kind in ("Account", "Contact"):
        keys = [one.get("Tessera_Id__c") for one in records[kind].values()]
        assert sorted(key for key in keys if key) == sorted(written)
