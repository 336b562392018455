"""POST /api/objects/externalidentity/{owner}: attach a person's login to an owner."""

from tessera import clock
from tessera.commerce.models import Identity
from tessera.commerce.store import CommerceTable
from tessera.edge.api import entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.identity.external import NewIdentity, attach
from tessera.identity.provider_settings import ProviderSettings


class Env(Environment):
    commerce_table: str
    events_table: str
    identity_providers_parameter: str
    business_time_zone: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
providers = ProviderSettings(env.identity_providers_parameter)
app = resolver()


@app.post("/api/objects/externalidentity/<owner>")
def attach_identity(owner: str, new: NewIdentity) -> Identity:
    now = clock.now()
    today = clock.today(now, env.business_time_zone)
    note(owner=owner)
    return attach(new, to=owner, owners=owners, labels=providers, now=now, today=today)


handler = entrypoint(app)
