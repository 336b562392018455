"""Functions behind pages: the families, each with what it may use beside what all are told.

Another family: its routes in the endpoint table, its folder below `functions/pages`, and one
`self.family("pages/<name>", …needs)` here.
"""

from collections.abc import Mapping

from constructs import Construct

from infra.constructs.documents import DocumentsBucket
from infra.constructs.endpoint import Api, Endpoint
from infra.constructs.needs import Need, setting
from infra.constructs.package import Package
from infra.constructs.page_needs import order_pages, site_pages, webhook_pages
from infra.constructs.page_surroundings import built_assets, signs_in, surroundings
from infra.constructs.part import Part
from infra.constructs.platform import Platform
from infra.constructs.pools import Pools
from infra.constructs.queue import DeadLetters, WorkQueue, counts
from infra.constructs.vault import Vault
from infra.constructs.vendors import salesforce_client, zuora_client
from infra.routes import ROUTES


class Pages(Part):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        api: Api,
        vault: Vault,
        pools: Pools,
        slow: WorkQueue,
        documents: DocumentsBucket,
        dead_letters: Mapping[str, DeadLetters],
    ) -> None:
        """`slow` takes the hints of webhooks that a person sends again."""
        super().__init__(scope, id)
        self._platform, self._api, self._pools = platform, api, pools
        settings, tables = platform.settings, api.tables
        Endpoint(self, "pages/assets", platform=platform, api=api, package=built_assets())
        Endpoint(self, "pages/api_document", platform=platform, api=api)
        # Every page is told the table; who may read about the API needs no session.
        self.family("pages/reference", tables.sessions.uses())
        self.family(
            "pages/sign_in",
            tables.sessions.uses("GetItem", "PutItem", "DeleteItem"),
            vault.identity_providers(),
            vault.identity_secrets(),
            setting(
                **signs_in(settings, "operators", pools.operators, pools.operators_client),
                **signs_in(settings, "partners", pools.partners, pools.partners_client),
                allow_http_issuers=settings.allow_http_issuers,
            ),
        )
        self.family(
            "pages/home",
            tables.catalog.uses("Query"),
            tables.partners.uses(queries=["newest"]),
            tables.webhooks.uses("Query"),
            tables.commerce.uses("GetItem", "BatchGetItem", queries=["by_lookup", "due"]),
            counts(dead_letters),
            setting(mode=settings.mode),
        )
        self.family(
            "pages/partners",
            tables.partners.uses(
                "GetItem",
                "Query",
                "PutItem",
                "UpdateItem",
                "DeleteItem",
                queries=["newest", "by_lookup"],
            ),
            tables.events.uses("PutItem"),
            tables.catalog.uses("Query", "BatchGetItem"),
            tables.commerce.uses(queries=["by_partner"]),
            pools.partners.uses("AdminCreateUser", "AdminDeleteUser", "AdminUserGlobalSignOut"),
            vault.cursors.uses(),
            *zuora_client(vault, settings),
            *salesforce_client(vault, settings),
            setting(mode=settings.mode),
        )
        self.family(
            "pages/catalog",
            tables.catalog.uses("GetItem", "BatchGetItem", "Query", "PutItem", "DeleteItem"),
            tables.partners.uses(queries=["newest"]),
            vault.cursors.uses(),
            *zuora_client(vault, settings),
            setting(mode=settings.mode),
        )
        self.family(
            "pages/page_settings",
            tables.catalog.uses(
                "GetItem", "BatchGetItem", "Query", "ConditionCheckItem", "PutItem", "DeleteItem"
            ),
            tables.partners.uses("GetItem", queries=["newest"]),
            setting(mode=settings.mode),
        )
        self.family("pages/webhooks", *webhook_pages(platform, api, vault, slow))
        self.family("pages/orders", *order_pages(platform, api, vault))
        site = self.family("pages/site", *site_pages(platform, api, vault, documents))
        documents.explain(site)

    def family(self, folder: str, *needs: Need) -> Endpoint:
        """A page function with what every one needs: sessions, addresses, assets, the menu."""
        routes = [route for route in ROUTES if route.function == folder and route.who]
        sessions = self._api.tables.sessions
        if any(route.method == "POST" for route in routes):
            # A form that comes after its session ended is parked.
            needs = (sessions.uses("GetItem", "UpdateItem", "PutItem"), *needs)
        elif routes:
            needs = (sessions.uses("GetItem", "UpdateItem"), *needs)
        return Endpoint(
            self,
            folder,
            surroundings(self._platform, self._api, self._pools),
            *needs,
            platform=self._platform,
            api=self._api,
            package=Package.of_modules(folder),
        )
