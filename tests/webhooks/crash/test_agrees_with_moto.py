"""The tables in memory and moto's answer every question of the engine's stores alike."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, TypeAlias

import pytest

from tessera import aws, clock, dynamo, outbox
from tessera.dynamo import ConditionFailed
from tessera.events import Event
from tessera.tables import TABLES
from tessera.webhooks import health, jobs, operational
from tessera.webhooks.health import Change, Health
from tessera.webhooks.jobs import Filter, Job
from tessera.webhooks.models import (
    Attempt,
    Delivery,
    Due,
    Sealed,
    Target,
)
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs, TooManyEndpoints
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.outcome import Outcome
from tessera.webhooks.publishing import OpenEvent
from tessera.webhooks.store import Announcements
from tests.builders import NOW
from tests.webhooks.crash.cloud import Cloud
from tests.webhooks.crash.expressions import Item
from tests.webhooks.crash.test_crashes import Scenario, triples
from tests.webhooks.engine import Clock, endpoint, event

IDS = [f"endpoint-{number:032x}" for number in range(2)]
EVENTS = [f"event-{number:032x}" for number in range(3)]
NOW_MS = clock.epoch_ms(NOW)
LAST_OUTCOMES = [Outcome.DELIVERED, Outcome.HTTP_ERROR, Outcome.LOST]


@dataclass
class Stores:
    """The engine's stores, and what the operations so far have made of the rows."""

    seen: list[Delivery] = field(default_factory=list)
    due: list[Due] = field(default_factory=list)
    jobs_seen: list[Job] = field(default_factory=list)
    healths: list[Health] = field(default_factory=lambda: [Health()])
    endpoints: Endpoints = field(default_factory=lambda: Endpoints("Webhooks"))
    deliveries: Deliveries = field(default_factory=lambda: Deliveries("Webhooks"))
    jobs: Jobs = field(default_factory=lambda: Jobs("Webhooks"))
    outbox: Outbox = field(default_factory=lambda: Outbox("Events"))
    announcements: Announcements = field(
        default_factory=lambda: Announcements("Webhooks", "Events")
    )

    def a_delivery(self, chance: Random) -> Delivery:
        """One as it is or as it was."""
        return chance.choice(self.seen[-6:]) if self.seen else delivery(chance)

    def a_health(self, id: str, chance: Random) -> Health:
        """An endpoint's as it is or any as it was."""
        found = self.endpoints.find(id) if chance.random() < 0.6 else None
        return found.health if found else chance.choice(self.healths[-4:])

    def note(self, found: Delivery | None) -> Delivery | None:
        if found is not None:
            self.seen.append(found)
        return found


Operation: TypeAlias = Callable[[Stores, Random], Any]


def delivery(chance: Random) -> Delivery:
    return Delivery(
        event=chance.choice(EVENTS),
        endpoint=chance.choice(IDS),
        type="order.completed",
        dialect=endpoint().dialect,
        created_at=NOW + timedelta(seconds=chance.randint(0, 2)),
        next_due=NOW_MS + chance.randint(0, 3),
    )


def attempt(of: Delivery, chance: Random) -> Attempt:
    return Attempt(
        event=of.event,
        endpoint=of.endpoint,
        n=of.attempts,
        why="event",
        started_at=NOW,
        url="https://hooks.example.com/",
        outcome=chance.choice(LAST_OUTCOMES),
    )


def announced(chance: Random, about: str | None = None) -> Event:
    one = event(about_endpoint=about, at=NOW)
    return one.model_copy(update={"id": f"event-{chance.getrandbits(128):032x}"})


def add(stores: Stores, chance: Random) -> Any:
    one = delivery(chance)
    found = stores.deliveries.add(one)
    stores.note(found or one)
    return found


def claim(stores: Stores, chance: Random) -> Any:
    of, until = stores.a_delivery(chance), NOW_MS + chance.randint(10, 12)
    return stores.note(
        stores.deliveries.claim(of.event, of.endpoint, n=of.attempts, until_ms=until)
    )


def record(stores: Stores, chance: Random) -> Any:
    stores.deliveries.record(attempt(stores.a_delivery(chance), chance))


def note_lost(stores: Stores, chance: Random) -> Any:
    one = attempt(stores.a_delivery(chance), chance)
    return stores.deliveries.note_lost(one.model_copy(update={"outcome": Outcome.LOST}))


def finish(stores: Stores, chance: Random) -> Any:
    of = stores.a_delivery(chance)
    if of.claimed_until is None:
        of = of.model_copy(update={"claimed_until": NOW_MS + chance.randint(10, 12)})
    last = attempt(of, chance).last
    match chance.randint(0, 2):
        case 0:
            how = chance.choice([last, attempt(of, chance).success or last])
            return stores.deliveries.deliver(of, how, at=NOW, expires_at=1)
        case 1:
            return stores.deliveries.postpone(of, last, next_due=NOW_MS + chance.randint(0, 3))
    return stores.deliveries.exhaust(of, last, reason="attempts_used_up", expires_at=1)


