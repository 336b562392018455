"""GET /api/webhooks/endpoints/{id}/deliveries: what was or is to be sent there, newest first."""

from typing import Annotated

from tessera import clock
from tessera.clock import Instant
from tessera.cursors import Cursors
from tessera.edge.api import Query, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Machine, Operator
from tessera.secrets import Secret
from tessera.webhooks import listing
from tessera.webhooks.listing import Asked, DeliveryPage, Wanted
from tessera.webhooks.operators_store import Deliveries, Endpoints


class Env(Environment):
    webhooks_table: str
    cursors_secret: str  # its name; the value is read on first use


env = Env.load()
rows = Deliveries(env.webhooks_table)
stored = Endpoints(env.webhooks_table)
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/webhooks/endpoints/<id>/deliveries")
def list_deliveries(
    id: str,
    state: Asked | None = None,
    type: str | None = None,
    owner: str | None = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=100)] = 40,
    cursor: str | None = None,
) -> DeliveryPage:
    return listing.of_endpoint(
        id,
        Wanted(state, type, owner, since, until),
        by=principal(app, Machine, Operator),
        cursors=cursors,
        cursor=cursor,
        size=page_size,
        deliveries=rows,
        endpoints=stored,
        now=clock.now(),
    )


handler = entrypoint(app)
