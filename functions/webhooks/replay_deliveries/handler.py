"""POST /api/webhooks/endpoints/{id}/replays: send again what the filter names, as a job."""

from typing import Any

from tessera import clock
from tessera.edge.api import Response, answer, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import replays
from tessera.webhooks.operators_store import Deliveries, Endpoints, Jobs
from tessera.webhooks.replays import Replays


class Env(Environment):
    webhooks_table: str


env = Env.load()
stored = Endpoints(env.webhooks_table)
rows = Deliveries(env.webhooks_table)
jobs = Jobs(env.webhooks_table)
app = resolver()


@app.post("/api/webhooks/endpoints/<id>/replays")
def replay_deliveries(id: str, asked: Replays) -> Response[Any]:
    answered = replays.replay(
        id,
        asked,
        by=principal(app, Machine, Operator),
        endpoints=stored,
        deliveries=rows,
        jobs=jobs,
        now=clock.now(),
    )
    note(outcome=answered.outcome, endpoint=id, job=answered.job)
    return answer(answered.status, answered)


handler = entrypoint(app)
