"""The Commerce table as the console reads it: orders newest first, those in trouble, who is who.

| access | how | requests |
|---|---|---|
| a page of orders, filtered | Query by_lookup `orders#{month}`, newest month first | 1 a month |
| orders that failed; that nobody takes up | Query due `failed`; `order#{0–7}` | 1; 8 |
| customers by exact e-mail; a subscription by Zuora id | Query by_lookup | 1 |
| all that is known of an order's steps | BatchGet | 1 |
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from tessera import clock
from tessera.commerce.models import Customer, Order, ProcessEvent
from tessera.dynamo import Row, get_many, query, query_all
from tessera.tables import COMMERCE

_MONTHS = 13
"""How far back a list goes that names no beginning."""
_LOOKED_AT = 400
"""Orders a query, where most may not fit the filters."""
_QUERIES_A_PAGE = 20
_CUSTOMERS = 40
_DUE_PARTITIONS = 8


class Wanted(NamedTuple):
    """Which orders; absent members let all through."""

    status: str | None = None
    type: str | None = None
    partner_org: str | None = None
    reference: str | None = None
    """The beginning of its reference, of its id or of the caller's own id."""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def keep(self) -> tuple[str | None, dict[str, Any]]:
        """As a filter of DynamoDB, with its values."""
        told = {
            "#status = :status": ("status", self.status),
            "#order_type = :type": ("type", self.type),
            "#partner_org = :partner": ("partner", self.partner_org),
            "(begins_with(#reference, :reference) OR begins_with(#id, :reference)"
            " OR begins_with(#external_id, :reference))": ("reference", self.reference),
        }
        given = {words: one for words, one in told.items() if one[1]}
        values: dict[str, Any] = dict(given.values())
        return " AND ".join(given) or None, values


class Waiting(NamedTuple):
    """An order that a person should look at."""

    id: str
    since: datetime


class OrderLists:
    def __init__(self, table: str) -> None:
        self._table = table

    def page(
        self, wanted: Wanted, *, limit: int, after: Row | None, now: datetime
    ) -> tuple[list[Order], Row | None]:
        """Newest first, and the position after which the next page begins.

        A page may be short although another one follows, where few fit the filters.
        """
        keep, values = wanted.keep
        months = list(_months(wanted, now))
        begin = after["lookup_pk"] if after else None
        start = after if after is not None and len(after) > 1 else None
        rows: list[Row] = []
        queries = 0
        for month in months:
            if begin is not None and month > begin:
                continue
            while True:
                if queries == _QUERIES_A_PAGE:
                    return _orders(rows), start or {"lookup_pk": month}
                found = query(
                    self._table,
                    COMMERCE,
                    month,
                    index="by_lookup",
                    newest_first=True,
                    limit=_LOOKED_AT if keep else limit + 1 - len(rows),
                    start=start,
                    since=clock.instant(wanted.since) if wanted.since else None,
                    until=f"{clock.instant(wanted.until)}~" if wanted.until else None,
                    keep=keep,
                    **values,
                )
                queries += 1
                rows += found.rows
                if len(rows) > limit:
                    return _orders(rows[:limit]), _key(rows[limit - 1])
                start = found.next
                if start is None:
                    break
        return _orders(rows), None

    def placed_since(self, since: datetime, *, now: datetime, at_most: int) -> int:
        """How many, counted up to a number."""
        counted = 0
        for month in _months(Wanted(since=since), now):
            left = at_most - counted
            rows = query_all(
                self._table,
                COMMERCE,
                month,
                index="by_lookup",
                since=clock.instant(since),
                at_most=left,
            )
            counted += sum(1 for _ in rows)
        return counted

    def failed(self, *, at_most: int) -> list[Waiting]:
        """Those that failed last, first."""
        found = query(
            self._table, COMMERCE, "failed", index="due", newest_first=True, limit=at_most
        )
        return [_waiting(row) for row in found.rows]

    def overdue(self, since: datetime, *, at_most: int) -> list[Waiting]:
        """Orders that should have been taken up before then, the oldest of each partition."""
        found: list[Waiting] = []
        for partition in range(_DUE_PARTITIONS):
            page = query(
                self._table,
                COMMERCE,
                f"order#{partition}",
                index="due",
                until=clock.instant(since),
                limit=at_most,
            )
            found += [_waiting(row) for row in page.rows]
        return sorted(found, key=lambda one: one.since)[:at_most]

    def customers(self, email: str) -> list[Customer]:
        """At most forty."""
        found = self._looked_up(f"email#{email.casefold()}")
        return [Customer.model_validate(row) for row in found]

    def subscription_of(self, zuora_id: str) -> str | None:
        return next((str(row["pk"]) for row in self._looked_up(f"zuora#{zuora_id}")), None)

    def steps(self, ids: Sequence[str]) -> dict[str, ProcessEvent]:
        rows = get_many(self._table, [{"pk": id, "sk": id} for id in ids]) if ids else []
        return {row["pk"]: ProcessEvent.model_validate(row) for row in rows}

    def _looked_up(self, key: str) -> list[Row]:
        return query(self._table, COMMERCE, key, index="by_lookup", limit=_CUSTOMERS).rows


def _months(wanted: Wanted, now: datetime) -> Iterator[str]:
    """Newest first."""
    first = min(wanted.until or now, now).date().replace(day=1)
    last = _months_before(first, _MONTHS - 1)
    if wanted.since is not None:
        last = wanted.since.date().replace(day=1)
    while first >= last:
        yield f"orders#{first:%Y-%m}"
        first = (first - timedelta(days=1)).replace(day=1)


def _months_before(first: date, count: int) -> date:
    for _ in range(count):
        first = (first - timedelta(days=1)).replace(day=1)
    return first


def _orders(rows: Sequence[Row]) -> list[Order]:
    return [Order.model_validate(row) for row in rows]


def _key(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("lookup_pk", "lookup_sk", "pk", "sk")}


def _waiting(row: Row) -> Waiting:
    return Waiting(row["pk"], datetime.fromisoformat(row["due_at"]))
