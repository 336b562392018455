"""Endpoints of the subject `webhooks`: who is told, and what became of it."""

from urllib.parse import urlsplit

from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.function import Platform
from infra.constructs.needs import Need, setting
from infra.constructs.part import Part
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
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault
    ) -> None:
        super().__init__(scope, id)
        table, events = api.tables.webhooks, api.tables.events
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
            "webhooks/read_delivery": (
                table.uses("GetItem", "BatchGetItem", "Query"),
                events.uses("GetItem"),
            ),
        }.items():
            Endpoint(self, folder, *needs, platform=platform, api=api)
