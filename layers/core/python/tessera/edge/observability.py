"""The logger, the metrics and the notes that become a request's one outcome line."""

import json
import os
import re
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

logger = Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera"), use_rfc3339=True)
metrics = Metrics(
    namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Tessera"),
    service=os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera"),
)

_by_dimensions: dict[tuple[tuple[str, str], ...], EphemeralMetrics] = {}
_counting = threading.Lock()

_notes: ContextVar[dict[str, Any] | None] = ContextVar("notes", default=None)
_correlation: ContextVar[str | None] = ContextVar("correlation", default=None)
_cold_start = True
_UNKNOWN_SECONDS = 29.0
_ID = re.compile(r"[a-z_]+-[0-9a-f]{32}")
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_ends_at = 0.0


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

    def audit(self, event: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Of what an operator changes, or tries to: who it is, what is asked, what came of it.

        By ids alone. Those that are asked for are in the path; names and addresses are in bodies.
        """
        http = event["requestContext"]["http"]
        who = self.members.get("client")
        if (
            self.members.get("caller") != "operator"
            or who is None
            or http["method"] not in _CHANGING
        ):
            return
        path = str(event.get("rawPath") or http["path"])
        self.members |= {
            "by": f"operator/{who}",
            "did": f"{http['method']} {path[:500]}",
            "object": _made(answer),
        }

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


def _made(answer: Mapping[str, Any]) -> str | None:
    """The id of what an answer shows, or of the page that it leads to."""
    headers = answer.get("headers") or {}
    if "Location" in headers:
        named = _ID.search(str(headers["Location"]))
        return named[0] if named else None
    if answer.get("isBase64Encoded") or headers.get("Content-Type") != "application/json":
        return None
    body = json.loads(answer.get("body") or "null")
    id = body.get("id") if isinstance(body, dict) else None
    return id if isinstance(id, str) else None


def begin(context: Any) -> None:
    """Notes how long the invocation may last; Lambda runs one at a time in an environment."""
    global _ends_at
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    _ends_at = time.monotonic() + (remaining() / 1000 if remaining else _UNKNOWN_SECONDS)


def time_left() -> float:
    """Seconds until Lambda ends this invocation."""
    return _ends_at - time.monotonic()


def correlation_id() -> str | None:
    """The id that follows one HTTP request through events and deliveries."""
    return _correlation.get()


def count(name: str, value: float = 1, **dimensions: str) -> None:
    """Adds to a business metric, written out when the invocation ends.

    The unit follows from the name (`ReceiverMs`, `OldestDueSeconds`, else a count). Each set of
    `dimensions` is billed as a metric of its own: name kinds with them, never customers.
    """
    # Threads of one invocation count into the same set.
    with _counting:
        into = _of(tuple(sorted(dimensions.items()))) if dimensions else metrics
        into.add_metric(name=name, unit=_unit_of(name), value=value)


def flush_metrics() -> None:
    """Writes what was counted, and nothing (Powertools would warn) when nothing was."""
    with _counting:
        if metrics.metric_set:
            metrics.flush_metrics()
        for counted in _by_dimensions.values():
            counted.flush_metrics()
        _by_dimensions.clear()


def _of(dimensions: tuple[tuple[str, str], ...]) -> EphemeralMetrics:
    if dimensions not in _by_dimensions:
        made = EphemeralMetrics(namespace=metrics.namespace, service=metrics.service)
        for name, value in dimensions:
            made.add_dimension(name=name, value=value)
        _by_dimensions[dimensions] = made
    return _by_dimensions[dimensions]


def _unit_of(name: str) -> MetricUnit:
    if name.endswith("Ms"):
        return MetricUnit.Milliseconds
    return MetricUnit.Seconds if name.endswith("Seconds") else MetricUnit.Count
