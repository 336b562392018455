"""The `Events` table as the objects API reads it: one event, those of an owner, or all.

| index | pk | sk | lists |
|---|---|---|---|
| by_owner | `{owner}` | sequence | events of an owner, newest first |
| by_day | `{day}#{0–3}` | created_at | all events, newest day first, its partitions in turn |
"""

from datetime import datetime, timedelta

from tessera.dynamo import Page, Row, get, get_many, walk
from tessera.events import OPEN_SHARDS, Event
from tessera.outbox import recorded
from tessera.tables import EVENTS

_DAYS_KEPT = 90
_QUERIES_A_PAGE = 64
"""Sixteen days without any event; the list goes on behind them."""


class EventHistory:
    def __init__(self, table: str) -> None:
        self._table = table

    def event(self, id: str, *, now: datetime) -> Event | None:
        row = get(self._table, {"pk": id, "sk": "EVENT"})
        return next(iter(_shown([row] if row else [], now)), None)

    def events(
        self, *, owner: str | None, limit: int, after: Row | None, now: datetime
    ) -> tuple[list[Event], Row | None]:
        """A page, and the key after which the next one begins; it may be short."""
        found = self._keys(owner, limit, after, now)
        keys = [{"pk": row["pk"], "sk": row["sk"]} for row in found.rows]
        rows = {row["pk"]: row for row in get_many(self._table, keys)}
        in_order = [rows[key["pk"]] for key in keys if key["pk"] in rows]
        return _shown(in_order, now), found.next

    def _keys(self, owner: str | None, limit: int, after: Row | None, now: datetime) -> Page:
        if owner is not None:
            index, partitions = "by_owner", [owner]
        else:
            days = [now.date() - timedelta(days=back) for back in range(_DAYS_KEPT + 1)]
            index = "by_day"
            partitions = [f"{day}#{shard}" for day in days for shard in range(OPEN_SHARDS)]
            if after is not None and after["day"] not in partitions:
                return Page([], None)  # meanwhile all that was left has expired
        return walk(
            self._table,
            EVENTS,
            partitions,
            index=index,
            limit=limit,
            after=after,
            at_most=_QUERIES_A_PAGE,
            newest_first=True,
        )


def _shown(rows: list[Row], now: datetime) -> list[Event]:
    """Without those that have expired, and without samples sent to try an endpoint."""
    kept = (recorded(row) for row in rows if row["expires_at"] > now.timestamp())
    return [event for event in kept if event.only_endpoint is None]
