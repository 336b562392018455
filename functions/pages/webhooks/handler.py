"""Pages below /objects/webhooks/limio: what was announced, what became of it, who is told."""

from tessera.cursors import Cursors
from tessera.edge.observability import correlation_id, count, note
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.edge.reach import ReachEnvironment
from tessera.secrets import Secret
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
from tessera.webhooks.archive import Archive
from tessera.webhooks.destination import confirm
from tessera.webhooks.gathering import in_threads
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs, Trials
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.queues import HintQueues
from tessera.webhooks.replays import Recovery
from tessera.webhooks.sealing import Seal
from tessera.webhooks.switching import Resume
from tessera.webhooks.trials import Trial

from . import delivery_view, endpoint_form, endpoint_view, event_view, filters
from .places import DELIVERIES, ENDPOINTS, delivery_at, endpoint_at


class Env(PageEnvironment, ReachEnvironment):
    webhooks_table: str
    events_table: str
    secrets_key: str
    cursors_secret: str  # its name; the value is read on first use
    slow_queue_url: str
    endpoint_limit: int


env = Env.load()
stored = Endpoints(env.webhooks_table)
rows = Deliveries(env.webhooks_table)
jobs = Jobs(env.webhooks_table)
tests = Trials(env.webhooks_table, env.events_table)
outbox, archive = Outbox(env.events_table), Archive(env.events_table)
queues = HintQueues(slow=env.slow_queue_url)
seal = Seal(env.secrets_key)
cursors = Cursors(Secret(env.cursors_secret))
allowed = env.reach()
gather = in_threads(10)
zone = env.business_time_zone
app = Pages(env, __file__)


@app.page(DELIVERIES)
def list_deliveries(visit: Visit) -> Answer:
    targets = endpoint_view.shown(stored.all())
    asked = filters.deliveries(visit.query, targets, zone)
    if asked is None:
        return delivery_view.nothing_yet(visit)
    page = listing.of_endpoint(
        asked.target.endpoint.id,
        asked.wanted,
        by=visit.operator,
        cursors=cursors,
        cursor=visit.cursor,
        size=40,
        deliveries=rows,
        endpoints=stored,
        now=visit.now,
    )
    return delivery_view.listed(visit, page, asked, targets, stored.hours, zone)


@app.page(f"{DELIVERIES}/deliveries/<event>/<endpoint>")
def read_delivery(visit: Visit, event: str, endpoint: str) -> Answer:
    if (sent := delivery_view.on_its_way(event, endpoint, rows, outbox, visit.now)) is not None:
        return delivery_view.awaited(visit, sent, endpoint)
    found = deliveries.read(
        event,
        endpoint,
        deliveries=rows,
        endpoints=stored,
        outbox=outbox,
        count=count,
        now=visit.now,
    )
    return delivery_view.read(visit, found, stored.find(endpoint))


@app.action(f"{DELIVERIES}/deliveries/<event>/<endpoint>/replay")
def replay_delivery(visit: Visit, event: str, endpoint: str) -> Answer:
    again = operating.replay(
        event, endpoint, deliveries=rows, endpoints=stored, queues=queues, now=visit.now
    )
    note(outcome="replayed", webhook_event=event, endpoint=endpoint, round=again.round)
    return visit.moved(delivery_at(event, endpoint), f"{again.type} is sent again")


@app.page(f"{DELIVERIES}/deliveries/<event>/<endpoint>/cancel")
def confirm_cancel(visit: Visit, event: str, endpoint: str) -> Answer:
    found = deliveries.found(event, endpoint, deliveries=rows, now=visit.now)
    return delivery_view.confirm_cancel(visit, found)


@app.action(f"{DELIVERIES}/deliveries/<event>/<endpoint>/cancel")
def cancel_delivery(visit: Visit, event: str, endpoint: str) -> Answer:
    gone = operating.cancel(event, endpoint, deliveries=rows, endpoints=stored, now=visit.now)
    note(outcome="cancelled", webhook_event=event, endpoint=endpoint)
    return visit.moved(delivery_at(event, endpoint), f"{gone.type} is not sent any more")


