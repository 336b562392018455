"""What the largest families of pages work with: webhooks, orders, and the site itself."""

from infra.constructs.documents import DocumentsBucket
from infra.constructs.endpoint import Api
from infra.constructs.needs import Need, setting
from infra.constructs.platform import Platform
from infra.constructs.queue import WorkQueue
from infra.constructs.vault import Vault
from infra.constructs.vendors import card_form, zuora_client
from infra.constructs.webhooks import BOUNDED_DNS, egress


def webhook_pages(platform: Platform, api: Api, vault: Vault, slow: WorkQueue) -> tuple[Need, ...]:
    """`slow` takes the hints of deliveries that a person sends again."""
    tables = api.tables
    return (
        tables.webhooks.uses(
            "GetItem",
            "BatchGetItem",
            "Query",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            queries=["by_endpoint", "failed"],
        ),
        tables.events.uses("GetItem", "BatchGetItem", "PutItem", queries=["by_day", "by_owner"]),
        vault.seals("Encrypt", "Decrypt"),
        vault.cursors.uses(),
        slow.sends("SLOW_QUEUE_URL"),
        egress(platform, api),
        BOUNDED_DNS,
        setting(endpoint_limit=platform.settings.endpoint_limit),
    )


def order_pages(platform: Platform, api: Api, vault: Vault) -> tuple[Need, ...]:
    tables = api.tables
    return (
        tables.commerce.uses(
            "GetItem",
            "BatchGetItem",
            "Query",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            queries=["by_owner", "by_type", "by_lookup"],
        ),
        tables.events.uses("BatchGetItem", "PutItem", queries=["by_owner"]),
        tables.catalog.uses("BatchGetItem", "Query"),
        tables.partners.uses("GetItem", "BatchGetItem", queries=["by_lookup", "newest"]),
        tables.webhooks.uses("BatchGetItem"),
        vault.cursors.uses(),
        vault.identity_providers(),
        *zuora_client(vault, platform.settings),
        setting(mode=platform.settings.mode),
    )


def site_pages(
    platform: Platform, api: Api, vault: Vault, documents: DocumentsBucket
) -> tuple[Need, ...]:
    """Orders are placed here as by the API, by customers and by partner users."""
    settings, tables = platform.settings, api.tables
    return (
        tables.catalog.uses("Query", "BatchGetItem"),
        tables.partners.uses("BatchGetItem", "GetItem"),
        tables.commerce.uses(
            *("GetItem", "BatchGetItem", "Query", "PutItem"),
            queries=["by_owner", "by_partner"],
        ),
        tables.events.uses("PutItem"),
        tables.sessions.uses("GetItem", "PutItem", "UpdateItem"),
        vault.identity_providers(),
        vault.cursors.uses(),
        documents.lends(),
        *zuora_client(vault, settings),
        card_form(settings),
        setting(
            mode=settings.mode,
            zuora_owner_style=settings.zuora_owner_style,
            zuora_account_mapping=settings.zuora_account_mapping,
        ),
    )
