"""GET /api/webhooks/endpoints/{id}/replays/{job}: how far a job is."""

from tessera import clock
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.webhooks import replays
from tessera.webhooks.operators_store import Jobs
from tessera.webhooks.replays import JobView


class Env(Environment):
    webhooks_table: str


env = Env.load()
jobs = Jobs(env.webhooks_table)
app = resolver()


@app.get("/api/webhooks/endpoints/<id>/replays/<job>")
def read_replay(id: str, job: str) -> JobView:
    return replays.read(id, job, jobs=jobs, now=clock.now())


handler = entrypoint(app)
