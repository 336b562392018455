"""Functions of the subject `commerce`: subscriptions, their owners, and orders."""

from constructs import Construct

from infra.constructs.billing import Billing
from infra.constructs.callouts import Callouts
from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.needs import setting
from infra.constructs.ordering import Ordering
from infra.constructs.orders import Orders
from infra.constructs.owners import Owners
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.vault import Vault


class Commerce(Part):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault
    ) -> None:
        super().__init__(scope, id)
        settings, tables = platform.settings, api.tables
        commerce = tables.commerce
        announces = tables.events.uses("PutItem")
        calendar = setting(business_time_zone=settings.business_time_zone, mode=settings.mode)
        syncs = (
            commerce.uses("GetItem", "BatchGetItem", "Query", "PutItem"),
            announces,
            tables.catalog.uses("BatchGetItem", "Query"),
            tables.partners.uses(queries=["by_lookup"]),
            calendar,
            vault.zuora.uses(),
            setting(
                zuora_url=settings.zuora_url,
                zuora_entity_ids=settings.zuora_entity_ids,
                zuora_org_ids=settings.zuora_org_ids,
            ),
        )
        Endpoint(self, "commerce/sync_subscription", *syncs, platform=platform, api=api)
        callouts = Callouts(self, "Callouts", platform=platform, api=api, vault=vault, syncs=syncs)
        orders = Orders(
            self, "Orders", platform=platform, api=api, vault=vault, resyncs=callouts.queue
        )
        self.orders = orders.queue
        self.queues = {one.name: one for one in (callouts.queue, orders.queue)}
        Owners(self, "Owners", platform=platform, api=api)
        Endpoint(
            self,
            "commerce/list_own_subscriptions",
            commerce.uses("GetItem", "PutItem", queries=["by_owner"]),
            tables.events.uses(),  # the owner that a first login makes is announced to nobody
            vault.identity_providers(),
            calendar,
            platform=platform,
            api=api,
        )
        Ordering(self, "Ordering", platform=platform, api=api, vault=vault)
        billing = Billing(self, "Billing", platform=platform, api=api, vault=vault)
        self.documents = billing.documents
        zone = setting(business_time_zone=settings.business_time_zone)
        Endpoint(
            self,
            "commerce/read_entitlements",
            commerce.uses("GetItem"),
            zone,
            platform=platform,
            api=api,
        )
        Endpoint(
            self,
            "commerce/read_own_entitlements",
            commerce.uses("GetItem", "PutItem"),
            tables.events.uses(),  # as for one's own subscriptions
            vault.identity_providers(),
            calendar,
            platform=platform,
            api=api,
        )
        Endpoint(
            self,
            "commerce/read_object",
            commerce.uses("GetItem", "Query", queries=["by_type"]),
            tables.events.uses("GetItem"),
            calendar,
            platform=platform,
            api=api,
        )
        Endpoint(
            self,
            "commerce/list_objects",
            commerce.uses("GetItem", "Query", queries=["by_owner", "by_partner", "by_type"]),
            tables.events.uses("BatchGetItem", queries=["by_owner", "by_day"]),
            vault.cursors.uses(),
            calendar,
            platform=platform,
            api=api,
        )
        Endpoint(self, "commerce/read_order", commerce.uses("GetItem"), platform=platform, api=api)
