"""GET /api/mma/invoices: the invoices of whoever is signed in, live from Zuora."""

from typing import Annotated

from tessera.commerce.invoices import Viewer, list_page
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.edge.api import Query, Response, document, entrypoint, principal, resolver
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Customer
from tessera.identity.sign_in import known_owner_of
from tessera.integrations.zuora_invoices import ZuoraInvoices
from tessera.secrets import Secret


class Env(ZuoraEnvironment):
    commerce_table: str
    cursors_secret: str  # its name; the value is read on first use


env = Env.load()
owners = CommerceTable(env.commerce_table)
invoices = ZuoraInvoices(zuora_client(env))
cursors = Cursors(Secret(env.cursors_secret))
app = resolver()


@app.get("/api/mma/invoices")
def list_own_invoices(
    size: Annotated[int, Query(alias="pageSize", ge=1, le=100)] = 40,
    cursor: Annotated[str | None, Query()] = None,
    customer: Annotated[str | None, Query()] = None,
    paid: Annotated[bool | None, Query()] = None,
) -> Response[str]:
    who = principal(app, Customer)
    page = list_page(
        Viewer(id=who.id, owner=known_owner_of(who, owners=owners)),
        size=size,
        cursor=cursor,
        customer=customer,
        paid=paid,
        invoices=invoices,
        customers=owners,
        cursors=cursors,
    )
    return document(page)


handler = entrypoint(app)
