"""The fan-out function, as its queue calls it."""

import json
from typing import Any

import boto3
import pytest

from tessera import clock, dynamo, outbox
from tessera.events import Event
from tests.handlers import Handler, load
from tests.webhooks.engine import Engine, event, row


@pytest.fixture
def urls(tables: dict[str, str]) -> dict[str, str]:
    sqs = boto3.client("sqs")
    return {lane: sqs.create_queue(QueueName=lane)["QueueUrl"] for lane in ("fast", "slow")}


@pytest.fixture
def handler(urls: dict[str, str]) -> Handler:
    return load("webhooks/fan_out_event", FAST_QUEUE_URL=urls["fast"], SLOW_QUEUE_URL=urls["slow"])


def from_the_rule(*announced: Event) -> dict[str, Any]:
    return {
        "Records": [
            {
                "messageId": f"message-{position}",
                "body": json.dumps(
                    {
                        "version": "0",
                        "source": "tessera",
                        "detail-type": one.type,
                        "detail": json.loads(one.body()),
                    }
                ),
            }
            for position, one in enumerate(announced)
        ]
    }


def hints(url: str) -> list[dict[str, Any]]:
    answer = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_makes_rows_and_hints_for_a_batch(
    handler: Handler, engine: Engine, urls: dict[str, str]
) -> None:
    ids = {engine.has_endpoint(), engine.has_endpoint()}
    announced = [event(at=clock.now()), event(at=clock.now())]
    engine.is_committed(*announced)

    assert handler(from_the_rule(*announced)) == {"batchItemFailures": []}

    sent = hints(urls["fast"])
    assert {(one["event"], one["endpoint"]) for one in sent} == {
        (one.id, id) for one in announced for id in ids
    }
    for one in announced:
        stored = row("Events", one.id, "EVENT")
        assert stored is not None
        assert "fanned_out_at" in stored


def test_an_event_that_fails_fails_alone(
    handler: Handler, engine: Engine, urls: dict[str, str]
) -> None:
    engine.has_endpoint()
    announced = [event(at=clock.now()) for _ in range(2)]
    engine.is_committed(*announced)
    batch = from_the_rule(*announced)
    unknown = json.loads(batch["Records"][0]["body"])
    unknown["detail"]["type"] = "weather.changed"
    batch["Records"][0]["body"] = json.dumps(unknown)

    assert handler(batch) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}

    assert [one["event"] for one in hints(urls["fast"])] == [announced[1].id]


def test_an_unreadable_message_fails_alone(handler: Handler, engine: Engine) -> None:
    announced = event(at=clock.now())
    engine.is_committed(announced)
    batch = from_the_rule(event(), announced)
    batch["Records"][0]["body"] = "{"

    assert handler(batch) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_all_fail_when_the_endpoints_cannot_be_read(
    handler: Handler, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced = event(at=clock.now())
    dynamo.commit([outbox.record("Events", announced)])
    boto3.client("dynamodb").delete_table(TableName="Webhooks")

    assert handler(from_the_rule(announced)) == {
        "batchItemFailures": [{"itemIdentifier": "message-0"}]
    }
    stored = row("Events", announced.id, "EVENT")
    assert stored is not None
    assert "open" in stored
