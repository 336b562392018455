"""GET /api/entitlements and /api/mma/entitlements, through the deployed handlers."""

import hashlib
from typing import Any

import boto3
import pytest

from tessera.commerce.commits import Commit
from tessera.commerce.store import CommerceTable
from tests.builders import (
    api_event,
    customer,
    machine,
    operator,
)
from tests.commerce.counting import counted
from tests.commerce.synced import synced
from tests.conftest import Told
from tests.handlers import Handler, body, load

OWNER = "id-8606b883875fe37f1beae43c676ebc60"
TOKEN = {"iss": "limio.us.auth0.com", "sub": "auth0|67bf2138817314f757da5abc"}


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    owners = CommerceTable("Commerce", "Events")
    synced(owners, "A-S00000271")
    return owners


@pytest.fixture
def read(owners: CommerceTable) -> Handler:
    allowed = {"machine": ["entitlements"], "operator": ["admin", "support"]}
    return load("commerce/read_entitlements", {"GET /api/entitlements": allowed})


@pytest.fixture
def read_own(owners: CommerceTable) -> Handler:
    return load("commerce/read_own_entitlements", {"GET /api/mma/entitlements": {"customer": []}})


@pytest.fixture
def attached(owners: CommerceTable) -> None:
    attach = load(
        "identity/attach_identity",
        {"POST /api/objects/externalidentity/{owner}": {"machine": ["identities"]}},
    )
    answer = attach(
        api_event(
            "POST",
            f"/api/objects/externalidentity/{OWNER}",
            route="/api/objects/externalidentity/{owner}",
            body={"id_token": TOKEN},
            caller=machine("identities"),
        )
    )
    assert answer["statusCode"] == 200


def asked(
    query: dict[str, str] | None = None, tag: str | None = None, caller: Any = None
) -> dict[str, Any]:
    return api_event(
        "GET",
        "/api/entitlements",
        query={"owner": OWNER} if query is None else query,
        headers={} if tag is None else {"if-none-match": tag},
        caller=caller or machine("entitlements"),
    )


def own(subject: str = TOKEN["sub"], tag: str | None = None) -> dict[str, Any]:
    headers = {} if tag is None else {"if-none-match": tag}
    caller = customer(subject, "https://limio.us.auth0.com/")
    return api_event("GET", "/api/mma/entitlements", headers=headers, caller=caller)


@pytest.mark.usefixtures("attached")
def test_answers_what_the_last_webhook_said(read: Handler, told: Told) -> None:
    said = told("entitlements.updated")[-1]

    answer = body(read(asked()))

    subscription = {
        "id": "sub-ac3a12b67e833080e10b13ca25b84017",
        "subscription": "A-S00000271",
        "status": "active",
        "updated": said.snapshot["updated"],
        "entitlements": said.snapshot["entitlements"],
    }
    assert answer == {
        "owner": OWNER,
        "version": said.sequence,
        "updated": said.snapshot["updated"],
        "identities": [TOKEN],
        "entitlements": [{"code": "W2"}],
        "subscriptions": [subscription],
    }


@pytest.mark.usefixtures("attached")
def test_asks_by_identity_in_any_spelling_of_its_issuer(read: Handler) -> None:
    by_owner = read(asked())

    by_identity = read(asked({"iss": "HTTPS://LIMIO.us.auth0.com/", "sub": TOKEN["sub"]}))

    assert by_identity["body"] == by_owner["body"]


def test_the_tag_is_the_version_and_a_hash_of_the_body(read: Handler) -> None:
    answer = read(asked())

    digest = hashlib.sha256(answer["body"].encode()).hexdigest()
    assert answer["headers"]["ETag"] == f'"{body(answer)["version"]}-{digest[:8]}"'


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_the_present_one_is_sent_nothing(read: Handler, form: str) -> None:
    tag = read(asked())["headers"]["ETag"]

    answer = read(asked(tag=form.format(tag)))

    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert answer["headers"]["ETag"] == tag


