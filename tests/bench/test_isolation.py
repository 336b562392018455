"""What an endpoint that hangs costs the others: the real sender, sweep and health, in virtual time.

99 healthy endpoints get 50 events a second together, answered in 40 ms; one hangs for 15 s with
every request. Batches of one are the worst case: each request holds a slot of its own. The queue
imitates what fair queues promise, and each slot is a process with a memory of its own.
"""

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from statistics import median, quantiles
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from tessera import clock, dynamo, outbox
from tessera.webhooks import credentials, egress, sending
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.egress import Call
from tessera.webhooks.fan_out import first_lane
from tessera.webhooks.health import Change, Health
from tessera.webhooks.models import Delivery, Endpoint, Hint, Target
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.outcome import Answer, Outcome
from tessera.webhooks.sealing import Seal
from tessera.webhooks.sending import Limits, Sender
from tessera.webhooks.store import Announcements
from tessera.webhooks.sweeping import Sweeper
from tests.bench.conftest import Publish
from tests.bench.machine import Row, is_short
from tests.bench.virtual import Lane, Pool, Time, waiter
from tests.builders import NOW
from tests.webhooks.crash.cloud import Cloud
from tests.webhooks.engine import KEY, Clock, endpoint, event

Rules = Literal["all", "fair queue alone", "plain queue"]
FAST_SLOTS, SLOW_SLOTS = 80, 20
HEALTHY, HEALTHY_PER_SECOND = 99, 50
HANG, ANSWERED_IN, STORED_IN = 15.0, 0.040, 0.004
"""Seconds; the last is one request to DynamoDB."""
NOISY_SHARE, NOISY_AT_LEAST, REMEMBERED = 0.10, 30, 60.0

pytestmark = pytest.mark.bench


@dataclass(frozen=True)
class Waiting:
    hint: Hint
    since: float


@dataclass
class Figures:
    waits: list[float] = field(default_factory=list)
    """Seconds of first attempts of healthy endpoints in their queue."""
    to_dead: list[float] = field(default_factory=list)
    """When it was sent a request."""

    def told(self) -> dict[str, float]:
        cuts = quantiles(self.waits, n=1000)
        return {
            "healthy_deliveries": len(self.waits),
            "wait_p50_s": round(median(self.waits), 3),
            "wait_p99_s": round(cuts[989], 3),
            "wait_max_s": round(max(self.waits), 3),
            "requests_to_the_dead": len(self.to_dead),
        }


class UnmovedEndpoints(Endpoints):
    """The rules of health switched off: nothing is learnt about any endpoint."""

    def change_health(self, id: str, change: Change) -> Health | None:
        return None


class Fairness:
    """Groups with many messages in flight, or much recent processing time, are served last."""

    def __init__(self, time: Time, *, is_on: bool) -> None:
        self._time = time
        self._is_on = is_on
        self._in_flight: Counter[str] = Counter()
        self._recent: deque[tuple[float, str, float]] = deque()
        self._spent: Counter[str] = Counter()

    def pick(self, waiting: deque[Waiting]) -> Waiting:
        if not self._is_on:
            return waiting[0]
        self._forget()
        noisy = set(self._noisy())
        return next((one for one in waiting if one.hint.endpoint not in noisy), waiting[0])

    @contextmanager
    def at_work(self, group: str) -> Iterator[None]:
        began = self._time.monotonic()
        self._in_flight[group] += 1
        yield
        self._in_flight[group] -= 1
        took = self._time.monotonic() - began
        self._recent.append((self._time.monotonic(), group, took))
        self._spent[group] += took  # type: ignore[assignment]  # seconds, not whole numbers

    def _noisy(self) -> Iterator[str]:
        flying, spent = self._in_flight.total(), sum(self._spent.values())
        for group, number in self._in_flight.items():
            if number >= NOISY_AT_LEAST and number > NOISY_SHARE * flying:
                yield group
        for group, seconds in self._spent.items():
            # A quiet system makes no group noisy.
            if spent > REMEMBERED and seconds > NOISY_SHARE * spent:
                yield group

    def _forget(self) -> None:
        while self._recent and self._recent[0][0] < self._time.monotonic() - REMEMBERED:
            _, group, took = self._recent.popleft()
            self._spent[group] -= took  # type: ignore[assignment]


