"""The whole of Tessera as one stack, in the order in which a request and its event pass through."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.constructs.authorizers import Authorizers
from infra.constructs.catalog import Catalog
from infra.constructs.commerce import Commerce
from infra.constructs.delivery import Delivery
from infra.constructs.endpoint import Api
from infra.constructs.front import Front
from infra.constructs.gateway import Gateway
from infra.constructs.identity import Identity
from infra.constructs.layers import Layers
from infra.constructs.monitoring import Monitoring
from infra.constructs.pages import Pages
from infra.constructs.partners import Partners
from infra.constructs.platform import Platform
from infra.constructs.pools import Pools
from infra.constructs.tables import Tables
from infra.constructs.vault import Vault
from infra.constructs.webhooks import Webhooks
from infra.settings import Settings


class Tessera(Stack):
    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(
            scope,
            f"Tessera-{settings.stage}",
            description=f"Tessera, subscription commerce, stage {settings.stage}",
            termination_protection=settings.keeps_data,
        )
        platform = Platform(settings, Layers(self, "Layers", settings=settings))

        tables = Tables(self, "Tables", settings=settings)
        vault = Vault(self, "Vault", settings=settings)
        gateway = Gateway(self, "Gateway", settings=settings)
        pools = Pools(self, "Pools", platform=platform, tables=tables, base_url=gateway.base_url)
        authorizers = Authorizers(
            self, "Authorizers", platform=platform, gateway=gateway, pools=pools, vault=vault
        )
        api = Api(gateway, authorizers, tables)

        catalog = Catalog(self, "Catalog", platform=platform, api=api, vault=vault)
        commerce = Commerce(self, "Commerce", platform=platform, api=api, vault=vault)
        identity = Identity(self, "Identity", platform=platform, api=api, vault=vault)
        partners = Partners(
            self, "Partners", platform=platform, api=api, vault=vault, pool=pools.partners
        )
        delivery = Delivery(self, "Delivery", platform=platform, api=api, vault=vault)
        delivery.bus.announces_orders(to=commerce.orders)
        webhooks = Webhooks(
            self,
            "Webhooks",
            platform=platform,
            api=api,
            vault=vault,
            slow=delivery.queues["slow"],
        )

        queues = {**delivery.queues, **commerce.queues}
        dead_letters = {
            **{name: queue.dead_letters for name, queue in queues.items()},
            "unpublished": delivery.unpublished,
        }
        pages = Pages(
            self,
            "Pages",
            platform=platform,
            api=api,
            vault=vault,
            pools=pools,
            slow=delivery.queues["slow"],
            documents=commerce.documents,
            dead_letters=dead_letters,
        )

        front = Front(
            self,
            "Front",
            settings=settings,
            gateway=gateway,
            after=[catalog, commerce, identity, partners, webhooks, pages],
        )

        monitoring = Monitoring(
            self,
            "Monitoring",
            platform=platform,
            gateway=gateway,
            queues=queues,
            dead_letters=dead_letters,
        )

        self._says("ApiUrl", f"https://{gateway.host}")
        if front.domain_target is not None:
            self._says("DomainTarget", front.domain_target)
        self._says("ApiId", gateway.api.http_api_id)
        self._says("OperatorsPoolId", pools.operators.pool.user_pool_id)
        self._says("OperatorsClientId", pools.operators_client)
        self._says("OperatorsSignInUrl", pools.operators.base_url)
        self._says("PartnersPoolId", pools.partners.pool.user_pool_id)
        self._says("PartnersClientId", pools.partners_client)
        self._says("PartnersSignInUrl", pools.partners.base_url)
        self._says("TokenUrl", f"{pools.operators.base_url}/oauth2/token")
        for name, client in pools.machine_clients.items():
            other = "" if name == "middleware" else name.title().replace("-", "")
            self._says(f"MachineClientId{other}", client)
        for table in tables.all:
            self._says(f"{table.name}Table", table.table.table_name)
        self._says("BusName", delivery.bus.name)
        for queue in queues.values():
            self._says(f"{queue.node.id}QueueUrl", queue.queue.queue_url)
            self._says(f"{queue.node.id}DeadLettersUrl", queue.dead_letters.queue_url)
        self._says("UnpublishedUrl", delivery.unpublished.queue_url)
        self._says("WebhookKeyArn", vault.key.key_arn)
        self._says("DashboardUrl", monitoring.dashboard.url)

    def _says(self, name: str, value: str) -> None:
        CfnOutput(self, name, value=value)
