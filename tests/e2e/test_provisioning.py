"""Orders on the deployed stack while the outside systems fail: each ends complete, with everything
there exactly once, or failed, with everything recorded and its entitlements revoked.
"""

import dataclasses
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from infra.local.demo_data import INBOX
from tessera import ids
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import entitlements, fresh, order, reached

pytestmark = pytest.mark.e2e

WITHIN = 180
"""Seconds; the first wait after a failure takes ten, the second thirty."""

LOCKED = {"kind": "errors", "status": 400, "errorCode": "UNABLE_TO_LOCK_ROW"}
SALESFORCE: Mapping[str, dict[str, Any]] = {
    "an answer lost": {"kind": "drop_after"},
    "a row lock": LOCKED,
    "a row lock in a part": {**LOCKED, "kind": "part", "reference": "contact"},
    "an expired token": {"kind": "expire_tokens"},
}
LOST = {"kind": "drop_after"}
REASONS = {"kind": "reasons", "status": 200}
KEY_IN_WORK = {"kind": "status", "status": 409}
ZUORA: Mapping[str, Mapping[str, dict[str, Any]]] = {
    "zuora_account": {
        "an answer lost": LOST,
        "no answer": {"kind": "drop_before"},
        "too many requests": {"kind": "throttle", "retry_after": 3},
        "the key in work": KEY_IN_WORK,
    },
    "zuora_order": {
        "an answer lost": LOST,
        "a lock": {**REASONS, "codes": [53100050]},
        "too much at once": {**REASONS, "codes": [53100070]},
        "a page in place of JSON": {"kind": "html"},
        "an expired token": {"kind": "expire_tokens"},
        "the key in work": KEY_IN_WORK,
    },
    "zuora_refresh": {
        "no answer": {"kind": "drop_before"},
        "an error": {"kind": "status", "status": 500},
    },
}
"""Each kind somewhere; all of them at every step: `tests/integrations/test_provisioning.py`."""
REFUSALS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "its account": ("zuora_account", {**REASONS, "codes": [53100020]}),
    "its order": ("zuora_order", {**REASONS, "codes": [53100030]}),
    "its key": ("zuora_order", {"kind": "status", "status": 422}),
}


@dataclasses.dataclass(frozen=True)
class Sale:
    """An order before it is placed: all that will carry a number of ours is known already."""

    external_id: str = dataclasses.field(default_factory=lambda: fresh("faulty"))

    @property
    def id(self) -> str:
        return ids.derived("order", "order", "company", self.external_id)

    @property
    def path(self) -> str:
        return f"/api/order/{self.id}"

    @property
    def reference(self) -> str:
        return ids.reference(self.id)

    @property
    def account(self) -> str:
        return "T-" + ids.reference(f"{self.id}/account")

    @property
    def subscription(self) -> str:
        return ids.reference(f"{self.id}/0")

    @property
    def customer(self) -> str:
        return ids.customer_id(self.account)

    def calls(self, step: str) -> dict[str, str]:
        """The request of a step, of this order alone."""
        return {
            "salesforce_customer": {"path": "/composite$", "body": self.customer},
            "zuora_account": {"method": "POST", "path": "/v1/accounts$", "body": self.account},
            "zuora_order": {"method": "POST", "path": "/v1/orders$", "body": self.reference},
            "zuora_refresh": {"path": f"/v1/subscriptions/{self.subscription}$"},
        }[step]


@dataclasses.dataclass(frozen=True)
class Outside:
    """What is in both systems by now."""

    zuora: dict[str, Any]
    salesforce: dict[str, Any]

    @classmethod
    def of(cls, deployed: Deployed) -> "Outside":
        stand_ins = deployed.stack.stand_ins
        return cls(*(_control(url, "state") for url in (stand_ins.zuora, stand_ins.salesforce)))

    def has_once(self, sale: Sale) -> None:
        """Exactly one of each, and they belong together."""
        accounts = [one for one in self.zuora["accounts"].values() if one["number"] == sale.account]
        (account,) = accounts
        held = {
            number: versions
            for number, versions in self.zuora["subscriptions"].items()
            if versions[-1]["accountId"] == account["id"]
        }
        assert [*held] == [sale.subscription]
        assert len(held[sale.subscription]) == 1
        orders = [one for one in self.zuora["orders"].values() if one["accountId"] == account["id"]]
        assert [one["number"] for one in orders] == [sale.reference]
        (company,) = self._records("Account", sale)
        (contact,) = self._records("Contact", sale)
        assert contact["AccountId"] == company["Id"] == account["crmId"]

    def _records(self, kind: str, sale: Sale) -> list[dict[str, Any]]:
        kept = self.salesforce["records"][kind].values()
        return [one for one in kept if one.get("Tessera_Id__c") == sale.customer]


