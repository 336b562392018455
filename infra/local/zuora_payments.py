"""Payments at the Zuora stand-in: by a card on file, against posted invoices."""

from decimal import Decimal
from typing import Any

from infra.local.zuora_dates import plain
from infra.local.zuora_invoices import settle
from infra.local.zuora_refusals import not_found, rule
from infra.local.zuora_tenant import Tenant

DECLINED_AMOUNT = Decimal("13.13")
"""The bank declines exactly this amount, whoever pays it."""


def pay(tenant: Tenant, asked: dict[str, Any]) -> dict[str, Any]:
    """Takes a payment; `asked` is checked field by field. A declined one is kept as `Error`."""
    account = tenant.account(asked["accountId"])
    usable_card(tenant, account, asked["paymentMethodId"])
    if asked["currency"] != account["currency"]:
        raise rule(f"The account is in {account['currency']}, not {asked['currency']}.")
    applied = [
        (_payable(tenant, account, part), Decimal(part["amount"])) for part in asked["invoices"]
    ]
    if sum((amount for _, amount in applied), Decimal(0)) != Decimal(asked["amount"]):
        raise rule("The amounts of the invoices must add up to the payment's.")
    return keep(tenant, asked, applied)


def keep(
    tenant: Tenant, asked: dict[str, Any], applied: list[tuple[dict[str, Any], Decimal]]
) -> dict[str, Any]:
    """Records a payment and lowers the balances it is applied to, unless it is declined."""
    declined = Decimal(asked["amount"]) == DECLINED_AMOUNT
    if not declined:
        for invoice, amount in applied:
            settle(invoice, amount)
    payment = {
        "id": tenant.fresh_id(),
        "number": tenant.next_number("payment"),
        "accountId": asked["accountId"],
        "type": "Electronic",
        "amount": plain(asked["amount"]),
        "currency": asked["currency"],
        "status": "Error" if declined else "Processed",
        "paymentMethodId": asked["paymentMethodId"],
        "gatewayOrderId": asked.get("gatewayOrderId"),
        "gatewayResponse": "The card was declined." if declined else "Approved",
        "gatewayState": "NotSubmitted" if declined else "Submitted",
        "comment": asked.get("comment"),
        "effectiveDate": tenant.today.isoformat(),
        "createdDate": tenant.instant(),
    }
    tenant.state["payments"][payment["id"]] = payment
    return payment


def usable_card(tenant: Tenant, account: dict[str, Any], id: str) -> dict[str, Any]:
    method = tenant.payment_method(id)
    if method["accountId"] != account["id"] or method["status"] != "Active":
        raise rule(f"Payment method {id} is not an active one of the account.")
    return method


def payments_of(tenant: Tenant, account_key: str, type: str | None) -> list[dict[str, Any]]:
    """The payments of an account, newest first."""
    account = tenant.account(account_key)
    return [
        payment
        for payment in reversed(tenant.state["payments"].values())
        if payment["accountId"] == account["id"] and type in (None, payment["type"])
    ]


def _payable(tenant: Tenant, account: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The invoice that a part of a payment is for, when it can take that much."""
    invoice = tenant.invoice(part["invoiceId"])
    if invoice["accountId"] != account["id"]:
        raise not_found("invoice of the account", part["invoiceId"])
    if invoice["status"] != "Posted":
        raise rule(f"Invoice {invoice['number']} is not posted.")
    if Decimal(part["amount"]) > Decimal(invoice["balance"]):
        raise rule(f"Invoice {invoice['number']} has a balance of {invoice['balance']}.")
    lines = part.get("items", [])
    known = {item["id"] for item in invoice["items"]}
    for line in lines:
        if line["invoiceItemId"] not in known:
            raise not_found("invoice item", line["invoiceItemId"])
    if lines and sum(Decimal(line["amount"]) for line in lines) != Decimal(part["amount"]):
        raise rule("The amounts of the items must add up to the invoice's.")
    return invoice
