"""Zuora's invoices in the words of `commerce`."""

from collections.abc import Sequence

from tessera.commerce.invoices import Invoice, InvoicePage
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_models import ZuoraInvoice
from tessera.integrations.zuora_verdicts import UnknownToZuora


class ZuoraInvoices:
    """Every method raises `ZuoraNotConfigured` and `ZuoraFailed`."""

    def __init__(self, client: Zuora) -> None:
        self._client = client

    def require(self) -> None:
        self._client.require()

    def page(
        self, accounts: Sequence[str], *, size: int, cursor: str | None, paid: bool | None
    ) -> InvoicePage:
        found = self._client.invoices(accounts, size=size, cursor=cursor, paid=paid)
        return InvoicePage([_invoice(one) for one in found.data], found.next_page)

    def find(self, id: str) -> Invoice | None:
        try:
            return _invoice(self._client.invoice(id))
        except UnknownToZuora:
            return None

    def pdf(self, id: str) -> bytes | None:
        """The address of the file that Zuora names is never followed, only its id."""
        files = self._client.invoice_files(id)
        if not files:
            return None
        return self._client.file(max(files, key=lambda file: file.version_number).id)

    def account_number(self, account_id: str) -> str | None:
        try:
            return self._client.account(account_id).basic_info.account_number
        except UnknownToZuora:
            return None

    def account_id(self, number: str) -> str | None:
        try:
            return self._client.account(number).basic_info.id
        except UnknownToZuora:
            return None


def _invoice(one: ZuoraInvoice) -> Invoice:
    return Invoice(
        id=one.id,
        invoice_number=one.invoice_number,
        invoice_date=one.invoice_date,
        due_date=one.due_date,
        amount=one.amount,
        balance=one.balance,
        currency=one.currency or "",
        status=one.status or "",
        account_id=one.account_id,
    )
