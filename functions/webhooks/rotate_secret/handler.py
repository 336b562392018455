"""POST /api/webhooks/endpoints/{id}/rotate-secret: sign with a new key, answered this once."""

from tessera import clock
from tessera.edge.api import entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import rotation
from tessera.webhooks.operators_store import Endpoints
from tessera.webhooks.rotation import KeysView, Rotation
from tessera.webhooks.sealing import Seal


class Env(Environment):
    webhooks_table: str
    secrets_key: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
seal = Seal(env.secrets_key)
app = resolver()


@app.post("/api/webhooks/endpoints/<id>/rotate-secret")
def rotate_secret(id: str, asked: Rotation) -> KeysView:
    rotated = rotation.rotate(
        id,
        asked,
        by=principal(app, Machine, Operator),
        seal=seal,
        endpoints=stored,
        now=clock.now(),
    )
    note(outcome="rotated", endpoint=id, overlap=asked.overlap)
    return rotated


handler = entrypoint(app, confidential=True)
