"""The Commerce table as the console reads it: orders newest first, those in trouble, who is who.

| access | how | requests |
|---|---|---|
| a page of orders, newest first | Query by_lookup `orders` | 1; filtered, 1 for every 400 |
| orders that failed | Query due `failed` | 1 |
| orders that nobody takes up | Get what the sweep noted; BatchGet those it named | 1, or 2 |
| customers by exact e-mail; a subscription by Zuora id | Query by_lookup | 1 |
| all that is known of an order's steps | BatchGet | 1 |
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tessera import clock
from tessera.commerce.models import Customer, Order, ProcessEvent
from tessera.dynamo import Row, get, get_many, query, query_all
from tessera.tables import ALL_ORDERS, COMMERCE, LATE_ORDERS

_LOOKED_AT = 400
"""Orders a query, where most may not fit the filters."""
_QUERIES_A_PAGE = 20
_CUSTOMERS = 40


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


class Late(NamedTuple):
    """Orders that should have been taken up long ago, as the sweep found them."""

    looked: datetime | None
    """When the sweep last looked; None before its first turn."""
    orders: list[Waiting]
    """Those that are late still, the oldest first."""


class OrderLists:
    def __init__(self, table: str) -> None:
        self._table = table

    def page(
        self, wanted: Wanted, *, limit: int, after: Row | None
    ) -> tuple[list[Order], Row | None]:
        """Newest first, and the position after which the next page begins.

        A page may be short although another one follows, where few fit the filters.
        """
        keep, values = wanted.keep
        rows: list[Row] = []
        for _ in range(_QUERIES_A_PAGE):
            found = query(
                self._table,
                COMMERCE,
                ALL_ORDERS,
                index="by_lookup",
                newest_first=True,
                limit=_LOOKED_AT if keep else limit + 1,
                start=after,
                since=clock.instant(wanted.since) if wanted.since else None,
                until=f"{clock.instant(wanted.until)}~" if wanted.until else None,
                keep=keep,
                **values,
            )
            rows += found.rows
            if len(rows) > limit:
                return _orders(rows[:limit]), _key(rows[limit - 1])
            after = found.next
            if after is None:
                break
        return _orders(rows), after

    def placed_since(self, since: datetime, *, at_most: int) -> int:
        """How many, counted up to a number."""
        rows = query_all(
            self._table,
            COMMERCE,
            ALL_ORDERS,
            index="by_lookup",
            since=clock.instant(since),
            at_most=at_most,
        )
        return sum(1 for _ in rows)

    def failed(self, *, at_most: int) -> list[Waiting]:
        """Those that failed last, first."""
        found = query(
            self._table, COMMERCE, "failed", index="due", newest_first=True, limit=at_most
        )
        return [_waiting(row) for row in found.rows]

    def late(self, since: datetime) -> Late:
        """Of the orders that the sweep named, those still waiting for a time before `since`."""
        noted = get(self._table, LATE_ORDERS, consistent=False)
        if noted is None:
            return Late(None, [])
        keys = [{"pk": id, "sk": id} for id in noted["late"]]
        rows = get_many(self._table, keys) if keys else []
        left = [_waiting(row) for row in rows if row.get("due_pk", "").startswith("order#")]
        late = sorted((one for one in left if one.since < since), key=lambda one: one.since)
        return Late(datetime.fromisoformat(noted["at"]), late)

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


def _orders(rows: Sequence[Row]) -> list[Order]:
    return [Order.model_validate(row) for row in rows]


def _key(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("lookup_pk", "lookup_sk", "pk", "sk")}


def _waiting(row: Row) -> Waiting:
    return Waiting(row["pk"], datetime.fromisoformat(row["due_at"]))
