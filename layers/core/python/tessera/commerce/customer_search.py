"""Customers of a partner organisation in the Commerce table: newest, or by a name's beginning.

| row | pk | sk | by_partner |
|---|---|---|---|
| customer | `cus-…` | `cus-…` | `{org}#customers`, `{created}#{id}` |
| one of its names | `cus-…` | `name#account` … | `{org}#names`, `{name}⇥{created}#{id}` |

Each name (account name, first name, last name, e-mail) has a row of its own, in folded spelling, so
that finding those that begin with a text is one query however many customers there are. The rows
are written with the customer, and only for customers that an organisation has: four more writes.
A customer is given at the first of its names that match, which each row can tell, as it has all.
"""

import unicodedata
from collections.abc import Sequence

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from tessera import clock
from tessera.clock import Instant
from tessera.commerce.models import Customer
from tessera.dynamo import Page, Row, Write, delete, put, query, walk
from tessera.objects import Model
from tessera.tables import COMMERCE

LONGEST_FILTER = 100
"""Characters; what is longer of a name is not searched."""

_SHAPE = 1
_KINDS = ("account", "first", "last", "email")
_END = "\t"
"""Behind a name in the key: below any character of one, so that `ana` comes before `ana lopes`."""


class PartnerCustomer(Model):
    """A customer as partners list it."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")

    id: str
    owner: str | None = None
    account_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    partner_org: str = Field(alias="partner_org")
    created: Instant


class PartnerCustomers:
    """`PartnerCustomers(env.commerce_table).newest(organisation, limit=40, after=None)`."""

    def __init__(self, table: str) -> None:
        self._table = table

    def newest(
        self, partner_org: str, *, limit: int, after: Row | None
    ) -> tuple[list[PartnerCustomer], Row | None]:
        """One query, and the key after which the next page begins."""
        page = walk(
            self._table,
            COMMERCE,
            [f"{partner_org}#customers"],
            index="by_partner",
            limit=limit,
            after=after,
            at_most=1,
            newest_first=True,
        )
        return [listed(Customer.model_validate(row)) for row in page.rows], page.next

    def named(
        self, partner_org: str, beginning: str, *, limit: int, after: Row | None
    ) -> tuple[list[PartnerCustomer], Row | None]:
        """Those with a name that begins so, each once, by that name; `beginning` is folded.

        One query of up to all the names that so many customers have. So the first page is full
        where there are enough; a later one may be short although another follows.
        """
        page = query(
            self._table,
            COMMERCE,
            f"{partner_org}#names",
            index="by_partner",
            begins=beginning,
            limit=limit * len(_KINDS) + 1,
            start=after,
        )
        return _each_once(page, beginning, limit)


def listed(customer: Customer) -> PartnerCustomer:
    data = customer.data
    whole = " ".join(part for part in (data.first_name, data.last_name) if part)
    return PartnerCustomer(
        id=customer.id,
        owner=customer.owner,
        accountName=data.company_name or whole or None,
        firstName=data.first_name,
        lastName=data.last_name,
        email=data.email,
        partner_org=customer.partner_org or "",
        created=customer.created,
    )


def folded(text: str) -> str:
    """The spelling in which names are compared: no letter case, single spaces, no more than 100."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(plain.split())[:LONGEST_FILTER]


def name_writes(table: str, customer: Customer, *, is_new: bool) -> list[Write]:
    """What belongs into the transaction that writes the customer, so that it is found."""
    if customer.partner_org is None:
        return []
    shown = listed(customer)
    writes = []
    taken: set[str] = set()
    for kind, name in zip(_KINDS, _names(shown), strict=True):
        key = {"pk": customer.id, "sk": f"name#{kind}"}
        if name and name not in taken:
            taken.add(name)
            created = clock.instant(customer.created)
            writes.append(
                put(
                    table,
                    {
                        **shown.wire(),
                        **key,
                        "shape": _SHAPE,
                        "name": name,
                        "partner_pk": f"{customer.partner_org}#names",
                        "partner_sk": f"{name}{_END}{created}#{customer.id}",
                    },
                )
            )
        elif not is_new:
            # In no index; to delete it, all who write customers would have to be permitted to.
            writes.append(put(table, {**key, "shape": _SHAPE}))
    return writes


def forgetting_names(table: str, customer: Customer) -> list[Write]:
    """What belongs into the transaction that removes the customer."""
    if customer.partner_org is None:
        return []
    return [delete(table, {"pk": customer.id, "sk": f"name#{kind}"}) for kind in _KINDS]


def _names(customer: PartnerCustomer) -> Sequence[str]:
    """Folded, one for each kind, empty where there is none."""
    names = (customer.account_name, customer.first_name, customer.last_name, customer.email)
    return [folded(name or "") for name in names]


def _each_once(page: Page, beginning: str, limit: int) -> tuple[list[PartnerCustomer], Row | None]:
    found: list[PartnerCustomer] = []
    last: Row = {}
    for row in page.rows:
        customer = PartnerCustomer.model_validate(row)
        matching = [name for name in _names(customer) if name.startswith(beginning)]
        if row["name"] != min(matching, default=row["name"]):
            continue
        if len(found) == limit:
            return found, {key: last[key] for key in ("partner_pk", "partner_sk", "pk", "sk")}
        found.append(customer)
        last = row
    return found, page.next
