"""The whole engine on an AWS in memory: every function, its triggers, receivers, and its deaths.

Time is virtual: a run goes from one moment at which something is due to the next. A plan says at
which calls the function that makes them ends, as a process does when its machine is lost.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tessera import dynamo, outbox
from tessera.events import Event
from tessera.outbox import recorded
from tessera.webhooks import credentials, publishing
from tessera.webhooks.bus import EventBus
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.egress import Call
from tessera.webhooks.fan_out import FanOut
from tessera.webhooks.health import Health, fresh_start
from tessera.webhooks.models import Delivery, Hint
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.outcome import Answer, Outcome
from tessera.webhooks.queues import HintQueues
from tessera.webhooks.sealing import Seal
from tessera.webhooks.sending import Limits, Sender
from tessera.webhooks.store import Announcements
from tessera.webhooks.sweeping import Sweeper
from tests.webhooks.crash.cloud import FAN_OUT, FAST, SLOW, Cloud, Message
from tests.webhooks.crash.expressions import Item, plain
from tests.webhooks.engine import KEY, Clock, Inline, endpoint, event

CALL = timedelta(milliseconds=5)
_STREAM_TRIES = 5
_ON = {"S": "active"}
_MOST_STEPS = 3_000


class Stopped(BaseException):
    """The function that made the call ends: nothing handles it, nothing is cleaned up."""


class Broken(AssertionError):
    """Something that the engine promises does not hold."""


Script = Sequence[Outcome]
"""What a receiver does with one request after the other; it accepts all that follow."""


class Receiver:
    def __init__(self, script: Script) -> None:
        self._script = iter(script)
        self.accepted: Counter[str] = Counter()
        """By event."""
        self.requests: Counter[str] = Counter()

    def answer(self, event: str) -> Answer:
        self.requests[event] += 1
        outcome = next(self._script, Outcome.DELIVERED)
        if outcome is Outcome.DELIVERED:
            self.accepted[event] += 1
        ms = 15_000 if outcome is Outcome.TIMEOUT else 40
        if outcome is Outcome.DELIVERED:
            return Answer(outcome, ms, 200, _USUAL_HEADERS, '{"received":true}')
        return Answer(outcome, ms, _STATUS.get(outcome))


_USUAL_HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "content-length": "17",
    "date": "Mon, 02 Mar 2026 09:14:07 GMT",
    "server": "cloudflare",
    "x-request-id": "0f5a7c0e8d1b4b1f9e2d6a7c3b4e5f60",
}
"""What is kept of an answer is paid for, so it is what receivers do say."""
_STATUS = {
    Outcome.REDIRECT: 302,
    Outcome.GONE: 410,
    Outcome.HTTP_ERROR: 503,
}


class World:
    def __init__(
        self,
        scripts: Sequence[Script],
        *,
        events: int = 1,
        health: Health | None = None,
        waits: tuple[int, ...] | None = None,
        stops: Collection[int] = (),
        meddling: Mapping[int, Callable[["World"], None]] | None = None,
    ) -> None:
        """One endpoint per script. `stops` are the numbers of the calls that are the last ones.

        `meddling` is what others do right after the calls with these numbers.
        """
        self.clock = Clock()
        self.cloud = Cloud(self.clock)
        self.calls = 0
        self.named: Counter[str] = Counter()
        """Calls by name, as `dynamodb.query`."""
        self.asked_again = 0
        """Copies that a person asked for."""
        self.ends = {"delivered"} if waits is None else {"delivered", "exhausted"}
        """How deliveries may end here."""
        self.stops = frozenset(stops)
        self.stopped = 0
        self.metrics: Counter[str] = Counter()
        self._meddling = dict(meddling or {})
        self.endpoints = Endpoints("Webhooks")
        self.deliveries = Deliveries("Webhooks")
        self.jobs = Jobs("Webhooks")
        self.outbox = Outbox("Events")
        self.receivers: dict[str, Receiver] = {}
        self.announced: list[Event] = []
        self._numbers = itertools.count()
        with self.cloud.in_place():
            for script in scripts:
                self._has_endpoint(script, health or Health(), waits)
            self._start()
        self._tries: Counter[str] = Counter()
        self._to_announce = events
        self.cloud.called = self._called
        self.cloud.tables.seen.append(self._judged)

    def run(self) -> "World":
        """To the end: until nothing is under way and nothing is due. Raises `Broken`."""
        with self.cloud.in_place():
            for _ in range(self._to_announce):
                self.announce()
            for _ in range(_MOST_STEPS):
                if not (self.work() or self._wait() or self._resume()):
                    break
            else:
                raise Broken("it does not come to rest")
            with self.quietly():
                self._judge_end()
        return self

    def rows(self, kind: str) -> list[Item]:
        """Deliveries are `D#`, attempts `A#`."""
        items = self.cloud.tables.items("Webhooks")
        return [item for item in items if plain(item["sk"]).startswith(kind)]

    def each(self, record: Any, step: Callable[[Any], Mapping[str, Any]]) -> None:
        """What the edge does with a record whose step fails: its message comes again."""
        step(record)
        self._done.append(record)

    def count(self, name: str, value: float = 1, **_: str) -> None:
        self.metrics[name] += int(value)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, deadline: float, call: Call
    ) -> Answer:
        answer = self.receivers[url].answer(headers["webhook-id"])
        self.clock.turn(milliseconds=answer.ms)
        self._called("post")
        return answer

    def find(self, delivery: Item) -> Delivery:
        found = self.deliveries.find(plain(delivery["pk"]), plain(delivery["endpoint"]))
        assert found is not None
        return found

    def _has_endpoint(self, script: Script, health: Health, waits: tuple[int, ...] | None) -> None:
        number = len(self.receivers)
        made = endpoint(
            id=f"endpoint-{number:032x}", url=f"https://hooks{number}.example.com/", waits=waits
        )
        sealed = credentials.sealed(made.id, [SigningKey(key=KEY)], None, Seal("key"))
        self.endpoints.add(made, health, sealed, limit=200)
        self.receivers[made.url] = Receiver(script)

    def _start(self) -> None:
        """New processes: they remember nothing."""
        self._done: list[Any] = []
        queues = HintQueues(fast=FAST, slow=SLOW, now=self.clock)
        self.bus = EventBus("bus")
        self.fan_out = FanOut(
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            outbox=self.outbox,
            queues=queues,
            pool=Inline(),
            now=self.clock,
        )
        announcements = Announcements("Webhooks", "Events")
        self.sender = Sender(
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            announcements=announcements,
            outbox=self.outbox,
            queues=queues,
            post=self.post,
            seal=Seal("key"),
            pool=Inline(),
            now=self.clock,
            random=lambda: 0.5,
            count=self.count,
            limits=Limits(),
        )
        self.sweeper = Sweeper(
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            announcements=announcements,
            jobs=self.jobs,
            queues=queues,
            now=self.clock,
            random=lambda: 0.5,
            count=self.count,
        )

    def _called(self, name: str) -> None:
        self.calls += 1
        self.named[name] += 1
        self.clock.turn(milliseconds=CALL / timedelta(milliseconds=1))
        number = self.calls
        if meddle := self._meddling.pop(number, None):
            meddle(self)
        if number in self.stops:
            self.stopped += 1
            raise Stopped

    @contextmanager
    def _process(self) -> Iterator[None]:
        try:
            yield
        except Stopped:
            self._start()

    def announce(self) -> None:
        one = event(at=self.clock.at, sequence=len(self.announced) + 1)
        one = one.model_copy(update={"id": f"event-{len(self.announced):032x}"})
        self.announced.append(one)
        with self._process():
            dynamo.commit([outbox.record("Events", one)])

    def work(self) -> bool:
        """Takes what is waiting on the stream or on a queue; was there anything?"""
        if self.cloud.stream:
            self._publish()
            return True
        for queue, model, act in (
            (FAN_OUT, Event, lambda batch: self.fan_out.batch(batch, self.each)),
            (FAST, Hint, lambda batch: self.sender.batch(batch, self.each)),
            (SLOW, Hint, lambda batch: self.sender.batch(batch, self.each)),
        ):
            taken = self.cloud.queues[queue].take(10)
            if taken:
                self._work_off(queue, taken, model, act)
                return True
        return False

    def _publish(self) -> None:
        batch = self.cloud.stream[:100]
        records = [recorded(dynamo.row_of(item)) for item in batch]
        self._tries[records[0].id] += 1
        with self._process():
            failed = publishing.publish(records, bus=self.bus, outbox=self.outbox)
            assert not failed
            del self.cloud.stream[: len(batch)]
            return
        if self._tries[records[0].id] > _STREAM_TRIES:
            del self.cloud.stream[: len(batch)]  # to the on-failure queue: the sweep heals it

    def _work_off(
        self,
        queue: str,
        taken: list[Message],
        model: type[Event] | type[Hint],
        act: Callable[[list[Any]], None],
    ) -> None:
        records = [model.model_validate_json(message.body) for message in taken]
        self._done = []
        with self._process():
            act(records)
            for message, record in zip(taken, records, strict=True):
                if any(record is done for done in self._done):
                    self.cloud.queues[queue].delete(message)

    def _wait(self) -> bool:
        """Turns the clock to what is due next and lets the minute's schedules run."""
        ahead = self._next_due_ms()
        if ahead is None:
            return self._last_turn()
        now_ms = self.clock.at.timestamp() * 1000
        messages = min((q.next_at for q in self.cloud.queues.values() if q.next_at), default=None)
        if messages is not None and messages <= math.ceil(ahead / 60_000) * 60_000:
            self.clock.turn(milliseconds=max(messages - now_ms, 0) + 1)
            return True
        minute = max(math.ceil(ahead / 60_000), math.floor(now_ms / 60_000) + 1) * 60_000
        self.clock.turn(milliseconds=minute - now_ms)
        self._turn()
        return True

    def _turn(self) -> None:
        with self._process():
            self.sweeper.turn()
        with self._process():
            publishing.republish(bus=self.bus, outbox=self.outbox, now=self.clock, count=self.count)

    def _last_turn(self) -> bool:
        """What only a sweep finds, as what is to be told; has it found anything?"""
        before = len(self.cloud.tables.items("Events"))
        self.clock.turn(minutes=1)
        self._turn()
        return len(self.cloud.tables.items("Events")) > before or self._next_due_ms() is not None

    def _next_due_ms(self) -> float | None:
        """The earliest moment at which a message, a row, a probe or an open event is due."""
        off = {
            plain(item["sk"])
            for item in self.cloud.tables.items("Webhooks")
            if plain(item["pk"]) == "ENDPOINTS" and plain(item.get("status", _ON)) != "active"
        }
        due = [
            float(plain(row["next_due"]))
            for row in self.rows("D#")
            if "due_pk" in row and plain(row["endpoint"]) not in off
        ]
        due += [
            float(plain(item["open_at"]))
            for item in self.cloud.tables.items("Events")
            if "open_at" in item
        ]
        due += [queue.next_at for queue in self.cloud.queues.values() if queue.next_at is not None]
        return min(due, default=None)

    def _resume(self) -> bool:
        """An operator resumes what a 410 switched off; was there anything?"""
        with self.quietly():
            off = [t.endpoint for t in self.endpoints.all() if t.endpoint.status == "disabled"]
            for one in off:
                key = {"pk": "ENDPOINTS", "sk": one.id}
                dynamo.write(dynamo.update("Webhooks", key, "SET #status = :on", on="active"))
                self.endpoints.change_health(one.id, fresh_start())
        return bool(off)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """What is called in the block is called by somebody else, who does not die."""
        called, self.cloud.called = self.cloud.called, lambda name: None
        yield
        self.cloud.called = called

    def _judged(self, table: str, kind: str, before: Item | None, after: Item | None) -> None:
        """I1, at every single write."""
        if table != "Webhooks" or after is None or not plain(after["sk"]).startswith("D#"):
            return
        is_pending = plain(after["state"]) == "pending"
        if not is_pending == ("due_pk" in after) == ("next_due" in after):
            raise Broken(f"I1: {after}")

    def _judge_end(self) -> None:
        opened = [item for item in self.cloud.tables.items("Events") if "open" in item]
        if opened:
            raise Broken(f"an event stayed open: {opened}")
        dead = sum(len(queue.dead) for queue in self.cloud.queues.values())
        if dead:
            raise Broken("a message is dead")
        attempts: dict[tuple[str, str], list[int]] = {}
        for item in self.rows("A#"):
            place = plain(item["pk"]), plain(item["sk"]).split("#")[1]
            attempts.setdefault(place, []).append(plain(item["n"]))
        rows = self.rows("D#")
        for row in rows:
            delivery = self.find(row)
            if delivery.state == "pending" or delivery.claimed_until is not None:
                raise Broken(f"I3: {delivery}")
            kept = {*attempts.get((delivery.event, delivery.endpoint), [])}
            made = sorted(kept | ({delivery.success.n} if delivery.success else set()))
            # A person may end a delivery between a crash and its healing: that leaves a gap.
            ended_by_itself = "cancelled" not in self.ends
            if ended_by_itself and made != list(range(1, delivery.attempts + 1)):
                raise Broken(f"I2: {delivery.name} has the attempts {made}")
        self._judge_reached(rows)

    def _judge_reached(self, rows: Sequence[Item]) -> None:
        by_id = {target.endpoint.id: target.endpoint for target in self.endpoints.all()}
        states = {
            (plain(row["pk"]), by_id[plain(row["endpoint"])].url): plain(row["state"])
            for row in rows
        }
        for one in self.committed:
            for url, receiver in self.receivers.items():
                state = states.get((one, url))
                if state == "delivered" and not receiver.accepted[one]:
                    raise Broken(f"{one} counts as delivered and is not")
                if state not in self.ends:
                    raise Broken(f"{one} did not reach {url}: {state}")
        if self.extra > self.stopped + self.asked_again:
            raise Broken(f"{self.extra} requests too many after {self.stopped} crashes")

    @property
    def committed(self) -> list[str]:
        """Announced events on record: a crash before its commit is not ours to heal."""
        ids = {one.id for one in self.announced}
        found = (plain(item["pk"]) for item in self.cloud.tables.items("Events"))
        return [id for id in found if id in ids]

    @property
    def extra(self) -> int:
        """Copies beyond the first of an event that a receiver had accepted."""
        return sum(
            max(copies - 1, 0)
            for receiver in self.receivers.values()
            for copies in receiver.accepted.values()
        )
