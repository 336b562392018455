"""PATCH /api/partner-organisation/{id}: another name or logo; the rest stays for good."""

from typing import Any

from tessera import clock
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.partners.models import Organisation
from tessera.partners.organisations import change
from tessera.partners.store import PartnersTable


class Env(Environment):
    partners_table: str
    events_table: str


env = Env.load()
partners = PartnersTable(env.partners_table, env.events_table)
app = resolver()


@app.patch("/api/partner-organisation/<id>")
def change_organisation(id: str, members: dict[str, Any]) -> Organisation:
    changed = change(id, members, organisations=partners, now=clock.now())
    note(outcome="changed", partner_org=changed.id)
    return changed


handler = entrypoint(app)
