"""POST /api/webhooks/deliveries/{event}/{endpoint}/cancel: let a pending delivery go."""

from tessera import clock
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.webhooks import operating
from tessera.webhooks.listing import DeliverySummary
from tessera.webhooks.operators_store import Deliveries, Endpoints


class Env(Environment):
    webhooks_table: str


env = Env.load()
rows = Deliveries(env.webhooks_table)
stored = Endpoints(env.webhooks_table)
app = resolver()


@app.post("/api/webhooks/deliveries/<event>/<endpoint>/cancel")
def cancel_delivery(event: str, endpoint: str) -> DeliverySummary:
    cancelled = operating.cancel(
        event, endpoint, deliveries=rows, endpoints=stored, now=clock.now()
    )
    note(outcome="cancelled", webhook_event=event, endpoint=endpoint)
    return cancelled


handler = entrypoint(app)
