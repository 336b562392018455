"""POST /api/catalog/{kind}: an entitlement, product, offer, add-on or page is created."""

from typing import Any

from tessera import clock
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import create
from tessera.catalog.store import CatalogTable
from tessera.edge.api import Response, created, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note


class Env(Environment):
    catalog_table: str
    mode: str


env = Env.load()
catalog = CatalogTable(env.catalog_table, installed=installed_pages(env.mode))
app = resolver()


@app.post("/api/catalog/<kind>")
def create_item(kind: str, members: dict[str, Any]) -> Response[Any]:
    saved = create(kind, members, catalog=catalog, mode=env.mode, now=clock.now())
    note(outcome="created", item=saved.item.id)
    return created(saved.wire())


handler = entrypoint(app)
