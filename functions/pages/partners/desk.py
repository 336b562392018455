"""What the partner pages look up, a bounded number of requests each."""

from datetime import datetime
from typing import Any, NamedTuple

from tessera.catalog.models import Offer
from tessera.catalog.store import CatalogTable
from tessera.commerce.models import Order
from tessera.commerce.store import CommerceTable
from tessera.cursors import Cursors
from tessera.edge.pages.sources import tried
from tessera.edge.pages.tables import ROWS
from tessera.edge.pages.visit import Visit
from tessera.partners import organisations, users
from tessera.partners.errors import CognitoFailed, NoUser
from tessera.partners.models import Organisation, PartnerUser
from tessera.partners.store import PartnersTable

_MOST_COMPARED = 500
_MOST_OFFERS = 500
_RECENT_ORDERS = 5
_ALL = "console/partners"


class OrganisationPage(NamedTuple):
    shown: list[Organisation]
    next: str | None


class About(NamedTuple):
    """What is shown beside an organisation's own members."""

    users: list[PartnerUser]
    next_users: str | None
    offers: list[Offer] | None
    """`None`: they could not be read just now."""
    orders: list[Order] | None


class Desk:
    def __init__(
        self,
        *,
        partners: PartnersTable,
        catalog: CatalogTable,
        orders: CommerceTable,
        logins: users.Logins,
        cursors: Cursors,
    ) -> None:
        self._partners = partners
        self._catalog = catalog
        self._orders = orders
        self._logins = logins
        self._cursors = cursors

    def organisations(self, visit: Visit) -> OrganisationPage:
        """Newest first."""
        after = visit.opened(self._cursors, of=_ALL)
        shown, following = self._partners.organisations(limit=ROWS, after=after)
        return OrganisationPage(shown, self._sealed(following, _ALL))

    def namesakes(self, name: str) -> int:
        """How many of the newest organisations are called so, whatever the letter case."""
        newest, _ = self._partners.organisations(limit=_MOST_COMPARED, after=None)
        wanted = name.casefold()
        return sum(one.status == "active" and one.name.casefold() == wanted for one in newest)

    def about(self, visit: Visit, organisation: Organisation) -> About:
        """A part that cannot be read loses its own block, but not the users."""
        of = f"{_ALL}/{organisation.id}"
        after = visit.opened(self._cursors, of=of)
        people, following = self._partners.users_of(organisation.id, limit=ROWS, after=after)
        return About(
            users=people,
            next_users=self._sealed(following, of),
            offers=tried(lambda: self._offers_of(organisation.id), what="offers of a partner"),
            orders=tried(
                lambda: self._orders.newest_orders_of(organisation.id, limit=_RECENT_ORDERS),
                what="orders of a partner",
            ),
        )

    def user(self, organisation: str, id: str) -> tuple[Organisation, PartnerUser]:
        """Raises `NotFound`, also for who is being removed."""
        of = organisations.read(organisation, organisations=self._partners)
        user = self._partners.user(organisation, id)
        if user is None or user.status == "removing":
            raise NoUser
        return of, user

    def remove(self, organisation: str, id: str, *, now: datetime) -> str:
        """What to tell when access has ended. Raises `NotFound`."""
        _, user = self.user(organisation, id)
        try:
            users.remove(id, of=organisation, users=self._partners, logins=self._logins, now=now)
        except CognitoFailed:
            return (
                f"{user.name} cannot sign in any more. Cognito did not answer; deleting the login"
                " goes on by itself"
            )
        return f"{user.name} removed"

    def _offers_of(self, organisation: str) -> list[Offer]:
        page = self._catalog.listed(
            "offers", limit=_MOST_OFFERS, after=None, status="active", label=None
        )
        offers = [one for one in page.items if isinstance(one, Offer)]
        return [one for one in offers if one.is_visible_to(organisation)]

    def _sealed(self, position: dict[str, Any] | None, of: str) -> str | None:
        return None if position is None else self._cursors.seal(position, of=of)
