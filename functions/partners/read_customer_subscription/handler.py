"""GET /api/partner/subscriptions/{id}: one subscription that the user's organisation sold."""

from tessera import clock
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Partner
from tessera.partners.store import PartnersTable
from tessera.partners.subscriptions import read


class Env(Environment):
    commerce_table: str
    partners_table: str
    business_time_zone: str


env = Env.load()
subscriptions = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/partner/subscriptions/<id>")
def read_customer_subscription(id: str) -> Response[str]:
    today = clock.today(clock.now(), env.business_time_zone)
    found = read(id, by=principal(app, Partner), subscriptions=subscriptions, today=today)
    return document(found.wire())


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
