"""The first and the second seed: somebody signs in to what a CPQ order brought, and access
platforms hear of each change.
"""

import json
import time
from typing import Any

from infra.local import demo
from infra.local.api_client import Api
from infra.local.telling import Telling, by_name, carried_out, webhook


def self_service(api: Api, telling: Telling) -> None:
    issuer = f"{api.stack.stand_ins.idp}{demo.AUTH0_ISSUER_PATH}"
    path = f"/api/plugins/zuora/sync/subscription/{demo.GOLD_SUBSCRIPTION}"
    telling.step("Middleware syncs the subscription that Salesforce CPQ made in Zuora")
    telling.say(f"POST {path}")
    synced = api.call("POST", path)
    telling.say(json.dumps(synced))
    path = f"/api/objects/externalidentity/{synced['owner']}"
    telling.step("It attaches the login that the identity provider gave Ingrid Halden")
    telling.say(f"POST {path}")
    attached = api.call("POST", path, {"id_token": {"iss": issuer, "sub": demo.INGRID.sub}})
    telling.say(f"{attached['data']['sub']} at {attached['data']['iss']}")
    telling.step("Ingrid signs in and sees what is hers")
    telling.say("GET /api/mma/subscriptions")
    person = api.person_token(issuer, demo.INGRID.sub)
    held = api.call("GET", "/api/mma/subscriptions", token=person)["items"]
    for one in held:
        telling.say(_line(one))
    telling.check(
        "the synced subscription is among them",
        holds=demo.GOLD_SUBSCRIPTION in [one["name"] for one in held],
    )


def entitlements(api: Api, telling: Telling) -> None:
    """Of new subscriptions of the owner that the demo data have, so that it can be repeated."""
    owner = api.stack.customers[0].owner
    offers = {name: {"id": one["id"]} for name, one in by_name(api, "offers").items()}
    support = {"id": by_name(api, "add-ons")["Priority support USD"]["id"]}
    digital = {"offer": offers["Digital Monthly USD"]}

    telling.step("New Order: Ingrid buys Digital for three teams, one with Priority support")
    bought = _ordered(
        api,
        telling,
        {"order_type": "new", "orderItems": [{**digital, "addOns": [support]}, digital, digital]},
        owner=owner,
    )
    growing, leaving, staying = bought["subscriptionReferences"]
    carried_out(api, f"/api/order/{bought['id']}")

    for title, order_type, number, offer in (
        ("Switch, with the next payment: to Gold", "change_offer", growing, "Gold Annual USD"),
        ("Cancel, at the end of the paid period", "cancel_subscription", leaving, None),
        ("Save: a discount, and the plan goes on", "add_offer", staying, "Stay with us"),
    ):
        telling.step(title)
        body: dict[str, Any] = {"order_type": order_type, "forSubscription": {"name": number}}
        _ordered(api, telling, body | ({"offer": offers[offer]} if offer else {}))

    telling.step("Whoever asks is answered what was pushed")
    telling.say(f"GET /api/entitlements?owner={owner}")
    entitled = api.call("GET", f"/api/entitlements?owner={owner}")
    telling.say(f"now {_codes(entitled)}; what lies ahead:")
    for one in entitled["subscriptions"]:
        if ahead := one.get("next"):
            telling.say(
                f"{one['subscription']}  {_codes(ahead)} from {ahead['effectiveDate'][:10]}"
            )


def _ordered(api: Api, telling: Telling, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Places an order and tells of the webhook of its first subscription."""
    telling.say(f"POST /api/order  {body['order_type']}")
    began = time.monotonic()
    placed: dict[str, Any] = api.call("POST", "/api/order", {"source": "shop", **body, **more})
    delivery = webhook(api, placed["subscriptionReference"], placed["order_reference"])
    telling.say(f"webhook {time.monotonic() - began:.1f} s after the order was sent:")
    telling.say(delivery["body"])
    headers = delivery["headers"]
    telling.say(f"webhook-id {headers['webhook-id']}")
    telling.check(f"webhook-signature {headers['webhook-signature']}", holds=delivery["verified"])
    return placed


def _codes(entitled: dict[str, Any]) -> str:
    return " ".join(one["code"] for one in entitled["entitlements"]) or "nothing"


def _line(held: dict[str, Any]) -> str:
    data = held["data"]
    codes = dict.fromkeys(
        entitlement.get("code") or entitlement["name"]
        for offer in (*held["offers"], *held["addOns"])
        if offer["status"] == "active"
        for product in offer["data"]["products"]
        for entitlement in product["entitlements"]
    )
    parts = (
        held["name"],
        data.get("name", "not in the catalog"),
        held["status"],
        data.get("price", {}).get("summary", {}).get("subline", ""),
        " ".join(codes),
    )
    return "  ".join(part for part in parts if part)
