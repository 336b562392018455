"""Invoices, read live from billing: whose may be seen by whom, page by page, and as PDF.

Whose accounts they are is known from Tessera's own records alone: a parent account that somebody
sets by hand in billing must not open anybody's invoices to another.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from tessera import ids, money
from tessera.clock import Day
from tessera.commerce.models import Customer
from tessera.cursors import Cursors
from tessera.errors import NotFound
from tessera.identity.principal import PartnerOrganisation
from tessera.objects import Data, Record, canonical_json

BATCH = 50
"""Accounts that are asked about at once."""
LARGEST_PAGE = 99
_EMPTY_BATCHES = 10
"""How many batches without an invoice are passed over for one answer."""
_ZUORA_ID = re.compile(r"[0-9a-f]{32}")


class Invoice(Data):
    """A posted invoice. Amounts are written with the decimals of the currency."""

    id: str
    invoice_number: str
    invoice_date: Day | None = None
    due_date: Day | None = None
    amount: Decimal
    balance: Decimal
    currency: str
    status: str
    account_id: str
    account_name: str | None = None
    """For partners, who see several accounts."""

    def wire(self) -> dict[str, Any]:
        amounts = {name: getattr(self, name) for name in ("amount", "balance")}
        written = {name: money.text(value, self.currency) for name, value in amounts.items()}
        return {**super().wire(), **written}


class InvoicePage(NamedTuple):
    invoices: Sequence[Invoice]
    next: str | None


class Pdf(NamedTuple):
    name: str
    """Fit for a header: `INV00000042.pdf`."""
    content: bytes


class PdfNotReady(NotFound):
    code = "invoice_pdf_not_ready"
    title = "The invoice has no PDF yet"


class Invoices(Protocol):
    """Billing. Every method raises a refusal when it is not connected or does not answer."""

    def require(self) -> None: ...

    def page(
        self, accounts: Sequence[str], *, size: int, cursor: str | None, paid: bool | None
    ) -> InvoicePage:
        """Posted invoices of up to fifty accounts, newest first."""

    def find(self, id: str) -> Invoice | None: ...

    def pdf(self, id: str) -> bytes | None:
        """The latest; `None` while there is none."""

    def account_number(self, account_id: str) -> str | None: ...

    def account_id(self, number: str) -> str | None: ...


class Customers(Protocol):
    def customer(self, id: str) -> Customer | None: ...

    def objects(
        self,
        path_type: str,
        *,
        owner: str | None,
        partner_org: str | None,
        limit: int,
        after: dict[str, Any] | None,
    ) -> tuple[list[Record], dict[str, Any] | None]:
        """Oldest first."""


class Viewer(NamedTuple):
    """A customer by its owner, or a partner user by its organisation."""

    id: str
    owner: str | None = None
    organisation: PartnerOrganisation | None = None

    def sees(self, customer: Customer) -> bool:
        """Whether the invoices of this customer's account are for the viewer."""
        if self.organisation is not None:
            is_ours = customer.partner_org == self.organisation.id
            return is_ours and not self.organisation.is_zuora_invoice_owner
        return self.owner is not None and customer.owner == self.owner


class _Batch(NamedTuple):
    names: Mapping[str, str]
    """Account name by account id."""
    next: dict[str, Any] | None


def list_page(
    viewer: Viewer,
    *,
    size: int,
    cursor: str | None,
    customer: str | None = None,
    paid: bool | None = None,
    invoices: Invoices,
    customers: Customers,
    cursors: Cursors,
) -> dict[str, Any]:
    """`{"items", "cursor"}`: newest first, with many accounts newest first batch by batch.

    Raises `NotFound` for a customer that is not the viewer's, and `InvalidRequest` for a cursor of
    another list.
    """
    invoices.require()
    query = canonical_json(["invoices", *_identity(viewer), customer, paid])
    at = {} if cursor is None else cursors.open(cursor, of=query)
    after, inside = at.get("after"), at.get("inside")
    for _ in range(_EMPTY_BATCHES):
        batch = _batch(viewer, customer, after, invoices, customers)
        page = InvoicePage((), None)
        if batch.names:
            most = min(size, LARGEST_PAGE)
            page = invoices.page(list(batch.names), size=most, cursor=inside, paid=paid)
        if page.next is not None:
            position: dict[str, Any] | None = {"after": after, "inside": page.next}
        else:
            position = None if batch.next is None else {"after": batch.next}
        if page.invoices or position is None:
            break
        after, inside = position["after"], position.get("inside")
    # What billing answers for an account that was not asked for is nobody's business.
    shown = [_named(one, batch, viewer) for one in page.invoices if one.account_id in batch.names]
    more = None if position is None else cursors.seal(position, of=query)
    return {"items": [one.wire() for one in shown], "cursor": more}


