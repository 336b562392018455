"""The two user pools: the company's staff with its machines, and the partners."""

from aws_cdk import Duration
from constructs import Construct

from infra.constructs.function import Function
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.pool import Pool
from infra.constructs.pool_clients import machine_client, page_client
from infra.constructs.tables import Tables
from infra.settings import MACHINE_SCOPES

_GROUPS = {
    "admin": "May do everything in the console",
    "support": "May read everything, sync, attach, retry and replay",
}


_TRIGGER_SECONDS = 5
"""Cognito waits no longer for a trigger."""


class Pools(Part):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, tables: Tables, base_url: str
    ) -> None:
        super().__init__(scope, id)
        settings = platform.settings
        self.operators = Pool(
            self,
            "Operators",
            settings=settings,
            scopes=("admin", *MACHINE_SCOPES),
            second_factor=settings.is_production,
        )
        for name, description in _GROUPS.items():
            self.operators.pool.add_group(name, group_name=name, description=description)
        self.partners = Pool(
            self,
            "Partners",
            settings=settings,
            scopes=("partner",),
            otp_by_email=settings.ses_from is not None,
            passkeys_of=settings.auth_domain if settings.ses_from else None,
        )
        # In this stack, since pool and function name each other.
        self.partners.asks_before_tokens(
            Function(
                self,
                "partners/add_organisation_claim",
                tables.partners.uses("GetItem", "UpdateItem"),
                platform=platform,
                seconds=_TRIGGER_SECONDS,
            )
        )
        self.operators_client = page_client(
            self.operators,
            kind="operator",
            scope="admin",
            base_url=base_url,
            refresh=Duration.hours(8),
            is_branded=settings.managed_login,
        )
        self.partners_client = page_client(
            self.partners,
            kind="partner",
            scope="partner",
            base_url=base_url,
            refresh=Duration.hours(12),
            is_branded=settings.managed_login,
        )
        self.machine_clients = {
            name: machine_client(self.operators, name, scopes)
            for name, scopes in settings.machine_clients.items()
        }
