"""Listing the logins of an owner, through the deployed handler."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera.commerce.commits import Commit
from tessera.commerce.store import CommerceTable
from tessera.identity.external import NewIdentity, attach
from tests.builders import (
    NOW,
    TODAY,
    NoLabels,
    api_event,
    machine,
    operator,
)
from tests.commerce.synced import OWNER, synced
from tests.handlers import Handler, body, load

ROUTE = "/api/objects/externalidentity/{owner}"


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    owners = CommerceTable("Commerce", "Events")
    synced(owners)
    return owners


@pytest.fixture
def identities(owners: CommerceTable) -> Handler:
    allowed = {f"GET {ROUTE}": {"machine": ["identities"], "operator": ["admin", "support"]}}
    return load("identity/list_identities", allowed)


def request(owner: str = OWNER, caller: dict[str, Any] | None = None) -> dict[str, Any]:
    path = f"/api/objects/externalidentity/{owner}"
    return api_event("GET", path, route=ROUTE, caller=caller or machine("identities"))


def test_lists_whole_identities_oldest_attachment_first(
    owners: CommerceTable, identities: Handler
) -> None:
    attached = []
    for minutes, sub in enumerate(("z", "a", "m")):
        new = NewIdentity.model_validate({"id_token": {"iss": "salesforce", "sub": sub}})
        later = NOW + timedelta(minutes=minutes)
        one = attach(new, to=OWNER, owners=owners, labels=NoLabels(), now=later, today=TODAY)
        attached.append(one.wire())

    answer = identities(request())

    assert (answer["statusCode"], body(answer)["items"]) == (200, attached)
    assert [one["name"] for one in attached] == ["z", "a", "m"]
    assert attached[0]["type"] == "@limio/external-id"


def test_an_owner_to_whom_nothing_is_attached_has_an_empty_list(identities: Handler) -> None:
    answer = identities(request(caller=operator("support")))

    assert (answer["statusCode"], body(answer)) == (200, {"items": []})


def test_an_unknown_owner_is_not_found(identities: Handler) -> None:
    answer = identities(request("id-00000000000000000000000000000000"))

    assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")


def test_of_an_owner_that_became_another_the_survivor_is_named(
    owners: CommerceTable, identities: Handler
) -> None:
    ownership = owners.ownership(OWNER)
    assert ownership is not None
    gone = ownership.owner.model_copy(update={"status": "merged", "merged_into": "id-2"})
    change = ownership.model_copy(update={"owner": gone})
    owners.commit(Commit(ownership=change, seen=ownership.owner.updated))

    answer = identities(request())

    assert (answer["statusCode"], body(answer)["code"]) == (410, "owner_merged")
    assert body(answer)["owner"] == "id-2"


def test_a_token_without_the_scope_is_refused(identities: Handler) -> None:
    assert identities(request(caller=machine("sync")))["statusCode"] == 403
