"""Merging owners through the deployed handler."""

from typing import Any

import pytest

from tessera.commerce.store import CommerceTable
from tests.builders import account, api_event, machine, operator
from tests.commerce.synced import synced
from tests.conftest import Told
from tests.handlers import Handler, body, load

PATH = "/api/objects/owner_change"


@pytest.fixture
def merge(tables: dict[str, str]) -> Handler:
    callers = {"machine": ["identities"], "operator": ["admin"]}
    return load("commerce/merge_owners", {f"POST {PATH}": callers})


@pytest.fixture
def two(tables: dict[str, str]) -> dict[str, str]:
    """The body that makes one of them."""
    owners = CommerceTable(tables["Commerce"], tables["Events"])
    destination = synced(owners)
    source = synced(owners, "A-S00000999", account=account("A00000099"))
    return {"sourceId": source, "destinationId": destination, "message": "One person"}


def request(sent: Any, caller: dict[str, Any] | None = None) -> dict[str, Any]:
    return api_event("POST", PATH, body=sent, caller=caller or machine("identities"))


def test_answers_as_existing_callers_know_it(merge: Handler, two: dict[str, str]) -> None:
    answer = merge(request(two))

    assert (answer["statusCode"], body(answer)) == (200, {"result": {}, "success": True})


def test_a_repeat_is_answered_the_same_and_told_once(
    merge: Handler, two: dict[str, str], told: Told
) -> None:
    answers = [merge(request(two)) for _ in range(2)]

    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert len(told("owner.merged")) == 1


def test_one_that_is_part_of_another_cannot_become_part_of_a_third(
    merge: Handler, two: dict[str, str]
) -> None:
    merge(request(two))

    back = merge(request({"sourceId": two["destinationId"], "destinationId": two["sourceId"]}))

    assert back["statusCode"] == 422
    problem = body(back)
    assert problem["errors"][0]["field"] == "destinationId"
    assert problem["owner"] == two["destinationId"]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"sourceId": None}, 422, "sourceId"),
        ({"message": "x" * 501}, 422, "message"),
        ({"reason": "x"}, 422, "reason"),
        ({"destinationId": "id-00000000000000000000000000000000"}, 404, None),
    ],
    ids=["missing", "long", "unknown-member", "unknown-owner"],
)
def test_names_what_is_wrong(
    merge: Handler, two: dict[str, str], change: dict[str, Any], status: int, field: str | None
) -> None:
    sent = {name: value for name, value in (two | change).items() if value is not None}

    answer = merge(request(sent))

    assert answer["statusCode"] == status
    assert field is None or body(answer)["errors"][0]["field"] == field


def test_support_may_not_merge(merge: Handler, two: dict[str, str]) -> None:
    assert merge(request(two, operator("support")))["statusCode"] == 403
    assert merge(request(two, operator("admin")))["statusCode"] == 200
