"""POST /api/order: middleware places an order; access is granted when it is answered."""

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.acceptance import Placed
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.order_requests import NewOrder
from tessera.commerce.purchase import place
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, accepted, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.principal import Machine
from tessera.identity.provider_settings import ProviderSettings
from tessera.partners.store import PartnersTable


class Env(Environment):
    commerce_table: str
    events_table: str
    catalog_table: str
    partners_table: str
    identity_providers_parameter: str
    business_time_zone: str
    mode: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
shelf = Shelf(CatalogTable(env.catalog_table))
partners = PartnersTable(env.partners_table)
providers = ProviderSettings(env.identity_providers_parameter)
app = resolver()


@app.post("/api/order")
def place_order(order: NewOrder) -> Response[Placed]:
    now = clock.now()
    placed = place(
        order,
        app.current_event.json_body,
        caller=Caller(kind="machine", id=principal(app, Machine).id),
        owners=owners,
        shop=shelf,
        partners=partners,
        labels=providers,
        moment=Moment(now, clock.today(now, env.business_time_zone), env.mode),
    )
    note(outcome="placed", order=placed.id, owner=placed.owner)
    return accepted(placed)


handler = entrypoint(app)
