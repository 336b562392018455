"""What components stand on: stores and rules as the API's handlers wire them, and who asks."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tessera.catalog.store import CatalogTable
from tessera.commerce import ordering
from tessera.commerce.acceptance import Placed
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_rules import reached
from tessera.commerce.customer_search import PartnerCustomers
from tessera.commerce.documents import Documents
from tessera.commerce.form_store import OpenedForms
from tessera.commerce.models import Holding
from tessera.commerce.ordering import Desk
from tessera.commerce.previews import Preview
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.edge.observability import count, note
from tessera.edge.ordering import caller_of, wait
from tessera.edge.pages.visit import Visit
from tessera.errors import NotFound, UpstreamFailed
from tessera.partners.store import PartnersTable

from .asking import LiveBilling


class World(NamedTuple):
    catalog: CatalogTable
    owners: CommerceTable
    desk: Desk
    customers: PartnerCustomers
    cursors: Cursors
    documents: Documents
    billing: LiveBilling
    forms: OpenedForms
    partners: PartnersTable
    moment: Callable[[], Moment]

    def caller(self, visit: Visit) -> Caller:
        """Who orders and looks: the partner user or the customer who is signed in."""
        who = visit.partner if visit.kind == "partner" else visit.customer
        return caller_of(who, self.desk, self.moment())

    def holding(self, id: str, caller: Caller) -> Holding:
        """Raises `NotFound`, for another's in the same words."""
        if not id:
            raise NotFound("There is no such subscription.")
        return reached(self.owners.holding(id), caller)

    def place(self, body: dict[str, Any], caller: Caller) -> Placed:
        """Raises what `ordering.place` raises."""
        placed = ordering.place(
            body, caller=caller, desk=self.desk, moment=self.moment(), wait=wait
        )
        note(outcome="placed", order=placed.id, owner=placed.owner)
        count("OrdersPlaced")
        return placed

    def preview(self, body: dict[str, Any], caller: Caller) -> "Told":
        """With the catalog's prices where billing does not answer."""
        moment = self.moment()
        try:
            told = ordering.preview(body, caller=caller, desk=self.desk, moment=moment)
        except UpstreamFailed:
            silent = self.desk._replace(billing=Unasked)
            told = ordering.preview(body, caller=caller, desk=silent, moment=moment)
            return Told(told, billing_answered=False)
        return Told(told, billing_answered=True)


class Told(NamedTuple):
    """What an order would cost, and whether billing was able to tell."""

    preview: Preview
    billing_answered: bool


class Unasked:
    """Billing that is not asked: what things cost is then what the catalog says."""

    def require(self) -> None:
        """There is nothing that could be missing."""

    def invoice(self, id: str) -> Any:
        raise NotFound(f"There is no invoice {id[:60]}.", code="not_found")

    def account_number(self, account_id: str) -> str:
        raise NotFound(f"There is no account {account_id[:60]}.", code="not_found")

    def has_method(self, account_number: str, method: str) -> bool:
        return False

    def has_default_method(self, account_number: str | None) -> bool:
        return True

    def quote(self, order: Any, holdings: Any, customer: Any, *, today: Any) -> None:
        return None
