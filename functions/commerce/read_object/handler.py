"""GET /api/objects/limio/{path_type}/{id}: any object by its id."""

from tessera import clock
from tessera.commerce.history import EventHistory
from tessera.commerce.objects import Moment, read
from tessera.commerce.store import CommerceTable
from tessera.edge.api import Response, document, entrypoint, principal, resolver
from tessera.edge.environment import Environment
from tessera.identity.principal import Machine, Operator


class Env(Environment):
    commerce_table: str
    events_table: str
    business_time_zone: str
    mode: str


env = Env.load()
objects = CommerceTable(env.commerce_table)
history = EventHistory(env.events_table)
app = resolver()


@app.get("/api/objects/limio/<path_type>/<id>")
def read_object(path_type: str, id: str) -> Response[str]:
    now = clock.now()
    moment = Moment(now, clock.today(now, env.business_time_zone), env.mode)
    by = principal(app, Machine, Operator)
    return document(read(path_type, id, by=by, objects=objects, history=history, moment=moment))


handler = entrypoint(app)
