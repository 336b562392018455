"""POST /api/webhooks/endpoints/{id}/pause: hold back its deliveries until it is resumed."""

from tessera import clock
from tessera.edge.api import entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import switching
from tessera.webhooks.endpoints import EndpointView
from tessera.webhooks.operators_store import Endpoints


class Env(Environment):
    webhooks_table: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
app = resolver()


@app.post("/api/webhooks/endpoints/<id>/pause")
def pause_endpoint(id: str) -> EndpointView:
    paused = switching.pause(
        id, by=principal(app, Machine, Operator), endpoints=stored, now=clock.now()
    )
    note(outcome="paused", endpoint=id)
    return paused


handler = entrypoint(app)
