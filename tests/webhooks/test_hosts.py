"""Credentials of hosts: kept sealed, shown without passwords, sent to every endpoint there."""

import base64
from typing import Any

import pytest

from tessera import clock
from tests.builders import operator
from tests.handlers import body
from tests.webhooks.asking import WHERE, Asks, cursor_secret, sealing_key
from tests.webhooks.engine import Engine, event, row

ROUTE = "/api/webhooks/hosts"
ONE = ROUTE + "/{host}"
CREDENTIAL = {"user": "shop", "password": "hunter2hunter2"}


@pytest.fixture
def put(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("put_host", "PUT", ONE, SECRETS_KEY=sealing_key(), **WHERE)


@pytest.fixture
def delete(engine: Engine) -> Asks:
    return Asks("delete_host", "DELETE", ONE, **WHERE)


@pytest.fixture
def listed(engine: Engine) -> Asks:
    cursor_secret()
    return Asks("list_hosts", "GET", ROUTE)


def authorization(engine: Engine) -> str | None:
    engine.sender = engine.new_sender()
    engine.delivers(event(at=clock.now()))
    return engine.receiver.received[-1].headers.get("authorization")


def test_every_endpoint_of_the_host_without_its_own_sends_it(put: Asks, engine: Engine) -> None:
    engine.has_endpoint(url="https://hooks.example.com/in")

    answer = put(host="Hooks.Example.com", body=CREDENTIAL)

    assert answer["statusCode"] == 200
    shown = body(answer)
    assert shown.pop("updated_at")
    assert shown == {
        "host": "hooks.example.com",
        "user": "shop",
        "updated_by": "machine/3k9q5v0tq1machineclient",
    }
    expected = base64.b64encode(b"shop:hunter2hunter2").decode()
    assert authorization(engine) == f"Basic {expected}"


def test_another_credential_takes_its_place(put: Asks, delete: Asks, engine: Engine) -> None:
    engine.has_endpoint()
    put(host="hooks.example.com", body=CREDENTIAL)
    put(host="hooks.example.com", body={"user": "shop", "password": "new"})
    replaced = authorization(engine)

    answer = delete(host="HOOKS.example.com")

    assert replaced == "Basic " + base64.b64encode(b"shop:new").decode()
    assert (answer["statusCode"], answer["body"]) == (204, "")
    assert authorization(engine) is None
    assert delete(host="hooks.example.com")["statusCode"] == 404


def test_stores_the_password_sealed(put: Asks, engine: Engine) -> None:
    put(host="hooks.example.com", body=CREDENTIAL)

    stored = row("Webhooks", "HOSTS", "hooks.example.com")
    assert stored is not None
    assert "hunter2" not in repr(stored)


@pytest.mark.parametrize(
    "host", ["hooks", "10.0.0.1", "api.tessera.example", "a b.example.com", "x.internal", "a:b"]
)
def test_refuses_a_host_that_no_webhook_can_have(put: Asks, host: str) -> None:
    answer = put(host=host, body=CREDENTIAL)

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == ["host"]


def test_a_host_exempted_for_local_use_can_have_one(put: Asks, engine: Engine) -> None:
    answer = put(host="localhost", body=CREDENTIAL)

    assert (answer["statusCode"], body(answer)["host"]) == (200, "localhost")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"user": "a:b"}, "user"),
        ({"user": ""}, "user"),
        ({"password": "p" * 600}, "password"),
        ({"realm": "x"}, "realm"),
    ],
)
def test_refuses_a_credential_that_cannot_be_sent(
    put: Asks, members: dict[str, Any], field: str
) -> None:
    answer = put(host="hooks.example.com", body=CREDENTIAL | members)

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == [field]
    assert row("Webhooks", "HOSTS", "hooks.example.com") is None


def test_lists_by_name_page_by_page_without_passwords(put: Asks, listed: Asks) -> None:
    hosts = [f"{letter}.example.com" for letter in "cabed"]
    for host in hosts:
        put(host=host, body=CREDENTIAL)

    pages, query = [], {"pageSize": "2"}
    while True:
        answer = listed(query=query)
        assert "hunter2" not in answer["body"]
        pages.append([(one["host"], one["user"]) for one in body(answer)["items"]])
        if "cursor" not in body(answer):
            break
        query["cursor"] = body(answer)["cursor"]

    shown = [(host, "shop") for host in sorted(hosts)]
    assert pages == [shown[:2], shown[2:4], shown[4:]]


def test_refuses_the_cursor_of_another_caller(put: Asks, listed: Asks) -> None:
    for host in ("a.example.com", "b.example.com"):
        put(host=host, body=CREDENTIAL)
    cursor = body(listed(query={"pageSize": "1"}))["cursor"]

    answer = listed(query={"cursor": cursor}, caller=operator("support"))

    assert (answer["statusCode"], body(answer)["code"]) == (400, "invalid_request")
