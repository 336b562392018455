"""GET /api/webhooks/endpoints/{id}: one endpoint with its health."""

from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.webhooks import endpoints
from tessera.webhooks.endpoints import EndpointView
from tessera.webhooks.operators_store import Endpoints


class Env(Environment):
    webhooks_table: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
app = resolver()


@app.get("/api/webhooks/endpoints/<id>")
def read_endpoint(id: str) -> EndpointView:
    return endpoints.read(id, endpoints=stored)


handler = entrypoint(app)
