"""What callers send to change a customer's address or payment method, or to pay an invoice."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from tessera.commerce.change_requests import Change
from tessera.commerce.models import AddressKind
from tessera.commerce.order_requests import (
    AddressDetails,
    CustomerDetails,
    Id,
    Payment,
    Request,
)

MOST_INVOICE_ITEMS = 50


_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")


def _exact(value: object) -> object:
    is_text = isinstance(value, str) and _AMOUNT.fullmatch(value)
    if isinstance(value, bool) or not (is_text or isinstance(value, int | Decimal)):
        raise ValueError('give the amount as text, as "10.00"')
    return value


MoneyAmount = Annotated[
    Decimal, BeforeValidator(_exact), Field(gt=0, max_digits=15, decimal_places=4)
]
"""With as many decimals as any currency has; how many it may be here the invoice's says."""


class ChangeAddress(Change):
    order_type: Literal["change_address"] = Field(alias="order_type")
    address_type: AddressKind = "billing"
    address: AddressDetails | None = None
    customer_details: CustomerDetails | None = None
    """Beside the address or in its place."""


class ChangePayment(Change):
    order_type: Literal["change_payment"] = Field(alias="order_type")
    payment: Payment

    def accepted(self) -> dict[str, Any]:
        """Without the reference to the payment method."""
        return {**super().accepted(), "payment": {"type": self.payment.type}}


class InvoiceItem(Request):
    id: Id
    amount: MoneyAmount


class PaidInvoice(Request):
    """What is paid of it: one amount, or items of it each with its own."""

    id: Id
    amount: MoneyAmount | None = None
    items: Annotated[tuple[InvoiceItem, ...], Field(max_length=MOST_INVOICE_ITEMS)] = ()


class PayInvoice(Change):
    order_type: Literal["pay_invoice"] = Field(alias="order_type")
    invoice: PaidInvoice


AnyAccountOrder: TypeAlias = ChangeAddress | ChangePayment | PayInvoice
