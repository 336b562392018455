"""Every committed event reaches the bus: by the table's stream, or else by the sweep."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera import clock, dynamo, outbox
from tessera.events import Event
from tessera.webhooks import publishing
from tessera.webhooks.bus import EventBus
from tessera.webhooks.outbox import Outbox
from tests.builders import NOW
from tests.handlers import Handler, load
from tests.webhooks.conftest import Overhear
from tests.webhooks.engine import Clock, event, row

MINUTE = timedelta(minutes=1)
BUS_ONLY = "order.retry_requested"


@pytest.fixture
def queue(tables: dict[str, str]) -> str:
    """What a rule for webhook events puts onto the fan-out queue."""
    url = boto3.client("sqs").create_queue(QueueName="fan-out")["QueueUrl"]
    bus = boto3.client("events")
    bus.create_event_bus(Name="tessera-dev")
    bus.put_rule(
        Name="webhooks",
        EventBusName="tessera-dev",
        EventPattern=json.dumps({"source": ["tessera"], "detail": {"webhook": [True]}}),
    )
    arn = "arn:aws:sqs:eu-west-1:123456789012:fan-out"
    bus.put_targets(
        Rule="webhooks", EventBusName="tessera-dev", Targets=[{"Id": "queue", "Arn": arn}]
    )
    return url


@pytest.fixture
def handler(queue: str) -> Handler:
    return load("webhooks/publish_events", EVENT_BUS="tessera-dev")


def arrived(queue: str) -> list[dict[str, Any]]:
    answer = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def committed(*announced: Event) -> dict[str, Any]:
    """Commits them; the batch that the table's stream then hands over."""
    dynamo.commit([outbox.record("Events", one) for one in announced])
    items = [
        boto3.client("dynamodb").get_item(
            TableName="Events", Key={"pk": {"S": one.id}, "sk": {"S": "EVENT"}}
        )["Item"]
        for one in announced
    ]
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"NewImage": item, "SequenceNumber": str(100 + position)},
            }
            for position, item in enumerate(items)
        ]
    }


class FakeBus:
    """Refuses the events at these positions of each call."""

    def __init__(self, *refused: int) -> None:
        self.refused = set(refused)
        self.published: list[str] = []

    def publish(self, events: Sequence[Event]) -> set[int]:
        self.published += [e.id for n, e in enumerate(events) if n not in self.refused]
        return self.refused & set(range(len(events)))


def test_announces_an_inserted_event_with_its_whole_snapshot(handler: Handler, queue: str) -> None:
    announced = event(correlation_id="JKJaXmPLvHcESHA=")

    assert handler(committed(announced)) == {"batchItemFailures": []}

    (envelope,) = arrived(queue)
    assert envelope["source"] == "tessera"
    assert envelope["detail-type"] == "entitlements.updated"
    assert Event.model_validate(envelope["detail"]) == announced
    assert list(envelope["detail"]["snapshot"]) == list(announced.snapshot)


def test_leaves_a_webhook_event_open_for_fan_out_and_closes_any_other(
    handler: Handler, queue: str
) -> None:
    for_endpoints, for_the_bus = event(), event(BUS_ONLY)

    handler(committed(for_endpoints, for_the_bus))

    left, closed = (row("Events", one.id, "EVENT") for one in (for_endpoints, for_the_bus))
    assert left is not None
    assert left["open_at"] == clock.epoch_ms(NOW + 2 * MINUTE)
    assert closed is not None
    assert closed.keys().isdisjoint({"open", "open_at"})
    assert [envelope["detail"]["id"] for envelope in arrived(queue)] == [for_endpoints.id]


def test_gives_back_what_the_bus_did_not_take(tables: dict[str, str]) -> None:
    bus, outbox = FakeBus(1), Outbox("Events")
    announced = [event(BUS_ONLY), event(BUS_ONLY)]
    committed(*announced)

    assert publishing.publish(announced, bus=bus, outbox=outbox) == {1}

    rows = [row("Events", one.id, "EVENT") or {} for one in announced]
    assert ["open" in stored for stored in rows] == [False, True]


