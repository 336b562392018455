"""Jobs: many deliveries of one endpoint sent again, or let go, page after page by the sweep."""

from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias

from tessera import clock, ids
from tessera.clock import Instant
from tessera.objects import Model
from tessera.webhooks.filters import passes
from tessera.webhooks.models import Delivery, Now, State
from tessera.webhooks.recording import DELIVERY_KEPT, expiry

Kind: TypeAlias = Literal["replay", "recover", "discard"]
Index: TypeAlias = Literal["by_endpoint", "failed"]

REPLAYABLE = timedelta(days=60)
"""After its creation, an event is too old to be sent again."""
FINISHED_KEPT = timedelta(days=7)
ROWS_A_TURN = 5_000
_ROWS_A_PAGE = 500


class Filter(Model):
    """Which deliveries a job is about."""

    states: tuple[State, ...]
    types: tuple[str, ...] = ()
    """Exact names or groups; none means all."""
    since: Instant | None = None
    """Of the event's creation, like `until`; both are included."""
    until: Instant | None = None

    def fits(self, delivery: Delivery) -> bool:
        """The times are left to the index that is walked."""
        return (
            delivery.state in self.states
            and (not self.types or passes(self.types, delivery.type, operational=False))
            and not delivery.test
        )


class Job(Model):
    id: str
    endpoint: str
    kind: Kind
    filter: Filter
    cursor: str | None = None
    """Where the next page begins, in the words of the store; none at first."""
    matched: int = 0
    done: int = 0
    """Of those matched; the others had moved on when their turn came."""
    state: Literal["running", "finished"] = "running"
    created_at: Instant
    by: str
    expires_at: int | None = None
    """Epoch seconds; absent while running."""

    @property
    def index(self) -> Index:
        """What to walk: the failures are few, so they have an index of their own."""
        return "failed" if self.filter.states == ("exhausted",) else "by_endpoint"


def start(kind: Kind, endpoint: str, filter: Filter, *, by: str, now: datetime) -> Job:
    """A new job. It never reaches back to events that are too old to be sent again."""
    oldest = now - REPLAYABLE
    since = oldest if filter.since is None else max(filter.since, oldest)
    bounded = filter if kind == "discard" else filter.model_copy(update={"since": since})
    return Job(
        id=ids.random("job"), endpoint=endpoint, kind=kind, filter=bounded, created_at=now, by=by
    )


class Deliveries(Protocol):
    def walk(
        self,
        endpoint: str,
        index: Index,
        *,
        since: datetime | None,
        until: datetime | None,
        cursor: str | None,
        at_most: int,
    ) -> tuple[list[Delivery], str | None]:
        """A page of an endpoint's deliveries, the oldest event first, and the next one's cursor."""

    def again(self, of: Delivery, *, job: str, next_due: int) -> Delivery | None:
        """Begins another round for a job, or ends the wait of a pending one; once for each job."""

    def end(
        self, event: str, endpoint: str, state: State, *, reason: str, expires_at: int
    ) -> Delivery | None:
        """Ends a pending delivery for a reason that is no attempt."""


class Jobs(Protocol):
    def advance(self, seen: Job, moved: Job) -> bool:
        """Writes how far the job is, unless another sweep has moved it on meanwhile."""


def carry_on(
    job: Job, *, jobs: Jobs, deliveries: Deliveries, now: Now, stop: datetime, gone: bool
) -> int:
    """A turn's share of a job (W7 of the sweep); answers how many deliveries it changed.

    A page whose end was not written down is walked again: rows that were taken then know their job.
    `gone`: its endpoint was deleted, which ends the job.
    """
    looked = changed = 0
    while job.state == "running" and looked < ROWS_A_TURN and now() < stop:
        if gone:
            jobs.advance(job, _moved(job, now()))
            break
        rows, cursor = deliveries.walk(
            job.endpoint,
            job.index,
            since=job.filter.since,
            until=job.filter.until,
            cursor=job.cursor,
            at_most=_ROWS_A_PAGE,
        )
        taken = sum(row.replayed_by == job.id for row in rows)
        fitting = [row for row in rows if row.replayed_by != job.id and job.filter.fits(row)]
        done = sum(_change(row, job, deliveries, now()) for row in fitting)
        moved = _moved(job, now(), cursor=cursor, matched=taken + len(fitting), done=taken + done)
        changed += done
        looked += len(rows)
        if not jobs.advance(job, moved):
            break
        job = moved
    return changed


def _change(row: Delivery, job: Job, deliveries: Deliveries, now: datetime) -> bool:
    if job.kind == "discard":
        expires_at = expiry(now, DELIVERY_KEPT)
        ended = deliveries.end(
            row.event, row.endpoint, "cancelled", reason="discarded", expires_at=expires_at
        )
        return ended is not None
    return deliveries.again(row, job=job.id, next_due=clock.epoch_ms(now)) is not None


def _moved(
    job: Job, now: datetime, *, cursor: str | None = None, matched: int = 0, done: int = 0
) -> Job:
    progress = {"matched": job.matched + matched, "done": job.done + done}
    if cursor is not None:
        return job.model_copy(update={**progress, "cursor": cursor})
    ended = {"state": "finished", "expires_at": expiry(now, FINISHED_KEPT)}
    return job.model_copy(update={**progress, **ended})
