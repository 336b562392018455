"""A callout's message worked off: the deployed worker against the Zuora stand-in."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.zuora import Zuora
from tessera import clock, ids
from tessera.commerce.store import CommerceTable
from tests.handlers import Handler, load

SECRET = "tessera/dev/zuora"


@pytest.fixture(scope="module")
def zuora() -> Iterator[Running]:
    with serve(Zuora()) as running:
        yield running


@pytest.fixture
def queue(tables: dict[str, str]) -> str:
    client = demo.ZUORA_CLIENT
    login = {"client_id": client.client_id, "client_secret": client.client_secret}
    boto3.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps(login))
    return boto3.client("sqs").create_queue(QueueName="resync")["QueueUrl"]


def worked_off(key: str, url: str, queue: str) -> dict[str, Any]:
    handler: Handler = load("commerce/resync_subscription", ZUORA_URL=url, RESYNC_QUEUE_URL=queue)
    message = {"subscription_key": key, "received_at": clock.instant(clock.now())}
    return handler({"Records": [{"messageId": "m-1", "body": json.dumps(message)}]})


def waiting(queue: str) -> int:
    found = boto3.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessagesDelayed"])


def test_a_subscription_nobody_synced_comes_in_by_its_callout(zuora: Running, queue: str) -> None:
    answer = worked_off(demo.GOLD_SUBSCRIPTION, zuora.url, queue)

    assert answer == {"batchItemFailures": []}
    holding = CommerceTable("Commerce").holding(ids.subscription_id(demo.GOLD_SUBSCRIPTION))
    assert holding is not None
    assert holding.name == demo.GOLD_SUBSCRIPTION
    assert waiting(queue) == 0


def test_a_number_that_zuora_does_not_know_changes_nothing(zuora: Running, queue: str) -> None:
    answer = worked_off("A-S99999999", zuora.url, queue)

    assert answer == {"batchItemFailures": []}
    assert boto3.client("dynamodb").scan(TableName="Commerce")["Count"] == 0
    assert waiting(queue) == 0


def test_while_zuora_is_down_the_message_waits(queue: str) -> None:
    answer = worked_off(demo.GOLD_SUBSCRIPTION, "http://127.0.0.1:9", queue)

    assert answer == {"batchItemFailures": []}
    assert waiting(queue) == 1
