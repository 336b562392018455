"""A desk in memory: whom orders reach and what they write, without any AWS."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from tessera.commerce.acceptance import Placed
from tessera.commerce.baskets import Basket, ChangedMeanwhile
from tessera.commerce.callers import Caller
from tessera.commerce.commits import Commit, Exists, Outdated
from tessera.commerce.entitlements import OwnedCustomer, Ownership, held
from tessera.commerce.models import (
    Address,
    Customer,
    CustomerData,
    Holding,
    Identity,
    Order,
    Owner,
    Schedule,
    SubscriptionOffer,
    ZuoraAccount,
)
from tessera.commerce.ordering import Desk, place, preview
from tessera.commerce.previews import Preview, Quote
from tessera.errors import Conflict, NotFound
from tessera.events import Event
from tessera.identity.principal import PartnerOrganisation
from tests.builders import NOW, TODAY, NoLabels
from tests.commerce.selling import ACME, CATALOG, MACHINE, OWNER, Shop, moment, subscription

ACCOUNT, NUMBER = "8ad08d1c7a1b2c3d017a1b2c3d4e5f60", "A00000042"
ACME_ACCOUNT = "8ad08aef7a0e1f20017a0e1f21314253"
INVOICE = "8ad0a1b27e5f6071017e5f6082930415"


def customer(**detail: Any) -> Customer:
    """Ana, whose account Zuora has."""
    data = {
        "first_name": "Ana",
        "last_name": "Lopes",
        "email": "ana@example.com",
        "currency": "GBP",
        "zuora": ZuoraAccount(account_id=ACCOUNT, account_number=NUMBER),
        **detail.pop("data", {}),
    }
    return Customer(
        **{
            "id": "cus-1",
            "status": "active",
            "owner": OWNER,
            "created": NOW,
            "updated": NOW,
            "data": CustomerData(**data),
            **detail,
        }
    )


class Organisation(NamedTuple):
    id: str = ACME
    is_zuora_invoice_owner: bool = True
    currency: str | None = "GBP"
    account_id: str = ACME_ACCOUNT
    account_number: str | None = "A00000007"

    def acting(self) -> PartnerOrganisation:
        return PartnerOrganisation(
            id=self.id,
            name="Acme",
            is_zuora_invoice_owner=self.is_zuora_invoice_owner,
            zuora_account_id=self.account_id,
            zuora_account_number=self.account_number,
            currency=self.currency,
        )


class Organisations:
    def __init__(self, *all: Organisation) -> None:
        self.all = {one.id: one for one in all}

    def active(self, id: str) -> Organisation | None:
        return self.all.get(id)


class Owners:
    """Keeps what is committed, on the conditions of the table."""

    def __init__(self, *records: Any) -> None:
        self.records: dict[str, Any] = {}
        self.owners: dict[str, Ownership] = {}
        self.events: list[Event] = []
        self.commits = 0
        self.before_commit: Callable[[], None] = lambda: None
        for record in records:
            self.records[record.id] = record

    def ownership(self, owner: str) -> Ownership | None:
        return self.owners.get(owner)

    def identity(self, id: str) -> Identity | None:
        return self.records.get(id)

    def customer(self, id: str) -> Customer | None:
        return self.records.get(id)

    def order(self, id: str) -> Order | None:
        return self.records.get(id)

    def holding(self, subscription: str) -> Holding | None:
        return self.records.get(subscription)

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]:
        found = {id: self.records[id] for id in addresses if id in self.records}
        return self.customer(customer), found

    def commit(self, change: Commit, *, beside: Sequence[Any] = ()) -> None:
        self.before_commit()
        owner = change.ownership.owner
        stored = self.owners.get(owner.id)
        if change.seen != (stored.owner.updated if stored else None):
            raise Outdated
        for one in change.creates:
            if one.id in self.records:
                raise Exists(one.id)
        self.owners[owner.id] = change.ownership
        for one in (*change.creates, *change.replaces):
            if not isinstance(one, SubscriptionOffer | Schedule):
                self.records[one.id] = one
        self.events += change.events
        self.commits += 1

    def told(self) -> list[str]:
        return [event.type for event in self.events]


class Invoice(NamedTuple):
    id: str = INVOICE
    account_id: str = ACCOUNT
    balance: Decimal = Decimal("210.00")
    currency: str | None = "GBP"
    status: str | None = "Posted"


class NotConnected(Conflict):
    title = "Billing is not connected"


class Billing:
    """A billing system with one invoice; without a quote it leaves prices to the catalog."""

    def __init__(self, invoice: Invoice | None = None, *, connected: bool = True) -> None:
        self.known = invoice or Invoice()
        self.connected = connected
        self.methods: set[tuple[str, str]] = set()
        self.defaults: set[str | None] = set()
        self.quoted: Quote | None = None
        self.asked_about: list[Order] = []

    def require(self) -> None:
        if not self.connected:
            raise NotConnected("Billing is not connected.")

    def invoice(self, id: str) -> Invoice:
        if id != self.known.id:
            raise NotFound("There is no invoice.", code="not_found")
        return self.known

    def account_number(self, account_id: str) -> str:
        return {ACCOUNT: NUMBER, ACME_ACCOUNT: "A00000007"}.get(account_id, "A00000099")

    def has_method(self, account_number: str, method: str) -> bool:
        return (account_number, method) in self.methods

    def has_default_method(self, account_number: str | None) -> bool:
        return not self.connected or account_number in self.defaults

    def quote(
        self, order: Order, holdings: Sequence[Holding], customer: Customer, *, today: Any
    ) -> Quote | None:
        self.asked_about.append(order)
        return self.quoted


class Forms:
    def __init__(self) -> None:
        self.opened: dict[str, datetime] = {}

    def has_opened_form(self, caller: Caller, *, since: datetime) -> bool:
        return caller.id in self.opened and self.opened[caller.id] >= since


class Baskets:
    def __init__(self, owners: Owners) -> None:
        self.all: dict[str, Basket] = {}
        self._owners = owners

    def find(self, id: str) -> Basket | None:
        return self.all.get(id)

    def open(self, basket: Basket, change: Commit) -> None:
        self._owners.commit(change)
        self.all[basket.id] = basket

    def save(self, basket: Basket, *, seen: int) -> None:
        if self.all[basket.id].revision != seen:
            raise ChangedMeanwhile
        self.all[basket.id] = basket

    def placed_as(self, id: str, order: str) -> None:
        self.all[id] = self.all[id].model_copy(update={"order": order})


class Counter:
    """A desk with Ana, her subscription and the catalog; orders are placed at it."""

    def __init__(
        self,
        holding: Holding | None = None,
        *,
        who: Customer | None = None,
        shop: Shop = CATALOG,
        billing: Billing | None = None,
        organisations: Sequence[Organisation] = (Organisation(),),
    ) -> None:
        holding = holding or subscription()
        who = who or customer()
        self.owners = Owners(holding, who)
        owner = Owner(id=OWNER, created=NOW, updated=NOW)
        owned = OwnedCustomer(id=who.id, partner_org=who.partner_org, currency="GBP")
        self.owners.owners[OWNER] = Ownership(
            owner=owner, held=(held(holding),), customers=(owned,)
        )
        self.billing = billing or Billing()
        self.forms = Forms()
        self.baskets = Baskets(self.owners)
        self.waited: list[float] = []
        self.desk = Desk(
            owners=self.owners,
            shop=shop,
            partners=Organisations(*organisations),
            labels=NoLabels(),
            baskets=self.baskets,
            billing=lambda: self.billing,
            forms=self.forms,
        )

    def place(self, body: Any, *, by: Caller = MACHINE, today: Any = TODAY) -> Placed:
        return place(body, caller=by, desk=self.desk, moment=moment(today), wait=self.waited.append)

    def preview(self, body: Any, *, by: Caller = MACHINE, today: Any = TODAY) -> Preview:
        return preview(body, caller=by, desk=self.desk, moment=moment(today))

    def order(self, placed: Placed) -> Order:
        order = self.owners.order(placed.id)
        assert order is not None
        return order
