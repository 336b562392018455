"""Pausing an endpoint and resuming it: one write each, however many deliveries wait."""

from datetime import datetime
from typing import Protocol

from tessera.errors import Conflict
from tessera.identity.principal import Principal
from tessera.objects import Model
from tessera.webhooks import endpoints as rules
from tessera.webhooks import health, jobs
from tessera.webhooks.endpoints import EndpointView, VersionConflict
from tessera.webhooks.health import Change
from tessera.webhooks.jobs import Filter, Job
from tessera.webhooks.models import Endpoint, EndpointStatus


class Resume(Model):
    discard: bool = False
    """Cancel what was held back instead of sending it."""


class ResumedView(EndpointView):
    job: str | None = None
    """Cancels what was held back; `GET …/replays/{job}` tells how far it is."""


class NotPausable(Conflict):
    title = "The endpoint is switched off"


class NotPaused(Conflict):
    title = "The endpoint is not paused"


class Endpoints(rules.Finds, Protocol):
    def switch(
        self,
        seen: Endpoint,
        to: EndpointStatus,
        *,
        by: str,
        at: datetime,
        reason: str | None = None,
        health: Change | None = None,
        job: Job | None = None,
    ) -> bool:
        """Has it the status and the version that were seen, so that this was written?

        All in one transaction: the endpoint, its health, and the job that begins with it.
        """


def pause(id: str, *, by: Principal, endpoints: Endpoints, now: datetime) -> EndpointView:
    """Deliveries go on being written and wait for the resume. A repeat changes nothing.

    Raises `NotFound`, `EndpointDeleted`, and `NotPausable` for one that is disabled.
    """
    seen = rules.live(id, endpoints).endpoint
    if seen.status == "disabled":
        raise NotPausable("This endpoint is switched off already: its deliveries wait.")
    if seen.status == "active":
        _switched(endpoints.switch(seen, "paused", by=rules.named(by), at=now, reason="operator"))
    return rules.read(id, endpoints=endpoints)


def resume(
    id: str, asked: Resume, *, by: Principal, endpoints: Endpoints, now: datetime
) -> ResumedView:
    """What waits goes out, slowly at first, or is let go by a job. A repeat changes nothing.

    Raises `NotFound`, `EndpointDeleted`, and `NotPaused` where there is nothing to discard.
    """
    seen = rules.live(id, endpoints).endpoint
    job: Job | None = None
    if seen.status == "active":
        if asked.discard:
            raise NotPaused("This endpoint is active: nothing is held back. Cancel deliveries.")
    else:
        if asked.discard:
            held = Filter(states=("pending",), until=now)
            job = jobs.start("discard", id, held, by=rules.named(by), now=now)
        _switched(
            endpoints.switch(
                seen,
                "active",
                by=rules.named(by),
                at=now,
                health=health.fresh_start(),
                job=job,
            )
        )
    resumed = rules.read(id, endpoints=endpoints)
    return ResumedView(**dict(resumed), job=job and job.id)


def _switched(held: bool) -> None:
    if not held:
        raise VersionConflict
