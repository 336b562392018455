"""Functions of the subject `catalog`: what can be sold, and the entitlements it brings."""

from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.needs import setting
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.vault import Vault
from infra.constructs.vendors import zuora_client


class Catalog(Part):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault
    ) -> None:
        super().__init__(scope, id)
        table = api.tables.catalog
        mode = setting(mode=platform.settings.mode)
        # What is saved for sale is looked up there.
        zuora = zuora_client(vault, platform.settings)
        # An item is checked against those it names and against all pages.
        checks = ("BatchGetItem", "Query", "ConditionCheckItem")
        for folder, needs in {
            "catalog/create_item": (table.uses(*checks, "PutItem"), *zuora),
            "catalog/replace_item": (
                table.uses("GetItem", *checks, "PutItem", "DeleteItem"),
                *zuora,
            ),
            "catalog/archive_item": (table.uses("GetItem", "PutItem", "DeleteItem"),),
            "catalog/read_item": (table.uses("GetItem"),),
            "catalog/list_items": (table.uses("Query", "BatchGetItem"), vault.cursors.uses()),
        }.items():
            Endpoint(self, folder, *needs, mode, platform=platform, api=api)
