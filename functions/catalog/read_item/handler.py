"""GET /api/catalog/{kind}/{id}: one item of the catalog."""

from typing import Any

from tessera.catalog.installed import installed_pages
from tessera.catalog.items import read
from tessera.catalog.store import CatalogTable
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment


class Env(Environment):
    catalog_table: str
    mode: str


env = Env.load()
catalog = CatalogTable(env.catalog_table, installed=installed_pages(env.mode))
app = resolver()


@app.get("/api/catalog/<kind>/<id>")
def read_item(kind: str, id: str) -> dict[str, Any]:
    return read(kind, id, catalog=catalog).wire()


handler = entrypoint(app)
