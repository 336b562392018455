"""GET /api/webhooks/endpoints: endpoints with their health, newest first."""

from typing import Annotated

from tessera.cursors import Cursors
from tessera.edge.api import Query, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Machine, Operator
from tessera.secrets import Secret
from tessera.webhooks import endpoints
from tessera.webhooks.endpoints import EndpointPage
from tessera.webhooks.operators_store import Endpoints


class Env(Environment):
    webhooks_table: str
    cursors_secret: str  # its name; the value is read on first use


env = Env.load()
stored = Endpoints(env.webhooks_table)
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/webhooks/endpoints")
def list_endpoints(
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=100)] = 40,
    cursor: str | None = None,
) -> EndpointPage:
    return endpoints.page(
        stored,
        by=principal(app, Machine, Operator),
        cursors=cursors,
        cursor=cursor,
        size=page_size,
    )


handler = entrypoint(app)
