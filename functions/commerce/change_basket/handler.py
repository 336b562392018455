"""PUT /api/checkout/subscription: choose an offer or add-on, or take one back."""

from tessera.commerce import baskets
from tessera.commerce.baskets import ChangeBasket
from tessera.commerce.ordering import previewing
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, order_desk
from tessera.identity.principal import Customer, Partner
from tessera.partners.store import PartnersTable


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.put("/api/checkout/subscription")
@app.put("/api/partner/checkout/subscription")
def change_basket(change: ChangeBasket) -> Response[str]:
    moment = env.moment()
    caller = caller_of(principal(app, Customer, Partner), desk, moment)
    return document(
        baskets.change_basket(
            change,
            caller=caller,
            desk=desk.checkout,
            preview=previewing(caller, desk, moment),
            moment=moment,
        )
    )


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
