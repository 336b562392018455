"""POST /api/plugins/zuora/sync/subscription/{id}: bring a Zuora subscription into Tessera."""

from typing import Annotated, Literal

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import Synced, sync
from tessera.edge.api import Query, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.exchanges import log_exchange
from tessera.edge.observability import correlation_id, time_left
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
    business_time_zone: str
    mode: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
shelf = Shelf(CatalogTable(env.catalog_table))
partners = PartnersTable(env.partners_table)
zuora = Zuora(
    env.zuora_url,
    Secret(env.zuora_secret),
    observe=log_exchange,
    time_left=time_left,
    track_id=correlation_id,
    entity_ids=env.zuora_entity_ids,
    org_ids=env.zuora_org_ids,
)
app = resolver()


@app.post("/api/plugins/zuora/sync/subscription/<id>")
def sync_subscription(
    id: str,
    detail: Annotated[bool, Query()] = False,
    refresh: Annotated[Literal["catalog"] | None, Query()] = None,
) -> Synced:
    now = clock.now()
    return sync(
        id,
        billing=ZuoraBilling(zuora),
        catalog=shelf,
        partners=partners,
        owners=owners,
        now=now,
        today=clock.today(now, env.business_time_zone),
        mode=env.mode,
        refresh=refresh is not None,
        detail=detail,
    )


handler = entrypoint(app)
