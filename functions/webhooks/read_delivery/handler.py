"""GET /api/webhooks/deliveries/{event}/{endpoint}: one delivery, attempt by attempt."""

from tessera import clock
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import count
from tessera.webhooks import deliveries
from tessera.webhooks.deliveries import DeliveryView
from tessera.webhooks.operators_store import Deliveries, Endpoints
from tessera.webhooks.outbox import Outbox


class Env(Environment):
    webhooks_table: str
    events_table: str


env = Env.load()
rows = Deliveries(env.webhooks_table)
stored = Endpoints(env.webhooks_table)
outbox = Outbox(env.events_table)
app = resolver()


@app.get("/api/webhooks/deliveries/<event>/<endpoint>")
def read_delivery(event: str, endpoint: str) -> DeliveryView:
    return deliveries.read(
        event,
        endpoint,
        deliveries=rows,
        endpoints=stored,
        outbox=outbox,
        count=count,
        now=clock.now(),
    )


handler = entrypoint(app)
