"""GET /api/mma/entitlements: what whoever is signed in is entitled to."""

from typing import Annotated, Any

from tessera import clock
from tessera.commerce.entitlement_query import Asked, query
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Header, Response, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.edge.tagged import tagged
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


@app.get("/api/mma/entitlements")
def read_own_entitlements(
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Response[Any]:
    now = clock.now()
    who = principal(app, Customer)
    owner = owner_of(who, owners=owners, labels=providers, now=now, mode=env.mode)
    note(owner=owner)
    found = query(Asked(owner), owners=owners, today=clock.today(now, env.business_time_zone))
    return tagged(found, found.etag, if_none_match)


handler = entrypoint(app)
