"""What a function needs to talk to Zuora and Salesforce: address, credentials, what was chosen."""

from infra.constructs.needs import Need, setting
from infra.constructs.vault import Vault
from infra.settings import Settings


def zuora_client(vault: Vault, settings: Settings) -> tuple[Need, ...]:
    """The variables of `ZuoraEnvironment`, and the secret."""
    return (
        vault.zuora.uses(),
        setting(
            zuora_url=settings.zuora_url,
            zuora_entity_ids=settings.zuora_entity_ids,
            zuora_org_ids=settings.zuora_org_ids,
        ),
    )


def card_form(settings: Settings) -> Need:
    """Which hosted page takes card numbers; empty where there is none."""
    return setting(
        zuora_page_id=settings.zuora_page_id,
        zuora_page_uri=settings.zuora_page_uri,
        zuora_page_script=settings.zuora_page_script,
    )


def salesforce_client(vault: Vault, settings: Settings) -> tuple[Need, ...]:
    """The variables of `SalesforceEnvironment`, and the secret."""
    return (
        vault.salesforce.uses(),
        setting(
            salesforce_url=settings.salesforce_url,
            salesforce_external_id_field=settings.salesforce_external_id_field,
            salesforce_api_version=settings.salesforce_api_version,
            salesforce_record_type_id=settings.salesforce_record_type_id,
            salesforce_billing_address=settings.salesforce_billing_address,
        ),
    )
