"""The sending function, as its queues call it, with a real receiver on loopback."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from standardwebhooks import Webhook

from tessera import clock
from tests.handlers import Handler, loaded
from tests.webhooks.conftest import Serve
from tests.webhooks.engine import KEY, Engine, event
from tests.webhooks.receiver import OK, Receiver, answers

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 60\r\ncontent-length: 4\r\n\r\nbusy"
Load = Callable[[Receiver], Handler]


@pytest.fixture
def slow(tables: dict[str, str]) -> str:
    return boto3.client("sqs").create_queue(QueueName="slow")["QueueUrl"]


@pytest.fixture
def load(slow: str) -> Any:
    """Loads the function so that it may reach this receiver."""
    made: list[Any] = []

    def load(receiver: Receiver) -> Handler:
        key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        module = loaded(
            "webhooks/send_deliveries",
            SECRETS_KEY=key,
            SLOW_QUEUE_URL=slow,
            WEBHOOK_PRIVATE_HOSTS=receiver.place,
            WEBHOOK_PORTS="443,8443",
            OWN_HOSTS="",
            WEBHOOK_DEADLINE="15",
        )
        made.append(module)
        return lambda event: module.handler(event, None)

    yield load
    for module in made:
        module.egress.close()
        module.pool.shutdown()


def batch(*hints: Any) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"message-{position}", "body": json.dumps(hint.wire())}
            for position, hint in enumerate(hints)
        ]
    }


def test_sends_a_batch_signed_over_real_http(engine: Engine, load: Load, serve: Serve) -> None:
    receiver = serve(answers(OK))
    id = engine.has_endpoint(url=receiver.url)
    announced = [event(at=clock.now()) for _ in range(10)]
    hints = engine.fans_out(*announced)

    assert load(receiver)(batch(*hints)) == {"batchItemFailures": []}

    assert len(receiver.received) == 10
    for request in receiver.received:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
        headers = {name.lower(): value for name, value in lines}
        Webhook(KEY).verify(body, headers)
    assert {engine.delivery(one, id).state for one in announced} == {"delivered"}
    assert {engine.attempts(one, id)[0].excerpt for one in announced} == {"ok"}


def test_honours_retry_after_and_hints_at_the_next_attempt(
    engine: Engine, load: Load, serve: Serve, slow: str
) -> None:
    receiver = serve(answers(BUSY))
    id = engine.has_endpoint(url=receiver.url)
    announced = event(at=clock.now())
    began = clock.epoch_ms(clock.now())

    load(receiver)(batch(*engine.fans_out(announced)))

    delivery = engine.delivery(announced, id)
    assert delivery.next_due is not None
    assert 120_000 <= delivery.next_due - began < 130_000
    (attempt,) = engine.attempts(announced, id)
    assert (attempt.outcome, attempt.status, attempt.excerpt) == ("http_error", 503, "busy")
    assert attempt.headers["retry-after"] == "60"
    waiting = boto3.client("sqs").get_queue_attributes(
        QueueUrl=slow, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    assert waiting["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"


def test_a_private_receiver_that_is_not_exempt_is_never_reached(
    engine: Engine, load: Load, serve: Serve
) -> None:
    exempt, other = serve(answers(OK)), serve(answers(OK))
    id = engine.has_endpoint(url=other.url)
    announced = event(at=clock.now())

    load(exempt)(batch(*engine.fans_out(announced)))

    assert other.received == []
    assert engine.attempts(announced, id)[0].outcome == "address_refused"


def test_our_own_fault_gives_the_message_back_and_spends_no_attempt(
    engine: Engine, load: Load, serve: Serve
) -> None:
    receiver = serve(answers(OK))
    id = engine.has_endpoint(url=receiver.url)
    announced = event(at=clock.now())
    hints = engine.fans_out(announced)
    handler = load(receiver)
    boto3.client("dynamodb").delete_table(TableName="Events")

    assert handler(batch(*hints)) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}

    assert engine.delivery(announced, id).attempts == 0
    assert receiver.received == []
