"""What a Zuora tenant does by itself overnight: cancellations, renewals and the bill run."""

from datetime import date
from typing import Any

from infra.local import zuora_invoices
from infra.local.zuora_billing import bill
from infra.local.zuora_dates import day
from infra.local.zuora_tenant import Tenant

MOST_RENEWALS = 50


def run(tenant: Tenant) -> list[dict[str, Any]]:
    """Catches up to today, and returns the invoices it posted; once a day is enough."""
    tenant.state["jobsRunOn"] = tenant.today.isoformat()
    for number in list(tenant.state["subscriptions"]):
        _cancel_if_due(tenant, number)
        _renew_if_due(tenant, number)
    return bill_all(tenant, tenant.today)


def bill_all(tenant: Tenant, target: date) -> list[dict[str, Any]]:
    """Bills every subscription up to a day, with one invoice for each account."""
    by_owner: dict[str, list[Any]] = {}
    for number in tenant.state["subscriptions"]:
        version = tenant.latest(number)
        by_owner.setdefault(version["invoiceOwnerId"], []).extend(bill(version, target))
    posted = [
        zuora_invoices.post(tenant, tenant.account(owner_id), items, dated=target)[0]
        for owner_id, items in by_owner.items()
    ]
    return [invoice for invoice in posted if invoice is not None]


def _cancel_if_due(tenant: Tenant, number: str) -> None:
    on = tenant.latest(number)["scheduledCancelDate"]
    if on is not None and day(on) <= tenant.today:
        tenant.revise(number, lambda revision: revision.cancel(day(on)))


def _renew_if_due(tenant: Tenant, number: str) -> None:
    for _ in range(MOST_RENEWALS):
        latest = tenant.latest(number)
        ends = latest["termEndDate"]
        renews = latest["status"] == "Active" and latest["autoRenew"] and latest["renewalTerm"]
        if not renews or ends is None or day(ends) > tenant.today:
            return
        tenant.revise(number, lambda revision: revision.renew())
