"""POST /api/partner/order/preview: what a partner's order would cost."""

from tessera.commerce.ordering import preview
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.ordering import OrderingEnvironment, caller_of, order_desk
from tessera.identity.principal import Partner
from tessera.partners.store import PartnersTable


class Env(OrderingEnvironment):
    """As all that take orders."""


env = Env.load()
desk = order_desk(env)
app = resolver()


@app.post("/api/partner/order/preview")
def preview_partner_order() -> Response[str]:
    moment = env.moment()
    caller = caller_of(principal(app, Partner), desk, moment)
    body = app.current_event.json_body
    return document(preview(body, caller=caller, desk=desk, moment=moment).wire())


handler = entrypoint(app, partners=PartnersTable(env.partners_table))
