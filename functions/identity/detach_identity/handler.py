"""DELETE /api/objects/externalidentity/{owner}/{identity}: take an identity from its owner."""

from tessera import clock
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.external import detach


class Env(Environment):
    commerce_table: str
    events_table: str
    business_time_zone: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
app = resolver()


@app.delete("/api/objects/externalidentity/<owner>/<identity>")
def detach_identity(owner: str, identity: str) -> Response[None]:
    now = clock.now()
    today = clock.today(now, env.business_time_zone)
    detach(identity, owner=owner, owners=owners, now=now, today=today)
    note(outcome="detached", owner=owner, identity=identity)
    return Response(status_code=204)


handler = entrypoint(app)
