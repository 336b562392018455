"""GET /api/objects/externalidentity/{owner}: the identities of an owner, oldest first."""

from tessera.commerce.models import Identity
from tessera.commerce.store import CommerceTable
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.identity.external import identities_of
from tessera.objects import Listed


class Env(Environment):
    commerce_table: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/objects/externalidentity/<owner>")
def list_identities(owner: str) -> Listed[Identity]:
    return Listed(items=list(identities_of(owner, owners=owners)))


handler = entrypoint(app)
