"""GET /api/order/{id}: one order, as far as it has come."""

from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, document, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.errors import NotFound


class Env(Environment):
    commerce_table: str


env = Env.load()
orders = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/order/<id>")
def read_order(id: str) -> Response[str]:
    order = orders.order(id)
    if order is None:
        raise NotFound(f"There is no order {id[:60]}.", code="not_found")
    return document(order.wire())


handler = entrypoint(app)
