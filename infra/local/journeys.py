"""The journeys of the seeds, performed on the running stack and told for people to read."""

import json
import time
from collections.abc import Callable
from typing import Any

import requests

from infra.local import demo
from infra.local.api_client import Api
from infra.local.demo_data import INBOX
from infra.local.running_stack import RunningStack

Show = Callable[[str], None]
_WAIT_SECONDS = 30


class NotDelivered(Exception):
    """A webhook that had to arrive did not."""


def perform(stack: RunningStack, show: Show) -> None:
    """Raises `Refused` or `NotDelivered` when something does not do what the seeds say."""
    _self_service(Api(stack), show)


def _self_service(api: Api, show: Show) -> None:
    stack = api.stack
    issuer = f"{stack.stand_ins.idp}{demo.AUTH0_ISSUER_PATH}"
    show("")
    show("Self-service on a CPQ order")
    show("")
    path = f"/api/plugins/zuora/sync/subscription/{demo.GOLD_SUBSCRIPTION}"
    show("  1. Middleware syncs the subscription that Salesforce CPQ made in Zuora")
    show(f"     POST {path}")
    synced = api.call("POST", path)
    show(f"     {json.dumps(synced)}")
    path = f"/api/objects/externalidentity/{synced['owner']}"
    show("  2. It attaches the login that the identity provider gave Ingrid Halden")
    show(f"     POST {path}")
    token = {"iss": issuer, "sub": demo.INGRID.sub}
    attached = api.call("POST", path, {"id_token": token})
    show(f"     {attached['data']['sub']} at {attached['data']['iss']}")
    show(f"     belongs to {attached['owner']}")
    show("  3. Ingrid signs in and sees what is hers")
    show("     GET /api/mma/subscriptions")
    person = api.person_token(issuer, demo.INGRID.sub)
    for held in api.call("GET", "/api/mma/subscriptions", token=person)["items"]:
        show(f"     {_subscription_line(held)}")
    show("  4. An order is placed for her; access is granted as it is answered")
    show("     POST /api/order")
    began = time.monotonic()
    placed = api.call("POST", "/api/order", _order(api, synced["owner"]))
    show(
        f"     {placed['status']}: order {placed['order_reference']},"
        f" subscription {placed['subscriptionReference']}"
    )
    delivery = entitlements_delivered(stack, placed["subscriptionReference"])
    show("  5. The access platform has its webhook, " + _after(began))
    headers = delivery["headers"]
    verdict = "verified" if delivery["verified"] else f"NOT verified: {delivery['why']}"
    show(f"     webhook-id         {headers['webhook-id']}")
    show(f"     tessera-event-type {headers['tessera-event-type']}")
    show(f"     webhook-signature  {headers['webhook-signature']}  ({verdict})")
    for line in json.dumps(json.loads(delivery["body"]), indent=2).splitlines():
        show(f"     {line}")
    show("")


def _order(api: Api, owner: str) -> dict[str, Any]:
    """Digital for the owner, in the currency of its account, with the add-on."""
    offers = _by_name(api, "offers")
    add_ons = _by_name(api, "add-ons")
    item = {
        "offer": {"id": offers["Digital Monthly USD"]["id"]},
        "addOns": [{"id": add_ons["Priority support USD"]["id"]}],
    }
    return {"order_type": "new", "source": "salesforce", "owner": owner, "orderItems": [item]}


def _by_name(api: Api, kind: str) -> dict[str, dict[str, Any]]:
    items = api.call("GET", f"/api/catalog/{kind}?limit=100")["items"]
    return {item["name"]: item for item in items}


def _subscription_line(held: dict[str, Any]) -> str:
    data = held["data"]
    codes = [
        entitlement.get("code") or entitlement["name"]
        for offer in (*held["offers"], *held["addOns"])
        for product in offer["data"]["products"]
        for entitlement in product["entitlements"]
    ]
    price = data.get("price", {}).get("summary", {}).get("subline", "")
    parts = (
        held["name"],
        data.get("name", "not in the catalog"),
        held["status"],
        price,
        " ".join(codes),
    )
    return "  ".join(part for part in parts if part)


def _after(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s after the order was sent"


def entitlements_delivered(stack: RunningStack, subscription: str) -> dict[str, Any]:
    """The newest entitlement webhook of a subscription, waited for. Raises `NotDelivered`."""
    until = time.monotonic() + _WAIT_SECONDS
    after = 0
    while time.monotonic() < until:
        page = requests.get(
            f"{stack.stand_ins.inbox}/_control/inboxes/{INBOX}/deliveries",
            params={"after": f"{after}", "type": "entitlements.updated", "wait": "5"},
            timeout=_WAIT_SECONDS,
        ).json()
        for delivery in page["deliveries"]:
            after = max(after, delivery["number"])
            body = json.loads(delivery["body"])
            if body["tracking"]["subscription"] == subscription:
                found: dict[str, Any] = delivery
                return found
    raise NotDelivered(
        f"No entitlement webhook of {subscription} arrived within {_WAIT_SECONDS} s."
    )
