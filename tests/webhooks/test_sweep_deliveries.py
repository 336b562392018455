"""The sweep function, as its schedule calls it."""

import json

import boto3
import pytest

from tessera import clock
from tests.handlers import Handler, load
from tests.webhooks.engine import Engine, event

SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event"}


@pytest.fixture
def slow(tables: dict[str, str]) -> str:
    return boto3.client("sqs").create_queue(QueueName="slow")["QueueUrl"]


@pytest.fixture
def handler(slow: str) -> Handler:
    return load("webhooks/sweep_deliveries", SLOW_QUEUE_URL=slow)


def test_hints_at_everything_due(handler: Handler, engine: Engine, slow: str) -> None:
    id = engine.has_endpoint()
    announced = [event(), event()]
    engine.fans_out(*announced)  # in the engine's time, long ago

    assert handler(SCHEDULED) is None

    answer = boto3.client("sqs").receive_message(QueueUrl=slow, MaxNumberOfMessages=10)
    hints = [json.loads(message["Body"]) for message in answer["Messages"]]
    assert {hint["event"] for hint in hints} == {one.id for one in announced}
    assert {(hint["endpoint"], hint["why"], hint["lane"]) for hint in hints} == {
        (id, "sweep", "slow")
    }
    leased = engine.delivery(announced[0], id).next_due
    assert leased is not None
    assert leased > clock.epoch_ms(clock.now())


def test_a_turn_that_fails_is_seen(handler: Handler, engine: Engine) -> None:
    boto3.client("dynamodb").delete_table(TableName="Webhooks")

    with pytest.raises(Exception, match="ResourceNotFound"):
        handler(SCHEDULED)
