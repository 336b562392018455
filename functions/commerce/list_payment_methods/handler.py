"""GET /api/mma/payment-methods: what whoever is signed in can pay by, live from Zuora."""

from tessera import clock
from tessera.commerce.payment_methods import PaymentMethod, methods_of
from tessera.commerce.store import CommerceTable
from tessera.edge.api import entrypoint, principal, resolver
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.principal import Customer
from tessera.identity.sign_in import known_owner_of
from tessera.integrations.zuora_methods import ZuoraMethods
from tessera.objects import Listed


class Env(ZuoraEnvironment):
    commerce_table: str
    business_time_zone: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
billing = ZuoraMethods(zuora_client(env))
app = resolver()


@app.get("/api/mma/payment-methods")
def list_payment_methods() -> Listed[PaymentMethod]:
    owner = known_owner_of(principal(app, Customer), owners=owners)
    today = clock.today(clock.now(), env.business_time_zone)
    return Listed(items=methods_of(owner, objects=owners, billing=billing, today=today))


handler = entrypoint(app)
