"""The `Events` table as people read it: by time, by owner, one by one.

    index      pk                  sk           places
    by_day     {day}#{0–3}         created_at   all events, four partitions a day
    by_owner   {owner}             sequence     events of an owner

Keys are read lazily: a page that is full asks for no more of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import Any

from tessera import clock, dynamo
from tessera.dynamo import Row
from tessera.events import OPEN_SHARDS, Event
from tessera.outbox import recorded
from tessera.tables import EVENTS
from tessera.webhooks.announced import Kept, Place
from tessera.webhooks.outbox import Outbox


class Archive:
    def __init__(self, table: str) -> None:
        self._table = table
        self._outbox = Outbox(table)

    def find(self, event: str, *, now: datetime) -> Event | None:
        return self._outbox.find(event, now=now)

    def at(self, places: Sequence[Place], *, now: datetime) -> Mapping[Place, Kept]:
        """Of up to 100 places, in one request; without those that have expired."""
        keys = [{"pk": place.id, "sk": "EVENT"} for place in places]
        rows = dynamo.get_many(self._table, keys) if keys else []
        found = {row["pk"]: _kept(row) for row in rows if row["expires_at"] > now.timestamp()}
        return {place: found[place.id] for place in places if place.id in found}

    def of_owner(self, owner: str, *, after: Place | None, at_once: int) -> Iterator[Place]:
        # Nobody else has the number: it only grows, by owner.
        until = None if after is None or after.sequence is None else after.sequence - 1
        rows = self._rows(owner, index="by_owner", until=until, limit=at_once)
        return (_place(row) for row in rows)

    def by_time(
        self, *, newest: datetime, oldest: datetime, after: Place | None, at_once: int
    ) -> Iterator[Place]:
        passed = None if after is None else (after.created_at or "", after.id)
        day = newest.date()
        while day >= oldest.date():
            shards = [
                self._of_shard(day, shard, newest=newest, oldest=oldest, at_once=at_once)
                for shard in range(OPEN_SHARDS)
            ]
            for place in merge(*shards, key=_moment, reverse=True):
                if passed is None or _moment(place) < passed:
                    yield place
            day -= timedelta(days=1)

    def _of_shard(
        self, day: date, shard: int, *, newest: datetime, oldest: datetime, at_once: int
    ) -> Iterator[Place]:
        """Those of the same millisecond by id, which an index does not promise."""
        rows = self._rows(
            f"{day.isoformat()}#{shard}",
            index="by_day",
            since=clock.instant(oldest),
            until=clock.instant(newest),
            limit=at_once,
        )
        for _, alike in groupby(map(_place, rows), key=lambda place: place.created_at):
            yield from sorted(alike, key=_moment, reverse=True)

    def _rows(self, pk: str, *, limit: int, **options: Any) -> Iterator[Row]:
        start: Row | None = None
        while True:
            page = dynamo.query(
                self._table, EVENTS, pk, newest_first=True, limit=limit, start=start, **options
            )
            yield from page.rows
            if page.next is None:
                return
            start = page.next


def _kept(row: Row) -> Kept:
    told = row.get("told")
    return Kept(recorded(row), None if told is None else tuple(told))


def _place(row: Row) -> Place:
    names = ("created_at", "sequence", "type", "owner", "subscription")
    return Place(row["pk"], **{name: row[name] for name in names if name in row})


def _moment(place: Place) -> tuple[str, str]:
    return place.created_at or "", place.id
