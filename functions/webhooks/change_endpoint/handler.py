"""PATCH /api/webhooks/endpoints/{id}: change what the body names, if nobody else has meanwhile."""

from tessera import clock
from tessera.edge.api import entrypoint, principal, resolver
from tessera.edge.observability import note
from tessera.edge.reach import ReachEnvironment
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import endpoints
from tessera.webhooks.destination import confirm
from tessera.webhooks.endpoints import EndpointView
from tessera.webhooks.operators_store import Endpoints
from tessera.webhooks.sealing import Seal
from tessera.webhooks.settings import EndpointChanges


class Env(ReachEnvironment):
    webhooks_table: str
    secrets_key: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
seal = Seal(env.secrets_key)
allowed = env.reach()
app = resolver()


@app.patch("/api/webhooks/endpoints/<id>")
def change_endpoint(id: str, changes: EndpointChanges) -> EndpointView:
    changed = endpoints.change(
        id,
        changes,
        by=principal(app, Machine, Operator),
        reach=allowed,
        resolves=confirm,
        seal=seal,
        endpoints=stored,
        now=clock.now(),
    )
    note(outcome="changed", endpoint=id, version=changed.version)
    return changed


handler = entrypoint(app)
