"""Functions of the subject `identity`: the logins that belong to an owner."""

from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.needs import setting
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.vault import Vault


class Identity(Part):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault
    ) -> None:
        super().__init__(scope, id)
        commerce, events = api.tables.commerce, api.tables.events
        Endpoint(
            self,
            "identity/attach_identity",
            commerce.uses("GetItem", "PutItem"),
            events.uses("PutItem"),
            vault.identity_providers(),
            setting(business_time_zone=platform.settings.business_time_zone),
            platform=platform,
            api=api,
        )
        Endpoint(
            self,
            "identity/detach_identity",
            commerce.uses("GetItem", "PutItem", "DeleteItem"),
            events.uses("PutItem"),
            setting(business_time_zone=platform.settings.business_time_zone),
            platform=platform,
            api=api,
        )
        Endpoint(
            self, "identity/list_identities", commerce.uses("GetItem"), platform=platform, api=api
        )
