"""What a delivery costs: the requests that leave for AWS, counted on the wire."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from tessera import aws
from tessera.webhooks import jobs
from tessera.webhooks.bus import EventBus
from tessera.webhooks.fan_out import FanOut
from tessera.webhooks.outcome import Answer, Outcome
from tessera.webhooks.publishing import publish
from tessera.webhooks.queues import HintQueues
from tests.webhooks.engine import REFUSED, Engine, Inline, event


@pytest.fixture
def queues(engine: Engine) -> HintQueues:
    sqs = boto3.client("sqs")
    urls: dict[str, Any] = {
        lane: sqs.create_queue(QueueName=lane)["QueueUrl"] for lane in ("fast", "slow")
    }
    return HintQueues(**urls)


@contextmanager
def counted() -> Iterator[Counter[str]]:
    requests: Counter[str] = Counter()

    def note(request: Any, operation_name: str, **_: Any) -> None:
        requests[operation_name] += 1

    clients = [aws.client("dynamodb"), aws.client("sqs"), aws.client("kms"), aws.client("events")]
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


def test_a_good_first_attempt_takes_three_requests_beside_those_of_its_batch(
    engine: Engine,
) -> None:
    warmed(engine)
    hints = engine.fans_out(*(event() for _ in range(10)))

    with counted() as requests:
        assert engine.sends(hints) == ["delivered"] * 10

    # a Get, a claim and a finish each, which keeps the attempt; with the Put of fan-out four
    assert requests == {"GetItem": 10, "UpdateItem": 20 + 1, "BatchGetItem": 1}
    assert len(engine.receiver.received) == 11


def test_a_second_batch_within_seconds_reads_no_endpoint_again(engine: Engine) -> None:
    warmed(engine)
    engine.delivers(event())
    hints = engine.fans_out(event())

    with counted() as requests:
        engine.sends(hints)

    assert requests == {"GetItem": 1, "UpdateItem": 2 + 1}


def test_an_event_for_many_endpoints_is_read_once(engine: Engine) -> None:
    for number in range(10):
        engine.has_endpoint(url=f"https://hooks{number}.example.com/")
    engine.delivers(event())
    engine.clock.turn(seconds=6)
    hints = engine.fans_out(event())

    with counted() as requests:
        assert engine.sends(hints) == ["delivered"] * 10

    assert requests == {"GetItem": 1, "UpdateItem": 20 + 10, "BatchGetItem": 1}


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


def test_a_sweep_with_nothing_due_costs_two_queries_and_four_an_endpoint(engine: Engine) -> None:
    engine.has_endpoint()
    engine.has_endpoint()

    with counted() as requests:
        engine.sweeper.turn()

    assert requests == {"Query": 2 + 2 * 4}


def test_a_410_adds_one_transaction(engine: Engine) -> None:
    warmed(engine)
    engine.receiver.answers = [Answer(Outcome.GONE, 3, 410)]
    hints = engine.fans_out(event())

    with counted() as requests:
        assert engine.sends(hints) == ["retrying"]

    # claim, finish, hour and health; the transaction is the endpoint with the event that tells it
    assert requests == {
        "BatchGetItem": 1,
        "GetItem": 1,
        "UpdateItem": 2 + 1 + 1,
        "PutItem": 1,
        "TransactWriteItems": 1,
    }


def test_an_event_for_endpoints_is_published_without_a_write(engine: Engine) -> None:
    boto3.client("events").create_event_bus(Name="tessera-dev")
    announced = [event() for _ in range(10)]
    engine.is_committed(*announced)

    with counted() as requests:
        failed = publish(announced, bus=EventBus("tessera-dev"), outbox=engine.outbox)

    assert failed == set()
    assert requests == {"PutEvents": 1}


@pytest.mark.parametrize(("events", "endpoints", "calls"), [(1, 11, 2), (10, 1, 1), (10, 3, 3)])
def test_hints_of_a_batch_travel_ten_a_call_whichever_events_they_are_of(
    engine: Engine, queues: HintQueues, events: int, endpoints: int, calls: int
) -> None:
    for _ in range(endpoints):
        engine.has_endpoint()
    announced = [event() for _ in range(events)]
    engine.is_committed(*announced)
    fan_out = FanOut(
        endpoints=engine.endpoints,
        deliveries=engine.deliveries,
        outbox=engine.outbox,
        queues=queues,
        pool=Inline(),
        now=engine.clock,
    )

    with counted() as requests:
        fan_out.batch(announced, engine.each)

    rows = events * endpoints
    written = {"PutItem": rows, "UpdateItem": events}
    assert requests == {"Query": 1, **written, "SendMessageBatch": calls}


def test_healing_a_delivery_costs_one_lease(engine: Engine, queues: HintQueues) -> None:
    engine.has_endpoint()
    engine.fans_out(*(event() for _ in range(3)))
    engine.clock.turn(minutes=3)
    sweeper = engine.new_sweeper(queues=queues)

    with counted() as requests:
        sweeper.turn()

    sent = requests.pop("SendMessageBatch")
    assert requests == {"Query": 2 + 4, "UpdateItem": 3}
    assert 1 <= sent <= 3  # one for each shard that has any


def test_a_replay_costs_one_update_a_delivery_and_a_batch_get_a_page(engine: Engine) -> None:
    id = engine.has_endpoint()
    engine.sends(engine.fans_out(*(event() for _ in range(10))))
    filter = jobs.Filter(states=("delivered",))
    job = jobs.start("replay", id, filter, by="operator/ann", now=engine.clock.at)
    engine.jobs.add_job(job)

    with counted() as requests:
        engine.sweeper.turn()

    found = {"BatchGetItem": 1, "UpdateItem": 10 + 1}
    # two of the turn, one of the page, four of the endpoint's shards; what they found is leased
    assert requests["Query"] == 2 + 1 + 4
    assert requests["BatchGetItem"] == found["BatchGetItem"]
    assert requests["UpdateItem"] >= found["UpdateItem"]
