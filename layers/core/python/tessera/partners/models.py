"""Partner organisations: resellers that sell and look after customers in their own name."""

from typing import ClassVar, Literal

from tessera.clock import Instant
from tessera.objects import Data, Model


class OrganisationData(Data):
    zuora_account_id: str
    zuora_account_number: str | None = None
    zuora_currency: str | None = None
    is_zuora_invoice_owner: bool
    salesforce_account_id: str | None = None
    logo: str | None = None


class Organisation(Model):
    prefix: ClassVar[str] = "partner_org"
    id: str
    record_type: str = "partner_org"
    service: str = "limio"
    mode: str = "test"
    status: Literal["active", "archived"]
    name: str
    created: Instant
    modified: Instant
    data: OrganisationData

    @property
    def is_zuora_invoice_owner(self) -> bool:
        return self.data.is_zuora_invoice_owner
