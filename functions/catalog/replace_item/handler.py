"""PUT /api/catalog/{kind}/{id}: the body takes the place of what the item was."""

from typing import Annotated, Any

from tessera import clock
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import replace
from tessera.catalog.store import CatalogTable
from tessera.edge.api import Header, entrypoint, resolver
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


@app.put("/api/catalog/<kind>/<id>")
def replace_item(
    kind: str,
    id: str,
    members: dict[str, Any],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> dict[str, Any]:
    saved = replace(
        kind, id, members, if_match=if_match, catalog=catalog, plans=plans, now=clock.now()
    )
    note(outcome="saved", item=id)
    return saved.wire()


handler = entrypoint(app)
