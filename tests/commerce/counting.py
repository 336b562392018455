"""Requests that leave for DynamoDB, counted on the wire."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tessera import aws


@contextmanager
def counted() -> Iterator[Counter[str]]:
    requests: Counter[str] = Counter()

    def note(request: Any, operation_name: str, **_: Any) -> None:
        requests[operation_name] += 1

    events = aws.client("dynamodb").meta.events
    events.register("request-created", note)
    yield requests
    events.unregister("request-created", note)
