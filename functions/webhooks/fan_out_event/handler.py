"""SQS fan-out: one delivery row per endpoint that is to hear of the event, and its hint."""

from concurrent.futures import ThreadPoolExecutor

from tessera import clock
from tessera.edge.environment import Environment
from tessera.edge.queue import batch_worker
from tessera.events import Event
from tessera.webhooks.fan_out import FanOut
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.queues import HintQueues
from tessera.webhooks.store import Deliveries, Endpoints


class Env(Environment):
    webhooks_table: str
    events_table: str
    fast_queue_url: str
    slow_queue_url: str


env = Env.load()
fan_out = FanOut(
    endpoints=Endpoints(env.webhooks_table),
    deliveries=Deliveries(env.webhooks_table),
    outbox=Outbox(env.events_table),
    queues=HintQueues(fast=env.fast_queue_url, slow=env.slow_queue_url),
    pool=ThreadPoolExecutor(10),
    now=clock.now,
)

handler = batch_worker(fan_out.batch, on=Event)
