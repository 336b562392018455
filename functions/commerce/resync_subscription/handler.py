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
from tessera.edge.environment import Environment
from tessera.edge.exchanges import log_exchange
from tessera.edge.observability import correlation_id, count, note, time_left
from tessera.edge.queue import worker
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.partners.store import PartnersTable
from tessera.secrets import Secret


class Env(Environment):
    commerce_table: str
    events_table: str
    catalog_table: str
    partners_table: str
    zuora_url: str
    zuora_secret: str
    zuora_entity_ids: str
    zuora_org_ids: str
    resync_queue_url: str
    business_time_zone: str
    mode: str


env = Env.load()
zuora = Zuora(
    env.zuora_url,
    Secret(env.zuora_secret),
    observe=log_exchange,
    time_left=time_left,
    track_id=correlation_id,
    entity_ids=env.zuora_entity_ids,
    org_ids=env.zuora_org_ids,
)
read_again = partial(
    sync,
    billing=ZuoraBilling(zuora),
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