class Lanes:
    """Both queues with their slots, or one queue with all of them."""

    def __init__(self, time: Time, rules: Rules) -> None:
        self._time = time
        self.fairness = {
            lane: Fairness(time, is_on=rules != "plain queue") for lane in ("fast", "slow")
        }
        self.lanes = {lane: Lane(time, fair.pick) for lane, fair in self.fairness.items()}
        self.has_lanes = rules == "all"

    def lane(self, hint: Hint) -> str:
        return hint.lane if self.has_lanes else "fast"

    def send(self, hints: Sequence[Hint], *, delay: int = 0) -> None:
        for hint in hints:
            if delay:
                self._time.spawn(partial(self._later, hint, delay))
            else:
                self._put(hint)

    def _later(self, hint: Hint, delay: int) -> None:
        self._time.sleep(delay)
        self._put(hint)

    def _put(self, hint: Hint) -> None:
        self.lanes[self.lane(hint)].put(Waiting(hint, self._time.monotonic()))


class Bench:
    def __init__(self, rules: Rules) -> None:
        self.time = Time(NOW)
        self.figures = Figures()
        self._rules = rules
        self._chance = Random(16)
        self._cloud = Cloud(Clock())
        self._lanes = Lanes(self.time, rules)
        self._numbers = itertools.count()
        self._endpoints = (Endpoints if rules == "all" else UnmovedEndpoints)("Webhooks")
        self._deliveries = Deliveries("Webhooks")
        self._targets: list[Endpoint] = []

    @property
    def lanes(self) -> Mapping[str, Lane[Waiting]]:
        return self._lanes.lanes

    @contextmanager
    def running(self) -> Iterator["Bench"]:
        """Slots and the minute's sweep are at work in the block."""
        with pytest.MonkeyPatch.context() as patch, self._cloud.in_place():
            # The two places where the sender waits for real time.
            patch.setattr(sending, "wait", waiter(self.time))
            patch.setattr(egress, "time", SimpleNamespace(monotonic=self.time.monotonic))
            for number in range(HEALTHY + 1):
                made = endpoint(
                    id=f"endpoint-{number:032x}", url=f"https://hooks{number}.example.com/"
                )
                keys = credentials.sealed(made.id, [SigningKey(key=KEY)], None, Seal("key"))
                self._endpoints.add(made, Health(), keys, limit=200)
                self._targets.append(made)
            self._cloud.called = self._stored
            for lane, slots in (("fast", FAST_SLOTS), ("slow", SLOW_SLOTS)):
                for _ in range(slots):
                    at = lane if self._lanes.has_lanes else "fast"
                    self.time.spawn(partial(self._slot, at))
            self.time.spawn(self._sweeps)
            yield self

    def traffic(self, seconds: float, *, to_dead: float) -> None:
        """So many events a second to the dead endpoint, and those of the healthy ones."""
        until = self.time.monotonic() + seconds
        dead, *healthy = self._targets
        for rate, choose in (
            (HEALTHY_PER_SECOND, lambda: self._chance.choice(healthy)),
            (to_dead, lambda: dead),
        ):
            if rate:
                self.time.spawn(partial(self._source, rate, choose, until))
        self.time.sleep(seconds)

    def _source(self, rate: float, choose: Callable[[], Endpoint], until: float) -> None:
        while self.time.monotonic() < until:
            self._announce(choose())
            self.time.sleep(self._chance.expovariate(rate))

    def _announce(self, to: Endpoint) -> None:
        """A committed event that fan-out has just turned into a row and a hint."""
        called, self._cloud.called = self._cloud.called, lambda name: None
        one = event(at=self.time()).model_copy(update={"id": f"event-{next(self._numbers):032x}"})
        dynamo.commit([outbox.record("Events", one)])
        self._deliveries.add(
            Delivery(
                event=one.id,
                endpoint=to.id,
                type=one.type,
                dialect=to.dialect,
                created_at=one.created_at,
                next_due=clock.epoch_ms(self.time() + timedelta(seconds=120)),
            )
        )
        found = self._endpoints.find(to.id)
        assert found is not None
        lane = first_lane(Target(to, found.health), is_test=False)
        self._cloud.called = called
        if lane is not None:
            self._lanes.send([Hint(event=one.id, endpoint=to.id, n=0, lane=lane, why="event")])

    def _slot(self, lane: str) -> None:
        sender = self._sender()
        waiting, fairness = self._lanes.lanes[lane], self._lanes.fairness[lane]
        while True:
            one = waiting.take()
            if one.hint.why == "event" and one.hint.endpoint != self._targets[0].id:
                self.figures.waits.append(self.time.monotonic() - one.since)
            with fairness.at_work(one.hint.endpoint):
                sender.batch([one.hint], _each)

    def _sweeps(self) -> None:
        sweeper = Sweeper(
            endpoints=self._endpoints,
            deliveries=self._deliveries,
            announcements=Announcements("Webhooks", "Events"),
            jobs=Jobs("Webhooks"),
            queues=self._lanes,
            now=self.time,
            random=self._chance.random,
            count=_count,
        )
        while True:
            self.time.sleep(60)
            # Its own threads would hide how long its many small reads take: here they take none.
            called, self._cloud.called = self._cloud.called, lambda name: None
            sweeper.turn()
            self._cloud.called = called

    def _sender(self) -> Sender:
        return Sender(
            endpoints=self._endpoints,
            deliveries=self._deliveries,
            announcements=Announcements("Webhooks", "Events"),
            outbox=Outbox("Events"),
            queues=self._lanes,
            post=self._post,
            seal=Seal("key"),
            pool=Pool(self.time),
            now=self.time,
            random=self._chance.random,
            count=_count,
            limits=Limits(),
        )

    def _post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, deadline: float, call: Call
    ) -> Answer:
        is_dead = url == self._targets[0].url
        if is_dead:
            self.figures.to_dead.append(self.time.monotonic())
        call.begin(self.time.monotonic(), deadline)
        took = HANG if is_dead else ANSWERED_IN
        self.time.sleep(took)
        call.end()
        if is_dead:
            return Answer(Outcome.TIMEOUT, int(took * 1000))
        return Answer(Outcome.DELIVERED, int(took * 1000), 200)

    def _stored(self, name: str) -> None:
        if name.startswith("dynamodb"):
            self.time.sleep(STORED_IN)


