"""Object query at the Zuora stand-in: filtered, sorted pages over invoices and their like."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from infra.local.zuora_dates import plain
from infra.local.zuora_refusals import bad_value, not_found
from infra.local.zuora_tenant import Tenant

Row = dict[str, Any]
Query = dict[str, list[str]]

LARGEST_PAGE = 99
USUAL_PAGE = 10
MOST_VALUES = 100
"""How many values an IN takes here; what live tenants take is not known."""
PARAMETERS = {"pageSize", "cursor", "filter[]", "sort[]", "expand[]"}
FILTER = re.compile(r"(\w+)\.(EQ|NE|LT|GT|LE|GE|SW|IN):(.*)", re.DOTALL)
SORT = re.compile(r"(\w+)\.(ASC|DESC)")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda have, want: bool(have == want),
    "NE": lambda have, want: bool(have != want),
    "LT": lambda have, want: bool(have < want),
    "GT": lambda have, want: bool(have > want),
    "LE": lambda have, want: bool(have <= want),
    "GE": lambda have, want: bool(have >= want),
    "SW": lambda have, want: str(have).startswith(str(want)),
}


def page(resource: str, rows: list[Row], query: Query) -> dict[str, Any]:
    """One page of the rows that a query asks for; there is no `nextPage` on the last one."""
    unknown = query.keys() - PARAMETERS
    if unknown:
        raise bad_value(f"Unknown query parameters: {', '.join(sorted(unknown))}.")
    size = _size(query.get("pageSize", [str(USUAL_PAGE)])[-1])
    wanted = [row for row in rows if all(_passes(row, text) for text in query.get("filter[]", []))]
    for text in reversed(query.get("sort[]", [])):
        wanted = _sorted(wanted, text)
    asked = json.dumps([resource, query.get("filter[]"), query.get("sort[]")])
    seal = hashlib.sha256(asked.encode()).hexdigest()[:16]
    begin = _begin(query["cursor"][-1], seal) if "cursor" in query else 0
    answer: dict[str, Any] = {"data": [_without_nulls(row) for row in wanted[begin : begin + size]]}
    if begin + size < len(wanted):
        cursor = f"{seal}:{begin + size}".encode()
        answer["nextPage"] = base64.urlsafe_b64encode(cursor).decode()
    return answer


def rows(tenant: Tenant, resource: str, expand: list[str]) -> list[Row]:
    """Every row of a resource, with nulls; of subscriptions, every version."""
    found: Iterable[Row]
    match resource:
        case "invoices":
            found = tenant.state["invoices"].values()
        case "subscriptions":
            found = tenant.every_version()
        case "accounts":
            found = tenant.state["accounts"].values()
        case "product-rate-plans":
            found = tenant.state["catalogue"].values()
        case _:
            raise not_found("resource", resource)
    return [SHOWN[resource](tenant, entry, expand) for entry in found]


def row(tenant: Tenant, resource: str, key: str, expand: list[str]) -> Row:
    """One row by its id, or by the number it has."""
    match resource:
        case "invoices":
            found = tenant.invoice(key)
        case "subscriptions":
            found = tenant.subscription(key)
        case "accounts":
            found = tenant.account(key)
        case "product-rate-plans":
            found = tenant.product_rate_plan(key)
        case _:
            raise not_found("resource", resource)
    return _without_nulls(SHOWN[resource](tenant, found, expand))


def _invoice(tenant: Tenant, invoice: dict[str, Any], expand: list[str]) -> Row:
    copied = ("id", "accountId", "invoiceDate", "dueDate", "targetDate", "currency", "status")
    row = {
        **{name: invoice[name] for name in copied},
        "invoiceNumber": invoice["number"],
        "amount": invoice["amount"],
        "amountWithoutTax": invoice["amount"],
        "taxAmount": 0,
        "balance": invoice["balance"],
        "createdDate": invoice["createdDate"],
    }
    _check_expand(expand, "invoiceitems")
    if expand:
        row["invoiceItems"] = [
            {
                "id": item["id"],
                "chargeName": item["chargeName"],
                "chargeAmount": item["amountWithoutTax"],
                "serviceStartDate": item["serviceStartDate"],
                "serviceEndDate": item["serviceEndDate"],
            }
            for item in invoice["items"]
        ]
    return row


def _subscription(tenant: Tenant, version: dict[str, Any], expand: list[str]) -> Row:
    """One version; here the number is called `name`."""
    _check_expand(expand)
    copied = (
        "id",
        "version",
        "status",
        "currency",
        "accountId",
        "invoiceOwnerId",
        "contractEffectiveDate",
        "subscriptionStartDate",
        "subscriptionEndDate",
        "termType",
        "termStartDate",
        "termEndDate",
        "autoRenew",
        "cancelledDate",
        "createdDate",
    )
    versions = tenant.state["subscriptions"][version["number"]]
    return {
        **{name: version[name] for name in copied},
        "name": version["number"],
        "originalId": versions[0]["id"],
        "previousSubscriptionId": version["previousId"],
        "isLatestVersion": versions[-1]["id"] == version["id"],
    }


def _account(tenant: Tenant, account: dict[str, Any], expand: list[str]) -> Row:
    _check_expand(expand)
    copied = ("id", "name", "status", "currency", "crmId", "parentId", "autoPay", "createdDate")
    return {
        **{name: account[name] for name in copied},
        "accountNumber": account["number"],
        "balance": plain(tenant.balance(account["id"])),
        "billToId": account["billToId"],
        "soldToId": account["soldToId"],
        "defaultPaymentMethodId": account["defaultPaymentMethodId"],
    }


def _product_rate_plan(tenant: Tenant, plan: dict[str, Any], expand: list[str]) -> Row:
    row = {name: plan[name] for name in ("id", "name", "effectiveStartDate", "effectiveEndDate")}
    _check_expand(expand, "productrateplancharges")
    if expand:
        row["productRatePlanCharges"] = [
            {name: charge[name] for name in ("id", "name", "chargeModel", "chargeType")}
            for charge in plan["charges"]
        ]
    return row


SHOWN: dict[str, Callable[[Tenant, dict[str, Any], list[str]], Row]] = {
    "invoices": _invoice,
    "subscriptions": _subscription,
    "accounts": _account,
    "product-rate-plans": _product_rate_plan,
}


def _without_nulls(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}


def _check_expand(asked: list[str], *known: str) -> None:
    for name in asked:
        if name.lower() not in known:
            raise bad_value(f"'{name}' cannot be expanded here.")


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_PAGE:
        raise bad_value(f"pageSize is a number from 1 to {LARGEST_PAGE}.")
    return int(text)


def _begin(cursor: str, seal: str) -> int:
    try:
        sealed, _, begin = base64.urlsafe_b64decode(cursor).decode().partition(":")
        if sealed != seal:
            raise bad_value("The cursor is of another query.")
        return int(begin)
    except ValueError as failure:  # of which bad base64 and bad UTF-8 are kinds
        raise bad_value("The cursor is not one that was given out.") from failure


def _passes(row: Row, text: str) -> bool:
    found = FILTER.fullmatch(text)
    if found is None:
        raise bad_value(f"'{text}' is not a filter such as status.EQ:Posted.")
    name, operator, value = found.groups()
    have = _member(row, name)
    if operator == "IN":
        values = value.removeprefix("[").removesuffix("]").split(",")
        if not value.startswith("[") or not value.endswith("]") or len(values) > MOST_VALUES:
            raise bad_value(f"IN takes [a,b,c], at most {MOST_VALUES} values.")
        return any(_compared("EQ", have, one.strip()) for one in values)
    return _compared(operator, have, value)


def _compared(operator: str, have: Any, text: str) -> bool:
    if have is None or text == "null":
        return (operator == "EQ") == (have is None and text == "null")
    match have:
        case bool():
            want: Any = text.lower() == "true"
        case int() | Decimal():
            try:
                have, want = Decimal(have), Decimal(text)
            except InvalidOperation as failure:
                raise bad_value(f"'{text}' is not a number.") from failure
        case _:
            want = text
    return COMPARE[operator](have, want)


def _sorted(rows: list[Row], text: str) -> list[Row]:
    found = SORT.fullmatch(text)
    if found is None:
        raise bad_value(f"'{text}' is not an order such as invoicedate.DESC.")
    name, direction = found.groups()
    keyed = [(value is not None, value, row) for row in rows for value in [_member(row, name)]]
    known = [entry for entry in keyed if entry[0]]
    known.sort(key=lambda entry: entry[1], reverse=direction == "DESC")
    return [row for _, _, row in known] + [row for has, _, row in keyed if not has]


def _member(row: Row, name: str) -> Any:
    """A member by its name in any case."""
    for known, value in row.items():
        if known.lower() == name.lower():
            return value
    raise bad_value(f"There is no field '{name}'.")
