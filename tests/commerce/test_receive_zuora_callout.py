"""Zuora's callouts at the door, through the deployed handler."""

import base64
import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera import clock
from tessera.commerce.notifications import NotificationTable
from tests.builders import NOW, api_event
from tests.handlers import Handler, body, load

PATH = "/api/events/zuora"
SECRET = "tessera/dev/zuora-callout"
LOGINS = {"username": "zuora", "password": "new", "previous_username": "", "previous_password": ""}


@pytest.fixture
def queue(tables: dict[str, str]) -> str:
    boto3.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(LOGINS))
    return boto3.client("sqs").create_queue(QueueName="resync")["QueueUrl"]


@pytest.fixture
def receive(queue: str) -> Handler:
    return load(
        "commerce/receive_zuora_callout",
        {f"POST {PATH}": {}},
        ZUORA_CALLOUT_SECRET=SECRET,
        RESYNC_QUEUE_URL=queue,
    )


def keep(**logins: str) -> None:
    boto3.client("secretsmanager").put_secret_value(
        SecretId=SECRET, SecretString=json.dumps({**LOGINS, **logins})
    )


LOGIN = ("zuora", "new")


def basic(username: str = LOGIN[0], password: str = LOGIN[1]) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def callout(
    authorization: str | None = None, *, sent: Any = None, notification: str | None = "n-1"
) -> dict[str, Any]:
    headers = {
        "authorization": basic() if authorization is None else authorization,
        **({"zuora-notification-id": notification} if notification else {}),
    }
    sent = {"subscriptionID": "A-S00000271", "data": {}} if sent is None else sent
    return api_event("POST", PATH, body=sent, headers=headers)


def queued(queue: str) -> int:
    """Held back for ten seconds, so counted and not received."""
    found = boto3.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessagesDelayed"])


def test_is_accepted_and_queued(receive: Handler, queue: str) -> None:
    answer = receive(callout())

    assert (answer["statusCode"], body(answer)) == (202, {})
    assert queued(queue) == 1


def test_a_repeat_is_answered_the_same_and_queued_once(receive: Handler, queue: str) -> None:
    answers = [receive(callout()) for _ in range(2)]

    assert [answer["statusCode"] for answer in answers] == [202, 202]
    assert queued(queue) == 1


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer token",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        basic(password="wrong"),
        basic(username="wrong"),
        basic("", ""),
        basic("zuora", ""),
    ],
    ids=["none", "bearer", "empty", "not-base64", "no-colon", "password", "user", "both", "half"],
)
def test_whoever_has_not_the_credentials_is_asked_for_them_before_anything_is_read(
    receive: Handler, queue: str, authorization: str
) -> None:
    answer = receive(callout(authorization, sent="{ not json"))

    assert (answer["statusCode"], body(answer)["code"]) == (401, "unauthorized")
    assert answer["headers"]["WWW-Authenticate"] == 'Basic realm="tessera"'
    assert queued(queue) == 0


def test_while_the_secret_is_empty_nobody_is_let_in(receive: Handler) -> None:
    keep(username="", password="")

    assert receive(callout(basic("", "")))["statusCode"] == 401


def test_the_previous_credentials_open_as_well_and_pairs_are_not_mixed(receive: Handler) -> None:
    keep(previous_username="old", previous_password="before")

    assert receive(callout(basic("old", "before")))["statusCode"] == 202
    assert receive(callout(basic("zuora", "new")))["statusCode"] == 202
    assert receive(callout(basic("old", "new")))["statusCode"] == 401


def test_a_colon_belongs_to_the_password(receive: Handler) -> None:
    keep(password="a:b")

    assert receive(callout(basic(password="a:b")))["statusCode"] == 202


@pytest.mark.parametrize("named", [{}, {"subscriptionNumber": ""}])
def test_a_body_without_a_subscription_is_refused_and_the_field_named(
    receive: Handler, named: dict[str, str]
) -> None:
    answer = receive(callout(sent={"type": "AddProduct", **named}))

    assert answer["statusCode"] == 422
    assert body(answer)["errors"][0]["field"] == "subscriptionID"


def test_a_key_that_no_sync_would_take_is_refused_instead_of_queued(
    receive: Handler, queue: str
) -> None:
    answer = receive(callout(sent={"subscriptionNumber": "A-S\u0085\ue000"}))

    assert answer["statusCode"] == 422
    assert queued(queue) == 0


@pytest.mark.parametrize(
    "more",
    [
        {"type": "AddProduct", "account": {"name": "x"}},
        {"subscriptionID": "", "type": None},
        {"subscriptionID": None, "type": ""},
        {"subscriptionID": " ", "type": "x" * 101},
        {"type": 7},
        {"type": ["AddProduct", "RemoveProduct"]},
    ],
)
def test_members_of_the_callout_that_are_not_needed_do_no_harm(
    receive: Handler, queue: str, more: dict[str, Any]
) -> None:
    answer = receive(callout(sent={"subscriptionNumber": "A-S00000271", **more}))

    assert answer["statusCode"] == 202
    assert queued(queue) == 1


def test_a_stranger_is_never_given_an_answer_kept_for_another(receive: Handler) -> None:
    event = callout()
    event["headers"]["idempotency-key"] = "shared"
    assert receive(event)["statusCode"] == 202

    refused = callout(basic(password="wrong"))
    refused["headers"]["idempotency-key"] = "shared"

    assert receive(refused)["statusCode"] == 401


def test_a_notification_is_remembered_for_seven_days(tables: dict[str, str]) -> None:
    notifications = NotificationTable(tables["Idempotency"])
    notifications.remember("n-1", NOW)

    assert notifications.is_known("n-1", NOW + timedelta(days=6, hours=23))
    assert not notifications.is_known("n-1", NOW + timedelta(days=7))
    assert not notifications.is_known("n-2", clock.now())
