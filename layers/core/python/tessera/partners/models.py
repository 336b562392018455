"""Partner organisations, resellers that sell in their own name, and the people who sign in there.

Their wire form is the README's: `data` members are camelCase, all others snake_case.
"""

from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from tessera.clock import Instant
from tessera.identity.principal import PartnerOrganisation
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
    users: int = Field(default=0, exclude=True)
    """How many it has, in any status. Not shown in the object."""

    @property
    def is_zuora_invoice_owner(self) -> bool:
        return self.data.is_zuora_invoice_owner

    def acting(self) -> PartnerOrganisation:
        """As its users carry it with each request."""
        data = self.data
        return PartnerOrganisation(
            id=self.id,
            name=self.name,
            is_zuora_invoice_owner=data.is_zuora_invoice_owner,
            zuora_account_id=data.zuora_account_id,
            zuora_account_number=data.zuora_account_number,
            currency=data.zuora_currency,
            salesforce_account_id=data.salesforce_account_id,
            logo=data.logo,
        )


class UserData(Data):
    email: str
    last_seen: Instant | None = None
    """When a token was last issued; absent until the first sign-in."""


class PartnerUser(Model):
    prefix: ClassVar[str] = "partner_user"
    id: str
    record_type: str = "partner_user"
    service: str = "limio"
    mode: str = "test"
    status: Literal["inviting", "active", "removing"]
    name: str
    partner_org: str
    created: Instant
    modified: Instant
    data: UserData
    subject: str | None = Field(default=None, exclude=True)
    """The Cognito `sub`, once the login is made. Not shown."""


class Unfinished(NamedTuple):
    """A user whose making or removal was left half done."""

    user: PartnerUser
    due: str
    """When it was to be looked at, as the store has it."""


class KnownLogin(NamedTuple):
    """Whose login it is."""

    user: str
    partner_org: str
