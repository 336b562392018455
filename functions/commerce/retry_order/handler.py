"""POST /api/admin/order/{id}/retry: an operator has a failed order carried out again."""

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.acceptance import Placed
from tessera.commerce.buyers import Moment
from tessera.commerce.retrying import retry
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, accepted, entrypoint, resolver
from tessera.edge.environment import Environment
from tessera.edge.observability import note


class Env(Environment):
    commerce_table: str
    events_table: str
    catalog_table: str
    business_time_zone: str
    mode: str


env = Env.load()
owners = CommerceTable(env.commerce_table, env.events_table)
shelf = Shelf(CatalogTable(env.catalog_table))
app = resolver()


@app.post("/api/admin/order/<id>/retry")
def retry_order(id: str) -> Response[Placed]:
    now = clock.now()
    moment = Moment(now, clock.today(now, env.business_time_zone), env.mode)
    retried = retry(id, owners=owners, shop=shelf, moment=moment)
    note(outcome="retried", order=retried.id, owner=retried.owner)
    return accepted(retried)


handler = entrypoint(app)
