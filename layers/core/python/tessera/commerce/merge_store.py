"""What only a merge and its sweep do with the Commerce table: rows change their owner.

| access | how | requests |
|---|---|---|
| all that hangs from an owner | Query by_owner, then each partition once | 1 a page, 1 each |
| owners with something left to be done | Query due, `owner#{0–3}` | 4 |
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tessera import clock
from tessera.commerce.commits import Outdated
from tessera.commerce.owner_work import PARTITIONS, DueOwner
from tessera.commerce.store import CommerceTable
from tessera.dynamo import (
    ConditionFailed,
    Row,
    TransactionLost,
    Write,
    commit,
    query,
    query_all,
    update,
    write,
)
from tessera.objects import compact_json
from tessera.tables import COMMERCE

_HAVE_PARTS = ("sub-", "cus-")
_ROWS_AT_ONCE = 50
_BYTES_AT_ONCE = 2_000_000
"""A transaction takes 100 rows and 4 MB."""
_MOST_ROWS = 1_000_000
_DUE_AT_ONCE = 25


class MergeTable(CommerceTable):
    def belongings(self, owner: str) -> Iterator[Sequence[Row]]:
        """All that hangs from an owner but its identities, in parts that move together.

        A subscription moves with all it holds, a customer with the names it is found by: of those
        the index tells only where to look, and the parts are read from the table.
        """
        read: set[str] = set()
        alone: list[Row] = []
        for row in query_all(
            self._name, COMMERCE, owner, index="by_owner", limit=200, at_most=_MOST_ROWS
        ):
            place = row["pk"]
            if place == owner or place.startswith("xid-") or place in read:
                continue
            if not place.startswith(_HAVE_PARTS):
                alone.append(row)
                if len(alone) == _ROWS_AT_ONCE:
                    yield from _bounded(alone)
                    alone = []
                continue
            read.add(place)
            whole = query_all(self._name, COMMERCE, place, consistent=True)
            yield from _bounded([one for one in whole if one.get("owner") == owner])
        yield from _bounded(alone)

    def move(
        self, rows: Sequence[Mapping[str, Any]], *, source: str, to: str, at: datetime
    ) -> None:
        """Raises `Outdated` when one of them is not the source's any more."""
        try:
            commit([self._moved(row, source, to, at) for row in rows])
        except (ConditionFailed, TransactionLost) as failed:
            raise Outdated from failed

    def due_owners(self, now: datetime) -> Iterator[DueOwner]:
        for partition in PARTITIONS:
            page = query(
                self._name,
                COMMERCE,
                partition,
                index="due",
                until=clock.instant(now),
                limit=_DUE_AT_ONCE,
            )
            yield from (DueOwner(row["pk"], row["due_at"]) for row in page.rows)

    def take_up(self, due: DueOwner, until: datetime) -> bool:
        """Keeps the owner from the next turns; false when somebody was faster."""
        later = update(
            self._name,
            {"pk": due.id, "sk": due.id},
            "SET due_at = :until",
            condition="due_at = :was",
            was=due.at,
            until=clock.instant(until),
        )
        try:
            write(later)
        except ConditionFailed:
            return False
        return True

    def _moved(self, row: Mapping[str, Any], source: str, to: str, at: datetime) -> Write:
        key = {"pk": row["pk"], "sk": row["sk"]}
        if "updated" not in row:
            moved = "SET #owner = :to"
            return update(
                self._name, key, moved, condition="#owner = :source", to=to, source=source
            )
        updated = clock.after(datetime.fromisoformat(row["updated"]), at)
        return update(
            self._name,
            key,
            "SET #owner = :to, updated = :updated",
            condition="#owner = :source",
            to=to,
            source=source,
            updated=clock.instant(updated),
        )


def _bounded(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    part: list[Row] = []
    size = 0
    for row in rows:
        length = len(compact_json(row).encode())
        if part and (len(part) == _ROWS_AT_ONCE or size + length > _BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part
