"""GET /api/partner/invoices/{id}/pdf: an invoice of the organisation's as Zuora prints it."""

from tessera.commerce.documents import Documents
from tessera.commerce.invoices import Viewer, read_pdf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.downloads import download
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Partner
from tessera.integrations.zuora_invoices import ZuoraInvoices
from tessera.partners.store import PartnersTable


class Env(ZuoraEnvironment):
    commerce_table: str
    partners_table: str
    documents_bucket: str


env = Env.load()
customers = CommerceTable(env.commerce_table)
invoices = ZuoraInvoices(zuora_client(env))
documents = Documents(env.documents_bucket)
app = resolver()


@app.get("/api/partner/invoices/<id>/pdf")
def read_partner_invoice_pdf(id: str) -> Response[str]:
    who = principal(app, Partner)
    viewer = Viewer(id=who.id, organisation=who.organisation)
    pdf = read_pdf(id, viewer, invoices=invoices, customers=customers)
    return download(pdf.content, name=pdf.name, lend=documents.lend)


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
