"""GET /api/checkout/subscription: what is chosen, what can be, and what it would cost."""

from typing import Annotated

from tessera.commerce import baskets
from tessera.commerce.ordering import previewing
from tessera.edge.api import Query, Response, document, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, order_desk
from tessera.identity.principal import Customer, Partner
from tessera.partners.store import PartnersTable


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.get("/api/checkout/subscription")
@app.get("/api/partner/checkout/subscription")
def read_basket(
    checkout_id: Annotated[str, Query(alias="checkoutId", max_length=100)],
) -> Response[str]:
    moment = env.moment()
    caller = caller_of(principal(app, Customer, Partner), desk, moment)
    return document(
        baskets.read_basket(
            checkout_id,
            caller=caller,
            desk=desk.checkout,
            preview=previewing(caller, desk, moment),
            moment=moment,
        )
    )


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
