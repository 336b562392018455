"""POST /api/partner-organisation/{id}/users/{user}/invitation: the invitation once more."""

from tessera.edge.api import Response, accepted, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.partners.cognito import PartnerLogins
from tessera.partners.models import PartnerUser
from tessera.partners.store import PartnersTable
from tessera.partners.users import invite_again


class Env(Environment):
    partners_table: str
    partners_pool_id: str


env = Env.load()
partners = PartnersTable(env.partners_table)
logins = PartnerLogins(env.partners_pool_id)
app = resolver()


@app.post("/api/partner-organisation/<id>/users/<user>/invitation")
def invite_user(id: str, user: str) -> Response[PartnerUser]:
    invited = invite_again(user, of=id, users=partners, logins=logins)
    note(outcome="invited", partner_org=id, partner_user=invited.id)
    return accepted(invited)


handler = entrypoint(app)
