"""PUT /api/mma/payment-methods/{id}/default: from now on the account pays by this method."""

from functools import partial
from typing import Any

from tessera.commerce.default_method import make_default
from tessera.commerce.ordering import place
from tessera.commerce.payment_methods import methods_of
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, of_order, order_desk, wait
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Customer
from tessera.integrations.zuora_methods import ZuoraMethods


class Env(OrderingEnvironment, ZuoraEnvironment):
    """As all that take orders, and what asks Zuora at once."""


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
methods = ZuoraMethods(zuora_client(env))
desk = order_desk(env)
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
