"""DELETE /api/catalog/{kind}/{id}: the item is archived; nothing is ever removed."""

from tessera import clock
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import archive
from tessera.catalog.store import CatalogTable
from tessera.edge.api import Response, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note


class Env(Environment):
    catalog_table: str
    mode: str


env = Env.load()
catalog = CatalogTable(env.catalog_table, installed=installed_pages(env.mode))
app = resolver()


@app.delete("/api/catalog/<kind>/<id>")
def archive_item(kind: str, id: str) -> Response[None]:
    archive(kind, id, catalog=catalog, now=clock.now())
    note(outcome="archived", item=id)
    return Response(status_code=204)


handler = entrypoint(app)
