"""Pages below /objects/webhooks/limio: what was announced, what became of it, who is told."""

from tessera.cursors import Cursors
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.edge.reach import ReachEnvironment
from tessera.secrets import Secret
from tessera.webhooks import endpoints
from tessera.webhooks.archive import Archive
from tessera.webhooks.destination import confirm
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs, Trials
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.queues import HintQueues
from tessera.webhooks.replays import Recovery
from tessera.webhooks.sealing import Seal
from tessera.webhooks.switching import Resume
from tessera.webhooks.trials import Trial

from . import delivery_view, endpoint_form, endpoint_view, event_view, filters
from .desk import Desk
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
jobs = Jobs(env.webhooks_table)
desk = Desk(
    endpoints=stored,
    deliveries=Deliveries(env.webhooks_table),
    jobs=jobs,
    trials=Trials(env.webhooks_table, env.events_table),
    outbox=Outbox(env.events_table),
    archive=Archive(env.events_table),
    queues=HintQueues(slow=env.slow_queue_url),
    seal=Seal(env.secrets_key),
    cursors=Cursors(Secret(env.cursors_secret)),
    reach=env.reach(),
    resolves=confirm,
    endpoint_limit=env.endpoint_limit,
)
zone = env.business_time_zone
app = Pages(env, __file__)


@app.page(DELIVERIES)
def list_deliveries(visit: Visit) -> Answer:
    targets = endpoint_view.shown(stored.all())
    asked = filters.deliveries(visit.query, targets, zone)
    if asked is None:
        return delivery_view.nothing_yet(visit)
    page = desk.delivery_page(asked, visit)
    return delivery_view.listed(visit, page, asked, targets, stored.hours, zone)


@app.page(f"{DELIVERIES}/deliveries/<event>/<endpoint>")
def read_delivery(visit: Visit, event: str, endpoint: str) -> Answer:
    if (sent := desk.awaited(event, endpoint, visit.now)) is not None:
        return delivery_view.awaited(visit, sent, endpoint)
    return delivery_view.read(
        visit, desk.delivery(event, endpoint, visit.now), stored.find(endpoint)
    )


@app.action(f"{DELIVERIES}/deliveries/<event>/<endpoint>/replay")
def replay_delivery(visit: Visit, event: str, endpoint: str) -> Answer:
    again = desk.replay(event, endpoint, visit.now)
    return visit.moved(delivery_at(event, endpoint), f"{again.type} is sent again")


@app.page(f"{DELIVERIES}/deliveries/<event>/<endpoint>/cancel")
def confirm_cancel(visit: Visit, event: str, endpoint: str) -> Answer:
    return delivery_view.confirm_cancel(visit, desk.found(event, endpoint, visit.now))


@app.action(f"{DELIVERIES}/deliveries/<event>/<endpoint>/cancel")
def cancel_delivery(visit: Visit, event: str, endpoint: str) -> Answer:
    gone = desk.cancel(event, endpoint, visit.now)
    return visit.moved(delivery_at(event, endpoint), f"{gone.type} is not sent any more")


@app.page(f"{DELIVERIES}/replay")
def confirm_replay(visit: Visit) -> Answer:
    return delivery_view.confirm_replay(
        visit, endpoints.read(filters.endpoint(visit.query), endpoints=stored)
    )


@app.action(f"{DELIVERIES}/replay")
def replay_selected(visit: Visit) -> Answer:
    endpoint, chosen = filters.endpoint(visit.query), filters.selected(visit.query)
    desk.replay_all(chosen, endpoint, visit.now)
    return visit.moved(f"{DELIVERIES}?endpoint={endpoint}", delivery_view.sent_again(len(chosen)))


@app.page(f"{DELIVERIES}/events")
def list_events(visit: Visit) -> Answer:
    return event_view.listed(visit, *desk.event_page(filters.events(visit.query, zone), visit))


@app.page(f"{DELIVERIES}/events/<event>")
def read_event(visit: Visit, event: str) -> Answer:
    return event_view.read(visit, desk.event(event, visit.now), stored.all())


@app.page(ENDPOINTS)
def list_endpoints(visit: Visit) -> Answer:
    return endpoint_view.listed(visit, endpoint_view.shown(stored.all()), stored.hours)


@app.page(f"{ENDPOINTS}/new")
def new_endpoint(visit: Visit) -> Answer:
    return endpoint_form.new(visit)


@app.action(f"{ENDPOINTS}/new", form=new_endpoint)
def add_endpoint(visit: Visit) -> Answer:
    with endpoint_form.at_its_fields():
        made = desk.create(endpoint_form.read_new(visit.fields), visit)
    return visit.moved(endpoint_at(made.id), endpoint_form.saved(made, "added"))


