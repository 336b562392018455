"""Who places an order, as far as the order rules need to know."""

from typing import Literal, NamedTuple

from tessera.commerce.models import PlacedBy
from tessera.identity.principal import PartnerOrganisation

CallerKind = Literal["machine", "operator", "customer", "partner"]


class Caller(NamedTuple):
    by: PlacedBy
    scope: str
    """Keeps external ids apart: `company`, the organisation's id, or the owner's."""
    owner: str | None = None
    """Of a customer: its own."""
    organisation: PartnerOrganisation | None = None
    """Of a partner: the one it acts for."""

    @property
    def kind(self) -> CallerKind:
        return self.by.kind

    @property
    def partner_org(self) -> str | None:
        return self.organisation.id if self.organisation else None

    @property
    def default_source(self) -> str:
        """Customers and partners both buy in the shop."""
        return "shop" if self.kind in ("customer", "partner") else "api"
