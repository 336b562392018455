"""POST /api/mma/order: whoever is signed in places an order for itself."""

from typing import Any

from tessera.commerce.ordering import place
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, of_order, order_desk, wait
from tessera.identity.principal import Customer


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.post("/api/mma/order")
def place_own_order() -> Response[Any]:
    moment = env.moment()
    caller = caller_of(principal(app, Customer), desk, moment)
    body = app.current_event.json_body
    return of_order(place(body, caller=caller, desk=desk, moment=moment, wait=wait))


handler = entrypoint(app)
