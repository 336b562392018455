"""SQS fast and slow: send deliveries that are due, and record what came of each."""

from concurrent.futures import ThreadPoolExecutor
from random import SystemRandom

from tessera import clock
from tessera.edge.observability import count
from tessera.edge.queue import batch_worker
from tessera.edge.reach import ReachEnvironment
from tessera.webhooks.egress import Egress
from tessera.webhooks.models import Hint
from tessera.webhooks.outbox import Outbox
from tessera.webhooks.queues import HintQueues
from tessera.webhooks.sealing import Seal
from tessera.webhooks.sending import Limits, Sender
from tessera.webhooks.store import Announcements, Deliveries, Endpoints


class Env(ReachEnvironment):
    webhooks_table: str
    events_table: str
    secrets_key: str
    slow_queue_url: str
    webhook_deadline: int  # seconds of one request


env = Env.load()
egress = Egress(env.reach())
pool = ThreadPoolExecutor(10)
sender = Sender(
    endpoints=Endpoints(env.webhooks_table),
    deliveries=Deliveries(env.webhooks_table),
    announcements=Announcements(env.webhooks_table, env.events_table),
    outbox=Outbox(env.events_table),
    queues=HintQueues(slow=env.slow_queue_url),
    post=egress.post,
    seal=Seal(env.secrets_key),
    pool=pool,
    now=clock.now,
    random=SystemRandom().random,
    count=count,
    limits=Limits(env.webhook_deadline),
)

handler = batch_worker(sender.batch, on=Hint)