def _each(hint: Hint, step: Callable[[Hint], Mapping[str, Any]]) -> None:
    step(hint)


def _count(name: str, value: float = 1, **_: str) -> None:
    """Nobody looks at metrics here."""


def measured(rules: Rules, phases: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Minutes and events a second to the dead endpoint, one phase after the other."""
    with Bench(rules).running() as bench:
        for minutes, to_dead in phases:
            bench.traffic(minutes * 60, to_dead=to_dead)
        left = sum(len(lane) for lane in bench.lanes.values())
    return bench.figures.told() | {"still_waiting_at_the_end": left}


def minutes(number: float) -> float:
    return number / 5 if is_short() else number


def test_healthy_endpoints_while_one_hangs(publish: Publish) -> None:
    phases = [(minutes(1), 0.0), (minutes(6), 5.0), (minutes(8), 15.0)]
    with Bench("all").running() as bench:
        for length, to_dead in phases:
            bench.traffic(length * 60, to_dead=to_dead)
        figures = bench.figures.told()
        bench.time.sleep(2 * 3600)
        later = len(bench.figures.to_dead)
        bench.time.sleep(3600)
        hourly = len(bench.figures.to_dead) - later
    off = [(minutes(1), 0.0), (minutes(2), 5.0), (minutes(2), 15.0)]

    with_rules = figures | {"requests_to_the_dead_an_hour_later": hourly}
    others: tuple[Rules, ...] = ("fair queue alone", "plain queue")
    without = {name: measured(name, off) for name in others}
    publish(
        "isolation",
        [
            Row(
                "wait of 99 healthy endpoints while one hangs",
                f"p99 {figures['wait_p99_s']:.2f} s, most {figures['wait_max_s']:.2f} s",
                "p99 at most 0.1 s, 1 s",
            ),
            *(
                Row(
                    f"the same, {name}",
                    f"p99 {one['wait_p99_s']:.2f} s, most {one['wait_max_s']:.2f} s",
                )
                for name, one in without.items()
            ),
            Row(
                "requests to the one that hangs, in those minutes and in an hour later",
                f"{figures['requests_to_the_dead']}, {hourly}",
                "at most 100, 4",
            ),
        ],
        {
            "events": "50/s to 99 healthy endpoints; 5/s, then 15/s to one that hangs for 15 s",
            "slots": f"{FAST_SLOTS} + {SLOW_SLOTS}, batches of one, virtual time",
            "minutes": sum(length for length, _ in phases),
            "all rules": with_rules,
            **without,
        },
    )


def test_healthy_endpoints_while_one_hangs_beyond_the_size_of_the_lanes(publish: Publish) -> None:
    phases = [(minutes(1), 0.0), (minutes(5), 20.0)]
    figures = measured("all", phases)

    publish(
        "isolation-beyond",
        [
            Row(
                "the same beyond the size of the lanes",
                f"p99 {figures['wait_p99_s']:.2f} s, most {figures['wait_max_s']:.2f} s",
                "p99 at most 2 s, 5 s",
            )
        ],
        {
            "events": "50/s to 99 healthy endpoints, 20/s to one that hangs for 15 s",
            "all rules": figures,
        },
    )
