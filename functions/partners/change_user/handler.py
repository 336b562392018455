"""PATCH /api/partner-organisation/{id}/users/{user}: another name."""

from tessera import clock
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.partners.models import PartnerUser
from tessera.partners.store import PartnersTable
from tessera.partners.users import UserChanges, rename


class Env(Environment):
    partners_table: str


env = Env.load()
partners = PartnersTable(env.partners_table)
app = resolver()


@app.patch("/api/partner-organisation/<id>/users/<user>")
def change_user(id: str, user: str, changes: UserChanges) -> PartnerUser:
    renamed = rename(user, changes, of=id, users=partners, now=clock.now())
    note(outcome="changed", partner_org=id, partner_user=renamed.id)
    return renamed


handler = entrypoint(app)
