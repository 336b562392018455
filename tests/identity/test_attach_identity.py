"""Attaching a login to an owner, through the deployed handler."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera.commerce.commits import Commit
from tessera.commerce.entitlements import OwnedCustomer
from tessera.commerce.store import CommerceTable
from tessera.identity import external
from tessera.identity.claims import IdToken
from tessera.identity.external import NewIdentity
from tessera.identity.principal import Customer
from tessera.identity.sign_in import owner_of
from tests.builders import (
    NOW,
    TODAY,
    NoLabels,
    account,
    api_event,
    customer,
    machine,
)
from tests.commerce.synced import OWNER, synced
from tests.conftest import Told
from tests.handlers import Handler, body, load

ROUTE = "/api/objects/externalidentity/{owner}"
TOKEN = {"iss": "limio.us.auth0.com", "sub": "auth0|67bf2138817314f757da5abc"}


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers",
        Type="String",
        Value='[{"key": "auth0", "display_name": "Auth0", "issuer": "https://limio.us.auth0.com/",'
        ' "client_id": "tessera", "service": "auth0", "type": "user_id"}]',
    )
    return CommerceTable("Commerce", "Events")


@pytest.fixture
def attach(owners: CommerceTable) -> Handler:
    allowed = {f"POST {ROUTE}": {"machine": ["identities"]}}
    return load("identity/attach_identity", allowed)


@pytest.fixture
def subscriptions(owners: CommerceTable) -> Handler:
    allowed: dict[str, Any] = {"GET /api/mma/subscriptions": {"customer": []}}
    return load("commerce/list_own_subscriptions", allowed)


def request(owner: str, sent: Any, *scopes: str) -> dict[str, Any]:
    return api_event(
        "POST",
        f"/api/objects/externalidentity/{owner}",
        route=ROUTE,
        body=sent,
        caller=machine(*(scopes or ("identities",))),
    )


def test_attaches_the_identity_and_labels_it_as_its_issuer_is_configured(
    owners: CommerceTable, attach: Handler
) -> None:
    synced(owners)

    answer = attach(request(OWNER, {"id_token": TOKEN}))

    assert answer["statusCode"] == 200
    attached = body(answer)
    assert attached["id"] == "xid-09bada0050da949f7eba44dbecdc5716"
    assert (attached["owner"], attached["name"]) == (OWNER, TOKEN["sub"])
    assert attached["data"] == {**TOKEN, "service": "auth0", "type": "user_id"}


def test_tells_every_platform_whose_access_it_is(
    owners: CommerceTable, attach: Handler, told: Told
) -> None:
    synced(owners)

    attach(request(OWNER, {"id_token": TOKEN}))

    attached, announced = told()[-2:]
    assert (attached.type, announced.type) == ("identity.attached", "entitlements.updated")
    assert attached.snapshot["id"] == "xid-09bada0050da949f7eba44dbecdc5716"
    latest = announced.snapshot
    assert latest["identities"] == [
        {"sub": TOKEN["sub"], "iss": TOKEN["iss"], "service": "auth0", "type": "user_id"}
    ]
    assert latest["entitlements"] == [{"code": "W2"}]


def test_the_seeds_own_body_which_lacks_a_comma_is_answered_with_the_place(
    attach: Handler,
) -> None:
    sent = (
        '{\n    "id_token": {\n      "iss": "limio.us.auth0.com"\n'
        '      "sub": "auth0|67bf2138817314f757da5abc"\n    }\n  }'
    )

    answer = attach(request(OWNER, sent))

    assert answer["statusCode"] == 400
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    problem = body(answer)
    assert (problem["code"], problem["line"], problem["column"]) == ("invalid_json", 4, 7)
    assert problem["message"] == "Expected a comma or a closing brace at line 4, column 7."


def test_a_repeat_changes_nothing(owners: CommerceTable, attach: Handler, told: Told) -> None:
    synced(owners)
    first = attach(request(OWNER, {"id_token": TOKEN}))
    count = len(told("entitlements.updated"))

    again = attach(request(OWNER, {"id_token": TOKEN}))

    assert body(again) == body(first)
    assert len(told("entitlements.updated")) == count


def test_a_repeat_may_change_label_and_spelling(owners: CommerceTable, attach: Handler) -> None:
    synced(owners)
    attach(request(OWNER, {"id_token": TOKEN}))
    other = body(attach(request(OWNER, {"id_token": {**TOKEN, "sub": "auth0|other"}})))

    spelled = {"id_token": {**TOKEN, "iss": "https://LIMIO.us.auth0.com/"}, "service": "sso"}
    changed = body(attach(request(OWNER, spelled)))

    assert changed["id"] == "xid-09bada0050da949f7eba44dbecdc5716"
    assert (changed["data"]["iss"], changed["data"]["service"]) == (
        "https://LIMIO.us.auth0.com/",
        "sso",
    )
    known = owners.ownership(OWNER)
    assert known is not None
    assert [(one.id, one.data.service) for one in known.identities] == [
        (changed["id"], "sso"),
        (other["id"], "auth0"),
    ]


def test_an_identity_of_another_owner_is_refused_and_that_owner_named(
    owners: CommerceTable, attach: Handler
) -> None:
    synced(owners)
    other = synced(owners, "A-S00000999", account=account("A00000099"))
    attach(request(OWNER, {"id_token": TOKEN}))

    answer = attach(request(other, {"id_token": TOKEN}))

    assert answer["statusCode"] == 409
    assert (body(answer)["code"], body(answer)["owner"]) == ("identity_in_use", OWNER)


def test_a_login_before_the_attachment_is_taken_over(
    owners: CommerceTable, attach: Handler, subscriptions: Handler
) -> None:
    synced(owners)
    person = {"iss": "https://limio.us.auth0.com/", "sub": TOKEN["sub"]}
    event = api_event("GET", "/api/mma/subscriptions", caller=customer())
    assert body(subscriptions(event)) == {"items": []}
    empty = owners.identity("xid-09bada0050da949f7eba44dbecdc5716")
    assert empty is not None

    attached = body(attach(request(OWNER, {"id_token": person})))

    assert attached["owner"] == OWNER
    replaced = owners.ownership(empty.owner or "")
    assert replaced is not None
    assert (replaced.owner.status, replaced.owner.replaced_by) == ("replaced", OWNER)
    assert [one["name"] for one in body(subscriptions(event))["items"]] == ["A-S00000271"]


def test_what_is_taken_over_is_written_later_than_it_was_by_any_clock(
    owners: CommerceTable,
) -> None:
    synced(owners)
    ahead = NOW + timedelta(seconds=2)
    person = Customer(id=TOKEN["sub"], issuer=TOKEN["iss"])
    before = owner_of(person, owners=owners, labels=NoLabels(), now=ahead, mode="test")

    new = NewIdentity(id_token=IdToken(**TOKEN))
    identity = external.attach(
        new, to=OWNER, owners=owners, labels=NoLabels(), now=NOW, today=TODAY
    )

    replaced = owners.ownership(before)
    assert replaced is not None
    assert replaced.owner.updated > ahead
    assert identity.updated > ahead


def test_the_signed_in_user_sees_what_the_attached_owner_has(
    owners: CommerceTable, attach: Handler, subscriptions: Handler
) -> None:
    synced(owners)
    synced(owners, "A-S00000272")
    attach(request(OWNER, {"id_token": TOKEN}))

    answer = subscriptions(api_event("GET", "/api/mma/subscriptions", caller=customer()))

    items = body(answer)["items"]
    assert {(one["name"], one["status"]) for one in items} == {
        ("A-S00000271", "active"),
        ("A-S00000272", "active"),
    }
    assert items[0]["offers"][0]["data"]["products"][0]["entitlements"][0]["code"] == "W2"
    assert "null" not in answer["body"]


def test_nobody_is_matched_by_email(owners: CommerceTable, subscriptions: Handler) -> None:
    synced(owners)

    event = api_event("GET", "/api/mma/subscriptions", caller=customer(subject="ana@example.com"))

    assert body(subscriptions(event)) == {"items": []}


def test_an_unknown_owner_is_not_found(attach: Handler) -> None:
    answer = attach(request("id-00000000000000000000000000000000", {"id_token": TOKEN}))

    assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("sent", "field", "code"),
    [
        ({}, "id_token", "required"),
        ({"id_token": {"sub": "x"}}, "id_token.iss", "required"),
        ({"id_token": {"iss": "x"}}, "id_token.sub", "required"),
        ({"id_token": "text"}, "id_token", "invalid_value"),
        ({"id_token": {"iss": "x", "sub": ""}}, "id_token.sub", "invalid_value"),
        ({"id_token": {"iss": "x", "sub": "a\u0007b"}}, "id_token.sub", "invalid_value"),
        ({"id_token": {"iss": "i" * 513, "sub": "x"}}, "id_token.iss", "too_long"),
        ({"id_token": {"iss": " ", "sub": "x"}}, "id_token.iss", "invalid_value"),
        ({"id_token": {"iss": "a\u0007b", "sub": "x"}}, "id_token.iss", "invalid_value"),
        ({"id_token": {"iss": "x", "sub": "s" * 256}}, "id_token.sub", "too_long"),
        ({"id_token": TOKEN, "labl": "x"}, "labl", "unknown_member"),
    ],
)
def test_names_the_field_at_fault(
    owners: CommerceTable, attach: Handler, sent: Any, field: str, code: str
) -> None:
    answer = attach(request(OWNER, sent))

    assert answer["statusCode"] == 422
    problem = body(answer)
    assert problem["errors"][0]["field"] == field
    assert problem["errors"][0]["code"] == code
    assert problem["code"] == code


def test_takes_issuer_and_subject_at_their_limits(owners: CommerceTable, attach: Handler) -> None:
    synced(owners)
    longest = {"iss": "i" * 512, "sub": "s" * 255}

    answer = attach(request(OWNER, {"id_token": longest}))

    assert (answer["statusCode"], body(answer)["data"]) == (200, longest)


def test_members_of_the_token_that_are_not_needed_are_neither_refused_nor_kept(
    owners: CommerceTable, attach: Handler
) -> None:
    synced(owners)

    answer = attach(request(OWNER, {"id_token": {**TOKEN, "email": "ana@example.com"}}))

    assert answer["statusCode"] == 200
    assert body(answer)["data"] == {**TOKEN, "service": "auth0", "type": "user_id"}


def test_an_issuer_without_labels_of_its_own_gives_none(
    owners: CommerceTable, attach: Handler
) -> None:
    synced(owners)

    answer = attach(request(OWNER, {"id_token": {"iss": "salesforce", "sub": "001"}}))

    assert body(answer)["data"] == {"iss": "salesforce", "sub": "001"}


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [
        ("merging", 409, "owner_busy"),
        ("merged", 410, "owner_merged"),
        ("replaced", 410, "owner_merged"),
    ],
)
def test_nothing_is_attached_to_an_owner_that_becomes_or_has_become_another(
    owners: CommerceTable, attach: Handler, status: str, answered: int, code: str
) -> None:
    synced(owners)
    survivor = "id-11111111111111111111111111111111"
    became = {"merged": {"merged_into": survivor}, "replaced": {"replaced_by": survivor}}
    change_owner(owners, OWNER, status=status, **became.get(status, {}))

    answer = attach(request(OWNER, {"id_token": TOKEN}))

    assert (answer["statusCode"], body(answer)["code"]) == (answered, code)
    assert body(answer).get("owner") == (survivor if answered == 410 else None)
    assert owners.identity("xid-09bada0050da949f7eba44dbecdc5716") is None


def change_owner(owners: CommerceTable, id: str, **members: Any) -> None:
    ownership = owners.ownership(id)
    assert ownership is not None
    owner = ownership.owner.model_copy(update=members)
    change = ownership.model_copy(update={"owner": owner})
    owners.commit(Commit(ownership=change, seen=ownership.owner.updated))


def logged_in(owners: CommerceTable) -> str:
    """The owner that a login makes, which has nothing but that identity."""
    person = Customer(id=TOKEN["sub"], issuer=TOKEN["iss"])
    return owner_of(person, owners=owners, labels=NoLabels(), now=NOW, mode="test")


@pytest.mark.parametrize("has", ["another-identity", "a-customer", "a-merge"])
def test_only_an_owner_that_has_nothing_else_is_emptied(
    owners: CommerceTable, attach: Handler, has: str
) -> None:
    synced(owners)
    other = logged_in(owners)
    if has == "another-identity":
        attach(request(other, {"id_token": {"iss": "salesforce", "sub": "001"}}))
    elif has == "a-merge":
        change_owner(owners, other, status="merging")
    else:
        known = owners.ownership(other)
        assert known is not None
        bought = known.model_copy(update={"customers": (OwnedCustomer(id="cus-1"),)})
        owners.commit(Commit(ownership=bought, seen=known.owner.updated))

    answer = attach(request(OWNER, {"id_token": TOKEN}))

    assert (answer["statusCode"], body(answer)["code"]) == (409, "identity_in_use")
    assert body(answer)["owner"] == other
    left = owners.ownership(other)
    assert left is not None
    assert left.owner.status != "replaced"


def test_an_identity_of_a_partners_customer_names_the_partner(
    owners: CommerceTable, attach: Handler
) -> None:
    acme = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
    synced(owners)
    change_owner(owners, OWNER, partner_org=acme)

    assert body(attach(request(OWNER, {"id_token": TOKEN})))["partner_org"] == acme


def test_a_token_without_the_scope_is_refused(attach: Handler) -> None:
    answer = attach(request(OWNER, {"id_token": TOKEN}, "sync"))

    assert (answer["statusCode"], body(answer)["code"]) == (403, "forbidden")


def test_the_fifty_first_identity_is_refused(owners: CommerceTable, attach: Handler) -> None:
    synced(owners)
    attach(request(OWNER, {"id_token": TOKEN}))
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    (one,) = ownership.identities
    others = [one.model_copy(update={"id": f"xid-{n}"}) for n in range(49)]
    almost = ownership.model_copy(update={"identities": tuple(others)})
    owners.commit(Commit(ownership=almost, seen=ownership.owner.updated))

    fiftieth = attach(request(OWNER, {"id_token": {"iss": "x", "sub": "49"}}))
    answer = attach(request(OWNER, {"id_token": {"iss": "x", "sub": "50"}}))

    assert fiftieth["statusCode"] == 200
    assert (answer["statusCode"], body(answer)["errors"][0]["field"]) == (422, "id_token")


def test_an_owner_of_a_hundred_subscriptions_has_each_of_them_announced(
    owners: CommerceTable, attach: Handler, told: Told
) -> None:
    synced(owners)
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    held = [
        ownership.held[0].model_copy(update={"id": f"sub-{n}", "number": f"A-{n}"})
        for n in range(100)
    ]
    many = ownership.model_copy(update={"held": tuple(held)})
    owners.commit(Commit(ownership=many, seen=ownership.owner.updated))
    before = len(told("entitlements.updated"))

    attach(request(OWNER, {"id_token": TOKEN}))

    after = told("entitlements.updated")[before:]
    assert len({one.snapshot["tracking"]["subscription"] for one in after}) == 100
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    assert ownership.unannounced == ()
