"""GET /api/partner/order/{id}: one order of the partner user's organisation."""

from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Partner
from tessera.partners.orders import read
from tessera.partners.store import PartnersTable


class Env(Environment):
    commerce_table: str
    partners_table: str


env = Env.load()
orders = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/partner/order/<id>")
def read_partner_order(id: str) -> Response[str]:
    return document(read(id, by=principal(app, Partner), orders=orders))


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
