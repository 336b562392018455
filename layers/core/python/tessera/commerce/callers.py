"""Who places an order: what it may see, and what its orders are known by."""

from typing import Literal

from tessera.commerce.models import PlacedBy
from tessera.objects import Model, Record

_COMPANY = ("machine", "operator")


class Caller(Model):
    kind: Literal["machine", "operator", "customer", "partner"]
    id: str
    """As `placed_by` tells it."""
    owner: str | None = None
    """A customer's own; of nobody else."""
    partner_org: str | None = None
    """A partner user's own organisation; of nobody else."""

    @property
    def is_company(self) -> bool:
        """Middleware or staff: sees everything."""
        return self.kind in _COMPANY

    @property
    def placed_by(self) -> PlacedBy:
        return PlacedBy(kind=self.kind, id=self.id)

    @property
    def source(self) -> str:
        """Unless the order names one: customers and partners both buy in the shop."""
        return "api" if self.is_company else "shop"

    @property
    def scope(self) -> str:
        """Keeps the external ids of callers apart."""
        return "company" if self.is_company else self.owner or self.partner_org or self.id

    def may_see(self, one: Record) -> bool:
        """Is it its own? All else is answered as what does not exist."""
        match self.kind:
            case "customer":
                return self.owner is not None and one.owner == self.owner
            case "partner":
                return self.partner_org is not None and one.partner_org == self.partner_org
        return True
