"""How hints travel: fair groups, delays, and calls that SQS takes."""

import json
from typing import Any

import boto3
import pytest

from tessera import clock
from tessera.webhooks.models import Hint, Lane
from tessera.webhooks.queues import HintQueues
from tests.builders import NOW
from tests.webhooks.conftest import Overhear


@pytest.fixture
def urls(fake_aws: None) -> dict[str, Any]:
    sqs = boto3.client("sqs")
    return {lane: sqs.create_queue(QueueName=lane)["QueueUrl"] for lane in ("fast", "slow")}


def hint(n: int = 0, lane: Lane = "fast") -> Hint:
    return Hint(event="event-1", endpoint="endpoint-1", n=n, lane=lane, why="event")


def messages(url: str) -> list[dict[str, Any]]:
    answer = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
    )
    return list(answer.get("Messages", []))  # type: ignore[arg-type]


def test_puts_each_hint_on_its_lane_grouped_by_endpoint(urls: dict[str, Any]) -> None:
    HintQueues(**urls, now=lambda: NOW).send([hint(), hint(lane="slow")])

    for lane in ("fast", "slow"):
        (message,) = messages(urls[lane])
        sent = Hint.model_validate_json(message["Body"])
        assert sent == hint(lane=lane).model_copy(update={"at": clock.epoch_ms(NOW)})
        assert list(json.loads(message["Body"])) == ["event", "endpoint", "n", "lane", "why", "at"]
        assert message["Attributes"]["MessageGroupId"] == "endpoint-1"


def test_holds_a_hint_back(urls: dict[str, Any]) -> None:
    HintQueues(slow=urls["slow"]).send([hint(lane="slow")], delay=900)

    answer = boto3.client("sqs").get_queue_attributes(
        QueueUrl=urls["slow"], AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    assert answer["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"


def test_sends_ten_a_call_and_nothing_for_nothing(urls: dict[str, Any], overhear: Overhear) -> None:
    calls: list[int] = []
    overhear(
        "sqs",
        "provide-client-params.sqs.SendMessageBatch",
        lambda params, **_: calls.append(len(params["Entries"])),
    )
    queues = HintQueues(**urls)

    queues.send([])
    queues.send([hint(n) for n in range(23)])

    assert calls == [10, 10, 3]


def test_tries_again_what_sqs_refused_and_leaves_the_rest_to_the_sweep(
    urls: dict[str, Any], overhear: Overhear
) -> None:
    calls: list[list[str]] = []

    def refuse_the_first(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Failed"] = [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]

    overhear(
        "sqs",
        "provide-client-params.sqs.SendMessageBatch",
        lambda params, **_: calls.append([entry["Id"] for entry in params["Entries"]]),
    )
    overhear("sqs", "after-call.sqs.SendMessageBatch", refuse_the_first)

    HintQueues(**urls).send([hint(), hint(1)])

    assert calls == [["0", "1"], ["0"], ["0"]]
