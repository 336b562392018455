"""GET /api/partner/offers: what the partner user's organisation may sell, by price."""

from typing import Annotated

from tessera.catalog.store import CatalogTable
from tessera.edge.api import Query, Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Partner
from tessera.partners.offers import list_offers
from tessera.partners.store import PartnersTable


class Env(Environment):
    catalog_table: str
    partners_table: str


env = Env.load()
catalog = CatalogTable(env.catalog_table)
app = resolver()


@app.get("/api/partner/offers")
def list_partner_offers(
    label: Annotated[str, Query(min_length=1, max_length=100)],
) -> Response[str]:
    return document(list_offers(label, by=principal(app, Partner), catalog=catalog))


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
