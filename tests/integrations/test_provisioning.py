"""Orders carried out at the stand-ins: whatever fails on the way, everything is there exactly once.

The clock is turned by the waits themselves; nothing sleeps.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
import requests

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.salesforce import Salesforce as SalesforceStandIn
from infra.local.zuora import Zuora as ZuoraStandIn
from tessera.commerce.provisioning import Policy
from tessera.integrations.http import Exchange, Profile
from tessera.integrations.partner_accounts import ZuoraPartnerAccounts
from tessera.integrations.salesforce import Salesforce
from tessera.integrations.salesforce_steps import SalesforceIdentity, SalesforceSteps
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_steps import Setup, ZuoraSteps
from tessera.partners.accounts import ResolvedOrganisations
from tessera.partners.models import Organisation, OrganisationData
from tests.builders import FakeCatalog, NoLabels, candidate
from tests.commerce.carrying import (
    ACCOUNT,
    CUSTOMER,
    NUMBER,
    OWNER,
    REFERENCE,
    START,
    Carrier,
    Killed,
    MemoryStore,
    Timer,
    customer,
    order,
    pending,
    store_with,
    subscription,
)
from tests.integrations.faults import REASONS
from tests.integrations.test_salesforce import Vault as SalesforceVault
from tests.integrations.zuora_tenant import Vault as ZuoraVault
from tests.partners.organisations import Kept

PATIENT = Profile(connect=2, read=10, total=20)
ACME = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"


class Vendors(NamedTuple):
    zuora: Running
    salesforce: Running

    def fault(self, system: str, path: str, action: dict[str, Any], **more: Any) -> None:
        match = {"path": path, **({"method": more.pop("method")} if "method" in more else {})}
        stand_in = getattr(self, system).stand_in
        with stand_in.lock:
            stand_in.faults.order({"match": match, "action": action, **more})

    @property
    def accounts(self) -> list[dict[str, Any]]:
        state = self.zuora.stand_in.state["accounts"].values()
        return [one for one in state if one["number"] == ACCOUNT]

    @property
    def orders(self) -> dict[str, Any]:
        return {
            number: one
            for number, one in self.zuora.stand_in.state["orders"].items()
            if number == REFERENCE
        }

    @property
    def subscriptions(self) -> list[dict[str, Any]]:
        """The versions that there are of the subscription."""
        found = self.zuora.stand_in.state["subscriptions"].get(NUMBER, [])
        return list(found)

    def records(self, kind: str) -> list[dict[str, Any]]:
        records = self.salesforce.stand_in.state["records"][kind].values()
        return [one for one in records if one.get("Tessera_Id__c") == CUSTOMER]

    def calls(self, path: str, method: str = "POST") -> list[dict[str, Any]]:
        entries = self.zuora.stand_in.journal.entries(path)
        return [one for one in entries if one["method"] == method]


@pytest.fixture(scope="module")
def running() -> Iterator[Vendors]:
    with serve(ZuoraStandIn()) as zuora, serve(SalesforceStandIn()) as salesforce:
        yield Vendors(zuora, salesforce)


@pytest.fixture
def vendors(running: Vendors) -> Vendors:
    for one in running:
        one.stand_in.start_over("demo", at=START)
    return running


class World(Carrier):
    """A provisioner whose clients talk to the stand-ins; `after_call` hears of every exchange."""

    def __init__(
        self,
        vendors: Vendors,
        store: MemoryStore,
        *,
        partner: Organisation | None = None,
        profile: Profile = PATIENT,
        policy: Policy | None = None,
        **setup: Any,
    ) -> None:
        timer = Timer()
        self.after_call: Callable[[], None] = lambda: None
        self._heard: list[Exchange] | None = None

        def observe(exchange: Exchange) -> None:
            if self._heard is not None:
                self._heard.append(exchange)
            self.after_call()

        @contextmanager
        def listening() -> Iterator[list[Exchange]]:
            self._heard = []
            yield self._heard
            self._heard = None

        shared: dict[str, Any] = {"profile": profile, "now": timer, "observe": observe}
        zuora = Zuora(vendors.zuora.url, ZuoraVault(), **shared)
        salesforce = Salesforce(vendors.salesforce.url, SalesforceVault(), **shared)
        self.organisations = Kept(*([partner] if partner is not None else []))
        known = ResolvedOrganisations(self.organisations, ZuoraPartnerAccounts(zuora), now=timer)
        identity = SalesforceIdentity(store, NoLabels(), now=timer, today=lambda at: at.date())
        super().__init__(
            store,
            crm=SalesforceSteps(salesforce, self.organisations.find, identity),
            billing=ZuoraSteps(zuora, known.find, Setup(stage="test", **setup)),
            timer=timer,
            policy=policy,
            catalog=FakeCatalog(candidate()),
            listening=listening,
        )


def assert_complete(world: World, vendors: Vendors) -> None:
    assert world.order.status == "complete", world.order.process
    assert len(vendors.accounts) == 1
    assert list(vendors.orders) == [REFERENCE]
    assert len(vendors.subscriptions) == 1
    assert len(vendors.records("Account")) == 1
    assert len(vendors.records("Contact")) == 1
    assert world.store.told.count("order.completed") == 1
    assert world.holding.status == "active"
    assert world.holding.data.pending_change is None
    assert world.holding.data.zuora.version == 1
    assert world.holding.data.zuora.status == "Active"
    assert [one.status for one in world.holding.all_offers] == ["active"]
    known = world.store.customer(CUSTOMER)
    assert known is not None
    account = vendors.accounts[0]
    assert known.data.zuora.account_id == account["id"]
    assert known.data.salesforce is not None
    assert account["crmId"] == known.data.salesforce.account_id
    (identity,) = world.store.ownerships[OWNER].identities
    assert identity.data.wire() == {
        "iss": "salesforce",
        "sub": known.data.salesforce.account_id,
        "service": "salesforce",
        "type": "account",
    }


def test_an_order_lands_in_salesforce_and_zuora(vendors: Vendors) -> None:
    world = World(vendors, store_with(order()))

    assert world.run() == ["completed"]

    assert_complete(world, vendors)
    (sent,) = vendors.calls("/v1/orders")
    assert sent["body"]["orderNumber"] == REFERENCE
    assert "processingOptions" in sent["body"]
    assert "application/json" in sent["headers"]["Content-Type"]


PERMANENT: dict[str, dict[str, Any]] = {
    "key_of_another_call": {"kind": "status", "status": 422},
    "rule": {**REASONS, "codes": [53100030]},
    "bad_value": {**REASONS, "codes": [53100020]},
    "forbidden": {"kind": "status", "status": 403},
    "redirected": {"kind": "status", "status": 302, "headers": {"Location": "/elsewhere"}},
}


@pytest.mark.parametrize("step", ["account", "order"])
@pytest.mark.parametrize("fault", PERMANENT)
def test_a_refusal_of_zuora_fails_the_order_and_revokes(
    fault: str, step: str, vendors: Vendors
) -> None:
    vendors.fault("zuora", f"/v1/{step}s$", PERMANENT[fault], method="POST")
    world = World(vendors, store_with(order()))

    assert world.run()[-1] == "failed"

    assert world.order.error is not None
    assert world.order.error.step == f"zuora_{step}"
    assert world.holding.status == "cancelled"
    assert world.store.bodies("entitlements.updated")[-1]["entitlements"] == []
    assert vendors.subscriptions == []
    failed = next(one for one in world.order.process if one.status == "failed")
    event = world.store.process_event(failed.id)
    assert event is not None
    assert "refused" in [one.outcome for one in event.data.tries]


@pytest.mark.parametrize(
    "action",
    [
        pytest.param(
            {
                "kind": "part",
                "reference": "contact",
                "status": 400,
                "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            },
            id="part",
        ),
        pytest.param({"kind": "errors", "status": 300, "errorCode": "MULTIPLE"}, id="duplicates"),
    ],
)
def test_a_refusal_of_salesforce_is_a_warning(action: dict[str, Any], vendors: Vendors) -> None:
    vendors.fault("salesforce", "/composite", action)
    world = World(vendors, store_with(order()))

    assert world.run() == ["completed"]

    assert world.steps()["salesforce_customer"] == "warning"
    assert [one.code for one in world.order.warnings] == ["salesforce_failed"]
    assert vendors.records("Account") == []
    assert len(vendors.accounts) == 1


@pytest.mark.parametrize(
    ("where", "after"),
    [*(("vendor", n) for n in range(1, 14)), *(("store", n) for n in range(1, 8))],
)
def test_a_worker_killed_after_any_call_ends_in_the_same_state(
    where: str, after: int, vendors: Vendors
) -> None:
    world = World(vendors, store_with(order()))
    left = after

    def tick() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed

    if where == "vendor":
        world.after_call = tick
    else:
        world.store.after_write = tick

    world.run()

    assert_complete(world, vendors)


def test_zuora_down_for_an_hour_only_delays_the_order(vendors: Vendors) -> None:
    vendors.fault("zuora", "/v1/", {"kind": "status", "status": 503}, times=None)
    world = World(vendors, store_with(order()))

    outcomes = world.run(until=START + timedelta(hours=1))
    assert set(outcomes) == {"put_off", "waiting"}
    assert world.order.status == "processing"
    vendors.zuora.stand_in.faults.clear()

    assert world.queue.run(world.provisioner.provision)[-1] == "completed"
    assert_complete(world, vendors)


def test_a_card_is_attached_and_pays_by_default(vendors: Vendors) -> None:
    card = requests.post(
        f"{vendors.zuora.url}/_control/payment-methods", json={}, timeout=5
    ).json()["id"]
    world = World(vendors, store_with(order(payment_method=card)), auto_pay=False)

    assert world.run() == ["completed"]

    assert world.steps()["zuora_payment_method"] == "complete"
    assert vendors.accounts[0]["defaultPaymentMethodId"] == card
    (sent,) = vendors.calls("/v1/orders")
    assert sent["body"]["processingOptions"]["collectPayment"] is True


def partner(invoice_owner: bool) -> Organisation:
    return Organisation(
        id=ACME,
        status="active",
        name="Acme Resellers",
        created=START,
        modified=START,
        data=OrganisationData(
            is_zuora_invoice_owner=invoice_owner,
            zuora_account_id=demo.ACME.id,
            zuora_account_number=demo.ACME.number,
            zuora_currency="GBP",
            salesforce_account_id=demo.ACME.salesforce_id,
        ),
    )


@pytest.mark.parametrize("style", ["A", "B"])
@pytest.mark.parametrize("invoice_owner", [True, False], ids=["partner", "end_customer"])
def test_who_owns_and_who_is_invoiced_for_a_partners_order(
    invoice_owner: bool, style: str, vendors: Vendors
) -> None:
    """The table of the partner guide, on the stand-ins' own state."""
    with vendors.zuora.stand_in.lock:
        vendors.zuora.stand_in.state["settings"]["ownerStyle"] = style
    sold = subscription(pending_change=pending(), partner_org=ACME)
    store = store_with(order(partner_org=ACME), sold, customer(partner_org=ACME))
    world = World(vendors, store, partner=partner(invoice_owner), owner_style=style)

    assert world.run() == ["completed"]

    (account,) = vendors.accounts
    (version,) = vendors.subscriptions
    assert account["parentId"] == demo.ACME.id
    assert version["accountId"] == account["id"]
    payer = demo.ACME.id if invoice_owner else account["id"]
    assert version["invoiceOwnerId"] == payer
    (crm_account,) = vendors.records("Account")
    (contact,) = vendors.records("Contact")
    assert crm_account["ParentId"] == demo.ACME.salesforce_id
    assert crm_account["Name"] == "Conte Ltd"
    assert contact["AccountId"] == crm_account["Id"]
    assert world.holding.partner_org == ACME
    assert world.holding.data.zuora.invoice_owner_account_id == payer


def test_a_customer_who_has_both_accounts_is_not_written_again(vendors: Vendors) -> None:
    first = World(vendors, store_with(order()))
    first.run()
    known = first.store.customer(CUSTOMER)
    assert known is not None
    before = len(vendors.calls("/v1/accounts"))
    again = order().model_copy(update={"reference": "SECONDORDER1"})
    fresh = subscription(pending_change=pending()).model_copy(update={"name": "SECONDSUB001"})
    world = World(vendors, store_with(again, fresh, known))

    world.run()

    assert world.order.status == "complete"
    assert len(vendors.calls("/v1/accounts")) == before
    assert len(vendors.records("Account")) == 1
