"""POST /api/checkout/subscription: begin to change a subscription, step by step."""

from typing import Any

from tessera.commerce import baskets
from tessera.commerce.baskets import OpenBasket
from tessera.commerce.ordering import previewing
from tessera.edge.api import Response, created, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, order_desk
from tessera.identity.principal import Customer, Partner
from tessera.partners.store import PartnersTable


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
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


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
