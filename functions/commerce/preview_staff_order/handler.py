"""POST /api/admin/order/preview: what an order of staff would cost."""

from tessera.commerce.ordering import preview
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, order_desk
from tessera.identity.principal import Operator


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.post("/api/admin/order/preview")
def preview_staff_order() -> Response[str]:
    moment = env.moment()
    caller = caller_of(principal(app, Operator), desk, moment)
    body = app.current_event.json_body
    return document(preview(body, caller=caller, desk=desk, moment=moment).wire())


handler = entrypoint(app)
