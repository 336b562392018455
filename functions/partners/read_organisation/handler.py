"""GET /api/partner-organisation/{id}: one partner organisation."""

from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.partners.models import Organisation
from tessera.partners.organisations import read
from tessera.partners.store import PartnersTable


class Env(Environment):
    partners_table: str


env = Env.load()
partners = PartnersTable(env.partners_table)
app = resolver()


@app.get("/api/partner-organisation/<id>")
def read_organisation(id: str) -> Organisation:
    return read(id, organisations=partners)


handler = entrypoint(app)
