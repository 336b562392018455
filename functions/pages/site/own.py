"""What belongs to the customer who is signed in: found by issuer and subject, never by e-mail."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.models import Address, Customer, Holding, Order
from tessera.commerce.store import CommerceTable
from tessera.commerce.subscriptions import on_day
from tessera.edge.pages.visit import Visit
from tessera.errors import NotFound
from tessera.identity.sign_in import known_owner_of
from tessera.objects import Record

from . import refusals
from .blocks import Block

_MOST = 20
"""Of an owner's customers and of their addresses."""


class Seller(Protocol):
    @property
    def name(self) -> str: ...


class Sellers(Protocol):
    def find(self, id: str) -> Seller | None: ...


class Own(NamedTuple):
    caller: Caller
    holdings: Sequence[Holding]
    """As they are today, oldest first."""
    moment: Moment

    @property
    def owner(self) -> str:
        """Empty for somebody who was never here before."""
        return self.caller.owner or ""

    def holding(self, id: str) -> Holding:
        """Raises `NotFound`, for another's too."""
        found = next((one for one in self.holdings if one.id == id), None)
        if found is None:
            raise NotFound("There is no such subscription.", code="not_found")
        return found

    def on_account(self, customer: str) -> list[Holding]:
        return [one for one in self.holdings if one.customer == customer]


class Belongings:
    """Reads them once for all components of a page."""

    def __init__(
        self, owners: CommerceTable, sellers: Sellers, moment: Callable[[], Moment]
    ) -> None:
        self._owners = owners
        self._sellers = sellers
        self._moment = moment
        self._last: tuple[Visit, Own] | None = None

    def of(self, visit: Visit) -> Own:
        if self._last is None or self._last[0] is not visit:
            self._last = visit, self._read(visit)
        return self._last[1]

    def customers(self, owner: str) -> list[Customer]:
        return [one for one in self._objects("customers", owner) if isinstance(one, Customer)]

    def addresses(self, owner: str) -> list[Address]:
        return [one for one in self._objects("address", owner) if isinstance(one, Address)]

    def orders(self, own: Own) -> list[Order]:
        """The latest, newest first."""
        return refusals.latest(own.owner, self._owners)

    def seller(self, holding: Holding) -> str:
        """The name of the partner that sold the subscription; empty if none did."""
        if holding.partner_org is None:
            return ""
        organisation = self._sellers.find(holding.partner_org)
        return organisation.name if organisation is not None else "Your partner"

    def _objects(self, kind: str, owner: str) -> list[Record]:
        found, _ = self._owners.objects(
            kind, owner=owner, partner_org=None, limit=_MOST, after=None
        )
        return found

    def _read(self, visit: Visit) -> Own:
        moment = self._moment()
        owner = known_owner_of(visit.customer, owners=self._owners)
        held = self._owners.holdings_of(owner) if owner is not None else []
        return Own(
            Caller(kind="customer", id=visit.customer.id, owner=owner),
            [on_day(one, moment.today) for one in held],
            moment,
        )


def nothing_found(visit: Visit, page: Page, name: str, options: ComponentOptions) -> Block | None:
    """For somebody without a subscription; said once on a page, by its first component."""
    if page.components[0].name != name:
        return None
    signed = visit.session.signed if visit.session is not None else None
    return Block(
        "components/nothing_found.html",
        {
            "person": signed.label if signed else "",
            "subject": signed.subject if signed else "",
            "text": options.text or "",
            "again": visit.path,
        },
    )
