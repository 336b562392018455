"""DELETE /api/webhooks/endpoints/{id}: nothing goes there any more, and its keys are removed."""

from tessera import clock
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import endpoints
from tessera.webhooks.operators_store import Endpoints


class Env(Environment):
    webhooks_table: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
app = resolver()


@app.delete("/api/webhooks/endpoints/<id>")
def delete_endpoint(id: str) -> Response[None]:
    endpoints.delete(id, by=principal(app, Machine, Operator), endpoints=stored, now=clock.now())
    note(outcome="deleted", endpoint=id)
    return Response(status_code=204)


handler = entrypoint(app)
