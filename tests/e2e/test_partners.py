"""The third seed on the deployed stack: partners are managed, sign in, and see their own alone."""

import base64
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from infra.local import demo
from infra.local.api_client import Api, Refused
from infra.local.credentials import replace_first_password
from infra.local.emulator import LocalAws
from infra.local.running_stack import Login
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import fresh, order, organisation

pytestmark = pytest.mark.e2e


def user_of(deployed: Deployed, partner_org: str) -> tuple[str, Login]:
    """Somebody invited who has chosen a password."""
    login = Login(f"{uuid.uuid4().hex}@partner.example", "Chosen-by-me-1")
    path = f"/api/partner-organisation/{partner_org}"
    made = deployed.api.call("POST", path, {"name": "New User", "email": login.email})
    aws = LocalAws(deployed.launch.place.aws_url)
    replace_first_password(aws, deployed.stack.outputs["PartnersPoolId"], login)
    return str(made["id"]), login


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return decoded


def test_the_management_guide_ends_with_somebody_who_signs_in(deployed: Deployed) -> None:
    api = deployed.api
    acme = organisation(api, name="Guided Resellers", zuoraAccountId=demo.ACME.id)
    listed = api.call("GET", "/api/partner-organisations?limit=100")["items"]
    assert acme in [one["id"] for one in listed]
    user, login = user_of(deployed, acme)

    token = api.partner_token(login)

    assert claims_of(token)["lmo:partner_org"] == acme
    assert api.call("GET", "/api/partner/customer", token=token) == {"items": [], "hits": 0}
    (seen,) = api.call("GET", f"/api/partner-organisation/{acme}/users")["items"]
    assert (seen["id"], seen["status"]) == (user, "active")
    assert "lastSeen" in seen["data"]
    path = f"/api/partner-organisation/{acme}"
    refused = api.send("PATCH", path, {"name": "Other", "isZuoraInvoiceOwner": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "not_editable")
    edited = api.call("PATCH", path, {"name": "Edited", "logo": "https://example.com/l.png"})
    assert (edited["name"], edited["data"]["logo"]) == ("Edited", "https://example.com/l.png")


def test_accounts_are_looked_up_when_an_organisation_is_made(deployed: Deployed) -> None:
    body = {
        "name": "Nobody's",
        "zuoraAccountId": "A99999999",
        "isZuoraInvoiceOwner": True,
        "salesforceAccountId": "001Dn00000NoBoDIAV",
    }

    refused = deployed.api.send("POST", "/api/partner-organisation", body)

    assert refused.status_code == 422
    faults = [one["field"] for one in refused.json()["errors"]]
    assert faults == ["zuoraAccountId", "salesforceAccountId"]


def test_each_partner_sees_its_own_offers_customers_and_orders(deployed: Deployed) -> None:
    api = deployed.api
    acme, borealis = deployed.stack.partners
    tokens = {one.id: api.partner_token(one.users[0]) for one in (acme, borealis)}
    placed = {}
    for one in (acme, borealis):
        offers = api.call("GET", "/api/partner/offers?label=partner", token=tokens[one.id])["items"]
        named = {offer["data"]["attributes"]["eligible_partners__limio"][0] for offer in offers}
        assert named == {one.id}
        item = {"offer": {"id": offers[0]["id"]}}
        placed[one.id] = order(api, partner_org=one.id, orderItems=[item])

    for one, other in ((acme, borealis), (borealis, acme)):
        mine, theirs = placed[one.id], placed[other.id]
        token = tokens[one.id]
        customers = api.call("GET", "/api/partner/customer?limit=100", token=token)["items"]
        assert {customer["partner_org"] for customer in customers} == {one.id}
        assert mine["customer"] in [customer["id"] for customer in customers]
        for path, id in (
            ("/api/partner/customer/{}", "customer"),
            ("/api/partner/order/{}", "id"),
            ("/api/partner/subscriptions?owner={}", "owner"),
        ):
            assert api.send("GET", path.format(mine[id]), token=token).ok
            refused = api.send("GET", path.format(theirs[id]), token=token)
            unknown = api.send("GET", path.format(theirs[id][:-8] + "0" * 8), token=token)
            assert refused.status_code == unknown.status_code == 404
            assert refused.json()["detail"] == unknown.json()["detail"]


def test_removal_ends_access_although_the_token_still_lives(deployed: Deployed) -> None:
    api = deployed.api
    acme = organisation(api)
    user, login = user_of(deployed, acme)
    token = api.partner_token(login)
    assert api.send("GET", "/api/partner/customer", token=token).status_code == 200

    api.call("DELETE", f"/api/partner-organisation/{acme}/users/{user}")

    assert api.send("GET", "/api/partner/customer", token=token).status_code == 401
    with pytest.raises(Refused):
        api.partner_token(login)


def test_who_is_in_the_pool_and_not_a_partner_user_gets_no_token(deployed: Deployed) -> None:
    cognito, pool = boto3.client("cognito-idp"), deployed.stack.outputs["PartnersPoolId"]
    login = Login(f"{uuid.uuid4().hex}@stranger.example", "Chosen-by-me-1")
    cognito.admin_create_user(UserPoolId=pool, Username=login.email, MessageAction="SUPPRESS")
    replace_first_password(LocalAws(deployed.launch.place.aws_url), pool, login)

    with pytest.raises(Refused):
        deployed.api.partner_token(login)


def test_of_two_at_once_one_gets_the_email_and_nothing_is_left_of_the_other(
    deployed: Deployed,
) -> None:
    api = deployed.api
    email = f"{fresh('both').lower()}@partner.example"
    paths = [f"/api/partner-organisation/{organisation(api)}" for _ in range(2)]

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda path: api.send("POST", path, {"email": email}), paths))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    users = [user for path in paths for user in api.call("GET", f"{path}/users")["items"]]
    assert [user["data"]["email"] for user in users] == [email]
    loser = paths[[answer.status_code for answer in answers].index(409)]
    assert api.send("DELETE", loser).status_code == 204
    found = boto3.client("cognito-idp").list_users(
        UserPoolId=deployed.stack.outputs["PartnersPoolId"], Filter=f'email = "{email}"'
    )
    assert len(found["Users"]) == 1


def test_tokens_of_others_open_no_partner_route(deployed: Deployed, api: Api) -> None:
    issuer = f"{deployed.stack.stand_ins.idp}{demo.AUTH0_ISSUER_PATH}"
    strangers = {
        "nobody": "",
        "a machine": api.machine_token(),
        "an operator": api.operator_token(),
        "a customer": api.person_token(issuer, demo.INGRID.sub),
    }

    for who, token in strangers.items():
        answer = api.send("GET", "/api/partner/customer", token=token)
        assert answer.status_code in (401, 403), who
