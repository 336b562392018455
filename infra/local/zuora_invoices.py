"""The Zuora stand-in's invoices and credit memos: posting what was billed, and their files."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from infra.local.zuora_billing import Item, total
from infra.local.zuora_dates import plain
from infra.local.zuora_tenant import Tenant

PAYMENT_DAYS = 30


def post(
    tenant: Tenant,
    account: dict[str, Any],
    items: list[Item],
    *,
    dated: date,
    id: str | None = None,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Posts an invoice for what is charged and, as Invoice Settlement has it, a credit memo.

    Either is missing where nothing is charged or credited.
    """
    charges, credits = split(items)
    memo = _credit_memo(tenant, account, credits, dated) if credits else None
    return _invoice(tenant, account, charges, dated, id) if charges else None, memo


def add_file(tenant: Tenant, invoice: dict[str, Any]) -> dict[str, Any]:
    """Makes the next version of an invoice's PDF, which is drawn when somebody asks for it."""
    file = {"id": tenant.fresh_id(), "versionNumber": len(invoice["files"]) + 1}
    invoice["files"].append(file)
    tenant.state["files"][file["id"]] = invoice["id"]
    return file


def settle(invoice: dict[str, Any], amount: Decimal) -> None:
    """Lowers what is still to be paid of an invoice."""
    invoice["balance"] = plain(Decimal(invoice["balance"]) - amount)


def split(items: list[Item]) -> tuple[list[Item], list[Item]]:
    """The lines of the invoice and those of the credit memo; a discount goes with its line."""
    charges: list[Item] = []
    credits: list[Item] = []
    for item in items:
        amount = Decimal(item["amountWithoutTax"])
        charged = amount < 0 if item["processingType"] == "Discount" else amount > 0
        if amount:
            (charges if charged else credits).append(item)
    return charges, credits


def _invoice(
    tenant: Tenant, account: dict[str, Any], charges: list[Item], dated: date, id: str | None
) -> dict[str, Any]:
    amount = total(charges)
    invoice = {
        "id": id or tenant.fresh_id(),
        "accountId": account["id"],
        "number": tenant.next_number("invoice"),
        "invoiceDate": dated.isoformat(),
        "targetDate": dated.isoformat(),
        "dueDate": (dated + timedelta(days=PAYMENT_DAYS)).isoformat(),
        "amount": plain(amount),
        "balance": plain(amount),
        "currency": account["currency"],
        "status": "Posted",
        "createdDate": tenant.instant(),
        "items": [{"id": tenant.fresh_id(), **item} for item in charges],
        "files": [],
    }
    tenant.state["invoices"][invoice["id"]] = invoice
    tenant.state["invoiceNumbers"][invoice["number"]] = invoice["id"]
    add_file(tenant, invoice)
    return invoice


def _credit_memo(
    tenant: Tenant, account: dict[str, Any], items: list[Item], dated: date
) -> dict[str, Any]:
    memo = {
        "id": tenant.fresh_id(),
        "accountId": account["id"],
        "number": tenant.next_number("creditMemo"),
        "creditMemoDate": dated.isoformat(),
        "amount": plain(-total(items)),
        "currency": account["currency"],
        "status": "Posted",
        "items": items,
    }
    tenant.state["creditMemos"][memo["id"]] = memo
    return memo