@app.page(f"{DELIVERIES}/replay")
def confirm_replay(visit: Visit) -> Answer:
    return delivery_view.confirm_replay(
        visit, endpoints.read(visit.query["endpoint"], endpoints=stored)
    )


@app.action(f"{DELIVERIES}/replay")
def replay_selected(visit: Visit) -> Answer:
    endpoint, chosen = visit.query["endpoint"], filters.selected(visit.query)
    for event in chosen:
        operating.replay(
            event, endpoint, deliveries=rows, endpoints=stored, queues=queues, now=visit.now
        )
    note(outcome="replayed", endpoint=endpoint, deliveries=len(chosen))
    return visit.moved(f"{DELIVERIES}?endpoint={endpoint}", delivery_view.sent_again(len(chosen)))


@app.page(f"{DELIVERIES}/events")
def list_events(visit: Visit) -> Answer:
    page = announced.page(
        filters.events(visit.query, zone),
        by=visit.operator,
        cursors=cursors,
        cursor=visit.cursor,
        size=40,
        archive=archive,
        now=visit.now,
    )
    told = gather(rows.of_event, [one.id for one in page.items])
    return event_view.listed(visit, page, list(told))


@app.page(f"{DELIVERIES}/events/<event>")
def read_event(visit: Visit, event: str) -> Answer:
    found = announced.read(event, archive=archive, deliveries=rows, endpoints=stored, now=visit.now)
    return event_view.read(visit, found, stored.all())


@app.page(ENDPOINTS)
def list_endpoints(visit: Visit) -> Answer:
    return endpoint_view.listed(visit, endpoint_view.shown(stored.all()), stored.hours)


@app.page(f"{ENDPOINTS}/new")
def new_endpoint(visit: Visit) -> Answer:
    return endpoint_form.new(visit)


@app.action(f"{ENDPOINTS}/new", form=new_endpoint)
def add_endpoint(visit: Visit) -> Answer:
    with endpoint_form.at_its_fields():
        made = endpoints.create(
            endpoint_form.read_new(visit.fields),
            by=visit.operator,
            reach=allowed,
            resolves=confirm,
            seal=seal,
            endpoints=stored,
            limit=env.endpoint_limit,
            now=visit.now,
        )
    note(outcome="created", endpoint=made.id)
    return visit.moved(endpoint_at(made.id), endpoint_form.saved(made, "added"))


@app.page(f"{ENDPOINTS}/<id>")
def read_endpoint(visit: Visit, id: str) -> Answer:
    return endpoint_view.read(visit, endpoints.known(id, stored), stored.hours, jobs.jobs_of(id))


@app.page(f"{ENDPOINTS}/<id>/edit")
def edit_endpoint(visit: Visit, id: str) -> Answer:
    return endpoint_form.edit(visit, endpoints.live(id, stored).endpoint)


@app.action(f"{ENDPOINTS}/<id>/edit", form=edit_endpoint)
def change_endpoint(visit: Visit, id: str) -> Answer:
    with endpoint_form.at_its_fields():
        changed = endpoints.change(
            id,
            endpoint_form.read_changes(visit.fields, endpoints.live(id, stored).endpoint),
            by=visit.operator,
            reach=allowed,
            resolves=confirm,
            seal=seal,
            endpoints=stored,
            now=visit.now,
        )
    note(outcome="changed", endpoint=id, version=changed.version)
    return visit.moved(endpoint_at(id), endpoint_form.saved(changed, "saved"))


@app.action(f"{ENDPOINTS}/<id>/reveal")
def reveal_secret(visit: Visit, id: str) -> Answer:
    keys = rotation.reveal(id, seal=seal, endpoints=stored, now=visit.now)
    note(outcome="revealed", endpoint=id)
    return endpoint_view.read(
        visit, endpoints.known(id, stored), stored.hours, jobs.jobs_of(id), keys
    )


@app.page(f"{ENDPOINTS}/<id>/rotate")
def confirm_rotation(visit: Visit, id: str) -> Answer:
    return endpoint_form.rotate(visit, endpoints.live(id, stored).endpoint)


