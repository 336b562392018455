"""DELETE /api/webhooks/hosts/{host}: its credential is sent no more."""

from tessera.edge.api import Response, entrypoint, resolver
from tessera.edge.observability import note
from tessera.edge.reach import ReachEnvironment
from tessera.webhooks import hosts
from tessera.webhooks.operators_store import Hosts


class Env(ReachEnvironment):
    webhooks_table: str


env = Env.load()
stored = Hosts(env.webhooks_table)
allowed = env.reach()
app = resolver()


@app.delete("/api/webhooks/hosts/<host>")
def delete_host(host: str) -> Response[None]:
    hosts.remove(host, reach=allowed, hosts=stored)
    note(outcome="deleted")
    return Response(status_code=204)


handler = entrypoint(app)
