"""GET /api/partner/customer: the organisation's customers, the newest or by a name's beginning."""

from typing import Annotated

from tessera.commerce.customer_search import LONGEST_FILTER, PartnerCustomers
from tessera.cursors import Cursors
from tessera.edge.api import Query, Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Partner
from tessera.partners.customers import list_page
from tessera.partners.store import PartnersTable
from tessera.secrets import Secret


class Env(Environment):
    commerce_table: str
    partners_table: str
    cursors_secret: str  # its name; the value is read on first use


env = Env.load()
customers = PartnerCustomers(env.commerce_table)
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/partner/customer")
def list_customers(
    filter: Annotated[str | None, Query(max_length=LONGEST_FILTER)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 40,
    cursor: Annotated[str | None, Query(alias="queryMore")] = None,
) -> Response[str]:
    who = principal(app, Partner)
    page = list_page(
        filter, limit=limit, cursor=cursor, by=who, customers=customers, cursors=cursors
    )
    return document(page)


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