def test_repeats_a_batch_from_the_first_that_failed(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = committed(event(), event(), event())
    monkeypatch.setattr(EventBus, "publish", lambda self, events: {1, 2})

    assert handler(batch) == {
        "batchItemFailures": [{"itemIdentifier": "101"}, {"itemIdentifier": "102"}]
    }


def test_fails_a_batch_that_holds_a_row_it_cannot_read(handler: Handler, queue: str) -> None:
    batch = committed(event(), event())
    del batch["Records"][1]["dynamodb"]["NewImage"]["snapshot"]

    assert len(handler(batch)["batchItemFailures"]) == 2
    assert arrived(queue) == []


def test_the_minutes_turn_publishes_what_the_stream_lost(handler: Handler, queue: str) -> None:
    lost = event(at=clock.now() - 3 * MINUTE)
    fresh = event(at=clock.now())
    committed(lost, fresh)

    assert handler({"source": "aws.events", "detail-type": "Scheduled Event"}) is None

    assert [envelope["detail"]["id"] for envelope in arrived(queue)] == [lost.id]


def test_looks_again_after_2_4_8_and_so_on_up_to_60_minutes(tables: dict[str, str]) -> None:
    bus, now, counted = FakeBus(), Clock(), dict[str, float]()
    announced = event()
    committed(announced)

    def note(name: str, value: float = 1, **dimensions: str) -> None:
        counted[name] = value

    published: list[int] = []
    for minute in (1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 123, 124, 183, 184):
        now.at = NOW + minute * MINUTE
        before = len(bus.published)
        publishing.republish(bus=bus, outbox=Outbox("Events"), now=now, count=note)
        if len(bus.published) > before:
            published.append(minute)
            assert counted["OldestOpenEventSeconds"] == minute * 60

    assert published == [2, 4, 8, 16, 32, 64, 124, 184]


def test_a_sweep_that_runs_beside_another_publishes_nothing_twice(tables: dict[str, str]) -> None:
    bus, now = FakeBus(), Clock(NOW + 3 * MINUTE)
    committed(event())

    class Beaten(Outbox):
        def due(self, *, now_ms: int, at_most: int) -> list[publishing.OpenEvent]:
            found = super().due(now_ms=now_ms, at_most=at_most)
            if found:
                publishing.republish(bus=bus, outbox=Outbox("Events"), now=now, count=ignore)
            return found

    publishing.republish(bus=bus, outbox=Beaten("Events"), now=now, count=ignore)

    assert len(bus.published) == 1


def test_nor_does_one_that_an_index_told_of_what_the_other_took(
    tables: dict[str, str], overhear: Overhear
) -> None:
    bus, now = FakeBus(), Clock(NOW + 3 * MINUTE)
    committed(event())
    later = clock.epoch_ms(now() + 2 * MINUTE)
    (due,) = Outbox("Events").due(now_ms=clock.epoch_ms(now()), at_most=100)

    def take(**_: Any) -> None:
        Outbox("Events").postpone(due, until_ms=later)

    overhear("dynamodb", "before-call.dynamodb.BatchGetItem", take)

    publishing.republish(bus=bus, outbox=Outbox("Events"), now=now, count=ignore)

    assert bus.published == []


def test_leaves_alone_what_was_fanned_out_meanwhile(tables: dict[str, str]) -> None:
    bus, now, outbox = FakeBus(), Clock(NOW + 3 * MINUTE), Outbox("Events")
    announced = event()
    committed(announced)
    (due,) = outbox.due(now_ms=clock.epoch_ms(now()), at_most=100)
    outbox.mark_fanned_out(announced.id, now(), [])

    assert not outbox.postpone(due, until_ms=clock.epoch_ms(now()) + 1)

    publishing.republish(bus=bus, outbox=outbox, now=now, count=ignore)
    assert bus.published == []


def test_works_off_more_than_one_page_in_a_turn(
    tables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_AT_ONCE", 10)
    bus, now = FakeBus(), Clock(NOW + 3 * MINUTE)
    committed(*(event() for _ in range(25)))

    line = publishing.republish(bus=bus, outbox=Outbox("Events"), now=now, count=ignore)

    assert line == {"published": 25, "failed": 0}
    assert len(set(bus.published)) == 25


def ignore(name: str, value: float = 1, **dimensions: str) -> None:
    """Counts nothing."""
