"""GET /api/partner/subscriptions: what a customer's owner has from the user's organisation."""

from typing import Annotated

from tessera import clock
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.edge.api import Query, Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Partner
from tessera.partners.store import PartnersTable
from tessera.partners.subscriptions import list_page
from tessera.secrets import Secret


class Env(Environment):
    commerce_table: str
    partners_table: str
    cursors_secret: str  # its name; the value is read on first use
    business_time_zone: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/partner/subscriptions")
def list_customer_subscriptions(
    owner: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 40,
    cursor: Annotated[str | None, Query(alias="queryMore")] = None,
) -> Response[str]:
    page = list_page(
        owner,
        limit=limit,
        cursor=cursor,
        by=principal(app, Partner),
        owners=owners,
        cursors=cursors,
        today=clock.today(clock.now(), env.business_time_zone),
    )
    return document(page)


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
