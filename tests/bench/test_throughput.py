"""What the engine adds to a bare HTTP request: the real sender and way out, over real sockets."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import pytest
import requests

from tessera import clock
from tessera.webhooks import credentials
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.destination import Reach
from tessera.webhooks.egress import Egress
from tessera.webhooks.models import Delivery, Hint
from tessera.webhooks.outcome import Answer
from tessera.webhooks.sending import Limits, Post, Sender
from tests.bench.conftest import Publish
from tests.bench.machine import Row, is_short
from tests.bench.memory import MemoryDeliveries, MemoryEndpoints, MemoryOutbox, Nothing, Plain
from tests.bench.receiver import receiving
from tests.webhooks.engine import KEY, endpoint, event

THREADS, BATCH = 10, 10

pytestmark = pytest.mark.bench


class Speed(NamedTuple):
    per_second: float
    cpu_ms: float
    """Of this process, for each request."""


class Engine:
    def __init__(self, port: int, pool: ThreadPoolExecutor, post: Post) -> None:
        to = endpoint(url=f"http://127.0.0.1:{port}/in")
        sealed = credentials.sealed(to.id, [SigningKey(key=KEY)], None, Plain())
        self._to = to
        self._deliveries, self._outbox = MemoryDeliveries(), MemoryOutbox()
        nothing = Nothing()
        self._sender = Sender(
            endpoints=MemoryEndpoints({to.id: (to, sealed)}),
            deliveries=self._deliveries,
            announcements=nothing,
            outbox=self._outbox,
            queues=nothing,
            post=post,
            seal=Plain(),
            pool=pool,
            now=clock.now,
            random=lambda: 0.5,
            count=lambda name, value=1, **_: None,
            limits=Limits(),
        )

    def has(self, number: int) -> list[Hint]:
        hints = []
        for _ in range(number):
            one = event(at=clock.now())
            self._outbox.events[one.id] = one
            self._deliveries.rows[one.id, self._to.id] = Delivery(
                event=one.id,
                endpoint=self._to.id,
                type=one.type,
                owner=one.owner,
                sequence=one.sequence,
                dialect=self._to.dialect,
                created_at=one.created_at,
                next_due=clock.epoch_ms(one.created_at) + 120_000,
            )
            hints.append(Hint(event=one.id, endpoint=self._to.id, n=0, lane="fast", why="event"))
        return hints

    def send(self, hints: list[Hint]) -> None:
        for start in range(0, len(hints), BATCH):
            self._sender.batch(hints[start : start + BATCH], _each)
        done = [self._deliveries.rows[hint.event, hint.endpoint].state for hint in hints]
        assert done == ["delivered"] * len(hints)


class Bare:
    """`requests` alone, with the same bytes and as many threads."""

    def __init__(self, port: int, threads: int, like: Mapping[str, Any]) -> None:
        self._url = f"http://127.0.0.1:{port}/in"
        self._threads = threads
        self._like = like
        self._sessions = threading.local()

    def send(self, number: int) -> None:
        share = [number // self._threads] * self._threads
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(self._loop, share))

    def _loop(self, number: int) -> None:
        with requests.Session() as session:
            for _ in range(number):
                answer = session.post(
                    self._url, data=self._like["body"], headers=self._like["headers"], timeout=15
                )
                assert answer.status_code == 200


def _each(hint: Hint, step: Callable[[Hint], Mapping[str, Any]]) -> None:
    step(hint)


@contextmanager
def engine(port: int, through: Callable[[Post], Post] = lambda post: post) -> Iterator[Engine]:
    egress = Egress(Reach(private_hosts=frozenset({f"127.0.0.1:{port}"})))
    with ThreadPoolExecutor(THREADS) as pool:
        yield Engine(port, pool, through(egress.post))
    egress.close()


def speed(number: int, send: Callable[[], None]) -> Speed:
    began, cpu = time.perf_counter(), time.process_time()
    send()
    took, worked = time.perf_counter() - began, time.process_time() - cpu
    return Speed(number / took, worked * 1000 / number)


def sample(port: int) -> dict[str, Any]:
    """The bytes that the engine sends for one delivery."""
    sent: dict[str, Any] = {}

    def overheard(post: Post) -> Post:
        def through(url: str, headers: Mapping[str, str], body: bytes, **options: Any) -> Answer:
            sent.update(headers=dict(headers), body=body)
            return post(url, headers, body, **options)

        return through

    with engine(port, overheard) as one:
        one.send(one.has(1))
    return sent


def middle(speeds: list[Speed]) -> Speed:
    return Speed(median(one.per_second for one in speeds), median(one.cpu_ms for one in speeds))


def test_the_sender_beside_a_bare_loop_of_requests(publish: Publish) -> None:
    number, rounds = (1_000, 3) if is_short() else (3_000, 7)
    ours: list[Speed] = []
    bare: list[Speed] = []
    with receiving() as port:
        like = sample(port)
        with engine(port) as sender:
            sender.send(sender.has(200))
            # In turn, so that what else the machine does meets both.
            for _ in range(rounds):
                hints = sender.has(number)
                ours.append(speed(number, partial(sender.send, hints)))
                loop = Bare(port, THREADS, like)
                bare.append(speed(number, partial(loop.send, number)))
    engine_, bare_ = middle(ours), middle(bare)
    ratio = median(one.per_second / other.per_second for one, other in zip(ours, bare, strict=True))
    own = max(engine_.cpu_ms - bare_.cpu_ms, 0.0)

    publish(
        "throughput",
        [
            Row(
                "sender, beside a bare loop of requests",
                f"{engine_.per_second:,.0f} deliveries a second, {ratio:.0%} of it",
                "at least 75 %",
            ),
            Row(
                "sender, its own CPU for a delivery",
                f"{own:.2f} ms of {engine_.cpu_ms:.2f} ms",
                "at most 1 ms",
            ),
        ],
        {
            "deliveries": number,
            "rounds": rounds,
            "threads": THREADS,
            "engine_per_second": round(engine_.per_second),
            "bare_requests_per_second": round(bare_.per_second),
            "ratio": ratio,
            "engine_cpu_ms": engine_.cpu_ms,
            "bare_cpu_ms": bare_.cpu_ms,
            "own_cpu_ms": own,
        },
    )


def test_the_sender_beside_one_thread_at_a_receiver_that_takes_50_ms(publish: Publish) -> None:
    number = 200 if is_short() else 600
    ours: list[Speed] = []
    bare: list[Speed] = []
    with receiving(50) as port:
        like = sample(port)
        with engine(port) as sender:
            sender.send(sender.has(20))
            for _ in range(3):
                hints = sender.has(number)
                ours.append(speed(number, partial(sender.send, hints)))
                loop = Bare(port, 1, like)
                bare.append(speed(number // 10, partial(loop.send, number // 10)))
    engine_, bare_ = middle(ours), middle(bare)

    publish(
        "throughput-50ms",
        [
            Row(
                "sender, at a receiver that takes 50 ms",
                f"{engine_.per_second / bare_.per_second:.1f} times one thread",
                "at least 6 times",
            )
        ],
        {
            "deliveries": number,
            "rounds": 3,
            "engine_per_second": engine_.per_second,
            "one_thread_per_second": bare_.per_second,
            "times": engine_.per_second / bare_.per_second,
        },
    )
