"""POST /api/order: middleware places an order; access is granted when it is answered."""

from typing import Any

from tessera.catalog.store import CatalogTable
from tessera.commerce.basket_store import BasketsTable
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.ordering import Desk, place
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, live_billing, of_order, wait
from tessera.identity.principal import Machine
from tessera.identity.provider_settings import ProviderSettings
from tessera.partners.store import PartnersTable


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
partners = PartnersTable(env.partners_table)
desk = Desk(
    owners=owners,
    shop=Shelf(CatalogTable(env.catalog_table)),
    partners=partners,
    labels=ProviderSettings(env.identity_providers_parameter),
    baskets=BasketsTable(env.sessions_table, owners),
    billing=live_billing(env, partners.active),
    forms=OpenedForms(env.sessions_table),
)
app = resolver()


@app.post("/api/order")
def place_order() -> Response[Any]:
    moment = env.moment()
    caller = caller_of(principal(app, Machine), desk, moment)
    body = app.current_event.json_body
    return of_order(place(body, caller=caller, desk=desk, moment=moment, wait=wait))


handler = entrypoint(app)
