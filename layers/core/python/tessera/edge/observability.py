"""The logger, the metrics and the notes that become a request's one outcome line."""

import os
import time
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera"), use_rfc3339=True)
metrics = Metrics(namespace="Tessera", service=os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera"))

_notes: ContextVar[dict[str, Any] | None] = ContextVar("notes", default=None)
_correlation: ContextVar[str | None] = ContextVar("correlation", default=None)
_cold_start = True


class Outcome:
    """Measures one request or record and writes its line: `with Outcome("place_order") as line`."""

    def __init__(self, event: str, correlation_id: str | None) -> None:
        self.event = event
        self.correlation_id = correlation_id
        self.level = "info"
        self.members: dict[str, Any] = {}
        self._started = time.monotonic()

    def __enter__(self) -> "Outcome":
        self._notes = _notes.set({})
        self._correlation = _correlation.set(self.correlation_id)
        return self

    def __exit__(self, *failure: object) -> None:
        global _cold_start
        noted = _notes.get() or {}
        line = {
            "event": self.event,
            "outcome": "done",
            **self.members,
            **noted,
            "ms": round((time.monotonic() - self._started) * 1000),
            "correlation_id": self.correlation_id,
            "cold_start": _cold_start,
        }
        _cold_start = False
        getattr(logger, self.level)(
            self.event, extra={k: v for k, v in line.items() if v is not None}
        )
        _notes.reset(self._notes)
        _correlation.reset(self._correlation)


def note(**members: Any) -> None:
    """Adds members to the outcome line of the request under way: ids, never personal data."""
    noted = _notes.get()
    if noted is not None:
        noted.update(members)


def correlation_id() -> str | None:
    """The id that follows one HTTP request through events and deliveries."""
    return _correlation.get()


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Adds to a business metric, written out when the invocation ends."""
    metrics.add_metric(name=name, unit=unit, value=value)


def flush_metrics() -> None:
    """Writes what was counted, and nothing (Powertools would warn) when nothing was."""
    if metrics.metric_set:
        metrics.flush_metrics()
