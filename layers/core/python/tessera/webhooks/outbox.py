"""The `Events` table as publishing, fan-out and sending see it; subjects only add rows to it.

    pk        sk      index open            index by_owner      index by_day
    {event}   EVENT   {0–3}, open_at (ms)   {owner}, sequence   {day}#{0–3}, created_at

`open` and `open_at` are there until somebody vouches for the event: the publisher for one that is
for the bus only, fan-out for all others.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tessera import clock, dynamo
from tessera.events import OPEN_SHARDS, Event
from tessera.outbox import recorded
from tessera.tables import EVENTS
from tessera.webhooks.publishing import OpenEvent


class Outbox:
    def __init__(self, table: str) -> None:
        self._table = table

    def find(self, event: str, *, now: datetime) -> Event | None:
        """The event, unless it has expired. A row just written may need the second, exact read."""
        key = {"pk": event, "sk": "EVENT"}
        row = dynamo.get(self._table, key, consistent=False) or dynamo.get(self._table, key)
        if row is None or row["expires_at"] <= now.timestamp():
            return None
        return recorded(row)

    def is_fanned_out(self, event: str) -> bool:
        """True also for an event that is gone: what has expired is not sent again."""
        row = dynamo.get(self._table, {"pk": event, "sk": "EVENT"})
        return row is None or "fanned_out_at" in row

    def mark_fanned_out(self, event: str, now: datetime, told: Sequence[str]) -> None:
        """`told` are the endpoints that have a row of it, so that lists find the rows by key."""
        change = "SET fanned_out_at = :at, told = :told REMOVE #open, open_at"
        self._write(event, change, at=clock.instant(now), told=told)

    def close(self, event: str) -> None:
        self._write(event, "REMOVE #open, open_at")

    def due(self, *, now_ms: int, at_most: int) -> list[OpenEvent]:
        keys = [
            {"pk": row["pk"], "sk": row["sk"]}
            for shard in range(OPEN_SHARDS)
            for row in dynamo.query(
                self._table,
                EVENTS,
                shard,
                index="open",
                until=now_ms,
                limit=at_most // OPEN_SHARDS,
            ).rows
        ]
        rows = dynamo.get_many(self._table, keys, consistent=True)
        # The index lags, and another sweep may have postponed or closed an event meanwhile.
        return [
            OpenEvent(recorded(row), row["open_at"])
            for row in rows
            if row.get("open_at", now_ms + 1) <= now_ms
        ]

    def postpone(self, due: OpenEvent, *, until_ms: int) -> bool:
        try:
            dynamo.write(
                dynamo.update(
                    self._table,
                    {"pk": due.event.id, "sk": "EVENT"},
                    "SET open_at = :until",
                    condition="open_at = :seen",
                    until=until_ms,
                    seen=due.open_at,
                )
            )
        except dynamo.ConditionFailed:
            return False
        return True

    def _write(self, event: str, expression: str, **values: Any) -> None:
        """Never brings back a row that has expired meanwhile."""
        one = dynamo.update(
            self._table,
            {"pk": event, "sk": "EVENT"},
            expression,
            condition="attribute_exists(pk)",
            **values,
        )
        try:
            dynamo.write(one)
        except dynamo.ConditionFailed:
            return
