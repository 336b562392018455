"""For each deployed function, work that uses every permission it has.

So a missing grant is a failing test, and `test_grants.py` can take each away in turn.
"""

import json
import re
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import boto3
import requests

from infra.local import demo
from infra.local.api_client import Api
from tessera import clock, ids
from tessera.commerce.merge_store import MergeTable
from tessera.commerce.merging import OwnerChange, merge
from tessera.objects import compact_json
from tessera.webhooks.outbox import Outbox
from tests.e2e.conftest import Deployed, Inbox
from tests.e2e.pages import session

RATE_PLAN = {
    "id": "8" * 32,
    "name": "End to end",
    "effectiveStartDate": "2020-01-01",
    "effectiveEndDate": "2050-01-01",
    "charges": [],
}
"""In Zuora's catalogue for the offer that is made and archived here, which sells nothing else."""

Exercise = Callable[[Deployed], None]
EXERCISES: dict[str, list[Exercise]] = {}
"""By the function whose permissions they use; together they use all of them."""

AT_ONCE = 6
"""Exercises: most of one is waiting, for a schedule, a queue, a retry."""

DELIVERED_WITHIN = 120
"""Seconds, with room for cold starts on a busy machine."""


def exercise(function: str) -> Callable[[Exercise], Exercise]:
    def keep(act: Exercise) -> Exercise:
        EXERCISES.setdefault(function, []).append(act)
        return act

    return keep


def all_exercises() -> list[Exercise]:
    """Each once, whatever it exercises."""
    return list(dict.fromkeys(one for some in EXERCISES.values() for one in some))


def fresh(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4()}"


def twice(api: Api, path: str, body: Any, *, status: int) -> Any:
    """The same POST under one idempotency key: done once, answered twice."""
    headers = {"Idempotency-Key": fresh("key")}
    first = api.send("POST", path, body, headers=headers)
    assert first.status_code == status, first.text
    again = api.send("POST", path, body, headers=headers)
    assert (again.status_code, again.json()) == (status, first.json()), again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    return first.json()


def auth0(api: Api) -> str:
    return f"{api.stack.stand_ins.idp}{demo.AUTH0_ISSUER_PATH}"


def cpq_subscription(deployed: Deployed, *, parent: str | None = None) -> str:
    """A subscription that a CPQ order has just made in Zuora, on an account of its own."""
    account = {"name": fresh("CPQ"), "currency": "GBP"} | ({"parent": parent} if parent else {})
    number = deployed.zuora("accounts", account)["basicInfo"]["accountNumber"]
    plan = demo.DIGITAL_MONTHLY_PLAN.id
    made = deployed.zuora("subscriptions", {"account": number, "plan": plan})
    return str(made["subscriptionNumber"])


def plan_of_its_own(deployed: Deployed) -> str:
    """As the plan of Digital; what others sync is never taken for an offer that sells this one."""
    catalogue = deployed.zuora("state", method="GET")["catalogue"]
    plan = catalogue[demo.DIGITAL_MONTHLY_PLAN.id]
    charges = [{**charge, "id": uuid.uuid4().hex} for charge in plan["charges"]]
    own = {**plan, "id": uuid.uuid4().hex, "charges": charges}
    deployed.zuora("state", {"catalogue": {own["id"]: own}}, "PATCH")
    return str(own["id"])


def order_body(api: Api, **detail: Any) -> dict[str, Any]:
    offers = api.call("GET", "/api/catalog/offers?limit=100")["items"]
    offer = next(one for one in offers if one["name"] == "Digital Monthly")
    return {
        "order_type": "new",
        "source": "shop",
        "external_id": fresh("e2e"),
        "orderItems": [{"offer": {"id": offer["id"], "version": offer["version"]}}],
        "customerDetails": {"firstName": "Ana", "lastName": "Lopes", "email": "ana@example.com"},
        "billingDetails": {"country": "GB"},
        "payment": {"type": "invoice"},
        **detail,
    }


def order(api: Api, **detail: Any) -> dict[str, Any]:
    placed: dict[str, Any] = api.call("POST", "/api/order", order_body(api, **detail))
    return placed


def entitlements(
    inbox: Inbox, subscription: str, *, within: float = DELIVERED_WITHIN
) -> list[dict[str, Any]]:
    """The entitlement webhooks of a subscription, at least one, waited for."""
    until = time.monotonic() + within
    seen = 0
    while time.monotonic() < until:
        page = inbox.deliveries(at_least=seen + 1, within=1, type="entitlements.updated")
        seen = len(page)
        found = [d for d in page if f'"subscription":"{subscription}"' in d["body"]]
        if found:
            return found
    raise AssertionError(f"no entitlement webhook of {subscription} within {within} s")


def failing_order(api: Api, inbox: Inbox) -> str:
    """The event id of an order's entitlements at an inbox that answers 503 to these alone.

    Were it to refuse everybody's, its circuit could open before this order's turn has come.
    """
    person = fresh("auth0|unlucky")
    inbox.behave(mode="answer", status=503, about=person)
    placed = order(api, id_token={"iss": auth0(api), "sub": person})
    event: str = entitlements(inbox, placed["subscriptionReference"])[0]["headers"]["webhook-id"]
    return event