@app.page(f"{ENDPOINTS}/<id>")
def read_endpoint(visit: Visit, id: str) -> Answer:
    return endpoint_view.read(visit, desk.known(id), stored.hours, jobs.jobs_of(id))


@app.page(f"{ENDPOINTS}/<id>/edit")
def edit_endpoint(visit: Visit, id: str) -> Answer:
    return endpoint_form.edit(visit, desk.live(id))


@app.action(f"{ENDPOINTS}/<id>/edit", form=edit_endpoint)
def change_endpoint(visit: Visit, id: str) -> Answer:
    with endpoint_form.at_its_fields():
        changes = endpoint_form.read_changes(visit.fields, desk.live(id))
        changed = desk.change(id, changes, visit)
    return visit.moved(endpoint_at(id), endpoint_form.saved(changed, "saved"))


@app.action(f"{ENDPOINTS}/<id>/reveal")
def reveal_secret(visit: Visit, id: str) -> Answer:
    keys = desk.reveal(id, visit.now)
    return endpoint_view.read(visit, desk.known(id), stored.hours, jobs.jobs_of(id), keys)


@app.page(f"{ENDPOINTS}/<id>/rotate")
def confirm_rotation(visit: Visit, id: str) -> Answer:
    return endpoint_form.rotate(visit, desk.live(id))


@app.action(f"{ENDPOINTS}/<id>/rotate", form=confirm_rotation)
def rotate_secret(visit: Visit, id: str) -> Answer:
    with endpoint_form.at_its_fields():
        rotated = desk.rotate(id, endpoint_form.read_rotation(visit.fields), visit)
    return visit.moved(endpoint_at(id), endpoint_form.rotated(rotated, zone, visit.locale))


@app.page(f"{ENDPOINTS}/<id>/test")
def new_test(visit: Visit, id: str) -> Answer:
    return endpoint_form.test(visit, desk.live(id))


@app.action(f"{ENDPOINTS}/<id>/test", form=new_test)
def send_test(visit: Visit, id: str) -> Answer:
    sent = desk.send_test(id, Trial(type=visit.fields.text("type")), visit.now)
    return visit.moved(delivery_at(sent.event, id), f"Test event {sent.type} is on its way")


@app.action(f"{ENDPOINTS}/<id>/pause")
def pause_endpoint(visit: Visit, id: str) -> Answer:
    paused = desk.pause(id, visit)
    return visit.moved(endpoint_at(id), f"{delivery_view.name(paused)} is paused")


@app.page(f"{ENDPOINTS}/<id>/resume")
def confirm_resume(visit: Visit, id: str) -> Answer:
    return endpoint_form.resume(visit, desk.live(id))


@app.action(f"{ENDPOINTS}/<id>/resume", form=confirm_resume)
def resume_endpoint(visit: Visit, id: str) -> Answer:
    resumed = desk.resume(id, Resume(discard=visit.fields.ticked("discard")), visit)
    return visit.moved(endpoint_at(id), f"{delivery_view.name(resumed)} is active again")


@app.page(f"{ENDPOINTS}/<id>/delete")
def confirm_delete(visit: Visit, id: str) -> Answer:
    return endpoint_form.confirm_delete(visit, desk.live(id))


@app.action(f"{ENDPOINTS}/<id>/delete")
def delete_endpoint(visit: Visit, id: str) -> Answer:
    name = delivery_view.name(desk.live(id))
    desk.delete(id, visit)
    return visit.moved(ENDPOINTS, f"{name} deleted")


@app.page(f"{ENDPOINTS}/<id>/recover")
def confirm_recovery(visit: Visit, id: str) -> Answer:
    target = desk.known(id)
    since = filters.since(visit, target, zone)
    counted = desk.recover(id, Recovery(since=since, dry_run=True), visit)
    return endpoint_form.recover(visit, target.endpoint, counted, since, zone)


@app.action(f"{ENDPOINTS}/<id>/recover", form=confirm_recovery)
def recover_deliveries(visit: Visit, id: str) -> Answer:
    asked = Recovery(since=filters.since(visit, desk.known(id), zone))
    job = desk.recover(id, asked, visit)
    return visit.moved(f"{endpoint_at(id)}/replays/{job.job}", "Replay started")


@app.page(f"{ENDPOINTS}/<id>/replays/<job>")
def read_replay(visit: Visit, id: str, job: str) -> Answer:
    return endpoint_view.job(visit, desk.job(id, job, visit.now), desk.known(id).endpoint)


handler = entrypoint(app)
