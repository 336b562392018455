"""POST /api/partner-organisation: a reseller, with its accounts in Zuora and Salesforce."""

from typing import Any

from tessera import clock
from tessera.edge.api import Response, created, entrypoint, resolver
from tessera.edge.observability import note
from tessera.edge.salesforce import SalesforceEnvironment, salesforce_client
from tessera.edge.zuora import ZuoraEnvironment, zuora_client
from tessera.integrations.partner_accounts import SalesforcePartnerAccounts, ZuoraPartnerAccounts
from tessera.partners.organisations import NewOrganisation, create
from tessera.partners.store import PartnersTable


class Env(ZuoraEnvironment, SalesforceEnvironment):
    partners_table: str
    events_table: str
    mode: str


env = Env.load()
partners = PartnersTable(env.partners_table, env.events_table)
zuora = ZuoraPartnerAccounts(zuora_client(env))
salesforce = SalesforcePartnerAccounts(salesforce_client(env))
app = resolver()


@app.post("/api/partner-organisation")
def create_organisation(new: NewOrganisation) -> Response[dict[str, Any]]:
    made = create(
        new,
        organisations=partners,
        zuora=zuora,
        salesforce=salesforce,
        mode=env.mode,
        now=clock.now(),
    )
    note(outcome="created", partner_org=made.organisation.id)
    return created(made.wire())


handler = entrypoint(app)
