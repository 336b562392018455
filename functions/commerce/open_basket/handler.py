"""POST /api/checkout/subscription: begin to change a subscription, step by step."""

from typing import Any

from tessera.catalog.store import CatalogTable
from tessera.commerce import baskets
from tessera.commerce.basket_store import BasketsTable
from tessera.commerce.baskets import OpenBasket
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.ordering import Desk, previewing
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, created, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, live_billing
from tessera.identity.principal import Customer, Partner
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


@app.post("/api/checkout/subscription")
@app.post("/api/partner/checkout/subscription")
def open_basket(wanted: OpenBasket) -> Response[Any]:
    moment = env.moment()
    caller = caller_of(principal(app, Customer, Partner), desk, moment)
    return created(
        baskets.open_basket(
            wanted,
            caller=caller,
            desk=desk.checkout,
            preview=previewing(caller, desk, moment),
            moment=moment,
        )
    )


handler = entrypoint(app, partners=partners)
