"""What the Zuora stand-in bills: a charge's periods, their shares by day, credits and discounts."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from infra.local.zuora_dates import MONTHS_IN, cents, day, periods, plain

Version = dict[str, Any]
Item = dict[str, Any]
"""One line of an invoice, or of a credit memo when its amount is negative."""

ENDLESS = date(9999, 1, 1)


def bill(version: Version, target: date) -> list[Item]:
    """Bills everything that falls due up to `target`, in advance, and notes how far it got.

    Changes `chargedThroughDate` in `version` and takes the credits that wait there.
    """
    items: list[Item] = version.pop("unbilledCredits", [])
    if version["status"] in ("Active", "Cancelled"):
        for plan, charge in charges_of(version):
            items += _due(version, plan, charge, target)
    return items + _discounts(version, items)


def bill_periods(version: Version, numbers: set[str], count: int) -> list[Item]:
    """Bills this many periods of the charges with these numbers, for a preview."""
    items: list[Item] = version.pop("unbilledCredits", [])
    for plan, charge in charges_of(version):
        if charge["number"] in numbers:
            for _ in range(count):
                items += _due(version, plan, charge, day(_begin(charge)))
    return items + _discounts(version, items)


def credit(version: Version, plan: dict[str, Any], charge: dict[str, Any], since: date) -> None:
    """Notes the credit for what was billed beyond `since`, for the next bill to take."""
    through = charge["chargedThroughDate"]
    if charge["type"] != "Recurring" or through is None or day(through) <= since:
        return
    version.setdefault("unbilledCredits", []).extend(
        _item(version, plan, charge, first, after, -_share(charge, first, after, full))
        for first, after, full in _periods(version, charge, since, day(through))
    )
    charge["chargedThroughDate"] = since.isoformat()


def charges_of(version: Version) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every charge with the rate plan it belongs to."""
    for plan in version["ratePlans"]:
        for charge in plan["charges"]:
            yield plan, charge


def total(items: list[Item]) -> Decimal:
    return sum((Decimal(item["amountWithoutTax"]) for item in items), Decimal(0))


def _due(
    version: Version, plan: dict[str, Any], charge: dict[str, Any], target: date
) -> list[Item]:
    begin, end = day(_begin(charge)), day(charge["effectiveEndDate"] or ENDLESS.isoformat())
    if charge["model"].startswith("Discount") or begin >= end or begin > target:
        return []
    if charge["type"] == "OneTime":
        if charge["chargedThroughDate"] is not None:
            return []
        after = begin + timedelta(days=1)
        charge["chargedThroughDate"] = after.isoformat()
        amount = Decimal(charge["price"]) * Decimal(charge["quantity"])
        return [_item(version, plan, charge, begin, after, amount)]
    items = []
    for first, after, full in _periods(version, charge, begin, end):
        if first > target:
            break
        items.append(_item(version, plan, charge, first, after, _share(charge, first, after, full)))
        charge["chargedThroughDate"] = after.isoformat()
    return items


def _begin(charge: dict[str, Any]) -> str:
    return str(charge["chargedThroughDate"] or charge["effectiveStartDate"])


def _periods(
    version: Version, charge: dict[str, Any], begin: date, end: date
) -> Iterator[tuple[date, date, int]]:
    """Counted from the subscription's start, so that all its charges are billed together."""
    anchor = day(version["subscriptionStartDate"])
    return periods(anchor, MONTHS_IN[charge["billingPeriod"]], begin, end)


def _share(charge: dict[str, Any], first: date, after: date, full: int) -> Decimal:
    whole = Decimal(charge["price"]) * Decimal(charge["quantity"])
    return whole * (after - first).days / full


def _item(
    version: Version,
    plan: dict[str, Any],
    charge: dict[str, Any],
    first: date,
    after: date,
    amount: Decimal,
) -> Item:
    """Invoices name the last day of service, unlike subscriptions, whose ends are exclusive."""
    return {
        "subscriptionNumber": version["number"],
        "productName": plan["productName"],
        "chargeName": charge["name"],
        "chargeNumber": charge["number"],
        "productRatePlanChargeId": charge["productRatePlanChargeId"],
        "quantity": charge["quantity"],
        "unitPrice": charge["price"],
        "serviceStartDate": first.isoformat(),
        "serviceEndDate": (after - timedelta(days=1)).isoformat(),
        "amountWithoutTax": plain(cents(amount)),
        "taxAmount": 0,
        "processingType": "Charge",
    }


def _discounts(version: Version, items: list[Item]) -> list[Item]:
    return [
        {
            **item,
            "productName": plan["productName"],
            "chargeName": charge["name"],
            "chargeNumber": charge["number"],
            "productRatePlanChargeId": charge["productRatePlanChargeId"],
            "quantity": 1,
            "unitPrice": None,
            "amountWithoutTax": plain(cents(-_taken_off(charge, item))),
            "appliedToChargeNumber": item["chargeNumber"],
            "processingType": "Discount",
        }
        for plan, charge in charges_of(version)
        if charge["model"].startswith("Discount")
        for item in items
        if charge["effectiveStartDate"]
        <= item["serviceStartDate"]
        < (charge["effectiveEndDate"] or ENDLESS.isoformat())
    ]


def _taken_off(charge: dict[str, Any], item: Item) -> Decimal:
    amount = Decimal(item["amountWithoutTax"])
    if charge["model"] == "DiscountPercentage":
        return amount * Decimal(charge["discountPercentage"]) / 100
    most = Decimal(charge["discountAmount"])
    return min(amount, most) if amount > 0 else max(amount, -most)