def read(id: str, viewer: Viewer, *, invoices: Invoices, customers: Customers) -> Invoice:
    """Raises `NotFound` in the same words for another's and for none."""
    invoices.require()
    found = invoices.find(id) if _ZUORA_ID.fullmatch(id) else None
    if found is None or not _may_see(found, viewer, invoices, customers):
        raise NotFound("There is no invoice with this id.", code="not_found")
    return found


def read_pdf(id: str, viewer: Viewer, *, invoices: Invoices, customers: Customers) -> Pdf:
    """Raises what `read` raises, and `PdfNotReady`."""
    found = read(id, viewer, invoices=invoices, customers=customers)
    content = invoices.pdf(id)
    if content is None:
        raise PdfNotReady("The PDF of this invoice is being made. Try again in a few minutes.")
    fit = re.sub(r"[^A-Za-z0-9._-]", "", found.invoice_number) or "invoice"
    return Pdf(f"{fit}.pdf", content)


def _identity(viewer: Viewer) -> Iterator[str | None]:
    yield viewer.id
    yield viewer.owner
    yield viewer.organisation.id if viewer.organisation else None


def _may_see(invoice: Invoice, viewer: Viewer, invoices: Invoices, customers: Customers) -> bool:
    if invoice.status.casefold() != "posted":
        return False
    organisation = viewer.organisation
    if organisation is not None and invoice.account_id == organisation.zuora_account_id:
        return True
    # A customer's id follows from the number of its account.
    number = invoices.account_number(invoice.account_id)
    if organisation is not None and number == organisation.zuora_account_id:
        return True
    customer = customers.customer(ids.customer_id(number)) if number else None
    if customer is None or customer.data.zuora.account_id != invoice.account_id:
        return False
    return viewer.sees(customer)


def _batch(
    viewer: Viewer,
    customer: str | None,
    after: dict[str, Any] | None,
    invoices: Invoices,
    customers: Customers,
) -> _Batch:
    """The accounts to ask about, beginning with the organisation's own."""
    if customer is not None:
        return _one(viewer, customer, customers)
    names: dict[str, str] = {}
    organisation = viewer.organisation
    if organisation is not None:
        if after is None and (own := _own_account(organisation, invoices)) is not None:
            names[own] = organisation.name
        if organisation.is_zuora_invoice_owner:
            return _Batch(names, None)
    elif viewer.owner is None:
        return _Batch(names, None)
    found, following = customers.objects(
        "customers",
        owner=viewer.owner if organisation is None else None,
        partner_org=organisation.id if organisation else None,
        limit=BATCH - len(names),
        after=after,
    )
    seen = (one for one in found if isinstance(one, Customer) and viewer.sees(one))
    return _Batch({**names, **dict(_accounts(seen))}, following)


def _own_account(organisation: PartnerOrganisation, invoices: Invoices) -> str | None:
    """Its id. Made while billing was not connected, an organisation may be known by its number."""
    known = organisation.zuora_account_id
    return known if _ZUORA_ID.fullmatch(known) else invoices.account_id(known)


def _one(viewer: Viewer, id: str, customers: Customers) -> _Batch:
    found = customers.customer(id) if ids.is_id(id, Customer.prefix) else None
    organisation = viewer.organisation
    is_known = found is not None and (
        found.partner_org == organisation.id if organisation else viewer.sees(found)
    )
    if found is None or not is_known:
        raise NotFound("There is no customer with this id.", code="not_found")
    return _Batch(dict(_accounts([found] if viewer.sees(found) else [])), None)


def _accounts(customers: Iterable[Customer]) -> Iterator[tuple[str, str]]:
    for customer in customers:
        account = customer.data.zuora.account_id
        if account is not None:
            yield account, name_of(customer)


def name_of(customer: Customer) -> str:
    data = customer.data
    people = " ".join(name for name in (data.first_name, data.last_name) if name)
    return data.company_name or people


def _named(invoice: Invoice, batch: _Batch, viewer: Viewer) -> Invoice:
    if viewer.organisation is None:
        return invoice
    return invoice.model_copy(update={"account_name": batch.names[invoice.account_id]})
