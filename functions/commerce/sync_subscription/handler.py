"""POST /api/plugins/zuora/sync/subscription/{id}: bring a Zuora subscription into Tessera."""

from functools import partial
from typing import Annotated, Literal

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import Synced, sync
from tessera.edge.api import Query, entrypoint, resolver
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.partners.store import PartnersTable


class Env(ZuoraEnvironment):
    commerce_table: str
    events_table: str
    catalog_table: str
    partners_table: str
    business_time_zone: str
    mode: str


env = Env.load()
read = partial(
    sync,
    billing=ZuoraBilling(zuora_client(env)),
    catalog=Shelf(CatalogTable(env.catalog_table)),
    partners=PartnersTable(env.partners_table),
    owners=CommerceTable(env.commerce_table, env.events_table),
    mode=env.mode,
)
app = resolver()


@app.post("/api/plugins/zuora/sync/subscription/<id>")
def sync_subscription(
    id: str,
    detail: Annotated[bool, Query()] = False,
    refresh: Annotated[Literal["catalog"] | None, Query()] = None,
) -> Synced:
    now = clock.now()
    return read(
        id,
        now=now,
        today=clock.today(now, env.business_time_zone),
        refresh=refresh is not None,
        detail=detail,
    )


handler = entrypoint(app)
