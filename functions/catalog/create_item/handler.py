"""POST /api/catalog/{kind}: an entitlement, product, offer, add-on or page is created."""

from typing import Any

from tessera import clock
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import create
from tessera.catalog.store import CatalogTable
from tessera.edge.api import Response, created, entrypoint, resolver
from tessera.edge.observability import note
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.integrations.zuora_plans import ZuoraPlans


class Env(ZuoraEnvironment):
    catalog_table: str
    mode: str


env = Env.load()
catalog = CatalogTable(env.catalog_table, installed=installed_pages(env.mode))
plans = ZuoraPlans(zuora_client(env))
app = resolver()


@app.post("/api/catalog/<kind>")
def create_item(kind: str, members: dict[str, Any]) -> Response[Any]:
    saved = create(kind, members, catalog=catalog, plans=plans, mode=env.mode, now=clock.now())
    note(outcome="created", item=saved.item.id)
    return created(saved.wire())


handler = entrypoint(app)