def end(stores: Stores, chance: Random) -> Any:
    of = stores.a_delivery(chance)
    state: Any = chance.choice(["cancelled", "exhausted"])
    return stores.note(
        stores.deliveries.end(of.event, of.endpoint, state, reason="operator", expires_at=1)
    )


def look(stores: Stores, chance: Random) -> Any:
    of = stores.a_delivery(chance)
    found = stores.deliveries.find(of.event, of.endpoint)
    return (
        stores.note(found),
        stores.deliveries.attempt(of.event, of.endpoint, of.attempts),
        stores.deliveries.attempts(of.event, of.endpoint, at_most=2),
    )


def find_due(stores: Stores, chance: Random) -> Any:
    found = stores.deliveries.due(
        chance.choice(IDS),
        chance.randint(0, 3),
        until_ms=NOW_MS + chance.randint(0, 3),
        at_most=chance.randint(1, 3),
    )
    stores.due += found
    return found


def lease(stores: Stores, chance: Random) -> Any:
    due = chance.choice(stores.due[-4:] or [Due(EVENTS[0], IDS[0], 1)])
    until = NOW_MS + chance.randint(0, 3)
    return stores.note(stores.deliveries.lease(due, until_ms=until))


def release(stores: Stores, chance: Random) -> Any:
    of = stores.a_delivery(chance)
    if chance.random() < 0.6:
        of = stores.deliveries.find(of.event, of.endpoint) or of
    return of.claimed_until is not None and stores.deliveries.release(of)


def again(stores: Stores, chance: Random) -> Any:
    job = f"job-{chance.randint(0, 3)}"
    return stores.note(stores.deliveries.again(stores.a_delivery(chance), job=job, next_due=NOW_MS))


def walk(stores: Stores, chance: Random) -> Any:
    cursor: str | None = None
    pages = []
    index: Any = chance.choice(["by_endpoint", "failed"])
    since = chance.choice([None, NOW + timedelta(seconds=1)])
    until = chance.choice([None, NOW + timedelta(seconds=1)])
    for _ in range(3):
        rows, cursor = stores.deliveries.walk(
            IDS[0], index, since=since, until=until, cursor=cursor, at_most=1
        )
        pages.append(sorted(row.name for row in rows))
        if cursor is None:
            break
    # Rows of the same moment have no order that anything may rely on.
    return sorted(name for page in pages for name in page)


def add_endpoint(stores: Stores, chance: Random) -> Any:
    one = endpoint(id=chance.choice(IDS), created_at=NOW, updated_at=NOW)
    try:
        stores.endpoints.add(one, Health(), Sealed(b"keys"), limit=2)
    except TooManyEndpoints:
        return "refused"


def read_endpoints(stores: Stores, chance: Random) -> Any:
    found = stores.endpoints.all()
    stores.healths += [target.health for target in found]
    return found, stores.endpoints.for_sending(IDS, ["hooks.example.com"])


def change_health(stores: Stores, chance: Random) -> Any:
    id = chance.choice(IDS)
    seen = stores.a_health(id, chance)
    failed = health.after_failure(
        "timeout",
        NOW,
        probe_of=chance.choice([None, seen]),
        exhausted=chance.choice([None, "event-1"]),
    )
    late = NOW + timedelta(hours=3)
    choices: list[Change | None] = [
        failed,
        health.after_success(seen, late, seconds=chance.choice([0.1, 5.0])),
        health.after_late(chance.randint(1, 5)),
        health.transition(seen, NOW),
        health.fresh_start(),
        health.probe_turn(seen, NOW + timedelta(hours=1)),
        health.probe_now(NOW),
        health.used_up(seen, NOW),
        health.wider_drain(seen, NOW + timedelta(minutes=1)),
    ]
    change = chance.choice([one for one in choices if one is not None])
    answers = []
    for _ in range(5 if change is failed else 1):
        changed = stores.endpoints.change_health(id, change)
        step = changed and health.transition(changed, NOW)
        answers.append((changed, step and stores.endpoints.change_health(id, step)))
    stores.healths += [changed for changed, _ in answers if changed is not None]
    return answers


def tell(stores: Stores, chance: Random) -> Any:
    id = chance.choice(IDS)
    seen = stores.a_health(id, chance)
    for due in health.announcements(seen, NOW + timedelta(hours=2)):
        return stores.announcements.tell(id, due.change, announced(chance, id))


def disable(stores: Stores, chance: Random) -> Any:
    id = chance.choice(IDS)
    seen = stores.a_health(id, chance)
    one = endpoint(id=id, created_at=NOW, updated_at=NOW)
    off = operational.switched_off(Target(one, seen), "gone", NOW)
    told = announced(chance, one.id)
    since = chance.choice([None, seen.failing_since])
    return stores.announcements.disable(off.endpoint, told, failing_since=since)


def resume(stores: Stores, chance: Random) -> Any:
    key = {"pk": "ENDPOINTS", "sk": chance.choice(IDS)}
    if dynamo.get("Webhooks", key) is not None:
        dynamo.write(dynamo.update("Webhooks", key, "SET #status = :on", on="active"))