def endpoint_at(api: Api, inbox: Inbox, **settings: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.call(
        "POST", "/api/webhooks/endpoints", {"url": inbox.url, **settings}
    )
    return made


@exercise("commerce/sync_subscription")
def sync(deployed: Deployed) -> None:
    number = cpq_subscription(deployed, parent=demo.ACME.id)
    path = f"/api/plugins/zuora/sync/subscription/{number}"

    synced = twice(deployed.api, path, None, status=200)

    assert set(synced) == {"success", "id", "owner"}


@exercise("commerce/merge_owners")
def merge_owners(deployed: Deployed) -> None:
    api = deployed.api
    person = {"iss": auth0(api), "sub": fresh("auth0|twice")}
    source = order(api, id_token=person)["owner"]
    destination = order(api)["owner"]
    change = {"sourceId": source, "destinationId": destination, "message": "one person"}

    assert twice(api, "/api/objects/owner_change", change, status=200)["success"] is True

    assert api.send("GET", f"/api/entitlements?owner={source}").json()["owner"] == destination
    merged = api.send("GET", "/api/entitlements", params=person).json()
    assert (merged["owner"], len(merged["subscriptions"])) == (destination, 2)


@exercise("commerce/resume_owners")
def end_a_merge_that_was_left(deployed: Deployed) -> None:
    """Its first commit is all that was made of it, some time ago."""
    api = deployed.api
    source, destination = (order(api)["owner"] for _ in range(2))
    outputs = deployed.stack.outputs
    owners = MergeTable(outputs["CommerceTable"], outputs["EventsTable"])
    now = clock.now()
    change = OwnerChange(source_id=source, destination_id=destination)
    merge(change, owners=owners, now=lambda: now, today=now.date(), may_go_on=lambda: False)
    boto3.client("dynamodb").update_item(
        TableName=outputs["CommerceTable"],
        Key={"pk": {"S": source}, "sk": {"S": source}},
        UpdateExpression="SET due_at = :past",
        ConditionExpression="attribute_exists(due_pk)",
        ExpressionAttributeValues={":past": {"S": clock.instant(now - timedelta(minutes=1))}},
    )

    until = time.monotonic() + 60 + DELIVERED_WITHIN
    while time.monotonic() < until:
        if api.send("GET", f"/api/entitlements?owner={source}").status_code == 410:
            return
        time.sleep(0.5)
    raise AssertionError(f"{source} is still being merged")


@exercise("commerce/receive_zuora_callout")
@exercise("commerce/resync_subscription")
def hear_of_changes_in_zuora(deployed: Deployed) -> None:
    """The subscription comes in by its callout alone, although Zuora falters when it is read."""
    number = cpq_subscription(deployed, parent=demo.ACME.id)
    read = {"method": "GET", "path": f"/v1/subscriptions/{number}"}
    deployed.zuora(
        "faults", {"match": read, "times": 2, "action": {"kind": "status", "status": 503}}
    )
    url = f"{deployed.stack.api}/api/events/zuora"
    callout = {"url": url, "subscriptionNumber": number, "notificationId": fresh("notification")}

    for sent in (callout, {**callout, "preemptive": False}):
        answers = deployed.zuora("callouts", sent)["answers"]
        assert (answers[-1]["status"], answers[-1]["body"]) == (202, "{}")

    path = f"/api/objects/limio/subscriptions/{ids.subscription_id(number)}"
    until = time.monotonic() + 20 + DELIVERED_WITHIN
    while time.monotonic() < until:
        if (answer := deployed.api.send("GET", path)).ok:
            assert answer.json()["name"] == number
            return
        time.sleep(0.5)
    raise AssertionError(f"no subscription {number} came of its callout")


def fault_in_order(deployed: Deployed, number: str, action: dict[str, Any]) -> None:
    """The next time that an order in Zuora has this number in it, and for no other."""
    match = {"method": "POST", "path": "/v1/orders$", "body": number}
    deployed.zuora("faults", {"match": match, "times": 1, "action": action})


@exercise("commerce/provision_order")
@exercise("commerce/retry_order")
def carry_orders_out(deployed: Deployed) -> None:
    """One that Zuora does not answer at first; one that it refuses, and takes when asked again."""
    api = deployed.api
    external_id = fresh("faltering")
    reference = ids.reference(ids.derived("order", "order", "company", external_id))
    fault_in_order(deployed, reference, {"kind": "status", "status": 503})
    sold_by_acme(deployed, external_id=external_id)

    number = carried_out(deployed, "/api/order", order_body(api))["subscriptionReference"]
    fault_in_order(deployed, number, {"kind": "reasons", "codes": [53100030]})
    add_on = {"action": "add", "addOn": {"id": add_on_of_the_demo(api)}}
    change = {"order_type": "add_on", "forSubscription": {"name": number}, **add_on}
    refused = api.send("POST", "/api/order", {**change, "process_immediately": True})
    assert (refused.status_code, refused.json()["code"]) == (502, "provisioning_failed")
    id = refused.json()["id"]
    failed = api.call("GET", f"/api/order/{id}")
    assert (failed["status"], failed["error"]["step"]) == ("failed", "zuora_order")

    operator = api.operator_token()
    path = f"/api/admin/order/{id}/retry"
    retried = api.send("POST", path, {}, token=operator)
    assert retried.status_code == 202, retried.text
    assert api.send("POST", path, {}, token=operator).status_code == 409
    ended = reached(api, f"/api/order/{id}", "complete")
    assert [step["status"] for step in ended["process"]] == ["complete", "complete"]
    step = api.call("GET", f"/api/objects/limio/process/{ended['process'][0]['id']}")
    assert step["data"]["tries"]
    refuse_an_address(deployed, number)
    know_a_partner_from_before(deployed)


def refuse_an_address(deployed: Deployed, number: str) -> None:
    """The first one for deliveries: what the order had made of it goes with the order."""
    api, town = deployed.api, f"Town {fresh('')[:9]}"
    owner = api.call("GET", f"/api/objects/limio/subscriptions/{ids.subscription_id(number)}")[
        "owner"
    ]
    path = f"/api/objects/limio/address?owner={owner}"
    for known in api.call("GET", path)["items"]:
        if known["relationship_type"] == "delivery":
            boto3.client("dynamodb").delete_item(
                TableName=deployed.stack.outputs["CommerceTable"],
                Key={"pk": {"S": known["id"]}, "sk": {"S": known["id"]}},
            )
    match = {"method": "PUT", "path": "/v1/contacts", "body": town}
    refused = {"kind": "reasons", "codes": [53100020]}
    deployed.zuora("faults", {"match": match, "times": 1, "action": refused})
    change = {
        "order_type": "change_address",
        "forSubscription": {"name": number},
        "addressType": "delivery",
        "address": {"address1": "1 High St", "city": town, "country": "GB"},
    }

    placed = api.call("POST", "/api/order", change)

    reached(api, f"/api/order/{placed['id']}", "failed")
    # By now there may be that of Zuora again, which is read anew.
    assert town not in {one["data"].get("city") for one in api.call("GET", path)["items"]}


def know_a_partner_from_before(deployed: Deployed) -> None:
    """Made while Zuora was not connected, so its account's number is not known."""
    acme = deployed.stack.partners[0].id
    of_acme: dict[str, Any] = {
        "TableName": deployed.stack.outputs["PartnersTable"],
        "Key": {"pk": {"S": acme}, "sk": {"S": acme}},
    }
    table = boto3.client("dynamodb")
    table.update_item(
        **of_acme,
        UpdateExpression="REMOVE #data.zuoraAccountNumber",
        ExpressionAttributeNames={"#data": "data"},
    )

    sold_by_acme(deployed)

    row = table.get_item(**of_acme, ConsistentRead=True)["Item"]
    assert row["data"]["M"]["zuoraAccountNumber"] == {"S": demo.ACME.number}


def reached(api: Api, path: str, status: str, *, within: float = 60) -> dict[str, Any]:
    """The object once it has that status."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        found: dict[str, Any] = api.call("GET", path)
        if found["status"] == status:
            return found
        time.sleep(0.5)
    raise AssertionError(f"never {status}: {json.dumps(found)}")


@exercise("commerce/sweep_orders")
def take_up_a_lost_order(deployed: Deployed) -> None:
    """Its message was lost before anything was done."""
    api = deployed.api
    id = carried_out(deployed, "/api/order", order_body(api))["id"]
    past = clock.instant(clock.now() - timedelta(minutes=20))
    boto3.client("dynamodb").update_item(
        TableName=deployed.stack.outputs["CommerceTable"],
        Key={"pk": {"S": id}, "sk": {"S": id}},
        UpdateExpression="SET #status = :status, #provisioning.next_at = :past, due_pk = :pk,"
        " due_at = :past",
        ExpressionAttributeNames={"#status": "status", "#provisioning": "provisioning"},
        ExpressionAttributeValues={
            ":status": {"S": "processing"},
            ":past": {"S": past},
            ":pk": {"S": f"order#{int(id[-1], 16) % 8}"},
        },
    )

    boto3.client("lambda").invoke(FunctionName="tessera-dev-sweep_orders", Payload=b"{}")

    reached(api, f"/api/order/{id}", "complete")


@exercise("commerce/activate_changes")
def let_changes_take_effect(deployed: Deployed) -> None:
    """The offer has begun and the term is over, and no run has come by since."""
    api, table = deployed.api, deployed.stack.outputs["CommerceTable"]
    number = cpq_subscription(deployed)
    id = api.call("POST", f"/api/plugins/zuora/sync/subscription/{number}")["id"]
    (offer,) = api.call("GET", f"/api/objects/limio/subscriptions/{id}")["offers"]
    yesterday = (deployed.now() - timedelta(days=1)).date().isoformat()
    database = boto3.client("dynamodb")
    database.update_item(
        TableName=table,
        Key={"pk": {"S": id}, "sk": {"S": id}},
        UpdateExpression="SET #data.termEndDate = :day, due_at = :at",
        ConditionExpression="attribute_exists(due_pk)",
        ExpressionAttributeNames={"#data": "data"},
        ExpressionAttributeValues={":day": {"S": yesterday}, ":at": {"S": f"{yesterday}#{id}"}},
    )
    database.update_item(
        TableName=table,
        Key={"pk": {"S": id}, "sk": {"S": offer["id"]}},
        UpdateExpression="SET #status = :pending",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":pending": {"S": "pending"}},
    )

    for _ in range(2):  # what the dates say, then whether Zuora has renewed
        boto3.client("lambda").invoke(FunctionName="tessera-dev-activate_changes", Payload=b"{}")

    row = database.get_item(TableName=table, Key={"pk": {"S": id}, "sk": {"S": offer["id"]}})
    assert row["Item"]["status"] == {"S": "active"}
    until = time.monotonic() + DELIVERED_WITHIN
    while time.monotonic() < until:
        held = api.call("GET", f"/api/objects/limio/subscriptions/{id}")
        if held["data"]["termEndDate"] > yesterday:
            return
        time.sleep(0.5)
    raise AssertionError("the subscription was not read from Zuora again")


@exercise("commerce/list_own_subscriptions")
@exercise("identity/authorize_customer")
def look_at_ones_own(deployed: Deployed) -> None:
    api = deployed.api
    token = api.person_token(auth0(api), fresh("auth0|newcomer"))

    assert api.call("GET", "/api/mma/subscriptions", token=token) == {"items": []}


def sold_by_acme(deployed: Deployed, **detail: Any) -> dict[str, Any]:
    """An order of the demo's partner, carried out."""
    api, acme = deployed.api, deployed.stack.partners[0]
    token = api.partner_token(acme.users[0])
    (offer,) = api.call("GET", "/api/partner/offers?label=partner", token=token)["items"]
    item = {"offer": {"id": offer["id"]}}
    body = {"partner_org": acme.id, "orderItems": [item], "payment": None}
    return carried_out(deployed, "/api/order", order_body(api, **(body | detail)))


def carried_out(
    deployed: Deployed, path: str, body: dict[str, Any], *, token: str | None = None
) -> dict[str, Any]:
    done = deployed.api.send("POST", path, {**body, "process_immediately": True}, token=token)
    assert done.status_code in (200, 202), done.text
    placed: dict[str, Any] = done.json()
    if placed["status"] != "complete":  # in the time that a busy machine had for the answer
        reached(deployed.api, f"/api/order/{placed['id']}", "complete", within=120)
    return placed


def order_what_there_is(deployed: Deployed, path: str, token: str | None, number: str) -> None:
    """Of the types of order those that look at something else than the others do."""
    api = deployed.api

    def send(**body: Any) -> Any:
        return api.send("POST", path, body, token=token)

    names = {"firstName": "Ana", "lastName": "Ana"}
    subscription = {"forSubscription": {"name": number}}
    renamed = send(order_type="change_address", customerDetails=names, **subscription)
    assert renamed.ok, renamed.text
    unknown = {"id": uuid.uuid4().hex, "amount": "1.00"}
    assert send(order_type="pay_invoice", invoice=unknown).status_code == 404
    gone = send(order_type="update_subscription", checkoutId=fresh("basket"))
    assert (gone.status_code, gone.json()["code"]) == (410, "basket_gone")


@exercise("commerce/place_order")
@exercise("commerce/place_staff_order")
@exercise("commerce/preview_order")
@exercise("commerce/preview_staff_order")
def order_for_anybody(deployed: Deployed) -> None:
    api = deployed.api
    number = sold_by_acme(deployed)["subscriptionReference"]
    for path, token in (("/api/order", None), ("/api/admin/order", api.operator_token())):
        person = {"iss": auth0(api), "sub": fresh("auth0|buyer")}
        body = order_body(api, id_token=person)
        preview = api.call("POST", f"{path}/preview", body, token=token)
        assert (preview["dueNow"], preview["entitlements"]) == ("17.50", [{"code": "W2"}])
        placed = api.call("POST", path, body, token=token)
        assert placed["status"] == "submitted"
        refused = api.send("POST", path, order_body(api, partner_org="partner_org-0"), token=token)
        assert refused.json()["errors"][0]["field"] == "partner_org"
        order_what_there_is(deployed, path, token, number)
        order_what_there_is(deployed, f"{path}/preview", token, number)
        refused = api.send("POST", f"{path}/preview", {**body, "partner_org": "x"}, token=token)
        assert refused.status_code == 422
    twice(api, "/api/order", order_body(api), status=202)


def attached_subscription(deployed: Deployed) -> tuple[str, str]:
    """The number of a CPQ subscription, and the token of the person whose it is."""
    api, person = deployed.api, fresh("auth0|subscriber")
    number = cpq_subscription(deployed)
    owner = api.call("POST", f"/api/plugins/zuora/sync/subscription/{number}")["owner"]
    identity = {"id_token": {"iss": auth0(api), "sub": person}}
    api.call("POST", f"/api/objects/externalidentity/{owner}", identity)
    return number, api.person_token(auth0(api), person)


def add_on_of_the_demo(api: Api) -> str:
    items = api.call("GET", "/api/catalog/add-ons?limit=100")["items"]
    return str(next(one["id"] for one in items if one["name"] == "Priority support"))


@exercise("commerce/open_basket")
@exercise("commerce/change_basket")
@exercise("commerce/read_basket")
@exercise("commerce/place_own_order")
@exercise("commerce/preview_own_order")
@exercise("commerce/read_own_order")
@exercise("commerce/read_own_subscription")
def serve_oneself(deployed: Deployed) -> None:
    api, path = deployed.api, "/api/checkout/subscription"
    number, token = attached_subscription(deployed)
    held = ids.subscription_id(number)
    support = {"id": add_on_of_the_demo(api)}
    subscription = {"forSubscription": {"id": held}}

    opening = {"order": {"order_type": "update_subscription", "addOns": [support], **subscription}}
    basket = api.call("POST", path, opening, token=token)
    checkout = {"checkoutId": basket["checkoutId"]}
    chosen = {"orderItemActionType": "add", "type": "add_on", "offer": support, "quantity": 1}
    changed = api.call("PUT", path, {**checkout, **chosen}, token=token)
    assert changed["selection"]["addOns"][0]["id"] == support["id"]
    assert api.call("GET", path + f"?checkoutId={basket['checkoutId']}", token=token) == changed
    order_what_there_is(deployed, "/api/mma/order", token, number)
    placing = {"order_type": "update_subscription", **checkout}
    preview = api.call("POST", "/api/mma/order/preview", placing, token=token)
    assert {"code": "HELP"} in preview["entitlements"]
    order_what_there_is(deployed, "/api/mma/order/preview", token, number)
    placed = api.call("POST", "/api/mma/order", placing, token=token)
    assert api.call("GET", f"/api/mma/order/{placed['id']}", token=token)["id"] == placed["id"]
    shown = api.call("GET", f"/api/mma/subscriptions/{held}", token=token)
    assert [one["data"]["name"] for one in shown["addOns"]] == ["Priority support"]
    keep_names_of_a_partners_customer(deployed)
    for who_is_new in ("/api/mma/order", "/api/mma/order/preview", path):
        newcomer = api.person_token(auth0(api), fresh("auth0|newcomer"))
        refused = api.send("POST", who_is_new, opening, token=newcomer)
        assert refused.status_code in (404, 422)
    for method, query in (("PUT", ""), ("GET", f"?checkoutId={basket['checkoutId']}")):
        newcomer = api.person_token(auth0(api), fresh("auth0|newcomer"))
        body = {**checkout, **chosen} if method == "PUT" else None
        assert api.send(method, path + query, body, token=newcomer).status_code == 410


@exercise("commerce/make_default_payment_method")
def pay_by_another_card(deployed: Deployed) -> None:
    api = deployed.api
    number, token = attached_subscription(deployed)
    held = api.call("GET", f"/api/mma/subscriptions/{ids.subscription_id(number)}", token=token)
    account = held["data"]["zuora"]["accountNumber"]
    card = deployed.zuora("payment-methods", {"account": account})["id"]

    path = f"/api/mma/payment-methods/{card}/default"
    done = api.send("PUT", path, token=token)

    assert (done.status_code, done.json()["status"]) == (200, "complete"), done.text
    newcomer = api.person_token(auth0(api), fresh("auth0|newcomer"))
    assert api.send("PUT", path, token=newcomer).status_code == 404


def keep_names_of_a_partners_customer(deployed: Deployed) -> None:
    """By which its partner finds it, although the customer itself changed them."""
    api, person = deployed.api, fresh("auth0|reseller's customer")
    sold = sold_by_acme(deployed, id_token={"iss": auth0(api), "sub": person})
    renamed = {
        "order_type": "change_address",
        "forSubscription": {"name": sold["subscriptionReference"]},
        "customerDetails": {"firstName": "Ana", "lastName": "Ana"},
    }
    api.call("POST", "/api/mma/order", renamed, token=api.person_token(auth0(api), person))


@exercise("commerce/list_own_invoices")
@exercise("commerce/read_own_invoice_pdf")
@exercise("commerce/list_payment_methods")
@exercise("commerce/open_payment_form")
@exercise("commerce/remove_payment_method")
def look_after_ones_bills(deployed: Deployed) -> None:
    api, path = deployed.api, "/api/mma/payment-methods"
    number, token = attached_subscription(deployed)
    held = api.call("GET", f"/api/mma/subscriptions/{ids.subscription_id(number)}", token=token)
    account = held["data"]["zuora"]["accountNumber"]
    for size in (0, 5_000_000):
        bill = {"account": account, "amount": 12, "pdfBytes": size}
        large = deployed.zuora("invoices", bill)["invoice"]["id"]

    first = api.call("GET", "/api/mma/invoices?pageSize=1", token=token)
    more = f"/api/mma/invoices?pageSize=1&cursor={first['cursor']}"
    assert api.call("GET", more, token=token)["items"]
    kept_document(api, f"/api/mma/invoices/{large}/pdf", token)

    card, other = (deployed.zuora("payment-methods", {"account": account})["id"] for _ in range(2))
    methods = {one["data"]["zuora"]["refId"]: one["id"] for one in listed(api, path, token)}
    assert {*methods} == {card, other}
    for one in (card, other):  # what was named by an order is kept when it goes
        paid = api.send("PUT", f"{path}/{one}/default", token=token)
        assert paid.json()["status"] == "complete", paid.text
    gone = api.send("DELETE", f"{path}/{methods[card]}", token=token)
    assert gone.status_code == 204, gone.text
    removed = api.call("GET", f"/api/objects/limio/payment_methods/{methods[card]}")
    assert removed["status"] == "removed"
    newcomer = api.person_token(auth0(api), fresh("auth0|newcomer"))
    headers = {"Idempotency-Key": fresh("key")}
    for who, body in ((token, {"subscription": held["id"]}), (newcomer, {"currency": "GBP"})):
        for _ in range(2):
            form = api.send("POST", path, body, token=who, headers=headers)
            assert form.status_code == 201, form.text
            assert form.json()["params"]["signature"]


def listed(api: Api, path: str, token: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.call("GET", path, token=token)["items"]
    return items


def kept_document(api: Api, path: str, token: str) -> None:
    """A file too large for an answer, which is lent by a link."""
    lent = requests.get(
        f"{api.stack.api}{path}",
        headers={"Authorization": f"Bearer {token}"},
        allow_redirects=False,
        timeout=60,
    )
    assert lent.status_code == 302, lent.text
    document = requests.get(lent.headers["Location"], timeout=60)
    assert document.status_code == 200, document.text
    assert document.content.startswith(b"%PDF-")


@exercise("commerce/list_partner_invoices")
@exercise("commerce/read_partner_invoice_pdf")
def look_after_a_partners_bills(deployed: Deployed) -> None:
    """Of one whose customers are invoiced themselves."""
    api, borealis = deployed.api, deployed.stack.partners[1]
    token = api.partner_token(borealis.users[0])
    for size in (0, 5_000_000):
        bill = {"account": demo.BOREALIS.number, "amount": 12, "pdfBytes": size}
        large = deployed.zuora("invoices", bill)["invoice"]["id"]

    first = api.call("GET", "/api/partner/invoices?pageSize=1", token=token)
    more = f"/api/partner/invoices?pageSize=1&cursor={first['cursor']}"
    assert api.call("GET", more, token=token)["items"]
    of_nobody = f"/api/partner/invoices?customer={ids.customer_id(fresh('nobody'))}"
    assert api.send("GET", of_nobody, token=token).status_code == 404
    kept_document(api, f"/api/partner/invoices/{large}/pdf", token)
    another = f"/api/partner/invoices/{demo.HALDEN_PAID_INVOICE_ID}/pdf"
    assert api.send("GET", another, token=token).status_code == 404


@exercise("commerce/place_partner_order")
@exercise("commerce/preview_partner_order")
def sell_as_a_partner(deployed: Deployed) -> None:
    api, acme = deployed.api, deployed.stack.partners[0]
    token, path = api.partner_token(acme.users[0]), "/api/partner/order"
    (offer,) = api.call("GET", "/api/partner/offers?label=partner", token=token)["items"]
    body = order_body(api, orderItems=[{"offer": {"id": offer["id"]}}], payment=None)

    assert api.call("POST", f"{path}/preview", body, token=token)["currency"] == "GBP"
    sold = carried_out(deployed, path, body, token=token)
    read = api.call("GET", f"{path}/{sold['id']}", token=token)
    assert read["placed_by"]["kind"] == "partner"
    order_what_there_is(deployed, path, token, sold["subscriptionReference"])
    order_what_there_is(deployed, f"{path}/preview", token, sold["subscriptionReference"])
    checkout = "/api/partner/checkout/subscription"
    held = {"id": ids.subscription_id(sold["subscriptionReference"])}
    extra = add_on_for(deployed, acme.id)
    parts = [{"action": "add", "id": extra}]
    opening = {
        "order": {"order_type": "update_subscription", "forSubscription": held, "addOns": parts}
    }
    basket = api.call("POST", checkout, opening, token=token)
    query = f"?checkoutId={basket['checkoutId']}"
    assert api.call("GET", checkout + query, token=token)["checkoutId"] == basket["checkoutId"]
    placing = {"order_type": "update_subscription", "checkoutId": basket["checkoutId"]}
    placed = api.call("POST", path, placing, token=token)
    assert api.call("POST", path, placing, token=token)["id"] == placed["id"]
    assert api.send("DELETE", f"/api/catalog/add-ons/{extra}").status_code == 204


def add_on_for(deployed: Deployed, organisation: str) -> str:
    """One that only this partner can sell."""
    attributes = {
        "sales_channel__limio": ["Partner"],
        "eligible_partners__limio": [organisation],
        "compatible_products__limio": [{"$ref": "/products/Digital"}],
    }
    bundle = {"product": {"$ref": "/products/Support"}, "rate_plan": demo.SUPPORT_PLAN.id}
    item = {
        "name": fresh("Extra"),
        "status": "active",
        "data": {"productBundles": [bundle], "attributes": attributes},
    }
    return str(deployed.api.call("POST", "/api/catalog/add-ons", item)["id"])


@exercise("commerce/read_order")
def read_order(deployed: Deployed) -> None:
    placed = order(deployed.api)

    assert deployed.api.call("GET", f"/api/order/{placed['id']}")["id"] == placed["id"]


@exercise("commerce/read_entitlements")
@exercise("commerce/read_own_entitlements")
def ask_for_entitlements(deployed: Deployed) -> None:
    api = deployed.api
    person = fresh("auth0|reader")
    body = order_body(api, id_token={"iss": auth0(api), "sub": person})
    owner = carried_out(deployed, "/api/order", body)["owner"]

    by_owner = api.send("GET", f"/api/entitlements?owner={owner}")
    by_identity = api.send("GET", "/api/entitlements", params={"iss": auth0(api), "sub": person})
    own = api.call("GET", "/api/mma/entitlements", token=api.person_token(auth0(api), person))
    tag = {"If-None-Match": by_owner.headers["ETag"]}
    again = api.send("GET", f"/api/entitlements?owner={owner}", headers=tag)

    assert by_owner.json()["entitlements"]
    assert by_owner.json() == by_identity.json() == own
    assert (again.status_code, again.content) == (304, b"")
    newcomer = api.person_token(auth0(api), fresh("auth0|newcomer"))
    assert api.call("GET", "/api/mma/entitlements", token=newcomer)["entitlements"] == []


@exercise("commerce/read_object")
@exercise("commerce/list_objects")
def look_at_objects(deployed: Deployed) -> None:
    api = deployed.api
    owner = order(api)["owner"]
    objects = "/api/objects/limio"

    (subscription,) = api.call("GET", f"{objects}/subscriptions?owner={owner}")["items"]
    assert api.call("GET", f"{objects}/subscriptions/{subscription['id']}") == subscription
    (offer,) = subscription["offers"]
    assert api.call("GET", f"{objects}/subscription_offers/{offer['id']}") == offer
    (entitled,) = api.call("GET", f"{objects}/user_entitlements?owner={owner}")["items"]
    assert api.call("GET", f"{objects}/user_entitlements/{entitled['id']}") == entitled
    event, *_ = api.call("GET", f"{objects}/events?owner={owner}")["items"]
    assert api.call("GET", f"{objects}/events/{event['id']}") == event

    first = api.call("GET", f"{objects}/subscriptions?limit=1")
    more = first.get("queryMore", "")
    assert not more or api.call("GET", f"{objects}/subscriptions?limit=1&queryMore={more}")["items"]
    assert api.call("GET", f"{objects}/events?limit=1")["items"]
    nobody = f"partner_org-{uuid.uuid4().hex}"
    assert api.call("GET", f"{objects}/orders?partner_org={nobody}")["items"] == []


@exercise("identity/detach_identity")
def detach(deployed: Deployed) -> None:
    api = deployed.api
    owner = order(api, id_token={"iss": auth0(api), "sub": fresh("auth0|leaver")})["owner"]
    path = f"/api/objects/externalidentity/{owner}"
    (identity,) = logins(api, path)

    assert api.send("DELETE", f"{path}/{identity}").status_code == 204
    assert logins(api, path) == []


@exercise("identity/attach_identity")
@exercise("identity/list_identities")
def attach(deployed: Deployed) -> None:
    api = deployed.api
    owner = order(api)["owner"]
    path = f"/api/objects/externalidentity/{owner}"
    token = {"id_token": {"iss": auth0(api), "sub": fresh("auth0|person")}}

    attached = twice(api, path, token, status=200)

    assert attached["data"]["service"] == "auth0"
    assert logins(api, path) == [attached["id"]]


def logins(api: Api, path: str) -> list[str]:
    """Without the account in Salesforce, which an order attaches as soon as it is there."""
    listed = api.call("GET", path)["items"]
    return [one["id"] for one in listed if one["data"]["service"] != "salesforce"]


@exercise("catalog/create_item")
@exercise("catalog/list_items")
@exercise("catalog/read_item")
@exercise("catalog/replace_item")
@exercise("catalog/archive_item")
def keep_a_catalog(deployed: Deployed) -> None:
    api = deployed.api
    name = fresh("Offer")
    deployed.zuora("state", {"catalogue": {RATE_PLAN["id"]: RATE_PLAN}}, "PATCH")
    bundle = {"product": {"$ref": "/products/Digital"}, "rate_plan": RATE_PLAN["id"]}
    attributes = {
        "label__limio": ["e2e"],
        "sales_channel__limio": ["Partner"],
        "eligible_partners__limio": ["partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"],
    }
    offer = {"name": name, "data": {"productBundles": [bundle], "attributes": attributes}}
    made = twice(api, "/api/catalog/offers", offer, status=201)
    path = f"/api/catalog/offers/{made['id']}"
    assert api.call("GET", path)["name"] == name
    attributes["label__limio"] = ["e2e-changed"]
    assert api.call("PUT", path, offer)["version"] != made["version"]
    first = api.call("GET", "/api/catalog/offers?limit=1")
    assert api.call("GET", f"/api/catalog/offers?limit=1&queryMore={first['queryMore']}")["items"]
    assert api.send("DELETE", path).status_code == 204
    assert api.call("GET", path)["status"] == "archived"
    keep_a_page(api)


def keep_a_page(api: Api) -> None:
    """It cannot have the address of an installed page; once archived, it gives up its own."""
    page = {"name": fresh("Page"), "kind": "checkout", "authentication": "customer"}
    installed = {**page, "slug": "/billing"}
    assert api.send("POST", "/api/catalog/pages", installed).status_code == 409
    made = api.call("POST", "/api/catalog/pages", {**page, "slug": f"/{fresh('page')}"})
    path = f"/api/catalog/pages/{made['id']}"
    assert api.send("PUT", path, installed).status_code == 409
    assert api.send("DELETE", path).status_code == 204


def organisation(api: Api, **detail: Any) -> str:
    """A partner organisation of its own; its id."""
    body = {
        "name": fresh("Reseller"),
        "zuoraAccountId": demo.ACME.number,
        "isZuoraInvoiceOwner": True,
        "salesforceAccountId": demo.ACME.salesforce_id,
    }
    made = twice(api, "/api/partner-organisation", {**body, **detail}, status=201)
    return str(made["id"])


@exercise("partners/create_organisation")
@exercise("partners/list_organisations")
@exercise("partners/read_organisation")
@exercise("partners/change_organisation")
@exercise("partners/archive_organisation")
def keep_organisations(deployed: Deployed) -> None:
    api = deployed.api
    path = f"/api/partner-organisation/{organisation(api)}"

    made = api.call("GET", path)
    assert made["data"]["zuoraAccountId"] == demo.ACME.id
    assert made["data"]["zuoraCurrency"] == "GBP"
    assert api.call("PATCH", path, {"name": "Renamed"})["name"] == "Renamed"
    first = api.call("GET", "/api/partner-organisations?limit=1")
    more = api.call("GET", f"/api/partner-organisations?limit=1&queryMore={first['queryMore']}")
    assert more["items"] != first["items"]
    assert api.send("DELETE", path).status_code == 204
    assert api.call("GET", path)["status"] == "archived"


@exercise("partners/create_user")
@exercise("partners/list_users")
@exercise("partners/change_user")
@exercise("partners/invite_user")
@exercise("partners/remove_user")
def keep_partner_users(deployed: Deployed) -> None:
    """An old login of the e-mail is in the way; and a pool that refuses leaves nothing here."""
    api, pool = deployed.api, deployed.stack.outputs["PartnersPoolId"]
    cognito = boto3.client("cognito-idp")
    path = f"/api/partner-organisation/{organisation(api)}"
    email = f"{uuid.uuid4().hex}@partner.example"
    cognito.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS")
    refuses_all = {"PasswordPolicy": {"MinimumLength": 99}}
    takes_all = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]["Policies"]
    cognito.update_user_pool(UserPoolId=pool, Policies=refuses_all)  # type: ignore[arg-type]
    try:
        refused = api.send("POST", path, {"email": f"other-{email}"})
    finally:
        cognito.update_user_pool(UserPoolId=pool, Policies=takes_all)
    assert (refused.status_code, refused.json()["code"]) == (502, "cognito_failed")

    user = twice(api, path, {"email": email}, status=201)

    colleague = api.call("POST", path, {"email": f"colleague-{email}"})
    first = api.call("GET", f"{path}/users?limit=1")
    rest = api.call("GET", f"{path}/users?limit=1&queryMore={first['queryMore']}")
    listed = {one["id"]: one["status"] for one in (*first["items"], *rest["items"])}
    assert listed == {user["id"]: "active", colleague["id"]: "active"}
    one = f"{path}/users/{user['id']}"
    assert api.call("PATCH", one, {"name": "Renamed"})["name"] == "Renamed"
    assert twice(api, f"{one}/invitation", {}, status=202)["id"] == user["id"]
    assert api.send("DELETE", one).status_code == 204
    assert [one["id"] for one in api.call("GET", f"{path}/users")["items"]] == [colleague["id"]]


@exercise("partners/reconcile_users")
def finish_what_was_left(deployed: Deployed) -> None:
    """One was left without a login, one with somebody's old one, one half removed."""
    api, outputs = deployed.api, deployed.stack.outputs
    cognito, pool = boto3.client("cognito-idp"), outputs["PartnersPoolId"]
    path = f"/api/partner-organisation/{organisation(api)}"
    emails = [f"{uuid.uuid4().hex}@partner.example" for _ in range(3)]
    users = [api.call("POST", path, {"email": email}) for email in emails]
    cognito.admin_delete_user(UserPoolId=pool, Username=emails[0])
    for user, status, created in (
        (users[0], "inviting", "2020-01-01T00:00:00.000Z"),
        (users[1], "inviting", "2999-01-01T00:00:00.000Z"),
        (users[2], "removing", "2020-01-01T00:00:00.000Z"),
    ):
        leave(deployed, user, status, created)

    boto3.client("lambda").invoke(FunctionName="tessera-dev-reconcile_users", Payload=b"{}")

    left = {one["id"]: one["status"] for one in api.call("GET", f"{path}/users")["items"]}
    assert left == {users[0]["id"]: "active", users[1]["id"]: "active"}
    known = cognito.list_users(UserPoolId=pool, Limit=60)["Users"]
    addresses = {a["Value"] for one in known for a in one["Attributes"] if a["Name"] == "email"}
    assert addresses & set(emails) == set(emails[:2])


def leave(deployed: Deployed, user: dict[str, Any], status: str, created: str) -> None:
    """As a process leaves it that dies in the middle, long ago."""
    boto3.client("dynamodb").update_item(
        TableName=deployed.stack.outputs["PartnersTable"],
        Key={"pk": {"S": user["partner_org"]}, "sk": {"S": user["id"]}},
        UpdateExpression="SET #s = :status, created = :created, lookup_pk = :left, lookup_sk = :at",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={
            ":status": {"S": status},
            ":created": {"S": created},
            ":left": {"S": "unfinished"},
            ":at": {"S": "2020-01-01T00:00:00.000Z"},
        },
    )


@exercise("partners/add_organisation_claim")
@exercise("partners/list_partner_offers")
@exercise("partners/list_customers")
@exercise("partners/read_customer")
@exercise("partners/list_customer_subscriptions")
@exercise("partners/read_customer_subscription")
@exercise("partners/read_partner_order")
def look_as_a_partner(deployed: Deployed) -> None:
    api, acme = deployed.api, deployed.stack.partners[0]
    token = api.partner_token(acme.users[0])

    def read(path: str) -> Any:
        return api.call("GET", path, token=token)

    (offer,) = read("/api/partner/offers?label=partner")["items"]
    item = {"offer": {"id": offer["id"]}}
    order(api, partner_org=acme.id, orderItems=[item], payment=None)
    placed = order(api, partner_org=acme.id, orderItems=[item, item], payment=None)

    for list_of, searched in (
        ("customer?limit=1", "filter=lop"),
        (f"subscriptions?limit=1&owner={placed['owner']}", ""),
    ):
        first = read(f"/api/partner/{list_of}&{searched}")
        more = f"queryMore={first['queryMore']}"
        rest = read(f"/api/partner/{list_of}&{searched}&{more}")
        assert rest["items"][0]["id"] != first["items"][0]["id"]
    assert placed["customer"] in [one["id"] for one in read("/api/partner/customer")["items"]]
    assert read(f"/api/partner/customer/{placed['customer']}")["owner"] == placed["owner"]
    held, _ = read(f"/api/partner/subscriptions?owner={placed['owner']}")["items"]
    assert read(f"/api/partner/subscriptions/{held['id']}")["id"] == held["id"]
    assert read(f"/api/partner/order/{placed['id']}")["partner_org"] == acme.id


@exercise("webhooks/create_endpoint")
@exercise("webhooks/list_endpoints")
@exercise("webhooks/read_endpoint")
def keep_endpoints(deployed: Deployed) -> None:
    api = deployed.api
    wanted = {"url": deployed.inbox("unused").url, "types": ["owner.merged"]}

    made = twice(api, "/api/webhooks/endpoints", wanted, status=201)

    assert made["secret"].startswith("whsec_")
    assert "secret" not in api.call("GET", f"/api/webhooks/endpoints/{made['id']}")
    listed = api.call("GET", "/api/webhooks/endpoints?pageSize=1")
    assert len(listed["items"]) == 1
    assert api.call("GET", f"/api/webhooks/endpoints?pageSize=1&cursor={listed['cursor']}")


@exercise("webhooks/publish_events")
@exercise("webhooks/fan_out_event")
@exercise("webhooks/send_deliveries")
@exercise("webhooks/read_delivery")
def deliver(deployed: Deployed) -> None:
    """The first attempt fails, so that a hint to the slow lane is needed as well."""
    api, inbox = deployed.api, deployed.inbox(fresh("flaky"))
    made = endpoint_at(api, inbox, types=["entitlements.updated"], waits=[5] * 10)
    event = failing_order(api, inbox)

    inbox.behave(mode="answer")

    delivery = settled(api, event, made["id"])
    assert delivery["state"] == "delivered"
    outcomes = {one["n"]: one["outcome"] for one in delivery["attempts"]}
    assert outcomes[1] == "http_error"
    come_out_of_the_archive(deployed, event)
    be_found_open(deployed, event)
    inbox.behave(mode="answer", status=410)
    order(api)
    disabled(api, made["id"])


def be_found_open(deployed: Deployed, event: str) -> None:
    """As an event that was published by a function which then died, before it could say so."""
    of_event: dict[str, Any] = {
        "TableName": deployed.stack.outputs["EventsTable"],
        "Key": {"pk": {"S": event}, "sk": {"S": "EVENT"}},
    }
    table = boto3.client("dynamodb")
    table.update_item(
        **of_event,
        UpdateExpression="SET #open = :shard, open_at = :past",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues={":shard": {"N": "0"}, ":past": {"N": "1"}},
    )

    boto3.client("lambda").invoke(FunctionName="tessera-dev-publish_events", Payload=b"{}")

    eventually(lambda: "open" not in table.get_item(**of_event, ConsistentRead=True)["Item"])


def come_out_of_the_archive(deployed: Deployed, event: str) -> None:
    """An event of some days ago is on the bus again, and was fanned out already."""
    found = Outbox(deployed.stack.outputs["EventsTable"]).find(event, now=clock.now())
    assert found is not None
    old = found.model_copy(update={"created_at": found.created_at - timedelta(days=2)})
    record = {"messageId": fresh("message"), "body": compact_json(old.wire())}

    answer = boto3.client("lambda").invoke(
        FunctionName="tessera-dev-fan_out_event", Payload=json.dumps({"Records": [record]})
    )

    assert json.load(answer["Payload"]) == {"batchItemFailures": []}


def disabled(api: Api, endpoint: str, *, meanwhile: Callable[[], None] | None = None) -> None:
    """Waits until the engine has switched it off.

    `meanwhile` is done again and again: another event may be accepted at the same time.
    """
    until = time.monotonic() + 150
    while api.call("GET", f"/api/webhooks/endpoints/{endpoint}")["status"] != "disabled":
        assert time.monotonic() < until
        if meanwhile is not None:
            meanwhile()
        time.sleep(1)


@exercise("webhooks/sweep_deliveries")
def heal(deployed: Deployed) -> None:
    """A delivery whose sender died between claiming it and writing its attempt down."""
    api, inbox = deployed.api, deployed.inbox(fresh("healed"))
    made = endpoint_at(api, inbox, types=["entitlements.updated"], waits=[86_400])
    event = failing_order(api, inbox)
    inbox.behave(mode="answer")
    lose_the_sender(deployed, event, made["id"])

    delivery = settled(api, event, made["id"], within=150)

    assert delivery["state"] == "delivered"
    outcomes = {one["n"]: one["outcome"] for one in delivery["attempts"]}
    assert outcomes == {1: "http_error", 2: "lost", 3: "delivered"}
    inbox.behave(mode="answer", status=503)
    now = clock.now()
    disabled(api, made["id"], meanwhile=lambda: fail_for_days(deployed, made["id"], now))


@exercise("webhooks/sweep_deliveries")
def carry_a_replay_out(deployed: Deployed) -> None:
    api, inbox = deployed.api, deployed.inbox(fresh("replayed"))
    made = endpoint_at(api, inbox, types=["entitlements.updated"])
    event = entitlements(inbox, order(api)["subscriptionReference"])[0]["headers"]["webhook-id"]
    settled(api, event, made["id"])

    wanted = {"states": ["delivered"], "from": "2020-01-01T00:00:00.000Z"}
    job = api.call("POST", f"/api/webhooks/endpoints/{made['id']}/replays", wanted)

    again = inbox.deliveries(at_least=2, within=150, id=event)
    assert [one["headers"].get("tessera-replay") for one in again] == [None, "1"]
    done = api.call("GET", f"/api/webhooks/endpoints/{made['id']}/replays/{job['id']}")
    assert (done["state"], done["done"]) == ("finished", done["matched"])


def fail_for_days(deployed: Deployed, endpoint: str, now: datetime) -> None:
    """What is left of an endpoint's health after a week without a success."""
    boto3.client("dynamodb").update_item(
        TableName=deployed.stack.outputs["WebhooksTable"],
        Key={"pk": {"S": "ENDPOINTS"}, "sk": {"S": f"{endpoint}#HEALTH"}},
        UpdateExpression="SET failures = :many, failing_since = :since, last_failure_at = :last",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={
            ":many": {"N": "100"},
            ":since": {"S": clock.instant(now - timedelta(days=7))},
            ":last": {"S": clock.instant(now)},
        },
    )


def lose_the_sender(deployed: Deployed, event: str, endpoint: str) -> None:
    """What a sender leaves that died after its claim: counted, claimed, and no attempt."""
    now = int(time.time() * 1000)
    boto3.client("dynamodb").update_item(
        TableName=deployed.stack.outputs["WebhooksTable"],
        Key={"pk": {"S": event}, "sk": {"S": f"D#{endpoint}"}},
        UpdateExpression="SET attempts = :two, claimed_until = :past, next_due = :past",
        ConditionExpression="attempts = :one",
        ExpressionAttributeValues={
            ":one": {"N": "1"},
            ":two": {"N": "2"},
            ":past": {"N": f"{now - 1000}"},
        },
    )


def settled(api: Api, event: str, endpoint: str, *, within: float = 150) -> dict[str, Any]:
    """The delivery once it has ended, which is a moment after the receiver has answered."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        path = f"/api/webhooks/deliveries/{event}/{endpoint}"
        delivery: dict[str, Any] = api.call("GET", path)
        if delivery["state"] != "pending":
            return delivery
        time.sleep(0.5)
    raise AssertionError(f"still pending: {json.dumps(delivery)}")


@exercise("webhooks/change_endpoint")
@exercise("webhooks/rotate_secret")
@exercise("webhooks/reveal_secret")
@exercise("webhooks/delete_endpoint")
def keep_an_endpoint_up_to_date(deployed: Deployed) -> None:
    api = deployed.api
    made = endpoint_at(api, deployed.inbox("unused"), types=["owner.merged"])
    path = f"/api/webhooks/endpoints/{made['id']}"
    login = {"kind": "bearer", "token": "t0ken"}
    change = {"version": made["version"], "description": "moved", "auth": login}
    assert api.call("PATCH", path, change)["description"] == "moved"
    rotated = twice(api, f"{path}/rotate-secret", {"overlap": 3600}, status=200)
    operator = api.operator_token()
    revealed = api.call("POST", f"{path}/reveal-secret", {}, token=operator)
    assert rotated["secret"] in json.dumps(revealed)
    assert api.send("DELETE", path).status_code == 204


@exercise("webhooks/pause_endpoint")
@exercise("webhooks/resume_endpoint")
@exercise("webhooks/send_test")
def hold_an_endpoint(deployed: Deployed) -> None:
    api, inbox = deployed.api, deployed.inbox(fresh("held"))
    made = endpoint_at(api, inbox, types=["owner.merged"])
    path = f"/api/webhooks/endpoints/{made['id']}"
    assert api.call("POST", f"{path}/pause")["status"] == "paused"
    api.call("POST", f"{path}/test", {"type": "entitlements.updated"})
    (delivery,) = inbox.deliveries(at_least=1, within=DELIVERED_WITHIN)
    assert delivery["headers"]["tessera-test"] == "true"
    assert api.call("POST", f"{path}/resume", {"discard": True})["status"] == "active"


@exercise("webhooks/list_hosts")
@exercise("webhooks/put_host")
@exercise("webhooks/delete_host")
def keep_host_credentials(deployed: Deployed) -> None:
    api = deployed.api
    hosts = [f"{uuid.uuid4().hex}.example.com" for _ in range(2)]
    login = {"user": "tessera", "password": "p4ss"}
    for host in hosts:
        assert api.send("PUT", f"/api/webhooks/hosts/{host}", login).ok
    listed = api.call("GET", "/api/webhooks/hosts?pageSize=100")
    assert "p4ss" not in json.dumps(listed)
    assert set(hosts) <= {one["host"] for one in listed["items"]}
    first = api.call("GET", "/api/webhooks/hosts?pageSize=1")
    assert api.call("GET", f"/api/webhooks/hosts?pageSize=1&cursor={first['cursor']}")["items"]
    for host in hosts:
        assert api.send("DELETE", f"/api/webhooks/hosts/{host}").status_code == 204


@exercise("webhooks/list_events")
@exercise("webhooks/read_event")
@exercise("webhooks/list_deliveries")
@exercise("webhooks/replay_delivery")
@exercise("webhooks/cancel_delivery")
@exercise("webhooks/replay_deliveries")
@exercise("webhooks/read_replay")
@exercise("webhooks/recover_deliveries")
def look_after_deliveries(deployed: Deployed) -> None:
    api, inbox = deployed.api, deployed.inbox(fresh("operated"))
    made = endpoint_at(api, inbox, types=["entitlements.updated"])
    placed = order(api)
    event = entitlements(inbox, placed["subscriptionReference"])[0]["headers"]["webhook-id"]
    settled(api, event, made["id"])
    endpoint = f"/api/webhooks/endpoints/{made['id']}"

    told = api.call("GET", f"/api/webhooks/events?owner={placed['owner']}")["items"]
    assert event in [one["id"] for one in told]
    assert api.call("GET", "/api/webhooks/events?pageSize=1")["cursor"]
    assert api.call("GET", f"/api/webhooks/events/{event}")["deliveries"]
    # The order may have told more by now: Salesforce's account becomes a login of the owner.
    arrived = api.call("GET", f"{endpoint}/deliveries?state=delivered")["items"]
    assert event in [one["event"] for one in arrived]
    failed = api.call("GET", f"{endpoint}/deliveries?state=exhausted")
    assert failed["items"] == []

    delivery = f"/api/webhooks/deliveries/{event}/{made['id']}"
    api.call("POST", f"{delivery}/replay")
    again = inbox.deliveries(at_least=2, within=DELIVERED_WITHIN, id=event)
    assert again[-1]["headers"]["tessera-replay"] == "1"
    settled(api, event, made["id"])
    assert api.send("POST", f"{delivery}/cancel").status_code == 409
    cancel = f"/api/webhooks/deliveries/{failing_order(api, inbox)}/{made['id']}/cancel"
    assert api.call("POST", cancel)["state"] == "cancelled"
    page = api.call("GET", f"{endpoint}/deliveries?pageSize=1")
    more = f"{endpoint}/deliveries?pageSize=1&cursor={page['cursor']}"
    assert api.call("GET", more)["items"] != page["items"]

    dry = {"states": ["delivered"], "from": "2020-01-01T00:00:00.000Z", "dry_run": True}
    assert api.call("POST", f"{endpoint}/replays", dry)["matched"] >= 1
    job = api.call("POST", f"{endpoint}/replays", {**dry, "dry_run": False})
    assert api.call("GET", f"{endpoint}/replays/{job['id']}")["id"] == job["id"]
    none = api.call("POST", f"{endpoint}/replays", {**dry, "states": ["exhausted"]})
    assert none == {"matched": 0, "more": False}
    since = {"since": "2026-01-01T00:00:00.000Z"}
    assert api.call("POST", f"{endpoint}/recover", {**since, "dry_run": True})["matched"] == 0
    assert api.call("POST", f"{endpoint}/recover", since)["kind"] == "recover"


@exercise("pages/api_document")
@exercise("pages/reference")
def read_about_the_api(deployed: Deployed) -> None:
    told = deployed.api.send("GET", "/openapi.json", token="").json()
    assert told["openapi"].startswith("3.1")
    page = deployed.api.send("GET", "/reference", token="")
    assert all(path in page.text for path in told["paths"])


@exercise("pages/assets")
@exercise("pages/sign_in")
@exercise("pages/home")
def work_in_the_console(deployed: Deployed) -> None:
    """Sign in, be away for two minutes, come back, sign out."""
    pages = session.operator(deployed)
    home = pages.get("/settings").text
    assert "could not be read just now" not in home  # each source has its own grant
    (stylesheet,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', home)
    assert "immutable" in pages.get(stylesheet).headers["Cache-Control"]
    session.age(deployed, pages, "operator", seen=clock.now() - timedelta(minutes=2))
    assert pages.get("/settings").status_code == 200

    token = session.hidden(home, "csrf_token")
    left = pages.send("/auth/operator/sign-out", csrf_token=token)
    assert (left.status_code, "__Host-operator" in pages.cookies) == (303, False)
    assert "You are signed out" in pages.follow(left).text
    assert pages.get("/settings").headers["Location"].startswith("/auth/operator")
    assert pages.get("/auth/customer").status_code == 200


@exercise("pages/partners")
def look_after_partners_in_the_console(deployed: Deployed) -> None:
    pages = session.operator(deployed)
    home = "/settings/profile/partners"
    assert pages.get(f"{home}?at=none").status_code == 400
    fields = {
        "name": fresh("Partner"),
        "zuoraAccountId": demo.ACME.id,
        "salesforceAccountId": str(demo.ACME.salesforce_id),
        "isZuoraInvoiceOwner": "partner",
    }
    assert pages.post(f"{home}/new", **{**fields, "name": ""}).status_code == 422
    at = pages.post(f"{home}/new", **fields).headers["Location"]
    assert fields["name"] in pages.get(home).text
    assert pages.post(f"{at}/edit", name="Renamed", logo="").status_code == 303

    email = f"{fresh('ann')}@acme.example"
    assert pages.post(f"{at}/users/new", name="Ann", email=email).status_code == 303
    shown = pages.get(at).text
    (user,) = set(re.findall(r"/users/(partner_user-[0-9a-f]{32})/edit", shown))
    assert pages.post(f"{at}/users/{user}/edit", name="Anna").status_code == 303
    keys = {"csrf_token": session.hidden(shown, "csrf_token"), "form_key": fresh("form")}
    assert pages.send(f"{at}/users/{user}/invitation", **keys).status_code == 303
    assert pages.post(f"{at}/users/{user}/remove").status_code == 303
    assert pages.post(f"{at}/archive").status_code == 303
    session.age(deployed, pages, "operator", seen=clock.now() - timedelta(hours=1))
    assert "parked=" in pages.send(f"{home}/new", **keys).headers["Location"]


@exercise("pages/catalog")
def keep_the_catalog_in_the_console(deployed: Deployed) -> None:
    pages = session.operator(deployed)
    home = "/settings/catalog"
    assert pages.get(f"{home}/offers?at=none").status_code == 400
    name = fresh("Console")
    assert pages.post(f"{home}/entitlements/new", name="", label="").status_code == 422
    ent = pages.post(f"{home}/entitlements/new", name=name, label="L").headers["Location"]
    assert pages.form(ent, code=fresh("C")).status_code == 303
    product = pages.post(f"{home}/products/new", name=name).headers["Location"]
    ticked = pages.form(f"{product}/entitlements", entitlements=ent.rpartition("/")[2])
    assert ticked.status_code == 303
    offer = pages.post(f"{home}/offers/new", name=name).headers["Location"]
    changes = {
        "data.productBundles[0].product": product.rpartition("/")[2],
        "data.productBundles[0].rate_plan": plan_of_its_own(deployed),
        "data.attributes.label__limio": "console",
    }
    assert pages.form(offer, **changes, status="active").status_code == 303
    assert pages.form(offer, **{"data.attributes.label__limio": "other"}).status_code == 303
    shown = pages.get(offer).text
    assert ">Active<" in shown
    assert pages.post(f"{offer}/archive").status_code == 303
    token = session.hidden(shown, "csrf_token")
    session.age(deployed, pages, "operator", seen=clock.now() - timedelta(hours=1))
    assert "parked=" in pages.send(offer, csrf_token=token).headers["Location"]


@exercise("pages/page_settings")
def arrange_pages_in_the_console(deployed: Deployed) -> None:
    pages = session.operator(deployed)
    home = "/settings/pages"
    slug = f"/{fresh('page')}"
    fields = {
        "name": fresh("Page"),
        "kind": "pricing",
        "slug": slug,
        "require_authentication": "yes",
        "authentication": "partner",
        "label": "partner",
    }
    taken = pages.post(f"{home}/new", **{**fields, "slug": "/billing"})
    assert taken.status_code == 422
    made = pages.post(f"{home}/new", **fields).headers["Location"]
    assert pages.form(made, slug=f"{slug}-2", status="active").status_code == 303
    partner = deployed.stack.partners[0]
    assert "Acme" in pages.get(f"{made}/view-as?partner={partner.id}").text
    shown = pages.get(home).text
    assert f"{slug}-2" in shown
    assert pages.post(f"{made}/archive").status_code == 303
    token = session.hidden(shown, "csrf_token")
    session.age(deployed, pages, "operator", seen=clock.now() - timedelta(hours=1))
    assert "parked=" in pages.send(made, csrf_token=token).headers["Location"]


@exercise("pages/site")
def visit_the_partner_pages(deployed: Deployed) -> None:
    pages = session.partner(deployed, deployed.stack.partners[0], "/partner/offers")
    session.age(deployed, pages, "partner", seen=clock.now() - timedelta(minutes=2))
    offers = pages.get("/partner/offers")
    assert offers.status_code == 200
    assert "/partner-checkout?offer=offer-" in offers.text

    about = sold_on_a_page(deployed, pages, offers.text)
    look_after_on_pages(deployed, pages, about)

    token = session.hidden(offers.text, "csrf_token")
    keys = {"csrf_token": token, "form_key": fresh("form")}
    assert pages.send("/partner/offers", **keys, component="none").status_code == 404
    session.age(deployed, pages, "partner", seen=clock.now() - timedelta(hours=3))
    assert "parked=" in pages.send("/partner/offers", **keys).headers["Location"]


def sold_on_a_page(deployed: Deployed, pages: session.Pages, offers: str) -> str:
    """The page about a customer who has bought, carried out."""
    (offer, *_) = re.findall(r'href="(/partner-checkout\?offer=[^"]+)"', offers)
    form = pages.get(offer).headers["Location"]
    person = {"firstName": "Ana", "lastName": "Lopes", "email": "ana@example.com"}
    home = {"address1": "1 High St", "city": "Leeds", "postalCode": "LS1 4AP", "country": "GB"}
    placed = pages.post(
        form,
        component="checkout",
        **{f"customerDetails.{name}": value for name, value in person.items()},
        **{f"billingDetails.{name}": value for name, value in home.items()},
    )
    assert placed.status_code == 303, placed.text
    order = placed.headers["Location"]
    reached(deployed.api, f"/api/order/{order.partition('order=')[2]}", "complete", within=120)
    shown = unescape(pages.get(order).text)
    (about,) = set(re.findall(r'href="(/subscriptions\?owner=[^"&]+)"', shown))
    return str(about)


def look_after_on_pages(deployed: Deployed, pages: session.Pages, about: str) -> None:
    """Find the customer, look at bills, and be about to leave."""
    assert about in pages.get("/partner").text
    assert "View" in pages.get("/partner?tab=customers&q=ana").text
    for size in (0, 5_000_000):
        bill = {"account": demo.ACME.number, "amount": 12, "pdfBytes": size}
        large = deployed.zuora("invoices", bill)["invoice"]["id"]
    # A page gives up on Zuora after three seconds, which is little on a busy machine.
    eventually(lambda: "Download PDF" in pages.get("/partner?tab=invoices").text)
    lent = pages.get(f"/partner?tab=invoices&pdf={large}")
    assert lent.status_code == 302
    assert requests.get(lent.headers["Location"], timeout=60).content.startswith(b"%PDF-")

    shown = unescape(pages.get(about).text)
    flows = dict(re.findall(r'href="([^"]+&do=(?:update|cancel)&[^"]+)"[^>]*>(\w+)', shown))
    (cancel,) = [address for address, word in flows.items() if word == "Cancel"]
    component = {"component": "subscriptions"}
    why = pages.post(cancel, **component, step="reason", reason="other").headers["Location"]
    assert pages.get(why).status_code == 200


@exercise("pages/site")
def look_after_oneself_on_pages(deployed: Deployed) -> None:
    """A customer sees what is due and was paid, opens the card form, moves, changes, may leave."""
    api, person = deployed.api, fresh("auth0|page")
    number = cpq_subscription(deployed)
    synced = api.call("POST", f"/api/plugins/zuora/sync/subscription/{number}")
    token = {"id_token": {"iss": auth0(api), "sub": person}}
    api.call("POST", f"/api/objects/externalidentity/{synced['owner']}", token)
    held = api.call("GET", f"/api/objects/limio/subscriptions/{synced['id']}")
    account = held["data"]["zuora"]["accountNumber"]
    bills = [
        deployed.zuora("invoices", {"account": account, "amount": 12, "pdfBytes": size})
        for size in (5_000_000, *[0] * 40)
    ]
    large = bills[0]["invoice"]["id"]
    deployed.zuora("payment-methods", {"account": account})
    pages = session.customer(deployed, person, "/billing")

    billing = pages.get("/billing").text
    assert "Visa ending 1111" in billing
    assert pages.get(linked(billing, "/billing?at=")).status_code == 200
    lent = pages.get(f"/billing?pdf={large}")
    assert requests.get(lent.headers["Location"], timeout=30).content.startswith(b"%PDF")
    assert "data-card" in pages.get(linked(billing, "/billing?card=")).text
    address = {"address1": "7 Long Road", "city": "Bristol", "postalCode": "BS1", "country": "GB"}
    moved = {f"address.{name}": value for name, value in address.items()}
    change = linked(billing, "/billing?address=")
    assert pages.post(change, component="addresses", **moved).status_code == 303

    plan = pages.get("/edit-plan").text
    leave = linked(plan, "/edit-plan?do=cancel")
    asked = pages.post(leave, component="cancel", step="reason", reason="other")
    assert pages.get(asked.headers["Location"]).status_code == 200
    add_ons = next(one for one in links(plan, "/edit-plan?do=update") if "part=add-ons" in one)
    add_on = {f"add-{add_on_of_the_demo(api)}": "2"}
    review = pages.post(add_ons, component="add_ons", **add_on).headers["Location"]
    assert pages.post(review, component="plan").headers["Location"] == "/edit-plan"
    sold = sold_by_acme(deployed)
    buyer = fresh("auth0|page")
    token = {"id_token": {"iss": auth0(api), "sub": buyer}}
    api.call("POST", f"/api/objects/externalidentity/{sold['owner']}", token)
    theirs = session.customer(deployed, buyer, "/billing")
    assert deployed.stack.partners[0].name in theirs.get("/billing").text


def links(html: str, begins: str) -> list[str]:
    return [unescape(one) for one in re.findall(rf'href="({re.escape(begins)}[^"]*)"', html)]


def linked(html: str, begins: str) -> str:
    """The first address on a page that begins so."""
    found = links(html, begins)
    assert found, f"no link to {begins}"
    return found[0]


@exercise("pages/webhooks")
def look_after_webhooks_on_pages(deployed: Deployed) -> None:
    """Add an endpoint, try it, see what failed, send it again, change it, and let it go."""
    pages = session.operator(deployed)
    home, inbox = "/objects/webhooks/limio", deployed.inbox(fresh("pages"))
    inbox.behave(mode="answer", status=503, body="busy")
    new = {
        "url": inbox.url,
        "description": fresh("Inbox"),
        "auth": "none",
        "waits": "86400",
        "types": "order.submitted",
    }
    at = pages.post(f"{home}/endpoints/new", **new).headers["Location"]
    id = at.rpartition("/")[2]
    token = session.hidden(pages.get(at).text, "csrf_token")

    assert "whsec_" in pages.send(f"{at}/reveal", csrf_token=token).text
    assert pages.post(f"{at}/rotate", overlap="24").headers["Location"] == at
    sent = order(deployed.api)
    (first, *_) = inbox.deliveries(at_least=1, within=DELIVERED_WITHIN)
    event = first["headers"]["webhook-id"]
    delivery = f"{home}/deliveries/{event}/{id}"
    eventually(lambda: "Response 503" in pages.get(delivery).text)
    assert event in pages.get(f"{home}?endpoint={id}&state=failing").text
    assert pages.get(f"{home}/events?owner={sent['owner']}").status_code == 200
    assert pages.get(f"{home}/events").status_code == 200
    assert event in pages.get(f"{home}/events/{event}").text

    inbox.behave(mode="answer")
    assert pages.send(f"{delivery}/replay", csrf_token=token).status_code == 303
    eventually(lambda: "The receiver accepted the event." in pages.get(delivery).text)
    tried = pages.post(f"{at}/test", type="order.submitted").headers["Location"]
    eventually(lambda: "The receiver accepted the event." in pages.get(tried).text)
    job = pages.post(f"{at}/recover", since="2026-01-01T00:00")
    assert pages.get(job.headers["Location"]).status_code == 200
    version = session.hidden(pages.get(f"{at}/edit").text, "version")
    edited = {**new, "version": version, "url": f"{inbox.url}?again"}
    assert pages.post(f"{at}/edit", **edited).status_code == 303
    assert pages.send(f"{at}/pause", csrf_token=token).status_code == 303
    assert pages.post(f"{at}/resume", discard="yes").status_code == 303
    assert pages.post(f"{at}/delete").headers["Location"] == f"{home}/endpoints"
    leave_and_come_back(deployed, pages, f"{home}/endpoints/new")


@exercise("pages/orders")
def look_after_orders_on_pages(deployed: Deployed) -> None:
    """Sync, find, retry what failed, attach and detach, merge."""
    api, pages = deployed.api, session.operator(deployed)
    owners = "/objects/identities/limio"
    number = cpq_subscription(deployed)
    at = pages.post("/settings/sync", key=number).headers["Location"]
    owned = pages.get(at).text
    assert number in owned
    token = session.hidden(owned, "csrf_token")
    assert pages.send(f"{at}/subscriptions/{number}/sync", csrf_token=token).status_code == 303
    for asked in (number, at.rpartition("/")[2], ids.subscription_id(number)):
        assert pages.get(f"/settings/find?q={asked}").headers["Location"] == at
    assert pages.get("/settings/find?q=8ad08d1c7a1b2c3d017a1b2c3d4e5f60").status_code == 200

    placed = carried_out(deployed, "/api/order", order_body(api))
    number = placed["subscriptionReference"]
    fault_in_order(deployed, number, {"kind": "reasons", "codes": [53100030]})
    add_on = {"action": "add", "addOn": {"id": add_on_of_the_demo(api)}}
    change = {
        "order_type": "add_on",
        "forSubscription": {"name": number},
        **add_on,
        "process_immediately": True,
    }
    failed = api.send("POST", "/api/order", change).json()["id"]
    order_page = f"/objects/orders/limio/{failed}"
    assert "Retry" in pages.get(order_page).text
    assert failed in pages.get("/objects/orders/limio?status=failed").text
    assert pages.post(f"{order_page}/retry").headers["Location"] == order_page
    reached(api, f"/api/order/{failed}", "complete")

    sold = sold_by_acme(deployed)
    acme = deployed.stack.partners[0]
    for shown in (f"?partner={acme.id}", f"/{sold['id']}"):
        assert f">{acme.name}</a>" in pages.get(f"/objects/orders/limio{shown}").text
    assert f">{acme.name}</option>" in pages.get("/objects/orders/limio").text
    other = f"{owners}/{sold['owner']}"
    who = {"iss": auth0(api), "sub": fresh("auth0|page")}
    assert pages.post(f"{at}/attach", **who).status_code == 303
    (identity,) = set(re.findall(r"xid-[0-9a-f]{32}", pages.get(at).text))
    assert pages.post(f"{at}/identities/{identity}/detach").status_code == 303
    assert pages.post(f"{other}/attach", **who).status_code == 303
    destination = at.rpartition("/")[2]
    assert pages.post(f"{other}/merge", destination=destination).headers["Location"] == at
    assert pages.get(other).status_code == 410
    leave_and_come_back(deployed, pages, "/settings/sync")


def eventually(holds: Callable[[], bool], *, within: float = 60) -> None:
    until = time.monotonic() + within
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def leave_and_come_back(deployed: Deployed, pages: session.Pages, form: str) -> None:
    """A session that is prolonged, and a form that comes after it has ended and is parked."""
    session.age(deployed, pages, "operator", seen=clock.now() - timedelta(minutes=2))
    token = session.hidden(pages.get(form).text, "csrf_token")
    session.age(deployed, pages, "operator", seen=clock.now() - timedelta(hours=1))
    parked = pages.send(form, csrf_token=token, form_key=fresh("form"))
    assert "parked=" in parked.headers["Location"]
