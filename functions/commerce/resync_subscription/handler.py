"""SQS resync-subscription: read a subscription from Zuora again, as its callout asked."""

from functools import partial
from random import SystemRandom

from tessera import clock
from tessera.commerce.callouts import Resync, resync
from tessera.commerce.resync_queue import ResyncMessages
from tessera.edge.observability import count, note
from tessera.edge.queue import worker
from tessera.edge.syncing import SyncEnvironment, Syncing


class Env(SyncEnvironment):
    resync_queue_url: str


env = Env.load()
syncing = Syncing(env)
queue = ResyncMessages(env.resync_queue_url)


def resync_subscription(wanted: Resync) -> None:
    now = clock.now()
    done = resync(
        wanted,
        sync=partial(syncing.sync, now=now),
        queue=queue,
        now=now,
        random=SystemRandom().random,
        count=count,
    )
    note(**done)


handler = worker(resync_subscription, on=Resync)