def _control(url: str, path: str, body: Any = None) -> Any:
    method = "GET" if body is None else "POST"
    answer = requests.request(method, f"{url}/_control/{path}", json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()


def faulted(deployed: Deployed, step: str, action: dict[str, Any], *, times: int = 1) -> Sale:
    """Placed, with a fault in wait for that step of it."""
    sale, stand_ins = Sale(), deployed.stack.stand_ins
    system = stand_ins.salesforce if step == "salesforce_customer" else stand_ins.zuora
    fault = {"match": sale.calls(step), "times": times, "action": action}
    _control(system, "faults", fault)
    details = {"companyName": sale.external_id, "firstName": "Ana", "lastName": "Lopes"}
    order(
        deployed.api,
        external_id=sale.external_id,
        customerDetails={**details, "email": "ana@example.com"},
    )
    return sale


def journal(deployed: Deployed) -> list[dict[str, Any]]:
    stand_ins = deployed.stack.stand_ins
    return [
        entry
        for url in (stand_ins.zuora, stand_ins.salesforce)
        for entry in _control(url, "requests")["requests"]
        if entry["fault"] is not None
    ]


def test_a_fault_at_any_step_delays_an_order_and_doubles_nothing(deployed: Deployed) -> None:
    cases = [
        (step, name, action)
        for step, actions in {"salesforce_customer": SALESFORCE, **ZUORA}.items()
        for name, action in actions.items()
    ]

    placed = {(step, name): faulted(deployed, step, action) for step, name, action in cases}

    for sale in placed.values():
        done = reached(deployed.api, sale.path, "complete", within=WITHIN)
        assert {step["status"] for step in done["process"]} == {"complete"}
        assert done["warnings"] == []
    outside = Outside.of(deployed)
    for sale in placed.values():
        outside.has_once(sale)
    hit = json.dumps([(one["path"], one["body"]) for one in journal(deployed)])
    for (step, name), sale in placed.items():
        wanted = sale.calls(step)
        assert (wanted.get("body") or sale.subscription) in hit, (step, name)


def test_a_refusal_revokes_and_a_retry_grants_again(deployed: Deployed) -> None:
    api = deployed.api

    placed = [(step, faulted(deployed, step, action)) for step, action in REFUSALS.values()]

    for step, sale in placed:
        failed = reached(api, sale.path, "failed", within=WITHIN)
        assert failed["error"]["step"] == step
        held = f"/api/objects/limio/subscriptions/{ids.subscription_id(sale.subscription)}"
        subscription = api.call("GET", held)
        assert subscription["status"] == "cancelled"
        assert subscription["data"]["cancelReason"] == "provisioning_failed"
        entitled = api.call("GET", f"/api/entitlements?owner={failed['owner']}")
        assert entitled["entitlements"] == []
        assert told(deployed, sale, least=3)[-1] == []
        error = error_body(deployed, sale)
        assert error["event"]["type"] == "order.new"
        assert error["pluginErrorOutput"][0]["name"] == "zuora"

    operator = api.operator_token()
    for _, sale in placed:
        path = f"/api/admin/order/{sale.id}/retry"
        retried = api.send("POST", path, {}, token=operator)
        assert retried.status_code == 202, retried.text
    for _, sale in placed:
        done = reached(api, sale.path, "complete", within=WITHIN)
        assert "error" not in done
        entitled = api.call("GET", f"/api/entitlements?owner={done['owner']}")
        assert entitled["entitlements"] == [{"code": "W2"}]
        assert told(deployed, sale, least=4)[-1] == ["W2"]
    outside = Outside.of(deployed)
    for _, sale in placed:
        outside.has_once(sale)


def told(deployed: Deployed, sale: Sale, *, least: int) -> list[list[str]]:
    """The sets of its subscription in the order in which they were said."""
    until = time.monotonic() + WITHIN
    while True:
        found = entitlements(deployed.inbox(INBOX), sale.subscription)
        if len(found) >= least or time.monotonic() > until:
            found.sort(key=lambda one: int(one["headers"]["tessera-sequence"]))
            return [
                [granted["code"] for granted in json.loads(one["body"])["entitlements"]]
                for one in found
            ]
        time.sleep(0.5)


def error_body(deployed: Deployed, sale: Sale) -> dict[str, Any]:
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        page = deployed.inbox(INBOX).deliveries(at_least=1, within=1, type="order.failed")
        for delivery in page:
            body: dict[str, Any] = json.loads(delivery["body"])
            if body["event"]["event"]["id"] == sale.id:
                return body
        time.sleep(0.5)
    raise AssertionError(f"nothing was said of {sale.id}")


@pytest.mark.second_stack
def test_while_zuora_is_down_access_is_granted_and_the_rest_follows(deployed: Deployed) -> None:
    zuora = deployed.stack.stand_ins.zuora
    _control(zuora, "faults", {"times": None, "action": {"kind": "drop_before"}})
    try:
        sale = Sale()
        placed = order(deployed.api, external_id=sale.external_id)
        (granted, *_) = entitlements(deployed.inbox(INBOX), placed["subscriptionReference"])
        assert json.loads(granted["body"])["entitlements"] == [{"code": "W2"}]
        until = time.monotonic() + WITHIN
        while True:
            waiting = deployed.api.call("GET", sale.path)
            steps = {one["step"]: one for one in waiting["process"]}
            if steps.get("zuora_account", {}).get("attempts"):
                break
            assert time.monotonic() < until
            time.sleep(0.5)
        assert waiting["status"] == "processing"
    finally:
        deployed.zuora("faults", method="DELETE")

    reached(deployed.api, sale.path, "complete", within=WITHIN)
    Outside.of(deployed).has_once(sale)
