"""What a receiver of webhooks knows: the rule of entitlement bodies, kept by the letter."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from tessera.clock import zoneless
from tessera.events import Event


class Body(NamedTuple):
    at: str
    day: str | None
    codes: list[str]


class Receiver:
    """Keeps, for each subscription, what the rule of webhook bodies makes of those it was sent."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[Body]] = {}
        self.version = 0

    def takes(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.type != "entitlements.updated":
                continue
            said = event.snapshot
            body = Body(
                said["updated"],
                said.get("effectiveDate"),
                [one["code"] for one in said["entitlements"]],
            )
            self.bodies.setdefault(event.subscription or "", []).append(body)
            self.version = event.sequence or 0

    def in_force(self, subscription: str, today: date) -> list[str]:
        """The greatest `updated` of those without date or whose day has come."""
        come = [
            body
            for body in self.bodies.get(subscription, [])
            if body.day is None or body.day <= zoneless(today)
        ]
        return max(come).codes if come else []

    def announced(self, subscription: str, today: date) -> tuple[str, list[str]] | None:
        last = max(self.bodies.get(subscription, []), default=None)
        if last is None or last.day is None or last.day <= zoneless(today):
            return None
        return last.day, last.codes
