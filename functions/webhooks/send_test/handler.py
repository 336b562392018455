"""POST /api/webhooks/endpoints/{id}/test: a sample event goes the whole real way to it."""

from typing import Any

from tessera import clock
from tessera.edge.api import Response, accepted, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import correlation_id, note
from tessera.webhooks import trials
from tessera.webhooks.operators_store import Endpoints, Trials
from tessera.webhooks.trials import Trial


class Env(Environment):
    webhooks_table: str
    events_table: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
announced = Trials(env.webhooks_table, env.events_table)
app = resolver()


@app.post("/api/webhooks/endpoints/<id>/test")
def send_test(id: str, asked: Trial) -> Response[Any]:
    sent = trials.send(
        id,
        asked,
        endpoints=stored,
        trials=announced,
        correlation_id=correlation_id(),
        now=clock.now(),
    )
    note(outcome="announced", endpoint=id, webhook_event=sent.event, type=sent.type)
    return accepted(sent)


handler = entrypoint(app)
