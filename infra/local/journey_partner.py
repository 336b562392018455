"""The third and the fourth seed: partners sell in their own name, and are created and managed."""

import base64
import json
import secrets
from typing import Any

import requests

from infra.local import demo
from infra.local.api_client import Api
from infra.local.credentials import replace_first_password
from infra.local.emulator import LocalAws
from infra.local.running_stack import Login, Partner
from infra.local.telling import NotAsTold, Telling, carried_out

_SECONDS = 30
_KINDS = (
    "orders",
    "customers",
    "subscriptions",
    "subscription_offers",
    "schedules",
    "address",
    "events",
)


def portal(api: Api, telling: Telling) -> None:
    """For a partner that is invoiced itself, and for one whose customers are."""
    for reseller, partner in zip(demo.RESELLERS, api.stack.partners, strict=True):
        _sell(api, telling, reseller, partner)


def _sell(api: Api, telling: Telling, reseller: demo.Reseller, partner: Partner) -> None:
    invoiced = "it is invoiced itself" if reseller.is_invoiced else "its customers are invoiced"
    telling.step(f"{reseller.user} of {partner.name} signs in with Cognito; {invoiced}")
    token = api.partner_token(partner.users[0])
    telling.say("GET /api/partner/offers?label=partner")
    offers = api.call("GET", "/api/partner/offers?label=partner", token=token)["items"]
    telling.say(", ".join(offer["name"] for offer in offers))
    telling.say("POST /api/partner/order  new, for Carla Conte")
    order = {
        "order_type": "new",
        "orderItems": [{"offer": {"id": offers[0]["id"]}}],
        "customerDetails": {
            "firstName": "Carla",
            "lastName": "Conte",
            "email": demo.CARLA.email,
            "companyName": f"Conte, customer of {partner.name}",
        },
        "billingDetails": {"country": "GB"},
        **({} if reseller.is_invoiced else {"payment": {"type": "invoice"}}),
    }
    placed = api.call("POST", "/api/partner/order", order, token=token)
    carried_out(api, f"/api/partner/order/{placed['id']}", token=token)
    telling.say(f"order {placed['order_reference']}: {placed['subscriptionReference']}")

    path = f"?owner={placed['owner']}&limit=100"
    objects = [
        one
        for kind in _KINDS
        for one in api.call("GET", f"/api/objects/limio/{kind}{path}")["items"]
    ]
    telling.check(
        f"Tessera: all {len(objects)} objects carry {partner.id}",
        holds=bool(objects) and {one.get("partner_org") for one in objects} == {partner.id},
    )
    customer = api.call("GET", f"/api/partner/customer/{placed['customer']}", token=token)
    _check_zuora(api, telling, reseller, placed["subscriptionReference"])
    _check_salesforce(api, telling, reseller, customer)


def _check_zuora(api: Api, telling: Telling, reseller: demo.Reseller, number: str) -> None:
    state = _state(api.stack.stand_ins.zuora)
    subscription = state["subscriptions"][number][-1]
    account = state["accounts"][subscription["accountId"]]
    telling.check(
        f"Zuora: account {account['number']}, its parent {reseller.account.number}",
        holds=account["parentId"] == reseller.account.id,
    )
    owner = state["accounts"][subscription["invoiceOwnerId"]]
    expected = reseller.account.id if reseller.is_invoiced else account["id"]
    telling.check(
        f"Zuora: invoice owner {owner['number']}, {owner['name']}", holds=owner["id"] == expected
    )


def _check_salesforce(
    api: Api, telling: Telling, reseller: demo.Reseller, customer: dict[str, Any]
) -> None:
    records = _state(api.stack.stand_ins.salesforce)["records"]
    (account,) = _of(records["Account"], customer["id"])
    (contact,) = _of(records["Contact"], customer["id"])
    telling.check(
        f"Salesforce: Account {account['Id']}, ParentId {account.get('ParentId')}",
        holds=account.get("ParentId") == reseller.account.salesforce_id,
    )
    telling.check(
        f"Salesforce: Contact {contact['Id']}, {contact['FirstName']} {contact['LastName']}",
        holds=contact["AccountId"] == account["Id"],
    )


def _of(records: dict[str, dict[str, Any]], customer: str) -> list[dict[str, Any]]:
    return [one for one in records.values() if one.get("Tessera_Id__c") == customer]


def _state(stand_in: str) -> dict[str, Any]:
    answer = requests.get(f"{stand_in}/_control/state", timeout=_SECONDS)
    answer.raise_for_status()
    state: dict[str, Any] = answer.json()
    return state


def management(api: Api, telling: Telling) -> None:
    telling.step("The company creates a partner organisation")
    account = _account_in_zuora(api, "Cascade Media")
    telling.say("POST /api/partner-organisation")
    made = api.call(
        "POST",
        "/api/partner-organisation",
        {"name": "Cascade Media", "zuoraAccountId": account, "isZuoraInvoiceOwner": False},
    )
    path = f"/api/partner-organisation/{made['id']}"
    telling.say(f"{made['id']}  {made['name']}")
    for warning in made.get("warnings", ()):
        telling.say(f"warning: {warning['message']}")
    telling.step("It adds a user, who is invited by e-mail and signs in with Cognito")
    email = f"casey-{secrets.token_hex(2)}@cascade.example"
    login = Login(email, f"{secrets.token_urlsafe(12)}-Aa1")
    telling.say(f"POST {path}  {login.email}")
    api.call("POST", path, {"name": "Casey Lane", "email": login.email})
    aws = LocalAws(api.stack.token_url.removesuffix("/oauth2/token"))
    replace_first_password(aws, api.stack.outputs["PartnersPoolId"], login)
    claim = _claims(api.partner_token(login)).get("lmo:partner_org")
    telling.check(f"the token says lmo:partner_org {claim}", holds=claim == made["id"])
    telling.step("Nobody else can have that e-mail")
    other = f"/api/partner-organisation/{api.stack.partners[0].id}"
    _refused(api, telling, "POST", other, {"email": login.email.upper()}, "email_in_use")
    telling.step("Only name and logo can be edited")
    _refused(api, telling, "PATCH", path, {"isZuoraInvoiceOwner": True}, "not_editable")
    telling.say(f"PATCH {path}")
    edited = {"name": "Cascade Media Group", "logo": "https://cascade.example/logo.png"}
    after = api.call("PATCH", path, edited)
    telling.check(
        f"it is called {after['name']} now, and has a logo",
        holds=(after["name"], after["data"]["logo"]) == (edited["name"], edited["logo"]),
    )


def _refused(
    api: Api, telling: Telling, method: str, path: str, body: dict[str, Any], code: str
) -> None:
    answer = api.send(method, path, body)
    problem = answer.json()
    if problem.get("code") != code:
        raise NotAsTold(f"{method} {path}: {answer.status_code} {answer.text}")
    telling.say(f"{method} {path}")
    telling.say(f"✓ {answer.status_code} {code}: {problem['detail']}")


def _account_in_zuora(api: Api, name: str) -> str:
    """One for a new partner, as somebody opens it in Zuora."""
    answer = requests.post(
        f"{api.stack.stand_ins.zuora}/_control/accounts",
        json={"name": name, "currency": "GBP"},
        timeout=_SECONDS,
    )
    answer.raise_for_status()
    return str(answer.json()["basicInfo"]["id"])


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims
