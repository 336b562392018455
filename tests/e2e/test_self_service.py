"""The first seed on the deployed stack: sync, attach, and what the signed-in user sees."""

import json
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local import demo
from infra.local.api_client import Api
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import DELIVERED_WITHIN, auth0, cpq_subscription, endpoint_at, fresh

pytestmark = pytest.mark.e2e


def sync(api: Api, number: str) -> dict[str, Any]:
    answer: dict[str, Any] = api.call("POST", f"/api/plugins/zuora/sync/subscription/{number}")
    return answer


def test_the_seeds_calls_with_curl_do_what_it_says(api: Api, sample: str) -> None:
    def curl(path: str, *more: str) -> str:
        command = [
            "curl",
            "-sS",
            "-i",
            "-X",
            "POST",
            f"{api.stack.api}{path}",
            "-H",
            f"Authorization: Bearer {api.machine_token()}",
            *more,
        ]
        return subprocess.run(  # noqa: S603  # a fixed program with arguments of its own
            command, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    synced = curl(f"/api/plugins/zuora/sync/subscription/{sample}")
    head, _, body = synced.replace("\r\n", "\n").partition("\n\n")
    assert head.startswith("HTTP/1.1 200")
    assert body.startswith('{"success":true,"id":"sub-')
    owner = body.split('"owner":"')[1].split('"')[0]

    token = f'{{"id_token": {{"iss": "{auth0(api)}", "sub": "auth0|curl"}}}}'
    attached = curl(
        f"/api/objects/externalidentity/{owner}",
        "-H",
        "Content-Type: application/json",
        "-d",
        token,
    )
    assert "HTTP/1.1 200" in attached
    mine = api.call(
        "GET", "/api/mma/subscriptions", token=api.person_token(auth0(api), "auth0|curl")
    )
    assert [(one["name"], one["owner"]) for one in mine["items"]] == [(sample, owner)]


def test_a_synced_subscription_has_offer_entitlements_price_and_payments(
    api: Api, sample: str
) -> None:
    owner = sync(api, sample)["owner"]
    token = {"iss": auth0(api), "sub": f"auth0|{sample}"}
    api.call("POST", f"/api/objects/externalidentity/{owner}", {"id_token": token})

    (held,) = api.call(
        "GET", "/api/mma/subscriptions", token=api.person_token(auth0(api), f"auth0|{sample}")
    )["items"]

    assert held["status"] == "active"
    assert held["data"]["mapping"]["status"] == "mapped"
    assert held["offers"][0]["data"]["products"][0]["entitlements"][0]["code"] == "W2"
    assert held["data"]["price"]["summary"]["subline"].endswith("per month")
    assert held["schedule"][0]["data"]["date"].endswith("T00:00:00.000")


def test_one_identity_is_not_attached_to_two_owners(api: Api, deployed: Deployed) -> None:
    samples = deployed.stack.samples.zuora_subscriptions
    first, second = (sync(api, number)["owner"] for number in samples[-2:])
    token = {"id_token": {"iss": auth0(api), "sub": "auth0|twice"}}
    assert api.send("POST", f"/api/objects/externalidentity/{first}", token).status_code == 200

    refused = api.send("POST", f"/api/objects/externalidentity/{second}", token)

    assert (refused.status_code, refused.json()["code"]) == (409, "identity_in_use")
    assert refused.json()["owner"] == first


def test_access_follows_a_subscription_that_zuora_gives_to_another_account(
    api: Api, deployed: Deployed
) -> None:
    number = cpq_subscription(deployed)
    former = sync(api, number)["owner"]
    account = deployed.zuora("accounts", {"name": fresh("Successor"), "currency": "GBP"})
    inbox = deployed.inbox(fresh("access"))
    endpoint_at(api, inbox, types=["entitlements.updated"])
    versions = deployed.zuora("state", method="GET")["subscriptions"][number]
    given = {**versions[-1], "version": len(versions) + 1, "id": uuid.uuid4().hex}
    given |= dict.fromkeys(("accountId", "invoiceOwnerId"), account["basicInfo"]["id"])
    deployed.zuora("state", {"subscriptions": {number: [*versions, given]}}, "PATCH")

    owner = sync(api, number)["owner"]

    assert owner != former
    assert api.call("GET", f"/api/entitlements?owner={former}")["entitlements"] == []
    assert api.call("GET", f"/api/entitlements?owner={owner}")["entitlements"] == [{"code": "W2"}]
    told: dict[str, Any] = {}
    until = time.monotonic() + DELIVERED_WITHIN
    while {*told} != {former, owner} and time.monotonic() < until:
        bodies = [json.loads(one["body"]) for one in inbox.deliveries(at_least=2, within=1)]
        ours = [one for one in bodies if one["tracking"]["subscription"] == number]
        told = {one["owner"]: one["entitlements"] for one in ours}
    assert told == {former: [], owner: [{"code": "W2"}]}


def test_an_unknown_subscription_is_not_found(api: Api) -> None:
    answer = api.send("POST", "/api/plugins/zuora/sync/subscription/A-S99999999")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "zuora_subscription_not_found"


def test_a_draft_is_refused_with_a_reason(api: Api) -> None:
    answer = api.send("POST", f"/api/plugins/zuora/sync/subscription/{demo.DRAFT_SUBSCRIPTION}")

    assert (answer.status_code, answer.json()["code"]) == (422, "zuora_draft")


def test_zuora_being_down_is_said_by_name(api: Api, deployed: Deployed, sample: str) -> None:
    asked = {"path": f"/v1/subscriptions/{sample}"}
    deployed.zuora("faults", {"match": asked, "times": 50, "action": {"kind": "drop_before"}})

    answer = api.send("POST", f"/api/plugins/zuora/sync/subscription/{sample}")

    assert (answer.status_code, answer.json()["code"]) == (502, "zuora_failed")
    assert answer.json()["upstream"]["system"] == "zuora"


def test_without_a_token_nobody_comes_in(api: Api, sample: str) -> None:
    answer = api.send("POST", f"/api/plugins/zuora/sync/subscription/{sample}", token="")

    assert answer.status_code == 401


def test_a_token_without_the_scope_is_refused(api: Api, sample: str) -> None:
    token = api.machine_token("objects")

    answer = api.send("POST", f"/api/plugins/zuora/sync/subscription/{sample}", token=token)

    assert answer.status_code == 403


def test_a_customers_token_opens_no_machine_route(api: Api, sample: str) -> None:
    token = api.person_token(auth0(api), demo.INGRID.sub)

    answer = api.send("POST", f"/api/plugins/zuora/sync/subscription/{sample}", token=token)

    assert answer.status_code in (401, 403)


def test_the_body_of_the_seed_which_lacks_a_comma_is_answered_with_the_place(api: Api) -> None:
    body = (
        '{\n    "id_token": {\n      "iss": "limio.us.auth0.com"\n'
        '      "sub": "auth0|67bf2138817314f757da5abc"\n    }\n  }'
    )

    answer = api.send(
        "POST",
        "/api/objects/externalidentity/id-0",
        data=body,
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 400
    assert (answer.json()["line"], answer.json()["column"]) == (4, 7)


def test_two_syncs_at_the_same_time_give_one_subscription_and_one_owner(
    api: Api, sample: str
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: sync(api, sample), range(4)))

    assert len({(one["id"], one["owner"]) for one in answers}) == 1


def test_a_first_login_sees_nothing_and_gets_an_owner_of_its_own(api: Api) -> None:
    token = api.person_token(auth0(api), demo.NOOR.sub)

    assert api.call("GET", "/api/mma/subscriptions", token=token) == {"items": []}


def test_a_user_of_the_second_provider_is_known_by_it(api: Api, sample: str) -> None:
    okta = f"{api.stack.stand_ins.idp}{demo.OKTA_ISSUER_PATH}"
    owner = sync(api, sample)["owner"]
    token = {"iss": okta, "sub": demo.MIRA.sub}
    api.call("POST", f"/api/objects/externalidentity/{owner}", {"id_token": token})

    mine = api.call("GET", "/api/mma/subscriptions", token=api.person_token(okta, demo.MIRA.sub))

    assert [one["name"] for one in mine["items"]] == [sample]
