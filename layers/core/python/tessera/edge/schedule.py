"""What a function on a schedule needs once: the outcome line, metrics, and failing visibly."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from tessera.edge.observability import Outcome, begin, flush_metrics, logger


def scheduled(act: Callable[[], Mapping[str, Any]]) -> Callable[[dict[str, Any], Any], None]:
    """A handler for one turn; `act` answers members of the outcome line.

    A failure is logged and raised again: the function's error alarm must see it, and the next turn
    is the repeat.
    """
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")

    def handle(event: dict[str, Any], context: Any) -> None:
        begin(context)
        with Outcome(event_name, getattr(context, "aws_request_id", None)) as line:
            try:
                line.members |= act()
            except Exception:
                logger.exception("turn failed")
                line.level, line.members["outcome"] = "error", "failed"
                raise
            finally:
                flush_metrics()

    return handle
