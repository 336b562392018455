"""GET /api/partner-organisation/{id}/users: who signs in for it, a page at a time."""

from typing import Annotated

from tessera.cursors import Cursors
from tessera.edge.api import Query, Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Machine, Operator
from tessera.partners.store import PartnersTable
from tessera.partners.users import list_page
from tessera.secrets import Secret


class Env(Environment):
    partners_table: str
    cursors_secret: str  # its name; the value is read on first use


env = Env.load()
partners = PartnersTable(env.partners_table)
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/partner-organisation/<id>/users")
def list_users(
    id: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 40,
    cursor: Annotated[str | None, Query(alias="queryMore")] = None,
) -> Response[str]:
    who = principal(app, Machine, Operator)
    page = list_page(id, limit=limit, cursor=cursor, by=who, users=partners, cursors=cursors)
    return document(page)


handler = entrypoint(app)
