"""Endpoints of the subject `webhooks`: who is told, and what became of it."""

from urllib.parse import urlsplit

from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.needs import Need, setting
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.queue import WorkQueue
from infra.constructs.vault import Vault

BOUNDED_DNS = setting(res_options="timeout:2 attempts:2")
"""A resolver that does not answer must not use up a function's time."""


def egress(platform: Platform, api: Api) -> Need:
    """What decides which addresses webhooks may reach."""
    settings = platform.settings
    own = [api.gateway.host]
    if settings.base_url:
        own.append(str(urlsplit(settings.base_url).hostname))
    return setting(
        webhook_private_hosts=settings.private_hosts,
        webhook_ports=settings.webhook_ports,
        own_hosts=own,
    )


class Webhooks(Part):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        api: Api,
        vault: Vault,
        slow: WorkQueue,
    ) -> None:
        """`slow` takes the hints of deliveries that a person sends again."""
        super().__init__(scope, id)
        table, events = api.tables.webhooks, api.tables.events
        jobs = ("BatchGetItem", "Query", "PutItem")
        for folder, needs in {
            "webhooks/create_endpoint": (
                table.uses("PutItem", "UpdateItem"),
                vault.seals("Encrypt", "Decrypt"),
                egress(platform, api),
                BOUNDED_DNS,
                setting(endpoint_limit=platform.settings.endpoint_limit),
            ),
            "webhooks/list_endpoints": (table.uses("Query"), vault.cursors.uses()),
            "webhooks/read_endpoint": (table.uses("BatchGetItem"),),
            "webhooks/change_endpoint": (
                table.uses("BatchGetItem", "UpdateItem"),
                vault.seals("Encrypt"),
                egress(platform, api),
                BOUNDED_DNS,
            ),
            "webhooks/delete_endpoint": (table.uses("BatchGetItem", "UpdateItem", "DeleteItem"),),
            "webhooks/pause_endpoint": (table.uses("BatchGetItem", "UpdateItem"),),
            # A resume that discards what was held begins the job of it.
            "webhooks/resume_endpoint": (table.uses("BatchGetItem", "UpdateItem", "PutItem"),),
            "webhooks/send_test": (
                table.uses("BatchGetItem", "UpdateItem"),
                events.uses("PutItem"),
            ),
            "webhooks/rotate_secret": (
                table.uses("BatchGetItem", "GetItem", "UpdateItem"),
                vault.seals("Encrypt", "Decrypt"),
            ),
            "webhooks/reveal_secret": (
                table.uses("BatchGetItem", "GetItem"),
                # The answer is encrypted while it is kept for repeats.
                vault.seals("Encrypt", "Decrypt"),
            ),
            "webhooks/list_hosts": (table.uses("Query"), vault.cursors.uses()),
            "webhooks/put_host": (
                table.uses("PutItem"),
                vault.seals("Encrypt"),
                egress(platform, api),
            ),
            "webhooks/delete_host": (table.uses("DeleteItem"), egress(platform, api)),
            "webhooks/list_events": (
                events.uses("BatchGetItem", queries=["by_day", "by_owner"]),
                vault.cursors.uses(),
            ),
            "webhooks/read_event": (table.uses("Query"), events.uses("GetItem")),
            "webhooks/list_deliveries": (
                table.uses("BatchGetItem", queries=["by_endpoint", "failed"]),
                vault.cursors.uses(),
            ),
            "webhooks/read_delivery": (
                table.uses("GetItem", "BatchGetItem", "Query"),
                events.uses("GetItem"),
            ),
            "webhooks/replay_delivery": (
                table.uses("GetItem", "BatchGetItem", "UpdateItem"),
                slow.sends("SLOW_QUEUE_URL"),
            ),
            "webhooks/cancel_delivery": (table.uses("GetItem", "BatchGetItem", "UpdateItem"),),
            "webhooks/replay_deliveries": (table.uses(*jobs, queries=["by_endpoint", "failed"]),),
            "webhooks/recover_deliveries": (table.uses(*jobs, queries=["failed"]),),
            "webhooks/read_replay": (table.uses("GetItem"),),
        }.items():
            Endpoint(self, folder, *needs, platform=platform, api=api)
