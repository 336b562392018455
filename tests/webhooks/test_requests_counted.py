"""What a delivery costs: the requests that leave for AWS, counted on the wire."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from tessera import aws
from tessera.webhooks.queues import HintQueues
from tests.webhooks.engine import REFUSED, Engine, event


@pytest.fixture
def queues(engine: Engine) -> HintQueues:
    sqs = boto3.client("sqs")
    urls = {lane: sqs.create_queue(QueueName=lane)["QueueUrl"] for lane in ("fast", "slow")}
    return HintQueues(**urls)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    requests: Counter[str] = Counter()

    def note(request: Any, operation_name: str, **_: Any) -> None:
        requests[operation_name] += 1

    clients = [aws.client("dynamodb"), aws.client("sqs"), aws.client("kms")]
    for one in clients:
        one.meta.events.register("request-created", note)
    yield requests
    for one in clients:
        one.meta.events.unregister("request-created", note)


def warmed(engine: Engine, **detail: Any) -> str:
    """An endpoint that this process has sent to before, more than five seconds ago."""
    id = engine.has_endpoint(**detail)
    engine.delivers(event())
    engine.queues.take()
    engine.clock.turn(seconds=6)
    return id


def test_fan_out_takes_one_query_a_batch_one_put_a_delivery_and_one_update_an_event(
    engine: Engine,
) -> None:
    for _ in range(3):
        engine.has_endpoint()
    announced = [event() for _ in range(10)]
    engine.is_committed(*announced)

    with counted() as requests:
        engine.fan_out.batch(announced, engine.each)

    assert requests == {"Query": 1, "PutItem": 30, "UpdateItem": 10}


def test_a_good_first_attempt_takes_four_requests_beside_those_of_its_batch(
    engine: Engine,
) -> None:
    warmed(engine)
    hints = engine.fans_out(*(event() for _ in range(10)))

    with counted() as requests:
        assert engine.sends(hints) == ["delivered"] * 10

    # a Get, a claim, an attempt and a finish each; with the Put of fan-out that is five
    assert requests == {"GetItem": 10, "UpdateItem": 20 + 1, "PutItem": 10, "BatchGetItem": 1}
    assert len(engine.receiver.received) == 11


def test_a_second_batch_within_seconds_reads_no_endpoint_again(engine: Engine) -> None:
    warmed(engine)
    engine.delivers(event())
    hints = engine.fans_out(event())

    with counted() as requests:
        engine.sends(hints)

    assert requests == {"GetItem": 1, "UpdateItem": 2 + 1, "PutItem": 1}


def test_an_event_for_many_endpoints_is_read_once(engine: Engine) -> None:
    for number in range(10):
        engine.has_endpoint(url=f"https://hooks{number}.example.com/")
    engine.delivers(event())
    engine.clock.turn(seconds=6)
    hints = engine.fans_out(event())

    with counted() as requests:
        assert engine.sends(hints) == ["delivered"] * 10

    assert requests == {"GetItem": 1, "UpdateItem": 20 + 10, "PutItem": 10, "BatchGetItem": 1}


def test_a_failure_adds_one_health_update_and_one_message(
    engine: Engine, queues: HintQueues
) -> None:
    warmed(engine)
    engine.receiver.answers = [REFUSED]
    hints = engine.fans_out(event())
    sender = engine.new_sender(queues=queues)

    with counted() as requests:
        sender.batch(hints, engine.each)

    # another process: it asks for the credential of the host once
    cold = {"BatchGetItem": 2}
    assert (
        requests
        == {
            "GetItem": 1,
            "UpdateItem": 2 + 1 + 1,
            "PutItem": 1,
            "SendMessageBatch": 1,
        }
        | cold
    )


def test_a_stale_hint_costs_one_read_and_one_refused_claim(engine: Engine) -> None:
    warmed(engine)
    hints = engine.fans_out(event())
    engine.sends(hints)
    engine.clock.turn(seconds=6)

    with counted() as requests:
        assert engine.sends(hints) == ["stale"]

    assert requests == {"UpdateItem": 1, "BatchGetItem": 1}


def test_a_sweep_with_nothing_due_costs_one_query_and_four_an_endpoint(engine: Engine) -> None:
    engine.has_endpoint()
    engine.has_endpoint()

    with counted() as requests:
        engine.sweeper.turn()

    assert requests == {"Query": 1 + 2 * 4}
