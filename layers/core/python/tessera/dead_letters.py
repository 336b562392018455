"""What our own workers could not work off: how many messages lie in each queue of dead letters."""

from collections.abc import Mapping
from typing import Final

from tessera.aws import client

_COUNT: Final = "ApproximateNumberOfMessages"


class DeadLetters:
    """`queues`: names with addresses, as `fan-out=https://…,fast=https://…`."""

    def __init__(self, queues: str) -> None:
        pairs = (one.partition("=") for one in queues.split(",") if one)
        self._urls: Mapping[str, str] = {name: url for name, _, url in pairs}

    def counts(self) -> dict[str, int]:
        """Of the queues that hold any, by name; one request each, and only nearly exact."""
        counted = {name: _count(url) for name, url in self._urls.items()}
        return {name: count for name, count in counted.items() if count}


def _count(url: str) -> int:
    answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[_COUNT])
    return int(answer["Attributes"][_COUNT])
