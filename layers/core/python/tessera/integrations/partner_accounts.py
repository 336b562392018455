"""A partner organisation's accounts, looked up in Zuora and Salesforce."""

from tessera.integrations.salesforce import Salesforce
from tessera.integrations.salesforce_ids import account_id
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_verdicts import UnknownToZuora
from tessera.partners.accounts import ZuoraAccount


class ZuoraPartnerAccounts:
    """`ZuoraPartnerAccounts(zuora).find("A00000007")`."""

    def __init__(self, zuora: Zuora) -> None:
        self._zuora = zuora

    @property
    def is_configured(self) -> bool:
        return self._zuora.is_configured

    def find(self, key: str) -> ZuoraAccount | None:
        """By id or number. Raises `ZuoraFailed`."""
        try:
            account = self._zuora.account(key)
        except UnknownToZuora:
            return None
        basic, billing = account.basic_info, account.billing_and_payment
        return ZuoraAccount(
            id=basic.id,
            number=basic.account_number,
            currency=billing.currency if billing else None,
            is_active=(basic.status or "").casefold() == "active",
        )


class SalesforcePartnerAccounts:
    """`SalesforcePartnerAccounts(salesforce).account_exists("001Dn00000AbCdEIAV")`."""

    def __init__(self, salesforce: Salesforce) -> None:
        self._salesforce = salesforce

    @property
    def is_configured(self) -> bool:
        return self._salesforce.is_configured

    def full_id(self, text: str) -> str | None:
        """An account's id of 15 or 18 characters as 18; none of what is no account id."""
        return account_id(text)

    def account_exists(self, id: str) -> bool:
        """Raises `SalesforceFailed`."""
        return self._salesforce.account(id) is not None
