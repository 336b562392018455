"""At midnight and each hour: let changes take effect whose day has come."""

from functools import partial

from tessera import clock
from tessera.commerce.activation import activate
from tessera.commerce.resync_queue import ResyncMessages
from tessera.commerce.store import CommerceTable
from tessera.edge.environment import Environment
from tessera.edge.observability import time_left
from tessera.edge.schedule import scheduled


class Env(Environment):
    commerce_table: str
    events_table: str
    resync_queue_url: str
    business_time_zone: str


env = Env.load()

handler = scheduled(
    partial(
        activate,
        subscriptions=CommerceTable(env.commerce_table, env.events_table),
        resyncs=ResyncMessages(env.resync_queue_url),
        now=clock.now,
        zone=env.business_time_zone,
        time_left=time_left,
    )
)
