"""GET /api/partner/customer/{id}: one customer of the partner user's organisation."""

from tessera.commerce.models import Customer
from tessera.commerce.store import CommerceTable
from tessera.edge.api import entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Partner
from tessera.partners.customers import read
from tessera.partners.store import PartnersTable


class Env(Environment):
    commerce_table: str
    partners_table: str


env = Env.load()
customers = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/partner/customer/<id>")
def read_customer(id: str) -> Customer:
    return read(id, by=principal(app, Partner), customers=customers)


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
