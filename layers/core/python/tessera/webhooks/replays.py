"""Many deliveries of an endpoint sent again: by filter, or all that were given up since a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Protocol

from pydantic import Field

from tessera import ids
from tessera.clock import Instant
from tessera.errors import Conflict, NotFound
from tessera.identity.principal import Principal
from tessera.objects import Model
from tessera.webhooks import jobs
from tessera.webhooks.endpoints import Finds, live, named
from tessera.webhooks.filters import checked_types
from tessera.webhooks.jobs import Filter, Index, Job, Kind
from tessera.webhooks.models import Delivery, State
from tessera.webhooks.settings import RECEIVABLE, Checks

COUNTED_AT_MOST = 10_000
_LOOKED_AT_ONCE = 1_000
_LOOKS = 20
"""A trial run looks at 20,000 deliveries at most: it has to answer within seconds."""
_AT_ONCE = 10
"""Jobs that run for one endpoint."""


class Replays(Model):
    states: Annotated[list[State], Field(min_length=1, max_length=4)]
    types: list[str] = Field(default_factory=list)
    """Exact names or groups; none means all."""
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None
    dry_run: bool = False
    """Only count."""


class Recovery(Model):
    since: Instant
    """Of the event's creation."""
    dry_run: bool = False


class Matching(Model):
    """What a trial run answers."""

    status: ClassVar[int] = 200
    outcome: ClassVar[str] = "counted"
    job: ClassVar[str | None] = None
    matched: int
    more: bool
    """There may be more: counting stops at 10,000."""


class JobView(Model):
    status: ClassVar[int] = 202
    outcome: ClassVar[str] = "started"
    id: str
    endpoint: str
    kind: Kind
    state: str
    states: tuple[State, ...]
    types: tuple[str, ...]
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None
    matched: int
    """Found so far."""
    done: int
    """Of those; the others had moved on when their turn came."""
    created_at: Instant
    by: str

    @property
    def job(self) -> str:
        return self.id


class TooManyJobs(Conflict):
    title = "Too many jobs are running"


class Jobs(Protocol):
    def add_job(self, job: Job) -> None: ...
    def job(self, id: str) -> Job | None: ...
    def running(self) -> list[Job]: ...


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
    ) -> tuple[Sequence[Delivery], str | None]:
        """A page of an endpoint's deliveries, the oldest event first, and the next one's cursor."""


def replay(
    endpoint: str,
    asked: Replays,
    *,
    by: Principal,
    endpoints: Finds,
    deliveries: Deliveries,
    jobs: Jobs,
    now: datetime,
) -> JobView | Matching:
    """Raises `NotFound`, `EndpointDeleted`, `InvalidFields` and `TooManyJobs`."""
    live(endpoint, endpoints)
    checks = Checks()
    types: tuple[str, ...] = checks.passed(
        "types", lambda: checked_types(asked.types, RECEIVABLE), ()
    )
    checks.refuse()
    filter = Filter(
        states=tuple(dict.fromkeys(asked.states)),
        types=types,
        since=asked.since,
        until=asked.until,
    )
    return _run("replay", endpoint, filter, asked.dry_run, by, deliveries, jobs, now)


def recover(
    endpoint: str,
    asked: Recovery,
    *,
    by: Principal,
    endpoints: Finds,
    deliveries: Deliveries,
    jobs: Jobs,
    now: datetime,
) -> JobView | Matching:
    """Raises `NotFound`, `EndpointDeleted` and `TooManyJobs`."""
    live(endpoint, endpoints)
    filter = Filter(states=("exhausted",), since=asked.since)
    return _run("recover", endpoint, filter, asked.dry_run, by, deliveries, jobs, now)


def read(endpoint: str, id: str, *, jobs: Jobs, now: datetime) -> JobView:
    """Raises `NotFound`, also a week after it was finished."""
    job = jobs.job(id) if ids.is_id(id, "job") else None
    if job is None or job.endpoint != endpoint or _has_expired(job, now):
        raise NotFound("There is no such job at this endpoint.", code="not_found")
    return view(job)


def view(job: Job) -> JobView:
    names = set(JobView.model_fields)
    return JobView(
        **{name: value for name, value in job if name in names},
        **dict(job.filter),
    )


def _run(
    kind: Kind,
    endpoint: str,
    filter: Filter,
    is_trial: bool,
    by: Principal,
    deliveries: Deliveries,
    kept: Jobs,
    now: datetime,
) -> JobView | Matching:
    job = jobs.start(kind, endpoint, filter, by=named(by), now=now)
    if is_trial:
        return _counted(job, deliveries)
    if sum(one.endpoint == endpoint for one in kept.running()) >= _AT_ONCE:
        raise TooManyJobs(f"{_AT_ONCE} jobs are running for this endpoint. Wait until one is done.")
    kept.add_job(job)
    return view(job)


def _counted(job: Job, deliveries: Deliveries) -> Matching:
    matched, cursor = 0, None
    for _ in range(_LOOKS):
        page, cursor = deliveries.walk(
            job.endpoint,
            job.index,
            since=job.filter.since,
            until=job.filter.until,
            cursor=cursor,
            at_most=_LOOKED_AT_ONCE,
        )
        matched += sum(job.filter.fits(delivery) for delivery in page)
        if cursor is None or matched >= COUNTED_AT_MOST:
            break
    return Matching(
        matched=min(matched, COUNTED_AT_MOST),
        more=cursor is not None or matched > COUNTED_AT_MOST,
    )


def _has_expired(job: Job, now: datetime) -> bool:
    return job.expires_at is not None and job.expires_at <= now.timestamp()
