"""The Zuora stand-in's limits: calls a minute and calls at once, counted and shown in headers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

MINUTE_SECONDS = 60


class Limits:
    """Counts by the real clock, whatever the control clock says."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._at_once = 0
        self._window = 0
        self._calls = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts a call as long as it is being worked on."""
        with self._guard:
            self._at_once += 1
            window = int(monotonic()) // MINUTE_SECONDS
            self._calls = self._calls + 1 if window == self._window else 1
            self._window = window
        try:
            yield
        finally:
            with self._guard:
                self._at_once -= 1

    def exceeded(self, a_minute: int, at_once: int) -> str | None:
        """Which limit the calls under way are beyond, if any."""
        if self._at_once > at_once:
            return f"More than {at_once} calls at once."
        return f"More than {a_minute} calls a minute." if self._calls > a_minute else None

    def headers(self, a_minute: int, at_once: int) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(a_minute),
            "RateLimit-Remaining": str(max(0, a_minute - self._calls)),
            "RateLimit-Reset": str(MINUTE_SECONDS - int(monotonic()) % MINUTE_SECONDS),
            "Concurrency-Limit-Type": "Default",
            "Concurrency-Limit-Limit": str(at_once),
            "Concurrency-Limit-Remaining": str(max(0, at_once - self._at_once)),
        }
