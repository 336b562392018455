"""DELETE /api/mma/payment-methods/{id}: a payment method is removed in Zuora."""

from tessera import clock
from tessera.commerce.payment_methods import remove
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, entrypoint, principal, resolver
from tessera.edge.observability import note
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Customer
from tessera.identity.sign_in import known_owner_of
from tessera.integrations.zuora_methods import ZuoraMethods


class Env(ZuoraEnvironment):
    commerce_table: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
billing = ZuoraMethods(zuora_client(env))
app = resolver()


@app.delete("/api/mma/payment-methods/<id>")
def remove_payment_method(id: str) -> Response[None]:
    owner = known_owner_of(principal(app, Customer), owners=owners)
    remove(id, owner, objects=owners, billing=billing, now=clock.now())
    note(outcome="removed", owner=owner)
    return Response(status_code=204)


handler = entrypoint(app)
