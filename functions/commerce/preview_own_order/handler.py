"""POST /api/mma/order/preview: what one's own order would cost."""

from tessera.commerce.ordering import preview
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, order_desk
from tessera.identity.principal import Customer


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.post("/api/mma/order/preview")
def preview_own_order() -> Response[str]:
    moment = env.moment()
    caller = caller_of(principal(app, Customer), desk, moment)
    body = app.current_event.json_body
    return document(preview(body, caller=caller, desk=desk, moment=moment).wire())


handler = entrypoint(app)
