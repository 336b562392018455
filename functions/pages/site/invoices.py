"""`invoices`: what is paid next, the invoices so far with their PDFs, and paying one."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from tessera import money
from tessera.catalog.models import ComponentOptions, Page
from tessera.commerce.invoices import (
    Invoice,
    PdfNotReady,
    Viewer,
    list_page,
    read,
    read_pdf,
)
from tessera.commerce.payment_methods import PaymentMethod
from tessera.commerce.periods import next_payment
from tessera.edge.pages import formats
from tessera.edge.pages.app import Answer, Download, Moved, Visit
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
from tessera.edge.pages.locations import with_query
from tessera.edge.pages.tables import ROWS
from tessera.errors import invalid

from . import held, payments
from .asking import Failed
from .blocks import Block
from .cards import default_of, name_of
from .methods import methods_seen
from .outcomes import carried_out
from .own import Belongings, Own, nothing_found
from .subpages import asked, crumbs
from .world import World

_COLUMNS = (
    Column("Date", sort="descending"),
    Column("Due date"),
    Column("Reference"),
    Column("Amount", numeric=True),
    Column("Balance", numeric=True),
    Column("Status"),
    Column("Action"),
)
_LEDE = "No invoices yet"
AMOUNT = "invoice.amount"


class Invoices:
    def __init__(self, world: World, own: Belongings) -> None:
        self._world = world
        self._own = own
        self._billing = world.billing

    def show(self, visit: Visit, page: Page, options: ComponentOptions) -> Block | None:
        own = self._own.of(visit)
        match asked(visit):
            case "pdf":
                return Block("", {}, moved=self._pdf(visit, own))
            case "pay":
                return self._payment(visit, own, page)
            case "":
                if not own.holdings:
                    return nothing_found(visit, page, "invoices", options)
                return self._list(visit, own, options)
        return None

    def act(self, visit: Visit, page: Page, options: ComponentOptions) -> Answer:
        """Pays, all or in part."""
        own = self._own.of(visit)
        invoice = self._read(visit, own, visit.query.get("pay", ""))
        wanted = _amount(visit, invoice)
        placed = carried_out(
            lambda: self._world.place(
                {
                    "order_type": "pay_invoice",
                    "invoice": {"id": invoice.id, "amount": money.text(wanted, invoice.currency)},
                    "process_immediately": True,
                },
                own.caller,
            )
        )
        said = formats.amount(wanted, invoice.currency, visit.locale)
        if placed is None:
            return visit.moved(
                visit.path,
                f"{said} for {invoice.invoice_number} could not be taken. Nothing was paid: look at"
                " your payment method, then try again.",
                failed=True,
            )
        if placed.status == "complete":
            return visit.moved(visit.path, f"{said} for {invoice.invoice_number} paid")
        return visit.moved(
            visit.path, f"Your payment of {said} for {invoice.invoice_number} is under way"
        )

    def _list(self, visit: Visit, own: Own, options: ComponentOptions) -> Block:
        methods = methods_seen(self._world, own)
        known: Sequence[PaymentMethod] = [] if isinstance(methods, Failed) else methods
        payees = [self._payee(one) for one in own.holdings]
        listed = self._billing.seen("invoices", lambda: self._page(visit, own))
        rows: Sequence[Any] = []
        table = None
        if not isinstance(listed, Failed):
            rows = [Invoice.model_validate(one) for one in listed["items"]]
            pays = any(one.data.default for one in known)
            table = Table(
                "Invoices",
                _COLUMNS,
                [_row(one, own, visit, pays=pays) for one in rows],
                visit.paging(listed.get("cursor")),
                "newest first",
            )
        shown = sorted(
            (one for one in own.holdings if held.is_running(one)),
            key=lambda one: next_payment(one, own.moment.today) is None,
        )
        return Block(
            "components/invoices.html",
            {
                "payments": [
                    payments.view_of(one, own, known, self._payee(one), visit.locale)
                    | {"name": name}
                    for one, name in zip(shown, payments.told_apart(shown), strict=True)
                ],
                "table": table if rows else None,
                "failed": listed if isinstance(listed, Failed) else None,
                "failed_words": options.failed or "",
                "again": visit.path,
                "empty": options.empty or _nothing_yet(own, payees, visit.locale),
            },
            title=options.title or "",
        )

    def _page(self, visit: Visit, own: Own) -> dict[str, Any]:
        return list_page(
            Viewer(id=own.caller.id, owner=own.caller.owner),
            size=ROWS,
            cursor=visit.cursor,
            invoices=self._billing.invoices(),
            customers=self._world.owners,
            cursors=self._world.cursors,
        )

    def _payee(self, holding: Any) -> str:
        if not payments.is_invoiced_elsewhere(holding):
            return ""
        return self._own.seller(holding) or "the partner who sold it"

    def _read(self, visit: Visit, own: Own, id: str) -> Invoice:
        return read(
            id,
            Viewer(id=own.caller.id, owner=own.caller.owner),
            invoices=self._billing.invoices(waits=True),
            customers=self._world.owners,
        )

    def _pdf(self, visit: Visit, own: Own) -> Download | Moved:
        try:
            pdf = read_pdf(
                visit.query["pdf"],
                Viewer(id=own.caller.id, owner=own.caller.owner),
                invoices=self._billing.invoices(waits=True),
                customers=self._world.owners,
            )
        except PdfNotReady as not_ready:
            return visit.moved(visit.path, not_ready.message, failed=True)
        return Download(pdf.content, pdf.name, self._world.documents.lend)

    def _payment(self, visit: Visit, own: Own, page: Page) -> Block:
        invoice = self._read(visit, own, visit.query["pay"])
        title = f"Pay {invoice.invoice_number}"
        methods = methods_seen(self._world, own)
        payer = self._customer_of(invoice, own)
        default = None if isinstance(methods, Failed) else default_of(methods, payer)
        return Block(
            "components/payment.html",
            {
                "facts": [
                    ("Invoice", text(invoice.invoice_number)),
                    ("Due date", day(invoice.due_date)),
                    ("Amount", amount(invoice.amount, invoice.currency)),
                    ("Balance", amount(invoice.balance, invoice.currency)),
                    ("Pay with", text(name_of(default) if default else None)),
                ],
                "is_open": invoice.balance > 0,
                "field": AMOUNT,
                "currency": invoice.currency,
                "ways": [
                    (
                        "all",
                        f"All of it: "
                        f"{formats.amount(invoice.balance, invoice.currency, visit.locale)}",
                        "",
                    ),
                    ("part", "A part of it", ""),
                ],
                "back": visit.path,
            },
            title=title,
            crumbs=crumbs(visit, page.name, title),
        )

    def _customer_of(self, invoice: Invoice, own: Own) -> str | None:
        of_account = (
            one.id
            for one in self._own.customers(own.owner)
            if one.data.zuora.account_id == invoice.account_id
        )
        return next(of_account, None)


def _amount(visit: Visit, invoice: Invoice) -> Decimal:
    """Raises `InvalidFields`."""
    if visit.fields.text("how") == "all":
        return invoice.balance
    if visit.fields.text("how") != "part":
        raise invalid("how", "Choose how much you want to pay", "required")
    typed = visit.fields.text(AMOUNT)
    if not typed:
        raise invalid(AMOUNT, "Say how much you want to pay", "required")
    example = money.text(min(invoice.balance, Decimal(10)), invoice.currency)
    try:
        wanted = Decimal(typed.replace(",", "."))
    except InvalidOperation:
        raise invalid(AMOUNT, f"Write the amount in figures, as {example}") from None
    if not wanted.is_finite() or wanted <= 0 or wanted > invoice.balance:
        left = formats.amount(invoice.balance, invoice.currency, visit.locale)
        raise invalid(AMOUNT, f"Pay more than nothing and at most {left}")
    if wanted != money.rounded(wanted, invoice.currency):
        raise invalid(AMOUNT, f"Write the amount in figures, as {example}")
    return wanted


def _row(invoice: Invoice, own: Own, visit: Visit, *, pays: bool) -> tuple[Cell, ...]:
    deeds = [link("Download PDF", with_query(visit.path, pdf=invoice.id))]
    if invoice.balance > 0 and pays:
        deeds.append(link("Pay", with_query(visit.path, pay=invoice.id)))
    return (
        day(invoice.invoice_date),
        day(invoice.due_date),
        text(invoice.invoice_number),
        amount(invoice.amount, invoice.currency),
        amount(invoice.balance, invoice.currency),
        _status(invoice, own),
        several(*deeds),
    )


def _status(invoice: Invoice, own: Own) -> Cell:
    if invoice.balance <= 0:
        return badge("Paid", GOOD)
    is_late = invoice.due_date is not None and invoice.due_date < own.moment.today
    return badge("Overdue", BAD) if is_late else badge("Due", WAIT)


def _nothing_yet(own: Own, payees: Sequence[str], locale: formats.Locale) -> str:
    if payees and all(payees):
        return f"Invoices for this subscription go to {payees[0]}."
    rows = (next_payment(one, own.moment.today) for one in own.holdings)
    first = min((row.data.date for row in rows if row is not None), default=None)
    if first is None:
        return f"{_LEDE}."
    return f"{_LEDE}; the first is due on {formats.day(first, locale)}."
