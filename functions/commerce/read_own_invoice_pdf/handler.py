"""GET /api/mma/invoices/{id}/pdf: one's own invoice as Zuora prints it."""

from tessera.commerce.documents import Documents
from tessera.commerce.invoices import Viewer, read_pdf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.downloads import download
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Customer
from tessera.identity.sign_in import known_owner_of
from tessera.integrations.zuora_invoices import ZuoraInvoices


class Env(ZuoraEnvironment):
    commerce_table: str
    documents_bucket: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
invoices = ZuoraInvoices(zuora_client(env))
documents = Documents(env.documents_bucket)
app = resolver()


@app.get("/api/mma/invoices/<id>/pdf")
def read_own_invoice_pdf(id: str) -> Response[str]:
    who = principal(app, Customer)
    viewer = Viewer(id=who.id, owner=known_owner_of(who, owners=owners))
    pdf = read_pdf(id, viewer, invoices=invoices, customers=owners)
    return download(pdf.content, name=pdf.name, lend=documents.lend)


handler = entrypoint(app)
