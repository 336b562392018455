"""The partner guide's own test on the deployed stack, for both answers to who is invoiced: log in
at the partner pricing page, place an order, look into Tessera, Zuora and Salesforce.
"""

import re
from typing import Any

import pytest
import requests

from infra.local import demo
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import fresh, order_body, reached
from tests.e2e.pages import session

pytestmark = pytest.mark.e2e

WITHIN = 180
OBJECTS = (
    "orders",
    "customers",
    "subscriptions",
    "subscription_offers",
    "schedules",
    "address",
    "events",
    "process",
    "user_entitlements",
)


def state(url: str) -> dict[str, Any]:
    answer = requests.get(f"{url}/_control/state", timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def sold(deployed: Deployed) -> list[dict[str, Any]]:
    """What each partner sold from its pricing page, carried out; they wait together."""
    api, placed = deployed.api, []
    for partner in deployed.stack.partners:
        pages = session.partner(deployed, partner, "/partner/offers")
        shown = pages.get("/partner/offers").text
        offers = re.findall(r"/partner-checkout\?offer=(offer-[0-9a-f]{32})", shown)
        token = api.partner_token(partner.users[0])
        listed = api.call("GET", "/api/partner/offers?label=partner", token=token)["items"]
        assert {*offers} == {one["id"] for one in listed}
        body = order_body(
            api,
            orderItems=[{"offer": {"id": offers[0]}}],
            customerDetails={
                "firstName": "Carla",
                "lastName": "Conte",
                "email": "carla@conte.example",
                "companyName": fresh("Conte"),
                "phone": "+44 20 7946 0000",
            },
        )
        sale = api.call("POST", "/api/partner/order", body, token=token)
        placed.append({**sale, "token": token, "company": body["customerDetails"]["companyName"]})
    for sale in placed:
        path = f"/api/partner/order/{sale['id']}"
        assert api.call("GET", path, token=sale["token"])["placed_by"]["kind"] == "partner"
        reached(api, f"/api/order/{sale['id']}", "complete", within=WITHIN)
    return placed


@pytest.mark.parametrize(
    ("position", "reseller"), [*enumerate(demo.RESELLERS)], ids=["partner", "end_customer"]
)
def test_an_order_is_where_the_guide_says(
    position: int, reseller: demo.Reseller, sold: list[dict[str, Any]], deployed: Deployed
) -> None:
    api, sale = deployed.api, sold[position]
    partner_org = deployed.stack.partners[position].id
    owner = f"owner={sale['owner']}&limit=100"

    # Tessera
    for kind in OBJECTS:
        found = api.call("GET", f"/api/objects/limio/{kind}?{owner}")["items"]
        assert found, kind
        assert {one.get("partner_org") for one in found} == {partner_org}, kind
    (who, *_) = api.call("GET", f"/api/objects/limio/identities?{owner}")["items"]
    assert (who["id"], who["partner_org"]) == (sale["owner"], partner_org)

    # Zuora
    zuora = state(deployed.stack.stand_ins.zuora)
    subscription = zuora["subscriptions"][sale["subscriptionReference"]][-1]
    (account,) = [one for one in zuora["accounts"].values() if one["name"] == sale["company"]]
    assert subscription["accountId"] == account["id"]
    assert account["parentId"] == reseller.account.id
    invoiced = reseller.account.id if reseller.is_invoiced else account["id"]
    assert subscription["invoiceOwnerId"] == invoiced
    invoices = api.call("GET", "/api/partner/invoices?pageSize=50", token=sale["token"])["items"]
    its_own = account["id"] in {one["accountId"] for one in invoices}
    assert its_own is not reseller.is_invoiced
    assert invoiced in {one["accountId"] for one in invoices}

    # Salesforce
    records = state(deployed.stack.stand_ins.salesforce)["records"]
    (company,) = [one for one in records["Account"].values() if one["Name"] == sale["company"]]
    (contact,) = [one for one in records["Contact"].values() if one["AccountId"] == company["Id"]]
    assert company["ParentId"] == reseller.account.salesforce_id
    assert company["Tessera_Id__c"] == contact["Tessera_Id__c"] == sale["customer"]
    assert (contact["FirstName"], contact["LastName"], contact["Email"]) == (
        "Carla",
        "Conte",
        "carla@conte.example",
    )
    assert account["crmId"] == company["Id"]
