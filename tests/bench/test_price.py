"""What an event and a delivery cost: requests counted on the real code, priced from a list.

The tables in memory bill as DynamoDB does: a kilobyte a write unit, each changed index entry, twice
in a transaction. What no counter can know (functions, logs, traffic) is assumed and named so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.bench.billing import dollars
from tests.bench.conftest import Publish
from tests.bench.machine import Row
from tests.webhooks.crash.tables import Units
from tests.webhooks.crash.world import World

EVENTS, MANY = 100, 10
ASSUMED = {"announce": 0.12, "deliver": 0.62}
"""Dollars a million for functions (arm64, 512 MB, 0.4 s for ten deliveries), log and traffic."""
DESIGNED = {"announce": 6.0, "deliver": 5.3}

pytestmark = pytest.mark.bench


@dataclass(frozen=True)
class Bill:
    requests: Mapping[str, float]
    units: Mapping[str, float]
    """As the price list names them."""


def counted(endpoints: int) -> Bill:
    """All that so many events made the engine do, in full batches, with warm processes."""
    world = World([()] * endpoints)
    world.cloud.tables.units = Units()
    with world.cloud.in_place():
        announce(world, 10)
        names, units = world.named.copy(), world.cloud.tables.units
        written, read = units.written.total(), units.read.total()
        messages = announce(world, EVENTS)
        made = world.named - names
    sent = made["sqs.send_message_batch"] + EVENTS  # the bus sends each event to its queue
    received = 0.2 * messages  # and deleted, in tens
    return Bill(
        requests=dict(made),
        units={
            "write unit": units.written.total() - written,
            "read unit": (units.read.total() - read) / 1000,
            "SQS request": sent + received,
            "PutEvents": EVENTS,
        },
    )


def announce(world: World, number: int) -> int:
    """Announces, works everything off, and answers how many messages queues handed out."""
    before = sum(queue.handed_out for queue in world.cloud.queues.values())
    for _ in range(number):
        world.announce()
    while world.work():
        continue
    return sum(queue.handed_out for queue in world.cloud.queues.values()) - before


def each(bill: Bill, number: int, less: Bill | None = None) -> dict[str, Any]:
    """Per event or per delivery, without what belongs to another sum."""

    def one(of: str, kind: str) -> float:
        mine: float = getattr(bill, kind).get(of, 0)
        other: float = getattr(less, kind).get(of, 0) if less else 0
        return round((mine - other) / number, 3)

    return {
        "requests": {name: one(name, "requests") for name in sorted(bill.requests)},
        "units": {name: one(name, "units") for name in bill.units},
    }


def test_what_a_million_events_and_deliveries_cost(publish: Publish) -> None:
    alone = counted(0)
    told = {"announce an event": each(alone, EVENTS)}
    for number in (1, MANY):
        delivery = each(counted(number), EVENTS * number, less=alone)
        told[f"deliver it, {number} endpoint{'s' if number > 1 else ''}"] = delivery

    figures: dict[str, Any] = {"events": EVENTS, "batches": "of 10, processes warm"}
    for name, what in told.items():
        kind = name.partition(" ")[0]
        requests = dollars(what["units"])
        figures[name] = {
            **what,
            "dollars_a_million": round(requests + ASSUMED[kind], 2),
            "of_them_requests": round(requests, 2),
            "assumed": ASSUMED[kind],
            "designed": DESIGNED[kind],
        }
    rows = [
        Row(
            name,
            f"{sum(told[name]['requests'].values()):.1f} requests; "
            f"${figures[name]['dollars_a_million']:.2f} a million",
            f"${DESIGNED[name.partition(' ')[0]]:.2f}",
        )
        for name in told
    ]
    publish("price", rows, figures)