def add_hour(stores: Stores, chance: Random) -> Any:
    stores.endpoints.add_to_hour(IDS[0], NOW, delivered=chance.randint(0, 2), failed=1)


def work_on_jobs(stores: Stores, chance: Random) -> Any:
    if not stores.jobs_seen or chance.random() < 0.3:
        filter = Filter(states=("exhausted",))
        job = jobs.start("recover", IDS[0], filter, by="operator/ann", now=NOW)
        job = job.model_copy(update={"id": f"job-{chance.randint(0, 2)}"})
        stores.jobs_seen.append(job)
        try:
            stores.jobs.add_job(job)
        except ConditionFailed:
            return "there"
    seen = chance.choice(stores.jobs_seen)
    progress = {"cursor": f"c{chance.randint(0, 9)}", "done": seen.done + 1}
    state = {"state": "finished", "expires_at": 1} if chance.random() < 0.2 else {}
    moved = seen.model_copy(update={**progress, **state})
    advanced = stores.jobs.advance(seen, moved)
    if advanced:
        stores.jobs_seen.append(moved)
    return advanced, stores.jobs.running(), stores.jobs.jobs_of(IDS[0]), stores.jobs.job(seen.id)


def announce(stores: Stores, chance: Random) -> Any:
    one = event(at=NOW).model_copy(update={"id": chance.choice(EVENTS)})
    try:
        dynamo.commit([outbox.record("Events", one)])
    except ConditionFailed as failed:
        return failed.failed


def sweep_events(stores: Stores, chance: Random) -> Any:
    id = chance.choice(EVENTS)
    match chance.randint(0, 3):
        case 0:
            return stores.outbox.mark_fanned_out(id, NOW, IDS[:1])
        case 1:
            return stores.outbox.close(id)
        case 2:
            return stores.outbox.find(id, now=NOW), stores.outbox.is_fanned_out(id)
    due = stores.outbox.due(now_ms=NOW_MS + 10**6, at_most=8)
    found = event(at=NOW).model_copy(update={"id": id})
    seen = due[0] if due and chance.random() < 0.7 else OpenEvent(found, 0)
    moved = stores.outbox.postpone(seen, until_ms=NOW_MS + chance.randint(0, 9))
    return sorted(one.event.id for one in due), moved


OPERATIONS: list[Operation] = [
    *(add, claim, claim, record, note_lost, finish, finish, end, look, find_due, lease, release),
    *(again, walk, add_endpoint, read_endpoints, change_health, change_health, change_health),
    *(tell, tell, disable, resume, resume, add_hour, work_on_jobs, announce, sweep_events),
]


def acted(number: int, seed: int) -> Iterator[tuple[str, Any]]:
    """The answers to so many operations."""
    stores, chance = Stores(), Random(seed)
    for _ in range(number):
        operation = chance.choice(OPERATIONS)
        # From its own numbers, so that an answer that differs cannot change what comes next.
        yield operation.__name__, operation(stores, Random(chance.getrandbits(32)))


def dumped() -> dict[str, list[Item]]:
    """All rows, from the client that is in place."""
    client = aws.client("dynamodb")
    found: dict[str, list[Any]] = {}
    for table in TABLES[3:5]:
        pages = client.get_paginator("scan").paginate(TableName=table.name)
        found[table.name] = [item for page in pages for item in page["Items"]]
    return found


def in_order(rows: Mapping[str, list[Item]]) -> dict[str, list[str]]:
    """Rows have no order, nor have their members."""
    return {
        name: sorted(json.dumps(item, sort_keys=True, default=str) for item in items)
        for name, items in rows.items()
    }


def compared(operations: int, seed: int) -> set[tuple[str, bool]]:
    """The conditions that were put to both, each with how it was judged."""
    cloud = Cloud(Clock())
    with cloud.in_place():
        ours = list(acted(operations, seed))
    theirs = list(acted(operations, seed))
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert one == other, f"operation {number}"
    kept = {name: cloud.tables.items(name) for name in ("Webhooks", "Events")}
    assert in_order(kept) == in_order(dumped())
    return cloud.tables.conditions


def used_by_the_engine() -> set[tuple[str, bool]]:
    scenarios = [Scenario((Outcome.GONE,)), Scenario((Outcome.HTTP_ERROR,) * 12, waits=(5,))]
    worlds = [*(scenario.run() for scenario in scenarios), *triples(60, seed=2)]
    return {one for world in worlds for one in world.cloud.tables.conditions}


@pytest.mark.usefixtures("tables")
def test_both_answer_alike_for_every_condition_that_the_engine_uses() -> None:
    agreed = compared(700, seed=4)

    used = used_by_the_engine()

    assert len(used) > 15
    assert used - agreed == set()


@pytest.mark.long
@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("seed", range(2, 12))
def test_both_answer_alike(seed: int) -> None:
    assert compared(1_500, seed)
