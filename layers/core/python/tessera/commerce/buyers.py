"""Who buys: an owner and customer that are known, or new ones."""

from datetime import date, datetime
from typing import NamedTuple, Protocol

from tessera import ids
from tessera.commerce.callers import Caller
from tessera.commerce.commits import OwnerBusy
from tessera.commerce.eligibility import Organisation
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import Customer, Identity, IdentityData, Owner, identity_id
from tessera.commerce.order_requests import NewOrder
from tessera.commerce.owners import present
from tessera.commerce.purchased_objects import Buyer
from tessera.errors import invalid
from tessera.identity.issuers import normalised


class Labels(Protocol):
    def of(self, normalised_issuer: str) -> tuple[str | None, str | None]:
        """Service and type as configured for an issuer."""


class Known(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def identity(self, id: str) -> Identity | None: ...

    def customer(self, id: str) -> Customer | None: ...


class Moment(NamedTuple):
    now: datetime
    today: date
    mode: str
    account_per_item: bool = False
    """Whether each subscription of a new customer has an account of its own."""
    zone: str = "UTC"
    """In which days are counted: the business time zone."""


class Buying(NamedTuple):
    buyer: Buyer
    ownership: Ownership
    identity: Identity | None
    """To be attached with the order."""
    seen: datetime | None
    """When the owner was last written; none for a new one."""


def who_buys(
    order: NewOrder,
    caller: Caller,
    owners: Known,
    labels: Labels,
    organisation: Organisation | None,
    moment: Moment,
) -> Buying:
    """The one whom the order names, else a new owner. A customer buys for its own owner.

    To customers and partners, whom they may not buy for does not exist.
    Raises `InvalidFields`, `OwnerMerged`.
    """
    named = [n for n in ("owner", "customer", "id_token") if getattr(order, n) is not None]
    if len(named) > 1 and caller.kind != "customer":
        raise invalid(named[1], f"Name the buyer once: by {' or '.join(named)}, not by both.")
    if caller.kind == "customer":
        return _own(order, caller, owners)
    if order.customer is not None:
        return _by_customer(order.customer, caller, owners)
    if caller.kind == "partner" and named:
        raise invalid(named[0], "Name a customer of yours by its id, or nobody for a new one.")
    if order.owner is not None:
        ownership = _known(owners.ownership(order.owner), "owner")
        return Buying(_reused(ownership, organisation), ownership, None, ownership.owner.updated)
    owner = Owner(
        id=ids.random("id"),
        mode=moment.mode,
        partner_org=organisation.id if organisation else None,
        created=moment.now,
        updated=moment.now,
    )
    if order.id_token is None:
        return Buying(Buyer(), Ownership(owner=owner), None, None)
    issuer = normalised(order.id_token.iss)
    id = identity_id(issuer, order.id_token.sub)
    existing = owners.identity(id)
    if existing is not None and existing.owner is not None:
        ownership = _known(owners.ownership(existing.owner), "id_token")
        return Buying(_reused(ownership, organisation), ownership, None, ownership.owner.updated)
    service, type_ = labels.of(issuer)
    identity = Identity(
        id=id,
        mode=moment.mode,
        owner=owner.id,
        name=order.id_token.sub,
        created=moment.now,
        updated=moment.now,
        data=IdentityData(
            iss=order.id_token.iss, sub=order.id_token.sub, service=service, type=type_
        ),
    )
    return Buying(Buyer(), Ownership(owner=owner, identities=(identity,)), identity, None)


def _own(order: NewOrder, caller: Caller, owners: Known) -> Buying:
    if order.id_token is not None:
        raise invalid("id_token", "You buy for yourself: leave it out.")
    if order.owner not in (None, caller.owner):
        raise invalid("owner", "There is no owner with this id.")
    ownership = _known(owners.ownership(caller.owner or ""), "owner")
    buyer = _reused(ownership, None)
    if order.customer not in (None, buyer.customer):
        raise invalid("customer", "There is no customer with this id.")
    return Buying(buyer, ownership, None, ownership.owner.updated)


def _by_customer(id: str, caller: Caller, owners: Known) -> Buying:
    customer = owners.customer(id)
    if customer is None or customer.owner is None or not caller.may_see(customer):
        raise invalid("customer", "There is no customer with this id.")
    ownership = _known(owners.ownership(customer.owner), "customer")
    known = Buyer(customer.id, customer.data.currency, customer.partner_org)
    return Buying(known, ownership, None, ownership.owner.updated)


def _reused(ownership: Ownership, organisation: Organisation | None) -> Buyer:
    """The owner's customer under the same partner, or equally under none; else a new one."""
    partner_org = organisation.id if organisation else None
    for customer in ownership.customers:
        if customer.partner_org == partner_org:
            return Buyer(customer.id, customer.currency, partner_org)
    return Buyer()


def _known(ownership: Ownership | None, field: str) -> Ownership:
    if ownership is None:
        raise invalid(field, "There is no owner with this id.")
    known = present(ownership, ownership.owner.id)
    if known.owner.status == "merging":
        raise OwnerBusy("The owner is being merged. Try again in a minute.")
    return known
