"""Crash injection: the engine is stopped after any of its calls, and still loses nothing.

Each run is the real code on an AWS in memory, under a virtual clock, to its end. `World` says what
must then hold: every committed event reached every endpoint, there are no more duplicates than
crashes, every invariant of the rows holds at every write, and nothing is left open or claimed.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera import clock, dynamo
from tessera.webhooks.health import Health
from tessera.webhooks.models import Hint
from tessera.webhooks.outcome import Outcome
from tests.builders import NOW
from tests.webhooks.crash.cloud import FAN_OUT
from tests.webhooks.crash.world import Broken, Script, World

_CALLS_OF_AN_EVENT = 60
OUTCOMES = [outcome for outcome in Outcome if outcome is not Outcome.LOST]
HEALTHS = [
    None,
    Health(state="slow", streak=9, failures=9, failing_since=NOW),
    Health(state="open", streak=12, failures=12, failing_since=NOW, interval=60, probe_at=NOW),
]


@dataclass(frozen=True)
class Scenario:
    script: tuple[Outcome, ...]
    """Of the first of two endpoints; the other one accepts everything."""
    events: int = 1
    waits: tuple[int, ...] | None = None
    health: Health | None = None
    stops: tuple[int, ...] = field(default=())

    def run(self, *stops: int, **more: Any) -> World:
        scripts: list[Script] = [self.script, ()]
        world = World(
            scripts,
            events=self.events,
            waits=self.waits,
            health=self.health,
            stops=stops or self.stops,
            **more,
        )
        try:
            return world.run()
        except Broken as broken:
            raise AssertionError(f"{self} stopped after {stops or self.stops}: {broken}") from None


def singles(scenario: Scenario) -> Iterator[World]:
    for stop in range(1, scenario.run().calls + 1):
        yield scenario.run(stop)


def pairs(scenario: Scenario) -> Iterator[World]:
    """The second is counted in the run that the first one changed."""
    for first in range(1, scenario.run().calls + 1):
        for second in range(first + 1, scenario.run(first).calls + 1):
            yield scenario.run(first, second)


def triples(number: int, seed: int) -> Iterator[World]:
    chance = random.Random(seed)
    for _ in range(number):
        scenario = Scenario(
            script=tuple(chance.choices(OUTCOMES, k=chance.randint(1, 3))),
            events=chance.randint(1, 2),
            waits=chance.choice([None, None, (), (5,)]),
            health=chance.choice(HEALTHS),
        )
        # Beyond the end of most: a crash makes a run longer.
        last = _CALLS_OF_AN_EVENT * scenario.events
        yield scenario.run(*(chance.randint(1, last) for _ in range(3)))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_nothing_is_lost_whatever_call_is_the_last(outcome: Outcome) -> None:
    worlds = list(singles(Scenario((outcome,))))

    assert len(worlds) > 30
    assert all(world.stopped == 1 for world in worlds)
    # One between the request and its record, for each of the two endpoints that accept.
    assert sum(world.extra for world in worlds) == 2


@pytest.mark.parametrize("waits", [(), (5,)])
def test_nothing_is_lost_when_attempts_are_used_up(waits: tuple[int, ...]) -> None:
    scenario = Scenario((Outcome.HTTP_ERROR,) * 2, waits=waits)

    for world in singles(scenario):
        assert world.stopped == 1


@pytest.mark.parametrize("health", HEALTHS[1:])
def test_nothing_is_lost_at_an_endpoint_in_trouble(health: Health) -> None:
    for world in singles(Scenario((Outcome.TIMEOUT,), health=health)):
        assert world.stopped == 1


def test_nothing_is_lost_when_three_functions_die() -> None:
    stopped = [world.stopped for world in triples(250, seed=1)]

    assert max(stopped) == 3


@pytest.mark.long
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_nothing_is_lost_after_any_two_calls(outcome: Outcome) -> None:
    runs = sum(1 for _ in pairs(Scenario((outcome,))))

    assert runs > 500


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_lost_in_a_thousand_of_ten_thousand_triples(seed: int) -> None:
    assert sum(1 for _ in triples(1_000, seed=100 + seed)) == 1_000


Fates = dict[int, tuple[timedelta, ...]]
LOST: tuple[timedelta, ...] = ()
DOUBLED = (timedelta(0), timedelta(0))
LATE = (timedelta(seconds=400),)
OVERTAKEN = (timedelta(seconds=3), timedelta(seconds=400))


def with_hints(scenario: Scenario, fates: Fates) -> tuple[World, int]:
    """A run in which so many hints, by their number, do not go the usual way."""
    sent = 0

    def fate(queue: str) -> tuple[timedelta, ...]:
        nonlocal sent
        if queue == FAN_OUT:
            return (timedelta(0),)
        sent += 1
        return fates.get(sent, (timedelta(0),))

    world = World([scenario.script, ()], events=scenario.events, health=scenario.health)
    world.cloud.fate = fate
    return world.run(), sent


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(
    "fate", [LOST, DOUBLED, LATE, OVERTAKEN], ids=["lost", "doubled", "late", "overtaken"]
)
def test_hints_may_be_lost_doubled_late_or_out_of_order_without_a_duplicate(
    outcome: Outcome, fate: tuple[timedelta, ...]
) -> None:
    scenario = Scenario((outcome,), events=2)
    _, hints = with_hints(scenario, {})
    for first in range(1, hints + 1):
        for second in range(first, hints + 1):
            world, _ = with_hints(scenario, {first: fate, second: fate})
            assert world.extra == 0


def test_all_hints_may_be_lost() -> None:
    world, hints = with_hints(
        Scenario((Outcome.HTTP_ERROR,), events=2), dict.fromkeys(range(99), LOST)
    )

    assert hints > 4
    assert world.extra == 0


def sweeps(world: World) -> None:
    world.sweeper.turn()


def sends_too(world: World) -> None:
    """Another process gets a doubled hint for every pending row."""
    other: list[Any] = []
    hints = [
        Hint(event=row.event, endpoint=row.endpoint, n=row.attempts, lane="slow", why="sweep")
        for row in map(world.find, world.rows("D#"))
        if row.state == "pending"
    ]
    world.sender.batch(hints, lambda hint, step: other.append(step(hint)))


def cancels(world: World) -> None:
    for row in map(world.find, world.rows("D#")):
        world.ends = world.ends | {"cancelled"}
        expires_at = int(world.clock.at.timestamp())
        world.deliveries.end(
            row.event, row.endpoint, "cancelled", reason="operator", expires_at=expires_at
        )


def replays(world: World) -> None:
    for row in map(world.find, world.rows("D#")):
        world.asked_again += 1  # beforehand: it may die when it is written
        again = world.deliveries.again(
            row, job=f"job-{world.calls}", next_due=clock.epoch_ms(world.clock.at)
        )
        world.asked_again -= again is None


def pauses(world: World) -> None:
    change_status(world, "active", "paused")


def resumes(world: World) -> None:
    change_status(world, "paused", "active")


def change_status(world: World, before: str, after: str) -> None:
    for target in world.endpoints.all():
        if target.endpoint.status == before:
            key = {"pk": "ENDPOINTS", "sk": target.endpoint.id}
            dynamo.write(dynamo.update("Webhooks", key, "SET #status = :after", after=after))


def dies(world: World) -> None:
    world.stops = world.stops | {world.calls}


MEDDLING: list[Callable[[World], None]] = [sweeps, sends_too, cancels, replays, dies]
INTERLEAVING = st.dictionaries(st.integers(1, 80), st.sampled_from(MEDDLING), max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(OUTCOMES), max_size=3), INTERLEAVING)
def test_sender_sweeper_and_operator_may_meet_anywhere(
    script: list[Outcome], meddling: dict[int, Callable[[World], None]]
) -> None:
    World([script, ()], meddling=meddling).run()


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(st.lists(st.sampled_from(OUTCOMES), max_size=3), INTERLEAVING)
def test_sender_sweeper_and_operator_may_meet_anywhere_ten_thousand_times(
    script: list[Outcome], meddling: dict[int, Callable[[World], None]]
) -> None:
    World([script, ()], meddling=meddling).run()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_an_endpoint_may_be_paused_and_resumed_anywhere(pause: int, resume: int) -> None:
    world = World([(Outcome.HTTP_ERROR,), ()], meddling={pause: pauses, pause + resume: resumes})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "_resume", lambda: resumed(world))
        world.run()


def resumed(world: World) -> bool:
    """An operator comes at last; was it needed?"""
    with world.quietly():
        paused = [t for t in world.endpoints.all() if t.endpoint.status == "paused"]
        resumes(world)
    return bool(paused)
