"""POST /api/webhooks/endpoints/{id}/reveal-secret: show an administrator the keys; it is noted."""

from tessera import clock
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.webhooks import rotation
from tessera.webhooks.operators_store import Endpoints
from tessera.webhooks.rotation import KeysView
from tessera.webhooks.sealing import Seal


class Env(Environment):
    webhooks_table: str
    secrets_key: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
seal = Seal(env.secrets_key)
app = resolver()


@app.post("/api/webhooks/endpoints/<id>/reveal-secret")
def reveal_secret(id: str) -> KeysView:
    revealed = rotation.reveal(id, seal=seal, endpoints=stored, now=clock.now())
    note(outcome="revealed", endpoint=id)
    return revealed


handler = entrypoint(app, confidential=True)
