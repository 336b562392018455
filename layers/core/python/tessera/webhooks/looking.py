"""Filtered lists: a page of what fits, after a look at no more than a thousand keys."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")
R = TypeVar("R")

AT_MOST = 1_000
"""Keys that are looked at for a page; the list goes on behind them."""
A_READ = 100
"""Rows that one request fetches."""


class Looked(NamedTuple, Generic[K, R]):
    shown: list[R]
    last: K | None
    """The key that the list goes on after; none where it ends."""


def look(
    keys: Iterable[K],
    *,
    rows: Callable[[Sequence[K]], Mapping[K, R]],
    fits: Callable[[R], bool],
    size: int,
    may_fit: Callable[[K], bool] = lambda _: True,
    at_once: int = A_READ,
) -> Looked[K, R]:
    """Up to `size` rows that fit, in the order of their keys.

    `may_fit` tells from a key alone; of keys whose rows are gone nothing is shown.
    """
    left = iter(keys)
    shown: list[R] = []
    looked = 0
    while some := list(islice(left, min(at_once, A_READ))):
        known = rows([key for key in some if may_fit(key)])
        for position, key in enumerate(some):
            row = known.get(key)
            if row is None or not fits(row):
                continue
            shown.append(row)
            if len(shown) == size:
                is_last = position + 1 == len(some) and next(left, None) is None
                return Looked(shown, None if is_last else key)
        looked += len(some)
        if looked >= AT_MOST:
            return Looked(shown, None if next(left, None) is None else some[-1])
    return Looked(shown, None)


def keys_at_once(size: int, *, is_filtered: bool) -> int:
    """One more than is shown tells whether there is another page; a filter passes many over."""
    return A_READ if is_filtered else min(size + 1, A_READ)
