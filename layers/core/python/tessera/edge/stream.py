"""What a function behind a table's stream needs once: rows, partial failures, the outcome line."""

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tessera.dynamo import Row, row_of
from tessera.edge.observability import Outcome, flush_metrics, logger
from tessera.edge.queue import BatchAnswer

Inserted = TypeVar("Inserted")


def stream_worker(
    act: Callable[[Sequence[Inserted]], set[int]],
    *,
    on: Callable[[Row], Inserted],
    otherwise: Callable[[dict[str, Any], Any], None],
) -> Callable[[dict[str, Any], Any], BatchAnswer | None]:
    """A handler that hands a batch of inserted rows over and gives back the failed positions.

    Lambda repeats the batch from the first of them on, so `act` must not mind a row twice. An
    event that is no batch of a stream goes to `otherwise`: the schedule that heals the stream.
    """
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")

    def handle(event: dict[str, Any], context: Any) -> BatchAnswer | None:
        if "Records" not in event:
            otherwise(event, context)
            return None
        changes = [record["dynamodb"] for record in event["Records"]]
        with Outcome(event_name, str(changes[0]["SequenceNumber"])) as line:
            try:
                failed = act([on(row_of(change["NewImage"])) for change in changes])
            except Exception:
                # Lambda halves the batch and tries again until the one at fault stands alone.
                logger.exception("batch failed")
                failed = set(range(len(changes)))
            line.members |= {"records": len(changes), "failed": len(failed)}
            if failed:
                line.level, line.members["outcome"] = "error", "failed"
        flush_metrics()
        return {
            "batchItemFailures": [
                {"itemIdentifier": changes[position]["SequenceNumber"]}
                for position in sorted(failed)
            ]
        }

    return handle
