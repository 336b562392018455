"""DELETE /api/webhooks/hosts/{host}: its credential is sent no more."""

from tessera.edge.api import Response, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.webhooks import hosts
from tessera.webhooks.operators_store import Hosts
from tessera.webhooks.reach import reach


class Env(Environment):
    webhooks_table: str
    webhook_private_hosts: str
    webhook_ports: str
    own_hosts: str


env = Env.load()
stored = Hosts(env.webhooks_table)
allowed = reach(
    ports=env.webhook_ports,
    own_hosts=env.own_hosts,
    private_hosts=env.webhook_private_hosts,
)
app = resolver()


@app.delete("/api/webhooks/hosts/<host>")
def delete_host(host: str) -> Response[None]:
    hosts.remove(host, reach=allowed, hosts=stored)
    note(outcome="deleted")
    return Response(status_code=204)


handler = entrypoint(app)
