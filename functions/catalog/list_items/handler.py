"""GET /api/catalog/{kind}: the items of one kind by name, a page at a time."""

from typing import Annotated, Any

from tessera.catalog.fields import Status
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import list_page
from tessera.catalog.store import CatalogTable
from tessera.cursors import Cursors
from tessera.edge.api import Query, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Machine, Operator
from tessera.secrets import Secret


class Env(Environment):
    catalog_table: str
    cursors_secret: str  # its name; the value is read on first use
    mode: str


env = Env.load()
catalog = CatalogTable(env.catalog_table, installed=installed_pages(env.mode))
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/catalog/<kind>")
def list_items(
    kind: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 40,
    cursor: Annotated[str | None, Query(alias="queryMore")] = None,
    status: Status | None = None,
    label: str | None = None,
) -> dict[str, Any]:
    return list_page(
        kind,
        status=status,
        label=label,
        limit=limit,
        cursor=cursor,
        by=principal(app, Machine, Operator),
        catalog=catalog,
        cursors=cursors,
    )


handler = entrypoint(app)
