"""Subscriptions of the customers that a partner user's organisation looks after."""

from datetime import date
from typing import Any, Protocol

from tessera import ids
from tessera.clock import instant
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import Holding, Owner, Subscription
from tessera.commerce.subscriptions import age, on_day, shown_to
from tessera.cursors import Cursors
from tessera.identity.principal import Partner
from tessera.objects import canonical_json
from tessera.partners.isolation import not_found, own


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def holdings_of(self, owner: str) -> list[Holding]:
        """Oldest first."""


class Stored(Protocol):
    def holding(self, subscription: str) -> Holding | None: ...


def list_page(
    owner: str,
    *,
    limit: int,
    cursor: str | None,
    by: Partner,
    owners: Owners,
    cursors: Cursors,
    today: date,
) -> dict[str, Any]:
    """`{"items", "queryMore"}`, oldest first. Raises what `of_owner` raises."""
    held = of_owner(owner, by=by, owners=owners, today=today)
    query = canonical_json(["partner-subscriptions-by-age", by.kind, by.id, by.partner_org, owner])
    if cursor is not None:
        # The last one shown may have moved to another owner since.
        after = cursors.open(cursor, of=query)["after"]
        held = [one for one in held if _place(one) > after]
    given = held[:limit]
    more = cursors.seal({"after": _place(given[-1])}, of=query) if limit < len(held) else None
    return {"items": [one.wire() for one in given], "queryMore": more}


def _place(holding: Holding) -> list[str]:
    start, created, id = age(holding)
    return [start.isoformat(), instant(created), id]


def of_owner(owner: str, *, by: Partner, owners: Owners, today: date) -> list[Holding]:
    """As they are today, oldest first; what the owner has elsewhere is left out.

    Raises `NotFound` for an owner who is no customer of the organisation, and for one that has
    become another: the customer names its owner of today.
    """
    known = owners.ownership(owner) if ids.is_id(owner, Owner.prefix) else None
    if known is None or not _is_customer(known, by.partner_org):
        raise not_found("customer's owner")
    held = owners.holdings_of(owner)
    mine = (one for one in held if one.partner_org == by.partner_org)
    return [shown_to(on_day(one, today), by.partner_org) for one in mine]


def read(id: str, *, by: Partner, subscriptions: Stored, today: date) -> Holding:
    """Raises `NotFound`."""
    found = subscriptions.holding(id) if ids.is_id(id, Subscription.prefix) else None
    mine = own(found, "subscription", by=by)
    return shown_to(on_day(mine, today), by.partner_org)


def _is_customer(ownership: Ownership, partner_org: str) -> bool:
    if ownership.owner.status in ("merged", "replaced"):
        return False
    organisations = {ownership.owner.partner_org, *(c.partner_org for c in ownership.customers)}
    return partner_org in organisations
