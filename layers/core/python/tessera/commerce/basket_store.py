"""The Sessions table, as far as it holds baskets.

| row | pk | ends |
|---|---|---|
| basket | `BASKET#<id>` | 24 hours after it was opened |

A basket and the event that tells of it are written in one transaction; it changes only from the
revision that was read.
"""

import contextlib
from collections.abc import Sequence
from typing import Any, Protocol

from tessera import dynamo
from tessera.commerce.baskets import Basket, ChangedMeanwhile
from tessera.commerce.commits import Commit
from tessera.dynamo import Write

_SHAPE = 1


class Owners(Protocol):
    def commit(self, change: Commit, *, beside: Sequence[Write] = ()) -> None:
        """Raises `Outdated` or `Exists`."""


class BasketsTable:
    def __init__(self, name: str, owners: Owners | None = None) -> None:
        """`owners` are needed to open a basket."""
        self._name = name
        self._owners = owners

    def find(self, id: str) -> Basket | None:
        """In any age: TTL removes late, so whether it still lives is the caller's question."""
        row = dynamo.get(self._name, _key(id))
        if row is None:
            return None
        return Basket.model_validate(row, extra="ignore")

    def open(self, basket: Basket, change: Commit) -> None:
        """Raises `Outdated`."""
        if self._owners is None:
            raise ValueError("opening a basket needs the owners")
        self._owners.commit(change, beside=[dynamo.put(self._name, _row(basket))])

    def save(self, basket: Basket, *, seen: int) -> None:
        """Raises `ChangedMeanwhile` unless revision `seen` is what is stored."""
        write = dynamo.put(self._name, _row(basket), condition="revision = :seen", seen=seen)
        try:
            dynamo.write(write)
        except dynamo.ConditionFailed as failed:
            raise ChangedMeanwhile from failed

    def placed_as(self, id: str, order: str) -> None:
        """From now on it answers with this order; a basket that TTL has removed needs not."""
        mark = dynamo.update(
            self._name,
            _key(id),
            "SET #order = :order, #revision = #revision + :one",
            condition="attribute_exists(pk)",
            order=order,
            one=1,
        )
        with contextlib.suppress(dynamo.ConditionFailed):
            dynamo.write(mark)


def _key(id: str) -> dict[str, str]:
    return {"pk": f"BASKET#{id}"}


def _row(basket: Basket) -> dict[str, Any]:
    members = basket.model_dump(exclude_none=True)
    ends = basket.lives_until // 1000 + 1
    return {**_key(basket.id), "shape": _SHAPE, **members, "expires_at": ends}
