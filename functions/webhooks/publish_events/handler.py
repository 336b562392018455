"""Stream of Events, and each minute: announce what was committed on the bus."""

from collections.abc import Mapping, Sequence
from typing import Any

from tessera import clock
from tessera.edge.environment import Environment
from tessera.edge.observability import count
from tessera.edge.schedule import scheduled
from tessera.edge.stream import stream_worker
from tessera.events import Event
from tessera.outbox import recorded
from tessera.webhooks import publishing
from tessera.webhooks.bus import EventBus
from tessera.webhooks.outbox import Outbox


class Env(Environment):
    events_table: str
    event_bus: str


env = Env.load()
outbox = Outbox(env.events_table)
bus = EventBus(env.event_bus)


def publish_events(events: Sequence[Event]) -> set[int]:
    return publishing.publish(events, bus=bus, outbox=outbox)


def republish() -> Mapping[str, Any]:
    return publishing.republish(bus=bus, outbox=outbox, now=clock.now, count=count)


handler = stream_worker(publish_events, on=recorded, otherwise=scheduled(republish))