def test_who_has_an_earlier_one_is_sent_the_present_one(
    read: Handler, request: pytest.FixtureRequest
) -> None:
    tag = read(asked())["headers"]["ETag"]
    request.getfixturevalue("attached")

    answer = read(asked(tag=tag))

    assert (answer["statusCode"], body(answer)["identities"]) == (200, [TOKEN])


def test_an_owner_without_entitlements_has_an_empty_list(read: Handler, read_own: Handler) -> None:
    newcomer = body(read_own(own("auth0|newcomer")))

    answer = read(asked({"owner": newcomer["owner"]}))

    assert answer["statusCode"] == 200
    assert body(answer) == newcomer
    assert (newcomer["entitlements"], newcomer["subscriptions"]) == ([], [])
    assert newcomer["version"] == 0


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"owner": OWNER, **TOKEN}, 400, "invalid_request"),
        ({"sub": "x"}, 400, "invalid_request"),
        ({"owner": "id-00000000000000000000000000000000"}, 404, "not_found"),
        ({"owner": "sub-ac3a12b67e833080e10b13ca25b84017"}, 404, "not_found"),
        ({"owner": ""}, 404, "not_found"),
        ({"iss": "limio.us.auth0.com", "sub": "nobody"}, 404, "not_found"),
    ],
)
def test_refuses_what_it_cannot_answer(
    read: Handler, query: dict[str, str], status: int, code: str
) -> None:
    answer = read(asked(query))

    assert (answer["statusCode"], body(answer)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("status", "raw", "shown"),
    [
        ("suspended", "Suspended", "suspended"),
        ("pending", "Pending Activation", "pending"),
    ],
)
def test_what_billing_holds_back_is_listed_with_its_status_and_gives_nothing(
    owners: CommerceTable, read: Handler, status: str, raw: str, shown: str
) -> None:
    synced(owners, "A-S00000272", status=status, raw_status=raw)

    answer = body(read(asked()))

    listed = {one["subscription"]: one for one in answer["subscriptions"]}
    held_back = listed["A-S00000272"]
    assert (held_back["status"], held_back["entitlements"]) == (shown, [])
    assert listed["A-S00000271"]["status"] == "active"


def test_a_merged_owner_is_gone_and_its_survivor_named(
    owners: CommerceTable, read: Handler
) -> None:
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    survivor = "id-00000000000000000000000000000001"
    merged = ownership.owner.model_copy(update={"status": "merged", "merged_into": survivor})
    change = ownership.model_copy(update={"owner": merged})
    owners.commit(Commit(ownership=change, seen=ownership.owner.updated))

    answer = read(asked())

    assert answer["statusCode"] == 410
    assert (body(answer)["code"], body(answer)["owner"]) == ("owner_merged", survivor)


@pytest.mark.usefixtures("attached")
def test_a_customer_sees_what_is_asked_of_it_from_outside(read: Handler, read_own: Handler) -> None:
    outside = read(asked())

    answer = read_own(own())

    assert answer["body"] == outside["body"]
    assert read_own(own(tag=outside["headers"]["ETag"]))["statusCode"] == 304


def test_operators_may_ask_and_other_machines_may_not(read: Handler) -> None:
    assert read(asked(caller=operator("support")))["statusCode"] == 200
    assert read(asked(caller=machine("objects")))["statusCode"] == 403


@pytest.mark.usefixtures("attached")
@pytest.mark.parametrize("size", [1, 100])
def test_takes_one_read_of_one_row_however_much_the_owner_holds(
    owners: CommerceTable, read: Handler, read_own: Handler, size: int
) -> None:
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    (one,) = ownership.held
    held = tuple(one.model_copy(update={"id": f"sub-{n}"}) for n in range(size))
    change = ownership.model_copy(update={"held": held})
    owners.commit(Commit(ownership=change, seen=ownership.owner.updated))

    with counted() as by_owner:
        assert len(body(read(asked()))["subscriptions"]) == size
    with counted() as by_identity:
        read(asked(TOKEN))
    with counted() as by_customer:
        read_own(own())

    assert by_owner == {"GetItem": 1}
    assert by_identity == by_customer == {"GetItem": 2}
