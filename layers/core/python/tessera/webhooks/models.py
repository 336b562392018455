"""What the delivery engine knows: endpoints, deliveries, their attempts, and hints to look at them.

The truth is in the rows. A hint only says that a row is worth a look: any may be lost, doubled,
late or out of order without harm.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import Field

from tessera.clock import Instant
from tessera.objects import Model
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.health import Health
from tessera.webhooks.outcome import Outcome
from tessera.webhooks.schedule import DEFAULT_WAITS

EndpointStatus: TypeAlias = Literal["active", "paused", "disabled", "deleted"]
State: TypeAlias = Literal["pending", "delivered", "exhausted", "cancelled"]
Lane: TypeAlias = Literal["fast", "slow"]
Why: TypeAlias = Literal["event", "retry", "sweep", "probe", "manual", "test"]
AuthKind: TypeAlias = Literal["none", "basic", "bearer", "header"]
Scheme: TypeAlias = Literal["v1", "v1a"]

Now: TypeAlias = Callable[[], datetime]
Random: TypeAlias = Callable[[], float]
T = TypeVar("T")
Each: TypeAlias = Callable[[T, Callable[[T], Mapping[str, Any]]], None]
"""Runs one record by itself: its failure is its own, what the step answers goes into its line."""


class Count(Protocol):
    def __call__(self, name: str, value: float = 1, **dimensions: str) -> None:
        """Adds to a metric."""


class Endpoint(Model):
    id: str
    url: str
    """Canonical: what is stored is what is sent to."""
    description: str = ""
    types: tuple[str, ...] = ()
    """Exact names or groups; none means every business event."""
    dialect: Dialect = Dialect()
    status: EndpointStatus = "active"
    status_reason: str | None = None
    waits: tuple[int, ...] | None = None
    """Seconds before each further attempt; None for the default schedule."""
    headers: dict[str, str] = Field(default_factory=dict)
    auth_kind: AuthKind = "none"
    signature: Scheme = "v1"
    created_at: Instant
    updated_at: Instant
    updated_by: str
    version: int = 1

    @property
    def schedule(self) -> Sequence[int]:
        return DEFAULT_WAITS if self.waits is None else self.waits

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


class Target(NamedTuple):
    """An endpoint and how it is doing."""

    endpoint: Endpoint
    health: Health


class HourCount(NamedTuple):
    """How many deliveries ended in an hour (UTC) of a day, at one endpoint."""

    hour: int
    endpoint: str
    delivered: int
    failed: int


class Sealed(NamedTuple):
    """The ciphertexts that belong to an endpoint: `credentials.py` knows what they open to."""

    keys: bytes
    auth: bytes | None = None


class Host(Model):
    """Whose Basic credential serves its endpoints; the password is kept beside it, sealed."""

    host: str
    user: str
    updated_at: Instant
    updated_by: str


class Sendable(NamedTuple):
    """What it takes to send to an endpoint, besides the event."""

    target: Target
    sealed: Sealed
    host_auth: bytes | None = None
    """Ciphertext of its host's credential, for an endpoint that has none of its own."""


class Last(Model):
    """The delivery's latest attempt, so that a list needs no further reads."""

    n: int
    at: Instant
    outcome: Outcome
    status: int | None = None


class Success(Model):
    """The attempt that succeeded in the first round: it stands in its delivery's own row.

    One write so keeps both, which is most of what is ever written. Later rounds have rows of
    their own for it, or a delivery that is replayed again and again would grow without end.
    """

    n: int
    why: Why
    started_at: Instant
    ms: int
    url: str
    status: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    excerpt: str = ""


class Delivery(Model):
    """One event on its way to one endpoint; `{event}/{endpoint}` is its name."""

    event: str
    endpoint: str
    state: State = "pending"
    type: str
    owner: str | None = None
    subscription: str | None = None
    sequence: int | None = None
    dialect: Dialect
    """Frozen when the row is made, so that the bytes stay equal when the endpoint's changes."""
    created_at: Instant
    """Of the event."""
    round: int = 0
    """Replays."""
    attempts: int = 0
    """Started; numbers the attempts, never reset."""
    failures: int = 0
    """Recorded in this round: the index into the schedule."""
    next_due: int | None = None
    """Epoch milliseconds; there exactly while pending."""
    claimed_until: int | None = None
    """Epoch milliseconds."""
    last: Last | None = None
    success: Success | None = None
    delivered_at: Instant | None = None
    reason: str | None = None
    replayed_by: str | None = None
    test: bool = False
    expires_at: int | None = None
    """Epoch seconds; absent while pending."""

    @property
    def name(self) -> str:
        return f"{self.event}/{self.endpoint}"

    @property
    def is_consistent(self) -> bool:
        """The invariant of every row: it is pending exactly while the due index shows it."""
        return (self.state == "pending") == (self.next_due is not None)


class NotRecorded(Exception):
    """DynamoDB refused a result after all tries: the claim runs out, then the sweep heals it."""


class Attempt(Model):
    event: str
    endpoint: str
    n: int
    round: int = 0
    why: Why
    started_at: Instant
    ms: int = 0
    url: str
    outcome: Outcome
    detail: str | None = None
    status: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    excerpt: str = ""
    next_due: int | None = None
    """The next attempt that was chosen, in epoch milliseconds; none after the last one."""
    expires_at: int | None = None
    """Epoch seconds."""

    @property
    def last(self) -> Last:
        return Last(n=self.n, at=self.started_at, outcome=self.outcome, status=self.status)

    @property
    def success(self) -> Success | None:
        """As its delivery's row keeps it; None where it needs a row of its own."""
        if self.outcome is not Outcome.DELIVERED or self.round:
            return None
        return Success(**{name: value for name, value in self if name in Success.model_fields})


class Hint(Model):
    """A message on the fast or slow queue."""

    event: str
    endpoint: str
    n: int
    """The row's `attempts` when this was written: a row that has moved on makes it stale."""
    lane: Lane
    why: Why
    at: int | None = None
    """Since when its queue may hand it out, in epoch milliseconds; the queue writes it."""


class Place(NamedTuple):
    """Where a delivery stands in an index of its endpoint, and what that index tells of it."""

    created_at: str
    event: str
    type: str | None = None
    owner: str | None = None


class Due(NamedTuple):
    """A delivery as the due index shows it."""

    event: str
    endpoint: str
    next_due: int
