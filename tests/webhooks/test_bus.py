"""How events are put on the bus: in calls that EventBridge takes."""

from typing import Any

import boto3
import pytest

from tessera.webhooks.bus import EventBus
from tests.webhooks.conftest import Overhear
from tests.webhooks.engine import event


@pytest.fixture
def calls(fake_aws: None, overhear: Overhear) -> list[list[dict[str, Any]]]:
    """The entries of each PutEvents call."""
    boto3.client("events").create_event_bus(Name="tessera-dev")
    seen: list[list[dict[str, Any]]] = []
    overhear(
        "events",
        "provide-client-params.events.PutEvents",
        lambda params, **_: seen.append(params["Entries"]),
    )
    return seen


def test_puts_at_most_ten_events_into_a_call(calls: list[list[dict[str, Any]]]) -> None:
    assert EventBus("tessera-dev").publish([event() for _ in range(23)]) == set()

    assert [len(call) for call in calls] == [10, 10, 3]


def test_puts_at_most_256_kb_into_a_call(calls: list[list[dict[str, Any]]]) -> None:
    large = [event().model_copy(update={"snapshot": {"text": "ä" * 30_000}}) for _ in range(6)]

    EventBus("tessera-dev").publish(large)

    sizes = [sum(len(entry["Detail"].encode()) for entry in call) for call in calls]
    assert [len(call) for call in calls] == [4, 2]
    assert max(sizes) <= 256 * 1024


def test_refuses_one_that_is_too_large_and_takes_the_others(
    calls: list[list[dict[str, Any]]],
) -> None:
    huge = event().model_copy(update={"snapshot": {"text": "x" * 262_144}})

    assert EventBus("tessera-dev").publish([event(), huge, event()]) == {1}

    assert [len(call) for call in calls] == [2]


def test_answers_the_positions_that_the_bus_refused(
    calls: list[list[dict[str, Any]]], overhear: Overhear
) -> None:
    def refuse_the_second(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Entries"][1] = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}

    overhear("events", "after-call.events.PutEvents", refuse_the_second)

    assert EventBus("tessera-dev").publish([event() for _ in range(12)]) == {1, 11}