@app.action(f"{ENDPOINTS}/<id>/rotate", form=confirm_rotation)
def rotate_secret(visit: Visit, id: str) -> Answer:
    with endpoint_form.at_its_fields():
        asked = endpoint_form.read_rotation(visit.fields)
        rotated = rotation.rotate(
            id, asked, by=visit.operator, seal=seal, endpoints=stored, now=visit.now
        )
    note(outcome="rotated", endpoint=id, overlap=asked.overlap)
    return visit.moved(endpoint_at(id), endpoint_form.rotated(rotated, zone, visit.locale))


@app.page(f"{ENDPOINTS}/<id>/test")
def new_test(visit: Visit, id: str) -> Answer:
    return endpoint_form.test(visit, endpoints.live(id, stored).endpoint)


@app.action(f"{ENDPOINTS}/<id>/test", form=new_test)
def send_test(visit: Visit, id: str) -> Answer:
    sent = trials.send(
        id,
        Trial(type=visit.fields.text("type")),
        endpoints=stored,
        trials=tests,
        correlation_id=correlation_id(),
        now=visit.now,
    )
    note(outcome="announced", endpoint=id, webhook_event=sent.event, type=sent.type)
    return visit.moved(delivery_at(sent.event, id), f"Test event {sent.type} is on its way")


@app.action(f"{ENDPOINTS}/<id>/pause")
def pause_endpoint(visit: Visit, id: str) -> Answer:
    paused = switching.pause(id, by=visit.operator, endpoints=stored, now=visit.now)
    note(outcome="paused", endpoint=id)
    return visit.moved(endpoint_at(id), f"{delivery_view.name(paused)} is paused")


@app.page(f"{ENDPOINTS}/<id>/resume")
def confirm_resume(visit: Visit, id: str) -> Answer:
    return endpoint_form.resume(visit, endpoints.live(id, stored).endpoint)


@app.action(f"{ENDPOINTS}/<id>/resume", form=confirm_resume)
def resume_endpoint(visit: Visit, id: str) -> Answer:
    asked = Resume(discard=visit.fields.ticked("discard"))
    resumed = switching.resume(id, asked, by=visit.operator, endpoints=stored, now=visit.now)
    note(outcome="resumed", endpoint=id, job=resumed.job)
    return visit.moved(endpoint_at(id), f"{delivery_view.name(resumed)} is active again")


@app.page(f"{ENDPOINTS}/<id>/delete")
def confirm_delete(visit: Visit, id: str) -> Answer:
    return endpoint_form.confirm_delete(visit, endpoints.live(id, stored).endpoint)


@app.action(f"{ENDPOINTS}/<id>/delete")
def delete_endpoint(visit: Visit, id: str) -> Answer:
    name = delivery_view.name(endpoints.live(id, stored).endpoint)
    endpoints.delete(id, by=visit.operator, endpoints=stored, now=visit.now)
    note(outcome="deleted", endpoint=id)
    return visit.moved(ENDPOINTS, f"{name} deleted")


@app.page(f"{ENDPOINTS}/<id>/recover")
def confirm_recovery(visit: Visit, id: str) -> Answer:
    target = endpoints.known(id, stored)
    since = filters.since(visit, target, zone)
    counted = replays.recover(
        id,
        Recovery(since=since, dry_run=True),
        by=visit.operator,
        endpoints=stored,
        deliveries=rows,
        jobs=jobs,
        now=visit.now,
    )
    return endpoint_form.recover(visit, target.endpoint, counted, since, zone)


@app.action(f"{ENDPOINTS}/<id>/recover", form=confirm_recovery)
def recover_deliveries(visit: Visit, id: str) -> Answer:
    asked = Recovery(since=filters.since(visit, endpoints.known(id, stored), zone))
    job = replays.recover(
        id,
        asked,
        by=visit.operator,
        endpoints=stored,
        deliveries=rows,
        jobs=jobs,
        now=visit.now,
    )
    note(outcome="started", endpoint=id, job=job.job)
    return visit.moved(f"{endpoint_at(id)}/replays/{job.job}", "Replay started")


@app.page(f"{ENDPOINTS}/<id>/replays/<job>")
def read_replay(visit: Visit, id: str, job: str) -> Answer:
    found = replays.read(id, job, jobs=jobs, now=visit.now)
    return endpoint_view.job(visit, found, endpoints.known(id, stored).endpoint)


handler = entrypoint(app)
