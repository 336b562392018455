"""Recently used values: a bounded memory that the threads of one process share."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from tessera import clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    def __init__(
        self, *, most: int, kept: timedelta, now: Callable[[], datetime] = clock.now
    ) -> None:
        """Asks the wall clock: the monotonic one may stand still while a function is frozen."""
        self._most = most
        self._kept = kept
        self._now = now
        self._values: OrderedDict[K, tuple[datetime, V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._values.get(key)
        if found is None or self._now() - found[0] > self._kept:
            return None
        return found[1]

    def keep(self, key: K, value: V) -> V:
        with self._lock:
            self._values[key] = (self._now(), value)
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value

    def replace(self, key: K, value: V) -> None:
        """In the place of what is kept, if anything is; its age stays."""
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values[key] = (found[0], value)

    def forget(self, key: K) -> None:
        with self._lock:
            self._values.pop(key, None)
