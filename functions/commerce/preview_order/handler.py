"""POST /api/order/preview: what an order of middleware would cost."""

from tessera.commerce.ordering import preview
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, order_desk
from tessera.identity.principal import Machine


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.post("/api/order/preview")
def preview_order() -> Response[str]:
    moment = env.moment()
    caller = caller_of(principal(app, Machine), desk, moment)
    body = app.current_event.json_body
    return document(preview(body, caller=caller, desk=desk, moment=moment).wire())


handler = entrypoint(app)
