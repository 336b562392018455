"""An AWS account in memory under a clock that a test turns: tables, queues, the bus, a key.

Everything that the engine asks of AWS passes through `Cloud.called`, after it has taken effect: a
test stops the engine there, lets another run in between, or counts.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from tessera import aws
from tests.webhooks.crash.tables import Tables
from tests.webhooks.engine import Clock

VISIBILITY = timedelta(seconds=180)
MOST_RECEIVES = 5
FAN_OUT, FAST, SLOW = "fan-out", "fast", "slow"

Fate = Callable[[str], Sequence[timedelta]]
"""What becomes of a message on a queue: the delays of its copies, none for one that is lost."""


@dataclass
class Message:
    body: str
    at_ms: float
    """From when on it may be handed out."""
    group: str | None = None
    receives: int = 0
    number: int = field(default_factory=itertools.count().__next__)


class Queue:
    """A standard queue: what was taken and not deleted comes back, five times at most."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.messages: list[Message] = []
        self.dead: list[Message] = []
        self.handed_out = 0

    def put(self, body: str, *, delay: timedelta = timedelta(0), group: str | None = None) -> None:
        self.messages.append(Message(body, self._ms() + _ms(delay), group))

    def take(self, most: int) -> list[Message]:
        """Those to work on, hidden from others for a while."""
        now = self._ms()
        for spent in [m for m in self.messages if m.at_ms <= now and m.receives == MOST_RECEIVES]:
            self.messages.remove(spent)
            self.dead.append(spent)
        taken = [message for message in self.messages if message.at_ms <= now][:most]
        self.handed_out += len(taken)
        for message in taken:
            message.receives += 1
            message.at_ms = now + _ms(VISIBILITY)
        return taken

    def delete(self, message: Message) -> None:
        if message in self.messages:
            self.messages.remove(message)

    @property
    def next_at(self) -> float | None:
        return min((message.at_ms for message in self.messages), default=None)

    def _ms(self) -> float:
        return self._clock.at.timestamp() * 1000


class Cloud:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tables = Tables()
        self.queues = {name: Queue(clock) for name in (FAN_OUT, FAST, SLOW)}
        self.stream: list[Mapping[str, Any]] = []
        self.called: Callable[[str], None] = lambda name: None
        self.fate: Fate = lambda queue: (timedelta(0),)
        self._services: dict[str, _Service] = {}
        self.tables.seen.append(self._streamed)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """For everything in the block that asks for a client of AWS."""
        # The stores and adapters under test are what asks for clients: no seam is left above them.
        with patch.object(aws, "_client", self._service):
            yield

    def _service(self, name: str) -> "_Service":
        if name not in self._services:
            self._services[name] = _Service(self, name)
        return self._services[name]

    def sqs_send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:
        for entry in Entries:
            held = timedelta(seconds=entry.get("DelaySeconds", 0))
            for delay in self.fate(QueueUrl):
                self.queues[QueueUrl].put(
                    entry["MessageBody"], delay=held + delay, group=entry["MessageGroupId"]
                )
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def events_put_events(self, *, Entries: Sequence[Any]) -> dict[str, Any]:
        for entry in Entries:
            if json.loads(entry["Detail"])["webhook"]:
                self.queues[FAN_OUT].put(entry["Detail"])
        return {"Entries": [{"EventId": "1"} for _ in Entries]}

    def kms_encrypt(self, *, Plaintext: bytes, EncryptionContext: Any, **_: Any) -> dict[str, Any]:
        context = json.dumps(EncryptionContext, sort_keys=True).encode()
        return {"CiphertextBlob": context + b"\0" + Plaintext}

    def kms_decrypt(self, *, CiphertextBlob: bytes, EncryptionContext: Any) -> dict[str, Any]:
        context, _, plaintext = CiphertextBlob.partition(b"\0")
        if json.loads(context) != EncryptionContext:
            raise ValueError("sealed for something else")
        return {"Plaintext": plaintext}

    def _streamed(self, table: str, kind: str, before: Any, after: Any) -> None:
        if table == "Events" and before is None and after is not None:
            self.stream.append(after)


class _Service:
    """A client, as the code under test calls it."""

    def __init__(self, cloud: Cloud, service: str) -> None:
        self._cloud = cloud
        self._service = service

    def __getattr__(self, name: str) -> Callable[..., Any]:
        cloud = self._cloud
        if self._service == "dynamodb":
            act = getattr(cloud.tables, name)
        else:
            act = getattr(cloud, f"{self._service}_{name}")
        called = f"{self._service}.{name}"

        def call(**request: Any) -> Any:
            try:
                return act(**request)
            finally:
                cloud.called(called)

        setattr(self, name, call)  # asked for in this way once
        return call


def _ms(delay: timedelta) -> float:
    return delay / timedelta(milliseconds=1)
