"""DELETE /api/partner-organisation/{id}: nobody sells for it any more; objects keep naming it."""

from tessera import clock
from tessera.edge.api import Response, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.partners.organisations import archive
from tessera.partners.store import PartnersTable


class Env(Environment):
    partners_table: str
    events_table: str


env = Env.load()
partners = PartnersTable(env.partners_table, env.events_table)
app = resolver()


@app.delete("/api/partner-organisation/<id>")
def archive_organisation(id: str) -> Response[None]:
    archive(id, organisations=partners, now=clock.now())
    note(outcome="archived", partner_org=id)
    return Response(status_code=204)


handler = entrypoint(app)
