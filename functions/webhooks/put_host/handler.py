"""PUT /api/webhooks/hosts/{host}: the Basic credential of every endpoint there without its own."""

from tessera import clock
from tessera.edge.api import entrypoint, principal, resolver
from tessera.edge.observability import note
from tessera.edge.reach import ReachEnvironment
from tessera.identity.principal import Machine, Operator
from tessera.webhooks import hosts
from tessera.webhooks.hosts import HostCredential
from tessera.webhooks.models import Host
from tessera.webhooks.operators_store import Hosts
from tessera.webhooks.sealing import Seal


class Env(ReachEnvironment):
    webhooks_table: str
    secrets_key: str


env = Env.load()
stored = Hosts(env.webhooks_table)
seal = Seal(env.secrets_key)
allowed = env.reach()
app = resolver()


@app.put("/api/webhooks/hosts/<host>")
def put_host(host: str, credential: HostCredential) -> Host:
    put = hosts.put(
        host,
        credential,
        by=principal(app, Machine, Operator),
        reach=allowed,
        seal=seal,
        hosts=stored,
        now=clock.now(),
    )
    note(outcome="saved", host=put.host)
    return put


handler = entrypoint(app)
