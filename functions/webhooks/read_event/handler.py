"""GET /api/webhooks/events/{event}: one event, its bodies, and what became of it everywhere."""

from tessera import clock
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.webhooks import announced
from tessera.webhooks.announced import EventView
from tessera.webhooks.archive import Archive
from tessera.webhooks.operators_store import Deliveries, Endpoints


class Env(Environment):
    webhooks_table: str
    events_table: str


env = Env.load()
archive = Archive(env.events_table)
rows = Deliveries(env.webhooks_table)
stored = Endpoints(env.webhooks_table)
app = resolver()


@app.get("/api/webhooks/events/<event>")
def read_event(event: str) -> EventView:
    return announced.read(
        event, archive=archive, deliveries=rows, endpoints=stored, now=clock.now()
    )


handler = entrypoint(app)
