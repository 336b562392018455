"""Each minute: find deliveries that are due, heal what a dead sender left, hint at them again."""

from random import SystemRandom

from tessera import clock
from tessera.edge.environment import Environment
from tessera.edge.observability import count
from tessera.edge.schedule import scheduled
from tessera.webhooks.gathering import in_threads
from tessera.webhooks.queues import HintQueues
from tessera.webhooks.store import Announcements, Deliveries, Endpoints, Jobs
from tessera.webhooks.sweeping import Sweeper


class Env(Environment):
    webhooks_table: str
    events_table: str
    slow_queue_url: str


env = Env.load()
sweeper = Sweeper(
    endpoints=Endpoints(env.webhooks_table),
    deliveries=Deliveries(env.webhooks_table),
    announcements=Announcements(env.webhooks_table, env.events_table),
    jobs=Jobs(env.webhooks_table),
    queues=HintQueues(slow=env.slow_queue_url),
    now=clock.now,
    random=SystemRandom().random,
    count=count,
    gather=in_threads(20),
)

handler = scheduled(sweeper.turn)
