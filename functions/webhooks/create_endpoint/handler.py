"""POST /api/webhooks/endpoints: make an endpoint, answering its key this once."""

from typing import Any

from tessera import clock
from tessera.edge.api import Response, created, entrypoint, principal, resolver
from tessera.edge.reach import ReachEnvironment
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import endpoints
from tessera.webhooks.destination import confirm
from tessera.webhooks.operators_store import Endpoints
from tessera.webhooks.sealing import Seal
from tessera.webhooks.settings import NewEndpoint


class Env(ReachEnvironment):
    webhooks_table: str
    secrets_key: str
    endpoint_limit: int


env = Env.load()
stored = Endpoints(env.webhooks_table)
seal = Seal(env.secrets_key)
allowed = env.reach()
app = resolver()


@app.post("/api/webhooks/endpoints")
def create_endpoint(new: NewEndpoint) -> Response[Any]:
    return created(
        endpoints.create(
            new,
            by=principal(app, Machine, Operator),
            reach=allowed,
            resolves=confirm,
            seal=seal,
            endpoints=stored,
            limit=env.endpoint_limit,
            now=clock.now(),
        )
    )


handler = entrypoint(app, confidential=True)
