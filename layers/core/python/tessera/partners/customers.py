"""The customers of a partner user's organisation: newest first, by a name's beginning, or one."""

from typing import Any, Protocol

from tessera import ids
from tessera.commerce.customer_search import PartnerCustomer, folded
from tessera.commerce.models import Customer
from tessera.cursors import Cursors
from tessera.identity.principal import Partner
from tessera.objects import canonical_json
from tessera.partners.isolation import own


class Customers(Protocol):
    def newest(
        self, partner_org: str, *, limit: int, after: dict[str, Any] | None
    ) -> tuple[list[PartnerCustomer], dict[str, Any] | None]: ...

    def named(
        self, partner_org: str, beginning: str, *, limit: int, after: dict[str, Any] | None
    ) -> tuple[list[PartnerCustomer], dict[str, Any] | None]:
        """By the name that begins so, each once."""


class Stored(Protocol):
    def customer(self, id: str) -> Customer | None: ...


def list_page(
    filter: str | None,
    *,
    limit: int,
    cursor: str | None,
    by: Partner,
    customers: Customers,
    cursors: Cursors,
) -> dict[str, Any]:
    """`{"items", "hits", "queryMore"}`; `hits` counts the items of this answer.

    `filter` is the beginning of an account name, first name, last name or e-mail, in any letter
    case. Raises `InvalidRequest` for a cursor of another list.
    """
    beginning = folded(filter or "")
    query = canonical_json(["partner-customers", by.kind, by.id, by.partner_org, beginning])
    after = None if cursor is None else cursors.open(cursor, of=query)
    if beginning:
        found, following = customers.named(by.partner_org, beginning, limit=limit, after=after)
    else:
        found, following = customers.newest(by.partner_org, limit=limit, after=after)
    more = None if following is None else cursors.seal(following, of=query)
    return {"items": [one.wire() for one in found], "hits": len(found), "queryMore": more}


def read(id: str, *, by: Partner, customers: Stored) -> Customer:
    """Raises `NotFound`."""
    found = customers.customer(id) if ids.is_id(id, Customer.prefix) else None
    return own(found, "customer", by=by)
