"""GET /api/mma/subscriptions: the subscriptions of whoever is signed in."""

from tessera import clock
from tessera.commerce.store import CommerceTable
from tessera.commerce.subscriptions import on_day, shown_to
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.principal import Customer
from tessera.identity.provider_settings import ProviderSettings
from tessera.identity.sign_in import owner_of


class Env(Environment):
    commerce_table: str
    events_table: str
    identity_providers_parameter: str
    business_time_zone: str
    mode: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
providers = ProviderSettings(env.identity_providers_parameter)
app = resolver()


@app.get("/api/mma/subscriptions")
def list_own_subscriptions() -> Response[str]:
    now = clock.now()
    who = principal(app, Customer)
    owner = owner_of(who, owners=owners, labels=providers, now=now, mode=env.mode)
    note(owner=owner)
    today = clock.today(now, env.business_time_zone)
    held = (on_day(one, today) for one in owners.holdings_of(owner))
    return document({"items": [shown_to(one, None).wire() for one in held]})


handler = entrypoint(app)
