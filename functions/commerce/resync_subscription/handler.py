"""SQS resync-subscription: read a subscription from Zuora again, as its callout asked."""

from functools import partial
from random import SystemRandom

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.callouts import Resync, resync
from tessera.commerce.resync_queue import ResyncMessages
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import sync
from tessera.edge.observability import count, note
from tessera.edge.queue import worker
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.partners.store import PartnersTable


class Env(ZuoraEnvironment):
    commerce_table: str
    events_table: str
    catalog_table: str
    partners_table: str
    resync_queue_url: str
    business_time_zone: str
    mode: str


env = Env.load()
read_again = partial(
    sync,
    billing=ZuoraBilling(zuora_client(env)),
    catalog=Shelf(CatalogTable(env.catalog_table)),
    partners=PartnersTable(env.partners_table),
    owners=CommerceTable(env.commerce_table, env.events_table),
    mode=env.mode,
)
queue = ResyncMessages(env.resync_queue_url)


def resync_subscription(wanted: Resync) -> None:
    now = clock.now()
    today = clock.today(now, env.business_time_zone)
    done = resync(
        wanted,
        sync=partial(read_again, now=now, today=today),
        queue=queue,
        now=now,
        random=SystemRandom().random,
        count=count,
    )
    note(**done)


handler = worker(resync_subscription, on=Resync)
