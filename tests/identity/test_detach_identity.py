"""Detaching a login from its owner, through the deployed handler."""

from typing import Any

import boto3
import pytest

from tessera.commerce.commits import Commit, Outdated
from tessera.commerce.store import CommerceTable
from tessera.identity.external import NewIdentity, attach
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

ROUTE = "/api/objects/externalidentity/{owner}/{identity}"
TOKEN = {"iss": "limio.us.auth0.com", "sub": "auth0|67bf2138817314f757da5abc"}
IDENTITY = "xid-09bada0050da949f7eba44dbecdc5716"


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    owners = CommerceTable("Commerce", "Events")
    synced(owners)
    attached(owners, **TOKEN)
    return owners


@pytest.fixture
def detach(owners: CommerceTable) -> Handler:
    return load("identity/detach_identity", {f"DELETE {ROUTE}": {"machine": ["identities"]}})


def attached(owners: CommerceTable, iss: str, sub: str) -> str:
    new = NewIdentity.model_validate({"id_token": {"iss": iss, "sub": sub}})
    one = attach(new, to=OWNER, owners=owners, labels=NoLabels(), now=NOW, today=TODAY)
    return one.id


def request(owner: str = OWNER, identity: str = IDENTITY, *scopes: str) -> dict[str, Any]:
    return api_event(
        "DELETE",
        f"/api/objects/externalidentity/{owner}/{identity}",
        route=ROUTE,
        caller=machine(*(scopes or ("identities",))),
    )


def test_takes_the_identity_and_leaves_the_others(owners: CommerceTable, detach: Handler) -> None:
    other = attached(owners, "salesforce", "001")

    answer = detach(request())

    assert (answer["statusCode"], answer["body"]) == (204, "")
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    assert [one.id for one in ownership.identities] == [other]
    assert owners.identity(IDENTITY) is None
    assert owners.identity(other) is not None


def test_tells_what_was_detached_and_whose_access_is_left(
    owners: CommerceTable, detach: Handler, told: Told
) -> None:
    synced(owners, "A-S00000272")
    attached(owners, "salesforce", "001")
    before = len(told())

    detach(request())

    first, *bodies = told()[before:]
    assert (first.type, first.snapshot["id"]) == ("identity.detached", IDENTITY)
    assert {one.snapshot["tracking"]["subscription"] for one in bodies} == {
        "A-S00000271",
        "A-S00000272",
    }
    for one in bodies:
        assert one.type == "entitlements.updated"
        assert one.snapshot["identities"] == [{"sub": "001", "iss": "salesforce"}]
        assert one.snapshot["entitlements"] == [{"code": "W2"}]


def test_the_last_one_may_go_and_its_person_begins_anew(
    owners: CommerceTable, detach: Handler
) -> None:
    detach(request())

    subscriptions = load(
        "commerce/list_own_subscriptions", {"GET /api/mma/subscriptions": {"customer": []}}
    )
    seen = subscriptions(api_event("GET", "/api/mma/subscriptions", caller=customer()))
    assert body(seen) == {"items": []}
    again = owners.identity(IDENTITY)
    assert again is not None
    assert again.owner != OWNER


def test_what_was_detached_can_be_attached_again(owners: CommerceTable, detach: Handler) -> None:
    detach(request())

    assert attached(owners, **TOKEN) == IDENTITY


def test_an_identity_of_another_owner_is_not_found(
    owners: CommerceTable, detach: Handler, told: Told
) -> None:
    other = synced(owners, "A-S00000999", account=account("A00000099"))
    before = len(told())

    answer = detach(request(owner=other))

    assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")
    assert owners.identity(IDENTITY) is not None
    assert len(told()) == before


def test_a_commit_removes_nothing_that_belongs_to_another_owner(owners: CommerceTable) -> None:
    other = owners.ownership(synced(owners, "A-S00000999", account=account("A00000099")))
    identity = owners.identity(IDENTITY)
    assert other is not None
    assert identity is not None
    taken = identity.model_copy(update={"owner": other.owner.id})

    with pytest.raises(Outdated):
        owners.commit(Commit(ownership=other, seen=other.owner.updated, removes=[taken]))

    assert owners.identity(IDENTITY) == identity


def test_a_repeat_is_not_found(detach: Handler) -> None:
    detach(request())

    assert detach(request())["statusCode"] == 404


def test_an_unknown_owner_is_not_found(detach: Handler) -> None:
    assert detach(request(owner="id-00000000000000000000000000000000"))["statusCode"] == 404


@pytest.mark.parametrize(
    ("status", "answered", "code"),
    [("merging", 409, "owner_busy"), ("merged", 410, "owner_merged")],
)
def test_a_merge_comes_first(
    owners: CommerceTable, detach: Handler, status: str, answered: int, code: str
) -> None:
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    owner = ownership.owner.model_copy(update={"status": status})
    change = ownership.model_copy(update={"owner": owner})
    owners.commit(Commit(ownership=change, seen=ownership.owner.updated))

    answer = detach(request())

    assert (answer["statusCode"], body(answer)["code"]) == (answered, code)


def test_a_token_without_the_scope_is_refused(detach: Handler) -> None:
    assert detach(request(OWNER, IDENTITY, "sync"))["statusCode"] == 403


def test_an_owner_of_a_hundred_subscriptions_has_each_of_them_announced(
    owners: CommerceTable, detach: Handler, told: Told
) -> None:
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    (one,) = ownership.held
    held = tuple(one.model_copy(update={"id": f"sub-{n}", "number": f"A-{n}"}) for n in range(100))
    change = ownership.model_copy(update={"held": held})
    owners.commit(Commit(ownership=change, seen=ownership.owner.updated))
    before = len(told("entitlements.updated"))

    detach(request())

    after = told("entitlements.updated")[before:]
    assert len({one.snapshot["tracking"]["subscription"] for one in after}) == 100
    assert all(one.snapshot["identities"] == [] for one in after)
    left = owners.ownership(OWNER)
    assert left is not None
    assert left.unannounced == ()
