"""POST /api/order: middleware places an order; access is granted when it is answered."""

from typing import Any

from tessera.commerce.ordering import place
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, of_order, order_desk, wait
from tessera.identity.principal import Machine


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.post("/api/order")
def place_order() -> Response[Any]:
    moment = env.moment()
    caller = caller_of(principal(app, Machine), desk, moment)
    body = app.current_event.json_body
    return of_order(place(body, caller=caller, desk=desk, moment=moment, wait=wait))


handler = entrypoint(app)
