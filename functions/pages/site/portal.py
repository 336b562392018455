"""The partner portal: `partner_customers_table` and `partner_invoices_table`, each on a tab."""

from decimal import Decimal
from typing import Any

from tessera import money
from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.customer_search import LONGEST_FILTER
from tessera.commerce.invoices import Invoice, PdfNotReady, Viewer, list_page, read, read_pdf
from tessera.edge.pages import formats
from tessera.edge.pages.cells import (
    BAD,
    GOOD,
    WAIT,
    Cell,
    Column,
    Table,
    amount,
    badge,
    day,
    link,
    several,
    text,
)
from tessera.edge.pages.frames import Link
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.tables import ROWS
from tessera.edge.pages.visit import Answer, Download, Moved, Visit
from tessera.errors import NotFound
from tessera.partners import customers as partner_customers

from .asking import Failed
from .blocks import Block
from .outcomes import carried_out
from .world import World

CUSTOMERS, INVOICES = "partner_customers_table", "partner_invoices_table"
_TABS = {CUSTOMERS: ("customers", "Customers"), INVOICES: ("invoices", "Invoices")}
_CUSTOMER = "/subscriptions"


def customer_address(owner: str | None) -> str:
    """The page about a customer."""
    return with_query(_CUSTOMER, owner=owner)


class CustomersTable:
    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        if _selected(visit, page) != CUSTOMERS:
            return None
        wanted = visit.query.get("q", "").strip()[:LONGEST_FILTER]
        found = partner_customers.list_page(
            wanted or None,
            limit=ROWS,
            cursor=visit.cursor,
            by=visit.partner,
            customers=self._world.customers,
            cursors=self._world.cursors,
        )
        paging = visit.paging(found["queryMore"], filters=("q",), keep=("tab",))
        rows = [_customer(one) for one in found["items"]]
        return Block(
            "components/partner_customers.html",
            {
                "tabs": _tabs(visit, page),
                "text": options.text or "",
                "q": wanted,
                "longest": LONGEST_FILTER,
                "table": Table(
                    options.title or "Customers",
                    (
                        Column("Account name"),
                        Column("Customer first name"),
                        Column("Customer last name"),
                        Column("Customer email"),
                        Column("Action"),
                    ),
                    rows,
                    paging,
                    "" if wanted else "newest first",
                ),
                "paging": paging,
                "empty": options.empty
                or "No customers yet. Everybody you place an order for appears here.",
            },
            title=options.title or _customers_title(visit, wanted),
        )


