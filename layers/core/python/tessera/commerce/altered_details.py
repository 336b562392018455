"""What an order changes of a customer and its addresses: taken back when it fails, and done again.

Both work from what the order noted at commit, and never undo what somebody else changed since.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from tessera import clock
from tessera.commerce.billed_objects import address_id
from tessera.commerce.models import (
    Address,
    AddressData,
    AddressKind,
    AlteredDetails,
    Customer,
    Order,
)

KINDS: tuple[AddressKind, ...] = ("billing", "delivery")
Addresses = Mapping[AddressKind, Address]

Detailed = TypeVar("Detailed", Customer, Address)


class Details(NamedTuple):
    """A customer and its addresses by kind."""

    customer: Customer
    addresses: Addresses

    def differing_from(self, before: "Details") -> list[Customer | Address]:
        """Those that are written."""
        changed = [one for kind, one in self.addresses.items() if before.addresses.get(kind) != one]
        return [*changed, *([self.customer] if self.customer != before.customer else [])]

    def missing_of(self, before: "Details") -> list[Address]:
        """Those that are gone."""
        return [one for kind, one in before.addresses.items() if kind not in self.addresses]


def altered(before: Customer | Address | None, after: Customer | Address) -> AlteredDetails:
    """Of a customer the members that differ; of an address, which is changed as one, all of it."""
    was, becomes = before.data.wire() if before is not None else None, after.data.wire()
    if was is not None and isinstance(after, Customer):
        names = [name for name in {**was, **becomes} if was.get(name) != becomes.get(name)]
        was, becomes = ({n: d[n] for n in names if n in d} for d in (was, becomes))
    return AlteredDetails(id=after.id, before=was, after=becomes)


def undone(order: Order, details: Details, now: datetime) -> Details:
    """Without the order, as far as what it changed is still as it made it."""
    customer, addresses = details.customer, dict(details.addresses)
    for alteration in order.altered_details:
        if alteration.id == customer.id:
            customer = _taken_back(customer, alteration, now)
            continue
        kind = _kind(alteration, customer)
        address = addresses.get(kind)
        if address is None or not _is_as(address, alteration, alteration.after):
            continue
        if alteration.before is None:
            del addresses[kind]
        else:
            addresses[kind] = _with(address, alteration.before, now, replacing=True)
    return Details(customer, addresses)


def redone(order: Order, details: Details, now: datetime, *, only_lost: bool = False) -> Details:
    """With what the order changed.

    `only_lost`: where it was put back meanwhile, as by a sync that read the billing system before
    the order came there. What else was changed since is newer.
    """
    customer, addresses = details.customer, dict(details.addresses)
    for alteration in order.altered_details:
        if alteration.id == customer.id:
            if not only_lost or _is_as(customer, alteration, alteration.before or {}):
                absent = dict.fromkeys(alteration.before or {})
                customer = _with(customer, {**absent, **alteration.after}, now)
            continue
        kind = _kind(alteration, customer)
        address = addresses.get(kind)
        if address is None:
            addresses[kind] = _new(kind, customer, alteration, now)
        elif not only_lost or _is_as(address, alteration, alteration.before or {}):
            addresses[kind] = _with(address, alteration.after, now, replacing=True)
    return Details(customer, addresses)


def of_customer(customer: Customer, found: Iterable[Address]) -> Details:
    return Details(customer, {one.relationship_type: one for one in found})


def _kind(alteration: AlteredDetails, customer: Customer) -> AddressKind:
    return next(kind for kind in KINDS if address_id(customer.id, kind) == alteration.id)


def _is_as(one: Customer | Address, alteration: AlteredDetails, members: dict[str, Any]) -> bool:
    """Of all that the order changed."""
    present = one.data.wire()
    names = {*(alteration.before or {}), *alteration.after}
    return all(present.get(name) == members.get(name) for name in names)


def _taken_back(customer: Customer, alteration: AlteredDetails, now: datetime) -> Customer:
    """Member by member: a later order may have changed some of them again."""
    present, before = customer.data.wire(), alteration.before or {}
    names = {*before, *alteration.after}
    as_made = [name for name in names if present.get(name) == alteration.after.get(name)]
    return _with(customer, {name: before.get(name) for name in as_made}, now)


def _with(
    one: Detailed, members: Mapping[str, Any], now: datetime, *, replacing: bool = False
) -> Detailed:
    """With these members, all others gone if it is `replacing`; None takes one away."""
    merged = {**({} if replacing else one.data.wire()), **members}
    given = {name: value for name, value in merged.items() if value is not None}
    data = type(one.data).model_validate(given)
    if data == one.data:
        return one
    return one.model_copy(update={"data": data, "updated": clock.after(one.updated, now)})


def _new(
    kind: AddressKind, customer: Customer, alteration: AlteredDetails, now: datetime
) -> Address:
    return Address(
        id=alteration.id,
        mode=customer.mode,
        owner=customer.owner,
        customer=customer.id,
        partner_org=customer.partner_org,
        relationship_type=kind,
        related=customer.id,
        created=now,
        updated=now,
        data=AddressData.model_validate(alteration.after),
    )
