"""What the functions have logged as errors, for a start-up that fails because of one of them."""

import json
from collections.abc import Iterator

from infra.local.emulator import LocalAws

_TRACE_LINES = 8


def errors_since(aws: LocalAws, moment: float) -> Iterator[str]:
    """The last lines of each error logged after `moment` (seconds since 1970), oldest first."""
    logs = aws.session.client("logs", endpoint_url=aws.url)
    messages = [
        (event["timestamp"], event["message"])
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
        for event in logs.filter_log_events(
            logGroupName=group["logGroupName"], startTime=int(moment * 1000), limit=1000
        )["events"]
    ]
    for _, message in sorted(messages):
        try:
            entry = json.loads(message)
        except json.JSONDecodeError:
            continue  # START, END, REPORT
        if isinstance(entry, dict) and entry.get("level") in ("ERROR", "CRITICAL"):
            yield f"{entry.get('service', 'a function')}: {entry.get('message')}"
            trace = str(entry.get("exception", "")).splitlines()
            yield from (f"  {line}" for line in trace[-_TRACE_LINES:])
