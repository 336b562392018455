"""Zuora's callouts: the door they come in by, the queue behind it, and who works it off."""

from collections.abc import Sequence

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.function import Function
from infra.constructs.needs import Need
from infra.constructs.platform import Platform
from infra.constructs.queue import WorkQueue
from infra.constructs.vault import Vault

_SECONDS = 60
"""Two reads of Zuora and a commit that may be tried four times."""
_AT_ONCE = 5
"""Zuora lets a tenant have 40 calls at once; most of them are for customers who wait."""


class Callouts(Construct):
    """`syncs` is what a sync needs, whoever asks for it."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        api: Api,
        vault: Vault,
        syncs: Sequence[Need],
    ) -> None:
        super().__init__(scope, id)
        # A message is sent anew for each of its tries, for six hours at most.
        self.queue = WorkQueue(
            self,
            "Resync",
            name="resync-subscription",
            settings=platform.settings,
            seconds=_SECONDS,
            retention=Duration.days(1),
        )
        Endpoint(
            self,
            "commerce/receive_zuora_callout",
            api.tables.idempotency.uses("GetItem", "PutItem"),
            vault.zuora_callout.uses(),
            self.queue.sends("RESYNC_QUEUE_URL"),
            platform=platform,
            api=api,
        )
        resync_subscription = Function(
            self,
            "commerce/resync_subscription",
            *syncs,
            self.queue.sends("RESYNC_QUEUE_URL"),
            platform=platform,
            seconds=_SECONDS,
            retry_attempts=0,
        )
        self.queue.feeds(resync_subscription, concurrency=_AT_ONCE, batch=1)
