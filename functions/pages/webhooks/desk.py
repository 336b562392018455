"""What the pages on webhooks look up and do: the rules of the engine, with what they work on."""

from dataclasses import dataclass
from datetime import datetime

from tessera.cursors import Cursors
from tessera.edge.observability import correlation_id, count, note
from tessera.edge.pages.tables import ROWS
from tessera.edge.pages.visit import Visit
from tessera.events import Event
from tessera.webhooks import (
    announced,
    deliveries,
    endpoints,
    listing,
    operating,
    replays,
    rotation,
    switching,
    trials,
)
from tessera.webhooks.announced import EventView, Listed
from tessera.webhooks.archive import Archive
from tessera.webhooks.deliveries import DeliveryView
from tessera.webhooks.destination import Reach
from tessera.webhooks.endpoints import EndpointView
from tessera.webhooks.listing import DeliveryPage, DeliverySummary
from tessera.webhooks.models import Delivery, Endpoint, Target
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs, Trials
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.queues import HintQueues
from tessera.webhooks.replays import JobView, Matching, Recovery
from tessera.webhooks.rotation import KeysView, Rotation
from tessera.webhooks.sealing import Seal
from tessera.webhooks.settings import EndpointChanges, NewEndpoint, Resolves
from tessera.webhooks.switching import Resume, ResumedView
from tessera.webhooks.trials import Trial, TrialView

from . import event_view
from .delivery_view import on_its_way
from .filters import Chosen


@dataclass(frozen=True)
class Desk:
    endpoints: Endpoints
    deliveries: Deliveries
    jobs: Jobs
    trials: Trials
    outbox: Outbox
    archive: Archive
    queues: HintQueues
    seal: Seal
    cursors: Cursors
    reach: Reach
    resolves: Resolves
    endpoint_limit: int

    def delivery_page(self, asked: Chosen, visit: Visit) -> DeliveryPage:
        return listing.of_endpoint(
            asked.target.endpoint.id,
            asked.wanted,
            by=visit.operator,
            cursors=self.cursors,
            cursor=visit.cursor,
            size=ROWS,
            deliveries=self.deliveries,
            endpoints=self.endpoints,
            now=visit.now,
        )

    def awaited(self, event: str, endpoint: str, now: datetime) -> Event | None:
        return on_its_way(event, endpoint, self.deliveries, self.outbox, now)

    def delivery(self, event: str, endpoint: str, now: datetime) -> DeliveryView:
        return deliveries.read(
            event,
            endpoint,
            deliveries=self.deliveries,
            endpoints=self.endpoints,
            outbox=self.outbox,
            count=count,
            now=now,
        )

    def found(self, event: str, endpoint: str, now: datetime) -> Delivery:
        return deliveries.found(event, endpoint, deliveries=self.deliveries, now=now)

    def replay(self, event: str, endpoint: str, now: datetime) -> DeliverySummary:
        again = self._replayed(event, endpoint, now)
        note(outcome="replayed", webhook_event=event, endpoint=endpoint, round=again.round)
        return again

    def replay_all(self, events: list[str], endpoint: str, now: datetime) -> None:
        for event in events:
            self._replayed(event, endpoint, now)
        note(outcome="replayed", endpoint=endpoint, deliveries=len(events))

    def cancel(self, event: str, endpoint: str, now: datetime) -> DeliverySummary:
        gone = operating.cancel(
            event, endpoint, deliveries=self.deliveries, endpoints=self.endpoints, now=now
        )
        note(outcome="cancelled", webhook_event=event, endpoint=endpoint)
        return gone

    def event_page(self, wanted: announced.Wanted, visit: Visit) -> tuple[Listed, list[Delivery]]:
        """With what became of as many of them as one request tells."""
        page = announced.listed(
            wanted,
            by=visit.operator,
            cursors=self.cursors,
            cursor=visit.cursor,
            size=ROWS,
            archive=self.archive,
            now=visit.now,
        )
        return page, self.deliveries.told(event_view.asked_for(page.found))

    def event(self, id: str, now: datetime) -> EventView:
        return announced.read(
            id, archive=self.archive, deliveries=self.deliveries, endpoints=self.endpoints, now=now
        )

    def known(self, id: str) -> Target:
        return endpoints.known(id, self.endpoints)

    def live(self, id: str) -> Endpoint:
        return endpoints.live(id, self.endpoints).endpoint

    def create(self, new: NewEndpoint, visit: Visit) -> EndpointView:
        made = endpoints.create(
            new,
            by=visit.operator,
            reach=self.reach,
            resolves=self.resolves,
            seal=self.seal,
            endpoints=self.endpoints,
            limit=self.endpoint_limit,
            now=visit.now,
        )
        note(outcome="created", endpoint=made.id)
        return made

    def change(self, id: str, changes: EndpointChanges, visit: Visit) -> EndpointView:
        changed = endpoints.change(
            id,
            changes,
            by=visit.operator,
            reach=self.reach,
            resolves=self.resolves,
            seal=self.seal,
            endpoints=self.endpoints,
            now=visit.now,
        )
        note(outcome="changed", endpoint=id, version=changed.version)
        return changed

    def reveal(self, id: str, now: datetime) -> KeysView:
        keys = rotation.reveal(id, seal=self.seal, endpoints=self.endpoints, now=now)
        note(outcome="revealed", endpoint=id)
        return keys

    def rotate(self, id: str, asked: Rotation, visit: Visit) -> KeysView:
        rotated = rotation.rotate(
            id, asked, by=visit.operator, seal=self.seal, endpoints=self.endpoints, now=visit.now
        )
        note(outcome="rotated", endpoint=id, overlap=asked.overlap)
        return rotated

    def send_test(self, id: str, trial: Trial, now: datetime) -> TrialView:
        sent = trials.send(
            id,
            trial,
            endpoints=self.endpoints,
            trials=self.trials,
            correlation_id=correlation_id(),
            now=now,
        )
        note(outcome="announced", endpoint=id, webhook_event=sent.event, type=sent.type)
        return sent

    def pause(self, id: str, visit: Visit) -> EndpointView:
        paused = switching.pause(id, by=visit.operator, endpoints=self.endpoints, now=visit.now)
        note(outcome="paused", endpoint=id)
        return paused

    def resume(self, id: str, asked: Resume, visit: Visit) -> ResumedView:
        resumed = switching.resume(
            id, asked, by=visit.operator, endpoints=self.endpoints, now=visit.now
        )
        note(outcome="resumed", endpoint=id, job=resumed.job)
        return resumed

    def delete(self, id: str, visit: Visit) -> None:
        endpoints.delete(id, by=visit.operator, endpoints=self.endpoints, now=visit.now)
        note(outcome="deleted", endpoint=id)

    def recover(self, id: str, asked: Recovery, visit: Visit) -> JobView | Matching:
        answered = replays.recover(
            id,
            asked,
            by=visit.operator,
            endpoints=self.endpoints,
            deliveries=self.deliveries,
            jobs=self.jobs,
            now=visit.now,
        )
        if not asked.dry_run:
            note(outcome="started", endpoint=id, job=answered.job)
        return answered

    def job(self, id: str, job: str, now: datetime) -> JobView:
        return replays.read(id, job, jobs=self.jobs, now=now)

    def _replayed(self, event: str, endpoint: str, now: datetime) -> DeliverySummary:
        return operating.replay(
            event,
            endpoint,
            deliveries=self.deliveries,
            endpoints=self.endpoints,
            queues=self.queues,
            now=now,
        )
