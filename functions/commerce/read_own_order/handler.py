"""GET /api/mma/order/{id}: one order of whoever is signed in, as far as it has come."""

from tessera.commerce.callers import Caller
from tessera.commerce.ordering import read_own
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Customer
from tessera.identity.sign_in import known_owner_of


class Env(Environment):
    commerce_table: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/mma/order/<id>")
def read_own_order(id: str) -> Response[str]:
    who = principal(app, Customer)
    caller = Caller(kind="customer", id=who.id, owner=known_owner_of(who, owners=owners))
    return document(read_own(id, caller=caller, owners=owners))


handler = entrypoint(app)
