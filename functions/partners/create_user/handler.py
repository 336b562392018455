"""POST /api/partner-organisation/{id}: somebody may sign in for it, and is invited by e-mail."""

from tessera import clock
from tessera.edge.api import Response, created, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.partners.cognito import PartnerLogins
from tessera.partners.models import PartnerUser
from tessera.partners.store import PartnersTable
from tessera.partners.users import NewUser, invite


class Env(Environment):
    partners_table: str
    events_table: str
    partners_pool_id: str
    mode: str


env = Env.load()
partners = PartnersTable(env.partners_table, env.events_table)
logins = PartnerLogins(env.partners_pool_id)
app = resolver()


@app.post("/api/partner-organisation/<id>")
def create_user(id: str, new: NewUser) -> Response[PartnerUser]:
    user = invite(new, to=id, users=partners, logins=logins, mode=env.mode, now=clock.now())
    note(outcome="invited", partner_org=id, partner_user=user.id)
    return created(user)


handler = entrypoint(app)
