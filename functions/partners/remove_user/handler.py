"""DELETE /api/partner-organisation/{id}/users/{user}: access ends at once, then the login goes."""

from tessera import clock
from tessera.edge.api import Response, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.partners.cognito import PartnerLogins
from tessera.partners.store import PartnersTable
from tessera.partners.users import remove


class Env(Environment):
    partners_table: str
    events_table: str
    partners_pool_id: str


env = Env.load()
partners = PartnersTable(env.partners_table, env.events_table)
logins = PartnerLogins(env.partners_pool_id)
app = resolver()


@app.delete("/api/partner-organisation/<id>/users/<user>")
def remove_user(id: str, user: str) -> Response[None]:
    remove(user, of=id, users=partners, logins=logins, now=clock.now())
    note(outcome="removed", partner_org=id, partner_user=user)
    return Response(status_code=204)


handler = entrypoint(app)
