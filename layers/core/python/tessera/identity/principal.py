"""Who is calling: the one thing that decides what may be seen and done."""

from typing import Literal, TypeAlias

from tessera.objects import Model


class Machine(Model):
    """Middleware with client credentials."""

    kind: Literal["machine"] = "machine"
    id: str
    """Its client id."""
    scopes: frozenset[str] = frozenset()


class Operator(Model):
    """The company's own staff."""

    kind: Literal["operator"] = "operator"
    id: str
    """The Cognito `sub`."""
    groups: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        return "admin" in self.groups


class Customer(Model):
    """An end user, signed in by one of the company's identity providers."""

    kind: Literal["customer"] = "customer"
    id: str
    """The subject at its issuer."""
    issuer: str


class PartnerOrganisation(Model):
    """For whom a partner user acts, as stored at this moment."""

    id: str
    name: str
    is_zuora_invoice_owner: bool
    zuora_account_id: str
    zuora_account_number: str | None = None
    currency: str | None = None
    """Of its Zuora account; unknown where Zuora was not connected when it was created."""
    salesforce_account_id: str | None = None
    logo: str | None = None


class Partner(Model):
    """A user of a partner organisation, resolved from the token to what is stored."""

    kind: Literal["partner"] = "partner"
    id: str
    """`partner_user-…`."""
    name: str
    organisation: PartnerOrganisation

    @property
    def partner_org(self) -> str:
        return self.organisation.id


class Anonymous(Model):
    """Whoever reaches a route that checks its callers itself or needs none."""

    kind: Literal["anonymous"] = "anonymous"
    id: str = ""


Principal: TypeAlias = Machine | Operator | Customer | Partner | Anonymous
