"""Pages on orders and owners: what was ordered, how far it came, and whose it is."""

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.buyers import Moment
from tessera.commerce.merge_store import MergeTable
from tessera.commerce.merging import merge
from tessera.commerce.order_lists import OrderLists
from tessera.commerce.retrying import retry
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import Synced
from tessera.cursors import Cursors
from tessera.edge.observability import note, time_left
from tessera.edge.pages.app import Answer, Pages, Visit, entrypoint
from tessera.edge.pages.environment import PageEnvironment
from tessera.edge.syncing import SyncEnvironment, Syncing
from tessera.identity.external import attach, detach
from tessera.identity.provider_settings import ProviderSettings
from tessera.partners.store import PartnersTable
from tessera.secrets import Secret
from tessera.webhooks.archive import Archive
from tessera.webhooks.operators_store import Deliveries

from . import finding, forms, order_view, owner_view
from .desk import Desk

TO_ANSWER = 9
"""Seconds kept of the gateway's thirty: what takes more than twenty is ended by the sweep."""


class Env(PageEnvironment, SyncEnvironment):
    webhooks_table: str
    cursors_secret: str  # its name; the value is read on first use
    identity_providers_parameter: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
merging = MergeTable(env.commerce_table, env.events_table)
orders = OrderLists(env.commerce_table)
shelf = Shelf(CatalogTable(env.catalog_table))
partners = PartnersTable(env.partners_table)
providers = ProviderSettings(env.identity_providers_parameter)
syncing = Syncing(env)
desk = Desk(
    orders=orders,
    owners=owners,
    catalog=CatalogTable(env.catalog_table),
    partners=partners,
    archive=Archive(env.events_table),
    deliveries=Deliveries(env.webhooks_table),
    cursors=Cursors(Secret(env.cursors_secret)),
    zone=env.business_time_zone,
)
app = Pages(env, __file__)


@app.page("/objects/orders/limio")
def list_orders(visit: Visit) -> Answer:
    return order_view.listed(visit, desk.orders_page(visit), env.business_time_zone)


@app.page("/objects/orders/limio/<id>")
def read_order(visit: Visit, id: str) -> Answer:
    return order_view.read(visit, desk.order(id, visit))


@app.page("/objects/orders/limio/<id>/retry")
def confirm_retry(visit: Visit, id: str) -> Answer:
    return order_view.confirm_retry(visit, desk.failed_order(id))


@app.action("/objects/orders/limio/<id>/retry", form=confirm_retry)
def retry_order(visit: Visit, id: str) -> Answer:
    moment = Moment(visit.now, clock.today(visit.now, env.business_time_zone), env.mode)
    retried = retry(id, owners=owners, shop=shelf, moment=moment)
    note(outcome="retried", order=retried.id, owner=retried.owner)
    return visit.moved(f"/objects/orders/limio/{id}", "The order is carried on")


@app.page("/objects/identities/limio/<id>")
def read_owner(visit: Visit, id: str) -> Answer:
    return owner_view.read(visit, desk.owner(id, visit), can_sync=syncing.is_configured)


@app.page("/objects/identities/limio/<id>/attach")
def new_identity(visit: Visit, id: str) -> Answer:
    return forms.attach(visit, desk.named_owner(id))


@app.action("/objects/identities/limio/<id>/attach", form=new_identity)
def attach_identity(visit: Visit, id: str) -> Answer:
    with forms.at_its_fields():
        attached = attach(
            forms.read_identity(visit.fields),
            to=id,
            owners=owners,
            labels=providers,
            now=visit.now,
            today=clock.today(visit.now, env.business_time_zone),
        )
    note(outcome="attached", owner=id, identity=attached.id)
    return visit.moved(owner_view.at(id), f"{attached.data.sub} attached")


@app.page("/objects/identities/limio/<id>/identities/<identity>/detach")
def confirm_detach(visit: Visit, id: str, identity: str) -> Answer:
    return forms.confirm_detach(visit, desk.named_owner(id), identity)


@app.action("/objects/identities/limio/<id>/identities/<identity>/detach")
def detach_identity(visit: Visit, id: str, identity: str) -> Answer:
    today = clock.today(visit.now, env.business_time_zone)
    detach(identity, owner=id, owners=owners, now=visit.now, today=today)
    note(outcome="detached", owner=id, identity=identity)
    return visit.moved(owner_view.at(id), "Identity detached")


@app.page("/objects/identities/limio/<id>/merge")
def new_merge(visit: Visit, id: str) -> Answer:
    return forms.merge(visit, desk.named_owner(id))


@app.action("/objects/identities/limio/<id>/merge", form=new_merge)
def merge_owners(visit: Visit, id: str) -> Answer:
    with forms.at_its_fields():
        wanted = forms.read_merge(id, visit.fields)
        done = merge(
            wanted,
            owners=merging,
            now=clock.now,
            today=clock.today(visit.now, env.business_time_zone),
            may_go_on=lambda: time_left() > TO_ANSWER,
        )
    note(
        outcome="merged" if done else "merging",
        source=wanted.source_id,
        destination=wanted.destination_id,
    )
    return visit.moved(owner_view.at(wanted.destination_id), forms.merged(id, done))


def owner_again(visit: Visit, id: str, number: str) -> Answer:
    """When the billing system did not give what was asked of it."""
    return read_owner(visit, id)


@app.action("/objects/identities/limio/<id>/subscriptions/<number>/sync", form=owner_again)
def sync_again(visit: Visit, id: str, number: str) -> Answer:
    synced = _synced(number, visit)
    return visit.moved(owner_view.at(synced.owner), forms.synced(number, synced))


@app.page("/settings/sync")
def new_sync(visit: Visit) -> Answer:
    return forms.sync(visit, is_connected=syncing.is_configured)


@app.action("/settings/sync", form=new_sync)
def sync_subscription(visit: Visit) -> Answer:
    key = visit.fields.text("key")
    with forms.at_its_fields(missing="key"):
        synced = _synced(key, visit)
    return visit.moved(owner_view.at(synced.owner), forms.synced(key, synced))


@app.page("/settings/find")
def find(visit: Visit) -> Answer:
    return finding.find(visit, owners=owners, orders=orders)


def _synced(key: str, visit: Visit) -> Synced:
    synced = syncing.sync(key, now=visit.now, detail=True)
    note(outcome="synced", subscription=synced.id, owner=synced.owner)
    return synced


handler = entrypoint(app)
