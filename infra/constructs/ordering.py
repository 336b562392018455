"""Placing and previewing orders, and the baskets in which changes are collected."""

from collections.abc import Sequence

from constructs import Construct

from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.needs import Need, setting
from infra.constructs.platform import Platform
from infra.constructs.vault import Vault
from infra.constructs.vendors import zuora_client


class Ordering(Construct):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, api: Api, vault: Vault
    ) -> None:
        super().__init__(scope, id)
        settings, tables = platform.settings, api.tables
        commerce, events, sessions = tables.commerce, tables.events, tables.sessions
        providers = vault.identity_providers()
        only_named = Need(providers.environment)  # nobody's issuer is looked at there
        shared: Sequence[Need] = (
            *zuora_client(vault, settings),
            setting(
                zuora_owner_style=settings.zuora_owner_style,
                zuora_account_mapping=settings.zuora_account_mapping,
                business_time_zone=settings.business_time_zone,
                mode=settings.mode,
            ),
        )
        organisation = tables.partners.uses("GetItem")
        looks = ("GetItem", "BatchGetItem", "Query")
        writes = commerce.uses(*looks, "PutItem")
        reads = commerce.uses(*looks)
        # A first login makes an owner, announced to nobody.
        reads_own = writes
        announces, silent = events.uses("PutItem"), events.uses()
        basket, placed = sessions.uses("GetItem"), sessions.uses("GetItem", "UpdateItem")
        functions: dict[str, Sequence[Need]] = {
            "place_order": (writes, announces, organisation, basket, providers),
            "place_staff_order": (writes, announces, organisation, basket, providers),
            "place_own_order": (writes, announces, tables.partners.uses(), placed, providers),
            "place_partner_order": (writes, announces, organisation, placed, only_named),
            "preview_order": (reads, silent, organisation, basket, providers),
            "preview_staff_order": (reads, silent, organisation, basket, providers),
            "preview_own_order": (reads_own, silent, tables.partners.uses(), basket, providers),
            "preview_partner_order": (reads, silent, organisation, basket, only_named),
            "open_basket": (
                commerce.uses("GetItem", "Query", "PutItem"),
                announces,
                sessions.uses("PutItem"),
                providers,
            ),
            "change_basket": (
                commerce.uses("GetItem", "Query", "PutItem"),
                silent,
                sessions.uses("GetItem", "PutItem"),
                providers,
            ),
            "read_basket": (
                commerce.uses("GetItem", "Query", "PutItem"),
                silent,
                basket,
                providers,
            ),
        }
        for name, needs in functions.items():
            Endpoint(
                self,
                f"commerce/{name}",
                *needs,
                tables.catalog.uses("BatchGetItem"),
                *shared,
                platform=platform,
                api=api,
            )
        Endpoint(
            self,
            "commerce/make_default_payment_method",
            commerce.uses(*looks, "PutItem", queries=["by_owner"]),
            announces,
            tables.catalog.uses(),
            tables.partners.uses(),
            basket,
            providers,
            *shared,
            platform=platform,
            api=api,
        )
        zone = setting(business_time_zone=settings.business_time_zone)
        Endpoint(
            self, "commerce/read_own_order", commerce.uses("GetItem"), platform=platform, api=api
        )
        Endpoint(
            self,
            "commerce/read_own_subscription",
            commerce.uses("GetItem", "Query"),
            zone,
            platform=platform,
            api=api,
        )
