"""The delivery engine on a fake AWS, with a clock, a queue and a receiver that a test directs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tessera import aws, clock, dynamo, events, ids, outbox
from tessera.events import Event
from tessera.webhooks import credentials, deliveries
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.egress import Call
from tessera.webhooks.fan_out import FanOut
from tessera.webhooks.health import Health
from tessera.webhooks.models import Attempt, Delivery, Endpoint, Hint
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.outcome import Answer, Outcome
from tessera.webhooks.sealing import Seal
from tessera.webhooks.sending import Limits, Sender
from tessera.webhooks.store import Announcements
from tessera.webhooks.sweeping import Sweeper
from tests.builders import NOW

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OWNER = "id-c6281aebbe25728aae1b6223e87f7b2b"
SNAPSHOT = {
    "tracking": {
        "subscription": "32439PDFQPA0",
        "source": "shop",
        "name": "13L04SESPHMG",
        "orderReference": "13L04SESPHMG",
    },
    "updated": "2022-07-05T06:58:53.046Z",
    "owner": OWNER,
    "identities": [],
    "entitlements": [{"code": "W2"}],
}
ACCEPTED = Answer(Outcome.DELIVERED, 42, 200, {"content-type": "text/plain"}, "ok")
REFUSED = Answer(Outcome.HTTP_ERROR, 17, 503, {}, "busy")


def event(type: str = "entitlements.updated", *, at: datetime = NOW, **detail: Any) -> Event:
    details = {"owner": OWNER, "sequence": 42, **detail}
    return events.event(type, SNAPSHOT, at=at, **details)


def endpoint(**detail: Any) -> Endpoint:
    """An active one that gets every business event, made a day before `NOW`."""
    made = NOW - timedelta(days=1)
    return Endpoint(
        **{
            "id": ids.random("endpoint"),
            "url": "https://hooks.example.com/in",
            "created_at": made,
            "updated_at": made,
            "updated_by": "machine/3k9q",
            **detail,
        }
    )


class Clock:
    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at = clock.to_millisecond(self.at + timedelta(**by))


class FakeQueues:
    """Keeps hints in the order sent, each with its delay."""

    def __init__(self) -> None:
        self.sent: list[tuple[Hint, int]] = []

    def send(self, hints: Sequence[Hint], *, delay: int = 0) -> None:
        self.sent += [(hint, delay) for hint in hints]

    def take(self) -> list[Hint]:
        """All of them, whatever their delay."""
        taken, self.sent = self.sent, []
        return [hint for hint, _ in taken]


@dataclass
class Sent:
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class FakeReceiver:
    """Gives these answers in turn, the last one again and again."""

    answers: list[Answer] = field(default_factory=lambda: [ACCEPTED])
    received: list[Sent] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    """What else happens while the request is under way."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, deadline: float, call: Call
    ) -> Answer:
        self.received.append(Sent(url, headers, body))
        self.during()
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Inline(Executor):
    """Runs each call in turn in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Engine:
    def __init__(self) -> None:
        self.clock = Clock()
        self.queues = FakeQueues()
        self.receiver = FakeReceiver()
        self.counted: Counter[str] = Counter()
        self.lines: list[Mapping[str, Any]] = []
        self.endpoints = Endpoints("Webhooks")
        self.deliveries = Deliveries("Webhooks")
        self.announcements = Announcements("Webhooks", "Events")
        self.jobs = Jobs("Webhooks")
        self.outbox = Outbox("Events")
        key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
        self.seal = Seal(key)
        self.fan_out = FanOut(
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            outbox=self.outbox,
            queues=self.queues,
            pool=Inline(),
            now=self.clock,
        )
        self.sweeper = self.new_sweeper()
        self.sender = self.new_sender()

    def new_sender(self, **instead: Any) -> Sender:
        """Another process: it remembers nothing."""
        collaborators: dict[str, Any] = {
            "endpoints": self.endpoints,
            "deliveries": self.deliveries,
            "announcements": self.announcements,
            "outbox": self.outbox,
            "queues": self.queues,
            "post": self.receiver.post,
            "seal": self.seal,
            "pool": Inline(),
            "now": self.clock,
            "random": lambda: 0.0,
            "count": self.count,
            "limits": Limits(),
        }
        return Sender(**{**collaborators, **instead})

    def new_sweeper(self, **instead: Any) -> Sweeper:
        collaborators: dict[str, Any] = {
            "endpoints": self.endpoints,
            "deliveries": self.deliveries,
            "announcements": self.announcements,
            "jobs": self.jobs,
            "queues": self.queues,
            "now": self.clock,
            "random": lambda: 0.5,
            "count": self.count,
        }
        return Sweeper(**{**collaborators, **instead})

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        self.counted[name] += int(value)

    def has_endpoint(self, health: Health | None = None, **detail: Any) -> str:
        made = endpoint(**detail)
        sealed = credentials.sealed(made.id, [SigningKey(key=KEY)], None, self.seal)
        self.endpoints.add(made, health or Health(), sealed, limit=200)
        return made.id

    def change_endpoint(self, id: str, **members: Any) -> None:
        for name, value in members.items():
            key = {"pk": "ENDPOINTS", "sk": id}
            dynamo.write(dynamo.update("Webhooks", key, f"SET #{name} = :value", value=value))

    def is_committed(self, *announced: Event) -> None:
        for one in announced:
            dynamo.commit([outbox.record("Events", one)])

    def fans_out(self, *announced: Event) -> list[Hint]:
        """Commits and fans out; the hints that were sent."""
        self.is_committed(*announced)
        self.fan_out.batch(announced, self.each)
        return self.queues.take()

    def sends(self, hints: Sequence[Hint]) -> list[str]:
        """One batch of the sender; the outcomes in order."""
        before = len(self.lines)
        self.sender.batch(hints, self.each)
        return [line["outcome"] for line in self.lines[before:]]

    def delivers(self, announced: Event) -> list[str]:
        return self.sends(self.fans_out(announced))

    def sweeps(self) -> list[Hint]:
        self.sweeper.turn()
        return self.queues.take()

    def each(self, record: Any, step: Callable[[Any], Mapping[str, Any]]) -> None:
        self.lines.append(step(record))

    def delivery(self, event: Event, endpoint: str) -> Delivery:
        found = self.deliveries.find(event.id, endpoint)
        assert found is not None
        return found

    def attempts(self, event: Event, endpoint: str) -> list[Attempt]:
        """Oldest first."""
        kept = self.deliveries.attempts(event.id, endpoint, at_most=100)
        return deliveries.made(self.delivery(event, endpoint), kept)[::-1]

    def health(self, endpoint: str) -> Health:
        found = self.endpoints.find(endpoint)
        assert found is not None
        return found.health


def row(table: str, pk: str, sk: str) -> dynamo.Row | None:
    return dynamo.get(table, {"pk": pk, "sk": sk})
