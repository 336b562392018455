"""SQS provision-order: carry a committed order out in Salesforce, then in Zuora."""

from random import SystemRandom

from tessera import clock
from tessera.catalog.store import CatalogTable
from tessera.commerce.order_queue import OrderQueue, WantedOrder
from tessera.commerce.provisioning import Policy, Provisioner
from tessera.commerce.resync_queue import ResyncMessages
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.edge.exchanges import listening
from tessera.edge.observability import count, note
from tessera.edge.queue import worker
from tessera.edge.salesforce import SalesforceEnvironment, salesforce_client
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.identity.provider_settings import ProviderSettings
from tessera.integrations.http import WORKER
from tessera.integrations.partner_accounts import ZuoraPartnerAccounts
from tessera.integrations.salesforce_steps import SalesforceIdentity, SalesforceSteps
from tessera.integrations.zuora_steps import Setup, ZuoraSteps
from tessera.partners.accounts import ResolvedOrganisations
from tessera.partners.store import PartnersTable


class Env(ZuoraEnvironment, SalesforceEnvironment):
    commerce_table: str
    events_table: str
    catalog_table: str
    partners_table: str
    order_queue_url: str
    resync_queue_url: str
    identity_providers_parameter: str
    business_time_zone: str
    mode: str
    stage: str
    zuora_owner_style: str
    zuora_account_mapping: str
    zuora_run_billing: bool
    zuora_auto_pay: bool
    zuora_payment_term: str
    salesforce_critical: bool


env = Env.load()
orders = CommerceTable(env.commerce_table, env.events_table)
partners = PartnersTable(env.partners_table, env.events_table)
zuora = zuora_client(env, profile=WORKER)
identity = SalesforceIdentity(
    orders,
    ProviderSettings(env.identity_providers_parameter),
    now=clock.now,
    today=lambda at: clock.today(at, env.business_time_zone),
)
provisioner = Provisioner(
    orders=orders,
    crm=SalesforceSteps(salesforce_client(env, profile=WORKER), partners.find, identity),
    billing=ZuoraSteps(
        zuora,
        ResolvedOrganisations(partners, ZuoraPartnerAccounts(zuora), now=clock.now).find,
        Setup(
            stage=env.stage,
            owner_style=env.zuora_owner_style,
            run_billing=env.zuora_run_billing,
            auto_pay=env.zuora_auto_pay,
            payment_term=env.zuora_payment_term,
        ),
    ),
    catalog=Shelf(CatalogTable(env.catalog_table)),
    queue=OrderQueue(env.order_queue_url),
    resyncs=ResyncMessages(env.resync_queue_url),
    policy=Policy(
        zone=env.business_time_zone,
        mode=env.mode,
        account_per_item=env.zuora_account_mapping == "subscription",
        crm_is_critical=env.salesforce_critical,
    ),
    now=clock.now,
    random=SystemRandom().random,
    count=count,
    listening=listening,
)


def provision_order(wanted: WantedOrder) -> None:
    note(**provisioner.provision(wanted.order))


handler = worker(provision_order, on=WantedOrder)
