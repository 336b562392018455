"""Operational events: what is told about an endpoint itself, and what switches one off.

Each is written in one transaction with the mark that it was told, so a crash repeats nothing.
"""

from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from tessera import clock, events
from tessera.events import EVENT_TYPES, Event
from tessera.webhooks import health as rules
from tessera.webhooks.health import Announcement, Change
from tessera.webhooks.models import Delivery, Endpoint, Target

Reason: TypeAlias = Literal["gone", "no_success"]
BY = "tessera/webhooks"
"""Who changed an endpoint that the engine switched off."""


class Announcements(Protocol):
    def tell(self, endpoint: str, change: Change, event: Event) -> bool:
        """Both or, where the change's condition does not hold, neither."""

    def disable(
        self, disabled: Endpoint, event: Event, *, failing_since: datetime | None = None
    ) -> bool:
        """Both, unless the endpoint is not active, or has another URL or a success since."""


class SwitchedOff(NamedTuple):
    endpoint: Endpoint
    event: Event


def is_told(delivery: Delivery) -> bool:
    """Is it announced that this one was given up? Not of tests, nor of what tells of delivery."""
    return not (delivery.test or EVENT_TYPES[delivery.type].operational)


def switched_off(target: Target, reason: Reason, now: datetime) -> SwitchedOff:
    """The endpoint as it is once it is off, and the event that tells it."""
    endpoint, health = target
    disabled = endpoint.model_copy(
        update={
            "status": "disabled",
            "status_reason": reason,
            "updated_at": now,
            "updated_by": BY,
            "version": endpoint.version + 1,
        }
    )
    snapshot = _about(Target(disabled, health)) | {
        "reason": reason,
        "since": clock.instant(health.failing_since or now),
        "failures": health.failures,
        "resume": f"POST /api/webhooks/endpoints/{endpoint.id}/resume",
    }
    told = events.event("endpoint.disabled", snapshot, at=now, about_endpoint=endpoint.id)
    return SwitchedOff(disabled, told)


def tell(target: Target, *, announcements: Announcements, now: datetime) -> int:
    """Tells what has not been told, and applies the disable rule; the number of events written."""
    endpoint, health = target
    if endpoint.status == "deleted":
        return 0
    told = sum(
        announcements.tell(endpoint.id, due.change, _announced(target, due, now))
        for due in rules.announcements(health, now)
    )
    if endpoint.status == "active" and rules.should_disable(health, now):
        off = switched_off(target, "no_success", now)
        told += announcements.disable(off.endpoint, off.event, failing_since=health.failing_since)
    return told


def _announced(target: Target, due: Announcement, now: datetime) -> Event:
    snapshot = _about(target)
    health = target.health
    match due.type:
        case "endpoint.recovered":
            snapshot["since"] = clock.instant(health.succeeded_at or now)
        case "endpoint.failing" | "delivery.exhausted":
            if health.last_failure is not None:
                snapshot["reason"] = health.last_failure
            if health.failing_since is not None:
                snapshot["since"] = clock.instant(health.failing_since)
            snapshot["failures"] = health.failures
    if due.type == "delivery.exhausted":
        snapshot["exhausted"] = {
            "count": health.exhausted_count,
            "first": health.exhausted_first,
            "last": health.exhausted_last,
        }
    return events.event(due.type, snapshot, at=now, about_endpoint=target.endpoint.id)


def _about(target: Target) -> dict[str, Any]:
    """The endpoint without secrets: its own headers and credentials are left out."""
    endpoint, health = target
    return {
        "id": endpoint.id,
        "record_type": "webhook_endpoint",
        "service": "limio",
        "url": endpoint.url,
        "status": endpoint.status,
        "health": health.state,
    }
