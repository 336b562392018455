"""Who is calling: the one thing that decides what may be seen and done."""

from typing import Literal, TypeAlias

from tessera.objects import Model

OperatorGroup = Literal["admin", "support"]


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


class Partner(Model):
    """A user of a partner organisation."""

    kind: Literal["partner"] = "partner"
    id: str
    """The Cognito `sub`."""
    partner_org: str


class Anonymous(Model):
    """Whoever reaches a route that checks its callers itself or needs none."""

    kind: Literal["anonymous"] = "anonymous"
    id: str = ""


Principal: TypeAlias = Machine | Operator | Customer | Partner | Anonymous
