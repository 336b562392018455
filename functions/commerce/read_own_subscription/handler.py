"""GET /api/mma/subscriptions/{id}: one subscription of whoever is signed in."""

from tessera import clock
from tessera.commerce.callers import Caller
from tessera.commerce.change_rules import reached
from tessera.commerce.store import CommerceTable
from tessera.commerce.subscriptions import on_day, shown_to
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Customer
from tessera.identity.sign_in import known_owner_of


class Env(Environment):
    commerce_table: str
    business_time_zone: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/mma/subscriptions/<id>")
def read_own_subscription(id: str) -> Response[str]:
    who = principal(app, Customer)
    caller = Caller(kind="customer", id=who.id, owner=known_owner_of(who, owners=owners))
    holding = reached(owners.holding(id), caller)
    today = clock.today(clock.now(), env.business_time_zone)
    return document(shown_to(on_day(holding, today), None).wire())


handler = entrypoint(app)
