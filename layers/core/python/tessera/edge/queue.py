"""Everything a queue worker needs once: typed records, partial failures, the outcome line."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tessera.edge.observability import Outcome, flush_metrics, logger

Record = TypeVar("Record", bound=BaseModel)
BatchAnswer = dict[str, list[dict[str, str]]]


def worker(
    act: Callable[[Record], None], *, on: type[Record]
) -> Callable[[dict[str, Any], Any], BatchAnswer]:
    """A handler that takes each SQS record by itself and gives back those that failed.

    A record put on the queue by an event rule carries the bus envelope; `on` reads its `detail`.
    """
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")

    def handle(event: dict[str, Any], context: Any) -> BatchAnswer:
        failed = [
            record["messageId"]
            for record in event["Records"]
            if not _succeeds(record, event_name, act, on)
        ]
        flush_metrics()
        return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}

    return handle


def _succeeds(
    record: dict[str, Any], event_name: str, act: Callable[[Record], None], on: type[Record]
) -> bool:
    with Outcome(event_name, str(record["messageId"])) as line:
        try:
            parsed = detail(record["body"], on)
            line.correlation_id = getattr(parsed, "correlation_id", None) or line.correlation_id
            act(parsed)
        except Exception as error:
            # SQS hands it out again, and after five times to the dead-letter queue and its alarm.
            logger.exception("record failed", extra={"message_id": record["messageId"]})
            line.level = "error"
            line.members["outcome"] = (
                "unreadable" if isinstance(error, ValidationError) else "failed"
            )
            return False
        return True


def detail(body: str, model: type[Record]) -> Record:
    """What a message holds, with or without the bus envelope around it."""
    content = json.loads(body)
    if isinstance(content, dict) and "detail-type" in content:
        content = content["detail"]
    return model.model_validate(content)
