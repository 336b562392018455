"""Functions of the subject `partners`: organisations, their users, and what these may read."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.function import Function
from infra.constructs.needs import setting
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.pool import Pool
from infra.constructs.vault import Vault
from infra.constructs.vendors import salesforce_client, zuora_client

_SWEEP_SECONDS = 60
_SWEPT_EVERY = Duration.minutes(5)


class Partners(Part):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault, pool: Pool
    ) -> None:
        """`pool` has the logins of partner users."""
        super().__init__(scope, id)
        settings = platform.settings
        partners, commerce = api.tables.partners, api.tables.commerce
        announces = api.tables.events.uses("PutItem")
        cursors = vault.cursors.uses()
        mode = setting(mode=settings.mode)
        zone = setting(business_time_zone=settings.business_time_zone)
        for folder, needs in {
            "partners/create_organisation": (
                partners.uses("PutItem", queries=["by_lookup"]),
                announces,
                *zuora_client(vault, settings),
                *salesforce_client(vault, settings),
                mode,
            ),
            "partners/list_organisations": (partners.uses(queries=["newest"]), cursors),
            "partners/read_organisation": (partners.uses("GetItem"),),
            "partners/change_organisation": (partners.uses("GetItem", "UpdateItem"), announces),
            "partners/archive_organisation": (partners.uses("GetItem", "UpdateItem"), announces),
            "partners/create_user": (
                partners.uses("PutItem", "UpdateItem", "DeleteItem"),
                announces,
                pool.uses("AdminCreateUser", "AdminDeleteUser"),
                mode,
            ),
            "partners/list_users": (partners.uses("GetItem", "Query"), cursors),
            "partners/change_user": (partners.uses("GetItem", "PutItem", "UpdateItem"),),
            "partners/remove_user": (
                partners.uses("GetItem", "UpdateItem", "DeleteItem"),
                announces,
                pool.uses("AdminUserGlobalSignOut", "AdminDeleteUser"),
            ),
            "partners/invite_user": (partners.uses("GetItem"), pool.uses("AdminCreateUser")),
            "partners/list_partner_offers": (api.tables.catalog.uses("BatchGetItem", "Query"),),
            "partners/list_customers": (commerce.uses(queries=["by_partner"]), cursors),
            "partners/read_customer": (commerce.uses("GetItem"),),
            "partners/list_customer_subscriptions": (
                commerce.uses("GetItem", queries=["by_owner"]),
                cursors,
                zone,
            ),
            "partners/read_customer_subscription": (commerce.uses("Query"), zone),
            "partners/read_partner_order": (commerce.uses("GetItem"),),
        }.items():
            Endpoint(self, folder, *needs, platform=platform, api=api)

        sweep = Function(
            self,
            "partners/reconcile_users",
            partners.uses("PutItem", "UpdateItem", "DeleteItem", queries=["by_lookup"]),
            announces,
            pool.uses(
                "AdminCreateUser", "AdminDeleteUser", "AdminGetUser", "AdminUserGlobalSignOut"
            ),
            platform=platform,
            seconds=_SWEEP_SECONDS,
            retry_attempts=0,  # the next turn is the repeat
        )
        events.Rule(
            sweep,
            "EveryFiveMinutes",
            schedule=events.Schedule.rate(_SWEPT_EVERY),
            targets=[targets.LambdaFunction(sweep.lambda_, retry_attempts=0)],
        )
