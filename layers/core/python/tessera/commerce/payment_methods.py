"""Payment methods: read live from billing, added on its own form, removed there.

A card number never comes here: the form that takes it is the billing system's. What an order named
is kept as an object, under the same id; of one that is removed that is noted.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import Field

from tessera import clock, ids
from tessera.commerce.callers import Caller
from tessera.commerce.method_records import method_id
from tessera.commerce.models import (
    Card,
    Customer,
    Holding,
    MethodData,
    MethodStatus,
    StoredPaymentMethod,
    ZuoraMethod,
)
from tessera.errors import Conflict, NotFound, invalid
from tessera.objects import Data, Model, Record

MOST_ACCOUNTS = 10
"""Of one owner, each asked about by itself while a person waits."""


class CardForm(Data):
    """What the page gives to the billing system's script, as that wants it."""

    script: str
    params: dict[str, str]


class PaymentMethod(Model):
    id: str
    record_type: Literal["payment_method"] = "payment_method"
    service: Literal["limio"] = "limio"
    mode: str
    status: MethodStatus
    related: str
    """The customer whose account it is on."""
    data: MethodData


class Method(NamedTuple):
    """One as billing has it."""

    ref_id: str
    kind: str
    card: Card
    is_default: bool
    is_usable: bool


class NewForm(Data):
    """Which account the card is for: a subscription's, or that of a purchase to come."""

    subscription: str | None = None
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    locale: str = Field(default="en", pattern=r"^[a-z]{2}([_-][A-Z]{2})?$")


class MethodInUse(Conflict):
    code = "payment_method_in_use"
    title = "The account pays by this method"


class Billing(Protocol):
    """Every method raises a refusal when billing is not connected or does not answer."""

    def require(self) -> None: ...

    def methods(self, account_number: str) -> Sequence[Method]: ...

    def pays_by_itself(self, account_number: str) -> bool: ...

    def remove(self, ref_id: str) -> None: ...

    def open_form(self, *, account_id: str | None, currency: str | None, locale: str) -> CardForm:
        """Raises a refusal where no form is set up."""


class Objects(Protocol):
    def holding(self, subscription: str) -> Holding | None: ...

    def customer(self, id: str) -> Customer | None: ...

    def objects(
        self,
        path_type: str,
        *,
        owner: str | None,
        partner_org: str | None,
        limit: int,
        after: dict[str, Any] | None,
    ) -> tuple[list[Record], dict[str, Any] | None]: ...


class Kept(Objects, Protocol):
    def payment_method(self, id: str) -> StoredPaymentMethod | None: ...

    def replace_method(self, method: StoredPaymentMethod, *, seen: datetime) -> None:
        """Writes nothing when it was changed since `seen`: somebody else's word is newer."""


class Forms(Protocol):
    def opened(self, caller: Caller, *, at: datetime) -> None:
        """For an hour the caller may name a method that is on no account yet."""


def methods_of(
    owner: str | None, *, objects: Objects, billing: Billing, today: date
) -> list[PaymentMethod]:
    """The methods on the accounts of the owner's customers, oldest customer first."""
    billing.require()
    return [
        _shown(method, customer, today)
        for customer in _customers(owner, objects)
        for method in billing.methods(_account(customer))
    ]


def open_form(
    new: NewForm,
    *,
    caller: Caller,
    objects: Objects,
    billing: Billing,
    forms: Forms,
    now: datetime,
) -> CardForm:
    """Raises `InvalidFields` for a subscription that is not the caller's."""
    billing.require()
    account, currency = None, new.currency
    if new.subscription is not None:
        holding = _own(new.subscription, caller, objects)
        customer = objects.customer(holding.customer or "")
        account = customer.data.zuora.account_id if customer else None
        currency = holding.data.currency or currency
    form = billing.open_form(account_id=account, currency=currency, locale=new.locale)
    forms.opened(caller, at=now)
    return form


def remove(id: str, owner: str | None, *, objects: Kept, billing: Billing, now: datetime) -> None:
    """`id` is ours or billing's. Raises `NotFound`, and `MethodInUse` for what pays by itself.

    What is gone from billing already is noted as well: an answer may have been lost before.
    """
    billing.require()
    for customer in _customers(owner, objects):
        account = _account(customer)
        for method in billing.methods(account):
            if id in (method.ref_id, method_id(method.ref_id)):
                if method.is_default and billing.pays_by_itself(account):
                    raise MethodInUse(
                        "The account pays by this method automatically. Make another one the"
                        " default first."
                    )
                billing.remove(method.ref_id)
                _note_removal(method_id(method.ref_id), owner, objects, now)
                return
    known = id if ids.is_id(id, "pm") else method_id(id)
    if not _note_removal(known, owner, objects, now):
        raise NotFound("There is no payment method with this id.", code="not_found")


def _note_removal(id: str, owner: str | None, objects: Kept, now: datetime) -> bool:
    """Is it new?"""
    kept = objects.payment_method(id)
    if kept is None or kept.owner != owner or kept.status == "removed":
        return False
    data = kept.data.model_copy(update={"default": False})
    updated = clock.after(kept.updated, now)
    gone = kept.model_copy(update={"status": "removed", "data": data, "updated": updated})
    objects.replace_method(gone, seen=kept.updated)
    return True


def _customers(owner: str | None, objects: Objects) -> list[Customer]:
    """Those with an account."""
    if owner is None:
        return []
    found, _ = objects.objects(
        "customers", owner=owner, partner_org=None, limit=MOST_ACCOUNTS, after=None
    )
    customers = (one for one in found if isinstance(one, Customer))
    return [one for one in customers if one.data.zuora.account_number is not None]


def _account(customer: Customer) -> str:
    return customer.data.zuora.account_number or ""


def _own(id: str, caller: Caller, objects: Objects) -> Holding:
    holding = objects.holding(id) if ids.is_id(id, "sub") else None
    if holding is None or not caller.may_see(holding):
        raise invalid("subscription", "There is no subscription with this id.")
    return holding


def _shown(method: Method, customer: Customer, today: date) -> PaymentMethod:
    is_over = not method.is_usable or method.card.is_over(today)
    return PaymentMethod(
        id=method_id(method.ref_id),
        mode=customer.mode,
        status="expired" if is_over else "active",
        related=customer.id,
        data=MethodData(
            default=method.is_default,
            zuora=ZuoraMethod(ref_id=method.ref_id, kind=method.kind, result=method.card),
        ),
    )
