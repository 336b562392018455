"""Everything a queue worker needs once: typed records, partial failures, the outcome line."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel

from tessera.edge.observability import Outcome, begin, flush_metrics, logger

Record = TypeVar("Record", bound=BaseModel)
BatchAnswer = dict[str, list[dict[str, str]]]
Step: TypeAlias = Callable[[Record], Mapping[str, Any] | None]
"""What is done with one record; it may answer members of the record's outcome line."""
Each: TypeAlias = Callable[[Record, Step[Record]], None]


def worker(
    act: Callable[[Record], None], *, on: type[Record]
) -> Callable[[dict[str, Any], Any], BatchAnswer]:
    """A handler that takes each SQS record by itself and gives back those that failed.

    A record put on the queue by an event rule carries the bus envelope; `on` reads its `detail`.
    """

    def one_after_the_other(records: list[Record], each: Each[Record]) -> None:
        for record in records:
            each(record, act)

    return batch_worker(one_after_the_other, on=on)


def batch_worker(
    act: Callable[[list[Record], Each[Record]], None], *, on: type[Record]
) -> Callable[[dict[str, Any], Any], BatchAnswer]:
    """A handler whose `act` gets the records of a batch together, for what they share.

    It hands each of them to its second argument with the step to take, from any thread: that
    writes the record's outcome line and keeps its failure from the others. A record that was not
    handed over counts as failed.
    """
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")

    def handle(event: dict[str, Any], context: Any) -> BatchAnswer:
        begin(context)
        done: set[str] = set()
        records: list[Record] = []
        sources: dict[int, str] = {}

        def each(record: Record, step: Step[Record]) -> None:
            message = sources[id(record)]
            if _succeeds(message, event_name, record, step):
                done.add(message)

        for source in event["Records"]:
            record = _readable(source, event_name, on)
            if record is not None:
                sources[id(record)] = source["messageId"]
                records.append(record)
        try:
            act(records, each)
        except Exception:
            # What the records share failed: those not handed over come again.
            logger.exception("batch failed")
        flush_metrics()
        failed = [s["messageId"] for s in event["Records"] if s["messageId"] not in done]
        return {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}

    return handle


def _readable(source: dict[str, Any], event_name: str, on: type[Record]) -> Record | None:
    try:
        return detail(source["body"], on)
    except ValueError:
        with Outcome(event_name, str(source["messageId"])) as line:
            logger.exception("record unreadable", extra={"message_id": source["messageId"]})
            line.level, line.members["outcome"] = "error", "unreadable"
        return None


def _succeeds(message: str, event_name: str, record: Record, step: Step[Record]) -> bool:
    with Outcome(event_name, getattr(record, "correlation_id", None) or message) as line:
        try:
            members = dict(step(record) or {})
            line.correlation_id = members.pop("correlation_id", None) or line.correlation_id
            line.members |= members
        except Exception:
            # SQS hands it out again, and after five times to the dead-letter queue and its alarm.
            logger.exception("record failed", extra={"message_id": message})
            line.level, line.members["outcome"] = "error", "failed"
            return False
        return True


def detail(body: str, model: type[Record]) -> Record:
    """What a message holds, with or without the bus envelope around it."""
    content = json.loads(body)
    if isinstance(content, dict) and "detail-type" in content:
        content = content["detail"]
    return model.model_validate(content)
