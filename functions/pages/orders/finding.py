"""The find box: from whatever somebody has in hand to the page that shows it."""

import re
from typing import Any

from tessera import ids
from tessera.commerce.objects import PREFIXES
from tessera.commerce.order_lists import OrderLists
from tessera.commerce.store import CommerceTable
from tessera.edge.pages.cells import Column, Table, id_, link, text
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.visit import Answer, Visit

from .order_view import ORDERS, PARTNERS, WEBHOOKS
from .owner_view import at

_LONGEST = 200
_REFERENCE = re.compile(r"[0-9A-V]{12}")


def find(visit: Visit, *, owners: CommerceTable, orders: OrderLists) -> Answer:
    """Moves on to the one page that it is about, or lists the customers with an e-mail."""
    asked = visit.query.get("q", "").strip()[:_LONGEST]
    if "@" in asked:
        return _customers(visit, asked, orders)
    address = _by_id(asked, owners) or _by_number(asked, owners, orders) if asked else ""
    if not address and _REFERENCE.fullmatch(asked.upper()):
        address = with_query(ORDERS, reference=asked.upper())
    return visit.moved(address) if address else _nothing(visit, asked)


def _customers(visit: Visit, email: str, orders: OrderLists) -> Answer:
    found = [one for one in orders.customers(email) if one.owner]
    owners = {one.owner for one in found}
    if len(owners) == 1:
        return visit.moved(at(str(found[0].owner)))
    if not found:
        return _nothing(visit, email)
    rows = [
        (
            link(
                one.data.company_name
                or " ".join(filter(None, (one.data.first_name, one.data.last_name)))
                or email,
                at(str(one.owner)),
            ),
            text(one.data.email),
            id_(one.id),
        )
        for one in found
    ]
    columns = (Column("Customer"), Column("Email"), Column("Customer id"))
    table = Table(f"Customers with {email}", columns, rows)
    return visit.show("found.html", f"Find {email}", asked=email, table=table)


def _nothing(visit: Visit, asked: str) -> Answer:
    title = f"Nothing found for “{asked}”" if asked else "Find"
    return visit.show("found.html", title, asked=asked, table=None)


def _by_id(asked: str, owners: CommerceTable) -> str:
    prefix = asked.rpartition("-")[0]
    if not ids.is_id(asked, prefix):
        return ""
    match prefix:
        case "order":
            return f"{ORDERS}/{asked}" if owners.order(asked) else ""
        case "event":
            return f"{WEBHOOKS}/events/{asked}"
        case "endpoint":
            return f"{WEBHOOKS}/endpoints/{asked}"
        case "partner_org":
            return f"{PARTNERS}/{asked}"
        case "user_entitlements":
            return at(ids.owner_of_entitlements(asked))
    kinds = (kind for kind, known in PREFIXES.items() if prefix in known)
    found: Any = next((owners.object(kind, asked) for kind in kinds), None)
    if found is None:
        return ""
    return at(found.id if prefix == "id" else found.owner) if found.owner or prefix == "id" else ""


def _by_number(asked: str, owners: CommerceTable, orders: OrderLists) -> str:
    """A subscription by its Zuora number or our reference, which are one, or by its Zuora id."""
    for number in dict.fromkeys((asked, asked.upper())):
        holding = owners.holding(ids.subscription_id(number))
        if holding is not None and holding.owner:
            return at(holding.owner)
    id = orders.subscription_of(asked)
    holding = owners.holding(id) if id else None
    return at(holding.owner) if holding is not None and holding.owner else ""
