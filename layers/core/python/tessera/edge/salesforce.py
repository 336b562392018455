"""The Salesforce client of a function: address and credentials from its environment."""

from tessera.edge.environment import Environment
from tessera.edge.exchanges import log_exchange
from tessera.edge.observability import correlation_id, time_left
from tessera.integrations.http import INTERACTIVE, Profile
from tessera.integrations.salesforce import Salesforce
from tessera.integrations.salesforce_requests import Crm
from tessera.secrets import Secret


class SalesforceEnvironment(Environment):
    salesforce_url: str
    salesforce_secret: str
    salesforce_external_id_field: str
    salesforce_api_version: str
    salesforce_record_type_id: str
    salesforce_billing_address: bool


def salesforce_client(env: SalesforceEnvironment, *, profile: Profile = INTERACTIVE) -> Salesforce:
    return Salesforce(
        env.salesforce_url,
        Secret(env.salesforce_secret),
        Crm(
            api_version=env.salesforce_api_version,
            external_id_field=env.salesforce_external_id_field,
            record_type_id=env.salesforce_record_type_id,
            billing_address=env.salesforce_billing_address,
        ),
        profile=profile,
        observe=log_exchange,
        time_left=time_left,
        track_id=correlation_id,
    )