class InvoicesTable:
    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        if _selected(visit, page) != INVOICES:
            return None
        if id := visit.query.get("pdf"):
            return Block("", {}, moved=self._pdf(id, visit, page))
        if id := visit.query.get("pay"):
            return self._payment(id, visit, page)
        return self._list(visit, page, options)

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer:
        """Pays an invoice of the organisation's own account."""
        invoice = self._own(visit.query.get("pay", ""), visit)
        home, locale = _home(page), visit.locale
        if invoice.balance <= 0:
            return visit.moved(home, f"{invoice.invoice_number} is paid already")
        body = {
            "order_type": "pay_invoice",
            "invoice": {
                "id": invoice.id,
                "amount": money.text(invoice.balance, invoice.currency),
            },
            "process_immediately": True,
        }
        placed = carried_out(lambda: self._world.place(body, self._world.caller(visit)))
        said = formats.amount(invoice.balance, invoice.currency, locale)
        if placed is None:
            return visit.moved(
                home,
                f"{said} for {invoice.invoice_number} could not be taken, so nothing was paid."
                " Pay it as you usually do, or ask your contact.",
                failed=True,
            )
        if placed.status == "complete":
            return visit.moved(home, f"{said} for {invoice.invoice_number} paid")
        return visit.moved(
            home, f"Your payment of {said} for {invoice.invoice_number} is under way"
        )

    def _list(self, visit: Visit, page: Page, options: ComponentOptions) -> Block:
        paid = {"yes": True, "no": False}.get(visit.query.get("paid", ""))
        customer = visit.query.get("customer") or None
        billing = self._world.billing

        def asked() -> dict[str, Any]:
            return list_page(
                _viewer(visit),
                size=ROWS,
                cursor=visit.cursor,
                customer=customer,
                paid=paid,
                invoices=billing.invoices(),
                customers=self._world.owners,
                cursors=self._world.cursors,
            )

        found = billing.seen("partner invoices", asked)
        failed = found if isinstance(found, Failed) else None
        listed: dict[str, Any] = {} if isinstance(found, Failed) else found
        paging = visit.paging(listed.get("cursor"), filters=("paid", "customer"), keep=("tab",))
        invoices = [Invoice.model_validate(one) for one in listed.get("items", ())]
        return Block(
            "components/partner_invoices.html",
            {
                "tabs": _tabs(visit, page),
                "text": options.text or "",
                "paid": visit.query.get("paid", ""),
                "customer": customer or "",
                "failed": failed,
                "failed_text": options.failed or "",
                "again": _home(page),
                "table": Table(
                    options.title or "Invoices",
                    (
                        Column("Account name"),
                        Column("Invoice date"),
                        Column("Due date"),
                        Column("Reference"),
                        Column("Price", numeric=True),
                        Column("Balance", numeric=True),
                        Column("Status"),
                        Column("Action"),
                    ),
                    [self._row(one, visit, page) for one in invoices],
                    paging,
                    "newest first",
                ),
                "paging": paging,
                "empty": options.empty or "No invoices yet. They appear here once they are posted.",
            },
            title=options.title or f"Invoices of {visit.partner.organisation.name}",
        )

    def _row(self, one: Invoice, visit: Visit, page: Page) -> tuple[Cell, ...]:
        today = self._world.moment().today
        deeds = [link("Download PDF", with_query(_home(page), pdf=one.id))]
        if _is_own(one, visit) and one.balance > 0:
            deeds.append(link("Pay", with_query(_home(page), pay=one.id)))
        is_late = one.due_date is not None and one.due_date < today
        state = badge("Overdue", BAD) if is_late else badge("Due", WAIT)
        return (
            text(one.account_name),
            day(one.invoice_date),
            day(one.due_date),
            text(one.invoice_number),
            amount(one.amount, one.currency),
            amount(one.balance, one.currency),
            badge("Paid", GOOD) if one.balance <= 0 else state,
            several(*deeds),
        )

    def _pdf(self, id: str, visit: Visit, page: Page) -> Download | Moved:
        try:
            pdf = read_pdf(
                id,
                _viewer(visit),
                invoices=self._world.billing.invoices(waits=True),
                customers=self._world.owners,
            )
        except PdfNotReady as not_ready:
            return visit.moved(_home(page), not_ready.message, failed=True)
        return Download(pdf.content, pdf.name, self._world.documents.lend)

    def _payment(self, id: str, visit: Visit, page: Page) -> Block:
        invoice = self._own(id, visit)
        said = formats.amount(invoice.balance, invoice.currency, visit.locale)
        return Block(
            "components/partner_payment.html",
            {
                "facts": [
                    ("Reference", text(invoice.invoice_number)),
                    ("Invoice date", day(invoice.invoice_date)),
                    ("Due date", day(invoice.due_date)),
                    ("Price", amount(invoice.amount, invoice.currency)),
                    ("Balance", amount(invoice.balance, invoice.currency)),
                ],
                "is_open": invoice.balance > Decimal(0),
                "button": f"Pay {said}",
                "back": _home(page),
            },
            title=f"Pay {invoice.invoice_number}",
            crumbs=((page.name, _home(page)),),
        )

    def _own(self, id: str, visit: Visit) -> Invoice:
        """Raises `NotFound`: only what is invoiced to the organisation itself is paid by it."""
        found = read(
            id,
            _viewer(visit),
            invoices=self._world.billing.invoices(waits=True),
            customers=self._world.owners,
        )
        if not _is_own(found, visit):
            raise NotFound("There is no invoice with this id.", code="not_found")
        return found


def _viewer(visit: Visit) -> Viewer:
    return Viewer(id=visit.partner.id, organisation=visit.partner.organisation)


def _is_own(invoice: Invoice, visit: Visit) -> bool:
    return invoice.account_id == visit.partner.organisation.zuora_account_id


def _customer(one: dict[str, Any]) -> tuple[Cell, ...]:
    address = customer_address(one.get("owner"))
    return (
        link(one.get("accountName") or one.get("email") or "Without a name", address),
        text(one.get("firstName")),
        text(one.get("lastName")),
        text(one.get("email")),
        link("View", address),
    )


def _customers_title(visit: Visit, wanted: str) -> str:
    if wanted:
        return f"Customers beginning with “{wanted}”"
    return f"Customers of {visit.partner.organisation.name}"


def _ticked(page: Page) -> list[str]:
    return [one.name for one in page.components if one.name in _TABS]


def _selected(visit: Visit, page: Page) -> str:
    """The table that is looked at: named by the address, else the first of the page."""
    ticked = _ticked(page)
    wanted = visit.query.get("tab")
    return next((name for name in ticked if _TABS[name][0] == wanted), ticked[0])


def _tabs(visit: Visit, page: Page) -> list[Link]:
    ticked = _ticked(page)
    if len(ticked) < 2:
        return []
    here = _selected(visit, page)
    return [
        Link(_TABS[name][1], with_query(page.slug, tab=_TABS[name][0]), name == here)
        for name in ticked
    ]


def _home(page: Page) -> str:
    return with_query(page.slug, tab=_TABS[INVOICES][0])
