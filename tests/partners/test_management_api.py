"""Organisations and their users through the deployed handlers, tables and a user pool."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tessera import aws, dynamo
from tests.builders import api_event, machine, operator
from tests.conftest import Told
from tests.handlers import body, load

ONE = "/api/partner-organisation/{id}"
USER = ONE + "/users/{user}"
FUNCTIONS = {
    "POST /api/partner-organisation": "create_organisation",
    "GET /api/partner-organisations": "list_organisations",
    f"GET {ONE}": "read_organisation",
    f"PATCH {ONE}": "change_organisation",
    f"DELETE {ONE}": "archive_organisation",
    f"POST {ONE}": "create_user",
    f"GET {ONE}/users": "list_users",
    f"PATCH {USER}": "change_user",
    f"DELETE {USER}": "remove_user",
    f"POST {USER}/invitation": "invite_user",
}
ACME: dict[str, Any] = {
    "name": "Acme Resellers",
    "zuoraAccountId": "A00000007",
    "isZuoraInvoiceOwner": True,
}
PETRA = {"name": "Petra Novak", "email": "Petra@Acme.example"}
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(tables: dict[str, str], user_pool: str, cursor_key: None) -> Ask:
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/zuora", SecretString='{"client_id": "", "client_secret": ""}'
    )
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/salesforce", SecretString='{"client_id": "", "client_secret": ""}'
    )
    callers = {"machine": ["partners"], "operator": ["admin"]}

    def ask(
        method: str,
        route: str,
        sent: Any = None,
        *,
        query: dict[str, str] | None = None,
        caller: dict[str, Any] | None = None,
        **ids: str,
    ) -> tuple[int, Any]:
        function = FUNCTIONS[f"{method} {route}"]
        handler = load(
            f"partners/{function}",
            {f"{method} {route}": callers},
            PARTNERS_POOL_ID=user_pool,
        )
        event = api_event(
            method,
            route.format(**ids),
            route=route,
            body=sent,
            caller=caller or machine("partners"),
            query=query,
        )
        answer = handler(event)
        return answer["statusCode"], body(answer)

    return ask


def rows(of: str) -> list[dict[str, Any]]:
    found = aws.client("dynamodb").scan(TableName="Partners")["Items"]
    return [row for row in map(dynamo.row_of, found) if row["pk"].startswith(of)]


def test_the_guides_steps_make_an_organisation_with_a_user_and_take_them_away(
    ask: Ask, user_pool: str, told: Told
) -> None:
    status, acme = ask("POST", "/api/partner-organisation", ACME)
    assert (status, acme["status"], acme["data"]["zuoraAccountId"]) == (201, "active", "A00000007")
    id = acme["id"]
    assert ask("GET", ONE, id=id) == (200, acme)

    status, petra = ask("POST", ONE, PETRA, id=id)
    assert (status, petra["status"], petra["data"]) == (
        201,
        "active",
        {"email": "petra@acme.example"},
    )
    assert ask("GET", ONE + "/users", id=id) == (200, {"items": [petra]})
    login = boto3.client("cognito-idp").admin_get_user(
        UserPoolId=user_pool, Username="petra@acme.example"
    )
    attributes = {one["Name"]: one["Value"] for one in login["UserAttributes"]}
    assert attributes["email_verified"] == "true"
    assert attributes["name"] == "Petra Novak"

    user = petra["id"]
    assert ask("PATCH", USER, {"name": "Petra N."}, id=id, user=user)[1]["name"] == "Petra N."
    status, refused = ask("DELETE", ONE, id=id)
    assert (status, refused["code"]) == (409, "organisation_has_users")

    assert ask("DELETE", USER, id=id, user=user) == (204, None)
    assert rows("email#") == rows("login#") == []
    assert boto3.client("cognito-idp").list_users(UserPoolId=user_pool)["Users"] == []
    assert ask("GET", ONE + "/users", id=id) == (200, {"items": []})
    assert ask("DELETE", ONE, id=id) == (204, None)
    assert ask("GET", ONE, id=id)[1]["status"] == "archived"
    assert ask("POST", ONE, PETRA, id=id)[1]["code"] == "organisation_archived"
    assert sorted(event.type for event in told()) == [
        "partner_org.archived",
        "partner_org.created",
        "partner_user.created",
        "partner_user.removed",
    ]


def test_an_email_in_use_anywhere_is_refused_and_leaves_nothing(ask: Ask, user_pool: str) -> None:
    first, second = (ask("POST", "/api/partner-organisation", ACME)[1] for _ in range(2))
    petra = ask("POST", ONE, PETRA, id=first["id"])[1]

    status, refused = ask("POST", ONE, {"email": "PETRA@acme.example"}, id=second["id"])

    assert (status, refused["code"]) == (409, "email_in_use")
    assert first["id"] not in str(refused)
    assert ask("GET", ONE + "/users", id=second["id"]) == (200, {"items": []})
    assert len(boto3.client("cognito-idp").list_users(UserPoolId=user_pool)["Users"]) == 1
    assert [row["user"] for row in rows("email#")] == [petra["id"]]
    assert ask("DELETE", ONE, id=second["id"]) == (204, None)


def test_nothing_is_left_when_cognito_does_not_answer(ask: Ask, user_pool: str) -> None:
    acme = ask("POST", "/api/partner-organisation", ACME)[1]
    boto3.client("cognito-idp").delete_user_pool(UserPoolId=user_pool)

    status, failed = ask("POST", ONE, PETRA, id=acme["id"])

    assert (status, failed["code"]) == (502, "cognito_failed")
    assert failed["upstream"]["system"] == "cognito"
    assert rows("email#") == []
    assert [row["users"] for row in rows("partner_org-")] == [0]


def test_an_invitation_is_sent_again(ask: Ask) -> None:
    acme = ask("POST", "/api/partner-organisation", ACME)[1]
    petra = ask("POST", ONE, PETRA, id=acme["id"])[1]

    assert ask("POST", USER + "/invitation", id=acme["id"], user=petra["id"]) == (202, petra)


def test_organisations_are_listed_newest_first_a_page_at_a_time(ask: Ask) -> None:
    made = [
        ask("POST", "/api/partner-organisation", {**ACME, "name": f"Partner {n}"})[1]["id"]
        for n in range(3)
    ]

    first = ask("GET", "/api/partner-organisations", query={"limit": "2"})[1]
    more = {"limit": "2", "queryMore": first["queryMore"]}
    rest = ask("GET", "/api/partner-organisations", query=more)[1]

    listed = [*first["items"], *rest["items"]]
    assert len(first["items"]) == 2
    assert "queryMore" not in rest
    assert {one["id"] for one in listed} == set(made)
    created = [one["created"] for one in listed]
    assert created == sorted(created, reverse=True)


def test_a_cursor_of_the_organisations_is_its_callers_alone(ask: Ask) -> None:
    for _ in range(2):
        ask("POST", "/api/partner-organisation", ACME)
    route = "/api/partner-organisations"
    more = {"limit": "1", "queryMore": ask("GET", route, query={"limit": "1"})[1]["queryMore"]}

    assert ask("GET", route, query=more)[0] == 200
    assert ask("GET", route, query=more, caller=operator("admin"))[0] == 400


def test_users_are_listed_a_page_at_a_time_each_once(ask: Ask) -> None:
    acme = ask("POST", "/api/partner-organisation", ACME)[1]
    made = [
        ask("POST", ONE, {"email": f"user{n}@acme.example"}, id=acme["id"])[1] for n in range(3)
    ]

    first = ask("GET", ONE + "/users", query={"limit": "2"}, id=acme["id"])[1]
    more = {"limit": "2", "queryMore": first["queryMore"]}
    rest = ask("GET", ONE + "/users", query=more, id=acme["id"])[1]

    assert (len(first["items"]), "queryMore" in rest) == (2, False)
    listed = [*first["items"], *rest["items"]]
    assert sorted(one["id"] for one in listed) == sorted(one["id"] for one in made)


def test_a_cursor_of_one_organisations_users_lists_no_others(ask: Ask) -> None:
    acme, other = (ask("POST", "/api/partner-organisation", ACME)[1]["id"] for _ in range(2))
    for n in range(2):
        ask("POST", ONE, {"email": f"user{n}@acme.example"}, id=acme)
    first = ask("GET", ONE + "/users", query={"limit": "1"}, id=acme)[1]
    more = {"limit": "1", "queryMore": first["queryMore"]}

    status, refused = ask("GET", ONE + "/users", query=more, id=other)

    assert (status, refused["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("id", ["petra", "partner_user-1", f"partner_org-{'0' * 32}"])
def test_what_is_no_id_of_a_user_is_refused(ask: Ask, id: str) -> None:
    acme = ask("POST", "/api/partner-organisation", ACME)[1]

    status, refused = ask("PATCH", USER, {"name": "Petra"}, id=acme["id"], user=id)

    assert (status, refused["code"]) == (400, "invalid_request")


def test_a_patch_of_what_stays_is_refused_by_each_name(ask: Ask) -> None:
    acme = ask("POST", "/api/partner-organisation", ACME)[1]

    status, refused = ask("PATCH", ONE, {**ACME, "name": "Other"}, id=acme["id"])

    assert (status, refused["code"]) == (422, "not_editable")
    assert refused["detail"] == (
        "zuoraAccountId cannot be changed. isZuoraInvoiceOwner cannot be changed."
    )
    assert refused["errors"] == [
        {"field": field, "code": "not_editable", "message": "Only name and logo can be changed"}
        for field in ("zuoraAccountId", "isZuoraInvoiceOwner")
    ]
    assert ask("GET", ONE, id=acme["id"]) == (200, acme)
    status, changed = ask("PATCH", ONE, {"name": "Other"}, id=acme["id"])
    assert (status, changed["name"]) == (200, "Other")


def test_what_is_missing_or_unknown_is_named_in_the_body(ask: Ask) -> None:
    status, refused = ask("POST", "/api/partner-organisation", {"name": "Acme", "logos": ""})

    assert status == 422
    assert {(one["field"], one["code"]) for one in refused["errors"]} == {
        ("zuoraAccountId", "required"),
        ("isZuoraInvoiceOwner", "required"),
        ("logos", "unknown_member"),
    }


def test_support_may_look_and_not_change(tables: dict[str, str], cursor_key: None) -> None:
    callers = {"operator": ["admin"]}
    handler = load("partners/archive_organisation", {f"DELETE {ONE}": callers})

    answer = handler(api_event("DELETE", "/x", route=ONE, caller=operator("support")))

    assert answer["statusCode"] == 403
