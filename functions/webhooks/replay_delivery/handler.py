"""POST /api/webhooks/deliveries/{event}/{endpoint}/replay: send it again, or now."""

from typing import Any

from tessera import clock
from tessera.edge.api import Response, accepted, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.webhooks import operating
from tessera.webhooks.operators_store import Deliveries, Endpoints
from tessera.webhooks.queues import HintQueues


class Env(Environment):
    webhooks_table: str
    slow_queue_url: str


env = Env.load()
rows = Deliveries(env.webhooks_table)
stored = Endpoints(env.webhooks_table)
queues = HintQueues(slow=env.slow_queue_url)
app = resolver()


@app.post("/api/webhooks/deliveries/<event>/<endpoint>/replay")
def replay_delivery(event: str, endpoint: str) -> Response[Any]:
    again = operating.replay(
        event, endpoint, deliveries=rows, endpoints=stored, queues=queues, now=clock.now()
    )
    note(outcome="replayed", webhook_event=event, endpoint=endpoint, round=again.round)
    return accepted(again)


handler = entrypoint(app)
