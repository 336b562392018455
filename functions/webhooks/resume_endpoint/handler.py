"""POST /api/webhooks/endpoints/{id}/resume: send again, beginning slowly with what was held."""

from tessera import clock
from tessera.edge.api import entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import switching
from tessera.webhooks.operators_store import Endpoints
from tessera.webhooks.switching import Resume, ResumedView


class Env(Environment):
    webhooks_table: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
app = resolver()


@app.post("/api/webhooks/endpoints/<id>/resume")
def resume_endpoint(id: str, asked: Resume) -> ResumedView:
    resumed = switching.resume(
        id, asked, by=principal(app, Machine, Operator), endpoints=stored, now=clock.now()
    )
    note(outcome="resumed", endpoint=id, job=resumed.job)
    return resumed


handler = entrypoint(app)
