"""PUT /api/mma/payment-methods/{id}/default: from now on the account pays by this method."""

from functools import partial
from typing import Any

from tessera.catalog.store import CatalogTable
from tessera.commerce.basket_store import BasketsTable
from tessera.commerce.default_method import make_default
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.ordering import Desk, place
from tessera.commerce.payment_methods import methods_of
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, live_billing, of_order, wait
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Customer
from tessera.identity.provider_settings import ProviderSettings
from tessera.integrations.zuora_methods import ZuoraMethods
from tessera.partners.store import PartnersTable


class Env(OrderingEnvironment, ZuoraEnvironment):
    """As all that take orders, and what asks Zuora at once."""


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
partners = PartnersTable(env.partners_table)
methods = ZuoraMethods(zuora_client(env))
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


@app.put("/api/mma/payment-methods/<id>/default")
def make_default_payment_method(id: str) -> Response[Any]:
    moment = env.moment()
    caller = caller_of(principal(app, Customer), desk, moment)
    return of_order(
        make_default(
            id,
            methods=methods_of(caller.owner, objects=owners, billing=methods, today=moment.today),
            holdings=owners.holdings_of(caller.owner or ""),
            place=partial(place, caller=caller, desk=desk, moment=moment, wait=wait),
        )
    )


handler = entrypoint(app)
