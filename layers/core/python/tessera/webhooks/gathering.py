"""Doing the same to many things at once, all of them, before any failure is told."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Gather(Protocol):
    def __call__(self, act: Callable[[T], R], items: Sequence[T], /) -> Iterable[R]:
        """The results in the order of the items: `map` is one, `in_threads(20)` another."""


def in_threads(most: int) -> Gather:
    def gather(act: Callable[[T], R], items: Sequence[T], /) -> Iterable[R]:
        if len(items) < 2:
            return [act(item) for item in items]
        with ThreadPoolExecutor(min(most, len(items))) as pool:
            under_way = [pool.submit(act, item) for item in items]
        return [one.result() for one in under_way]

    return gather
