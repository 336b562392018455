"""Stores that keep models in dictionaries: what is left of the engine's time is its own."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from tessera.events import Event
from tessera.webhooks.health import Change, Health
from tessera.webhooks.models import (
    Attempt,
    Delivery,
    Endpoint,
    Hint,
    Last,
    Sealed,
    State,
    Success,
    Target,
)
from tests.webhooks.kept_health import apply


class MemoryEndpoints:
    def __init__(self, known: dict[str, tuple[Endpoint, Sealed]]) -> None:
        self._known = known
        self._healths = {id: Health() for id in known}

    def for_sending(
        self, ids: Collection[str], hosts: Collection[str]
    ) -> tuple[dict[str, tuple[Target, Sealed]], dict[str, bytes]]:
        found = {}
        for id in ids:
            endpoint, sealed = self._known[id]
            found[id] = Target(endpoint, self._healths[id]), sealed
        return found, {}

    def change_health(self, id: str, change: Change) -> Health | None:
        changed = apply(self._healths[id], change)
        self._healths[id] = changed or self._healths[id]
        return changed

    def add_to_hour(self, id: str, at: datetime, *, delivered: int, failed: int) -> None:
        """Charts have no part in this."""


class MemoryDeliveries:
    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Delivery] = {}
        self.attempts: list[Attempt] = []

    def claim(self, event: str, endpoint: str, *, n: int, until_ms: int) -> Delivery | None:
        row = self.rows[event, endpoint]
        if row.state != "pending" or row.attempts != n or row.claimed_until is not None:
            return None
        return self._changed(row, attempts=n + 1, claimed_until=until_ms)

    def record(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def deliver(
        self, claimed: Delivery, how: Last | Success, *, at: datetime, expires_at: int
    ) -> bool:
        ended = {"next_due": None, "claimed_until": None, "expires_at": expires_at}
        self._changed(claimed, state="delivered", delivered_at=at, success=how, **ended)
        return True

    def postpone(self, claimed: Delivery, last: Last, *, next_due: int) -> bool:
        failures = claimed.failures + 1
        self._changed(claimed, failures=failures, next_due=next_due, last=last, claimed_until=None)
        return True

    def exhaust(self, claimed: Delivery, last: Last, *, reason: str, expires_at: int) -> bool:
        ended = {"next_due": None, "claimed_until": None, "expires_at": expires_at}
        self._changed(claimed, state="exhausted", reason=reason, last=last, **ended)
        return True

    def end(
        self, event: str, endpoint: str, state: State, *, reason: str, expires_at: int
    ) -> Delivery | None:
        row = self.rows[event, endpoint]
        return self._changed(row, state=state, reason=reason, next_due=None, claimed_until=None)

    def _changed(self, row: Delivery, **members: Any) -> Delivery:
        changed = row.model_copy(update=members)
        self.rows[row.event, row.endpoint] = changed
        return changed


class MemoryOutbox:
    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def find(self, event: str, *, now: datetime) -> Event | None:
        return self.events.get(event)


class Nothing:
    """Queues, announcements and keys that are never needed when all goes well."""

    def send(self, hints: Collection[Hint], *, delay: int = 0) -> None:
        raise AssertionError("a delivery failed")

    def disable(self, disabled: Endpoint, event: Event) -> bool:
        raise AssertionError("a delivery failed")


class Plain:
    """A seal that is none: in a warm process the keys come from memory."""

    def close(self, text: str, **context: str) -> bytes:
        return text.encode()

    def open(self, ciphertext: bytes, **context: str) -> str:
        return ciphertext.decode()
