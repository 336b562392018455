"""GET /api/entitlements: what an owner, or whoever has an identity, is entitled to."""

from typing import Annotated, Any

from tessera import clock
from tessera.commerce.entitlement_query import Asked, query
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Header, Response, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note
from tessera.edge.tagged import tagged


class Env(Environment):
    commerce_table: str
    business_time_zone: str


env = Env.load()
owners = CommerceTable(env.commerce_table)
app = resolver()


@app.get("/api/entitlements")
def read_entitlements(
    owner: str | None = None,
    iss: str | None = None,
    sub: str | None = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Response[Any]:
    today = clock.today(clock.now(), env.business_time_zone)
    found = query(Asked(owner, iss, sub), owners=owners, today=today)
    note(owner=found.owner)
    return tagged(found, found.etag, if_none_match)


handler = entrypoint(app)
