"""Every ten minutes: put orders on the queue again whose message, or whose worker, was lost."""

from functools import partial

from tessera import clock
from tessera.commerce.order_queue import OrderQueue
from tessera.commerce.provisioning import sweep
from tessera.commerce.store import CommerceTable
from tessera.edge.environment import Environment
from tessera.edge.observability import time_left
from tessera.edge.schedule import scheduled


class Env(Environment):
    commerce_table: str
    order_queue_url: str


env = Env.load()

handler = scheduled(
    partial(
        sweep,
        orders=CommerceTable(env.commerce_table),
        queue=OrderQueue(env.order_queue_url),
        now=clock.now,
        time_left=time_left,
    )
)
