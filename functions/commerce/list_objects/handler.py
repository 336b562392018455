"""GET /api/objects/limio/{path_type}: the objects of a kind, a page at a time."""

from typing import Annotated

from tessera import clock
from tessera.commerce.history import EventHistory
from tessera.commerce.objects import Moment, Wanted, list_page
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.edge.api import Query, Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Machine, Operator
from tessera.secrets import Secret


class Env(Environment):
    commerce_table: str
    events_table: str
    cursors_secret: str  # its name; the value is read on first use
    business_time_zone: str
    mode: str


env = Env.load()
objects = CommerceTable(env.commerce_table)
history = EventHistory(env.events_table)
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/objects/limio/<path_type>")
def list_objects(
    path_type: str,
    owner: str | None = None,
    partner_org: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 40,
    cursor: Annotated[str | None, Query(alias="queryMore")] = None,
) -> Response[str]:
    now = clock.now()
    page = list_page(
        path_type,
        Wanted(owner, partner_org),
        limit=limit,
        cursor=cursor,
        by=principal(app, Machine, Operator),
        objects=objects,
        history=history,
        cursors=cursors,
        moment=Moment(now, clock.today(now, env.business_time_zone), env.mode),
    )
    return document(page)


handler = entrypoint(app)
