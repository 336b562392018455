"""GET /api/webhooks/events: what was announced, newest first."""

from typing import Annotated

from tessera import clock
from tessera.clock import Instant
from tessera.cursors import Cursors
from tessera.edge.api import Query, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Machine, Operator
from tessera.secrets import Secret
from tessera.webhooks import announced
from tessera.webhooks.announced import EventPage, Wanted
from tessera.webhooks.archive import Archive


class Env(Environment):
    events_table: str
    cursors_secret: str  # its name; the value is read on first use


env = Env.load()
archive = Archive(env.events_table)
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/webhooks/events")
def list_events(
    type: str | None = None,
    owner: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    subscription: str | None = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=100)] = 40,
    cursor: str | None = None,
) -> EventPage:
    return announced.page(
        Wanted(type, owner, subscription, since, until),
        by=principal(app, Machine, Operator),
        cursors=cursors,
        cursor=cursor,
        size=page_size,
        archive=archive,
        now=clock.now(),
    )


handler = entrypoint(app)
