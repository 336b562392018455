"""Orders at the Zuora stand-in: what they do to subscriptions, what is billed, what a preview says.

An order is worked out on versions in the making, which are kept once all its actions went through.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from infra.local import zuora_invoices, zuora_payments
from infra.local.zuora_billing import Item, bill, bill_periods, total
from infra.local.zuora_dates import day, plain
from infra.local.zuora_refusals import Category, Refusal, bad_value, missing, not_found, rule
from infra.local.zuora_revisions import Revision, started
from infra.local.zuora_shapes import ACTION_BODIES, TRIGGERS
from infra.local.zuora_tenant import Tenant

WRONG_ACCOUNT = 58730020
"""What Zuora answers when a later order is not placed under the account it belongs under."""
NOBODY = {"id": "", "number": ""}


@dataclass(frozen=True)
class Line:
    """What one entry of `subscriptions` makes of its subscription, at once or when it is told."""

    revision: Revision
    actions: list[dict[str, Any]]
    waits: bool

    @property
    def version(self) -> dict[str, Any]:
        return self.revision.version

    @property
    def is_new(self) -> bool:
        return bool(self.version["version"] == 1)


def place(tenant: Tenant, asked: dict[str, Any]) -> dict[str, Any]:
    """Carries out an order, checked field by field, and returns its record."""
    number = asked.get("orderNumber")
    if number in tenant.state["orders"]:
        raise rule(f"Order number '{number}' is taken.")
    account = _active(tenant, asked["existingAccountNumber"])
    opened: list[dict[str, Any]] = []
    options = asked.get("processingOptions", {})
    try:
        lines = _lines(tenant, asked, account, opened)
        billed = _billed(lines, options)
        if options.get("collectPayment"):
            _check_collectable(tenant, billed)
    except Refusal:
        for owner in opened:
            tenant.forget_account(owner)
        raise
    return _keep(tenant, asked, account, lines, billed)


def preview(tenant: Tenant, asked: dict[str, Any]) -> dict[str, Any]:
    """What an order would bill, with nothing kept; `asked` is checked field by field."""
    tenant = Tenant({**tenant.state, "counters": dict(tenant.state["counters"])}, tenant.now)
    if "existingAccountNumber" in asked:
        account = _active(tenant, asked["existingAccountNumber"])
    elif "previewAccountInfo" in asked:
        account = {**NOBODY, "currency": asked["previewAccountInfo"]["currency"]}
    else:
        raise missing("Either 'existingAccountNumber' or 'previewAccountInfo' is required.")
    opened: list[dict[str, Any]] = []
    try:
        lines = _lines(tenant, asked, account, opened)
    finally:
        for owner in opened:
            tenant.forget_account(owner)
    periods = asked["previewOptions"]["previewNumberOfPeriods"]
    by_day: dict[str, list[Item]] = defaultdict(list)
    for line in lines:
        if not line.waits:
            for item in bill_periods(line.version, line.revision.touched, periods):
                by_day[item["serviceStartDate"]].append(item)
    charged, credited = [], []
    for target in sorted(by_day):
        charges, credits = zuora_invoices.split(by_day[target])
        if charges:
            charged.append(_document(target, charges, "invoiceItems"))
        if credits:
            credited.append(_document(target, credits, "creditMemoItems"))
    return {"success": True, "previewResult": {"invoices": charged, "creditMemos": credited}}


def _lines(
    tenant: Tenant,
    asked: dict[str, Any],
    account: dict[str, Any],
    opened: list[dict[str, Any]],
) -> list[Line]:
    lines: dict[str, Line] = {}
    for entry in asked["subscriptions"]:
        actions = entry["orderActions"]
        if actions[0]["type"] == "CreateSubscription":
            line = _new(tenant, asked, account, entry, opened)
        else:
            line = _following(tenant, account, entry)
        if lines.setdefault(line.version["number"], line) is not line:
            raise bad_value(f"'{line.version['number']}' is in the order twice.")
    return list(lines.values())


def _new(
    tenant: Tenant,
    asked: dict[str, Any],
    account: dict[str, Any],
    entry: dict[str, Any],
    opened: list[dict[str, Any]],
) -> Line:
    action = entry["orderActions"][0]
    body = action["createSubscription"]
    if "subscriptionNumber" in entry or len(entry["orderActions"]) > 1:
        raise bad_value("A CreateSubscription stands alone and names its number inside.")
    number = body.get("subscriptionNumber") or tenant.next_number("subscription")
    if number in tenant.state["subscriptions"]:
        raise rule(f"Subscription number '{number}' is taken.")
    initial = body["terms"]["initialTerm"]
    if initial["termType"] == "TERMED" and not {"period", "periodType"} <= initial.keys():
        raise missing("A TERMED initialTerm needs its 'period' and 'periodType'.")
    owner, payer = _owners(tenant, account, body, opened)
    triggers = _triggers(action)
    on = triggers.get("ContractEffective", day(asked["orderDate"]))
    revision = started(
        supply=tenant,
        number=number,
        account=owner,
        invoice_owner=payer,
        terms=body["terms"],
        on=on,
        status=_status(triggers),
    )
    for plan in body["subscribeToRatePlans"]:
        revision.add_plan(plan, max(on, day(revision.version["subscriptionStartDate"])))
    return Line(revision, [action], waits=len(triggers) < len(TRIGGERS))


def _following(tenant: Tenant, account: dict[str, Any], entry: dict[str, Any]) -> Line:
    if "subscriptionNumber" not in entry:
        raise missing("'subscriptionNumber' is required beside the order actions.")
    latest = tenant.latest(entry["subscriptionNumber"])
    of_owner = tenant.state["settings"]["laterOrderAccount"] == "subscriptionOwner"
    if account["id"] != latest["accountId" if of_owner else "invoiceOwnerId"]:
        raise Refusal(
            (Category.BAD_VALUE, "The invoice owner of the subscription is another account."),
            code=WRONG_ACCOUNT,
        )
    if latest["status"] not in ("Active", "Suspended"):
        raise rule(f"The subscription is {latest['status']}.")
    revision, waits = Revision.of(latest, tenant), False
    for action in entry["orderActions"]:
        triggers = _triggers(action)
        on = triggers.get("ContractEffective", tenant.today)
        waits = waits or len(triggers) < len(TRIGGERS)
        for name, dated in triggers.items():
            if dated < day(latest["contractEffectiveDate"]):
                raise bad_value(f"{name} is before the contract of {latest['number']} begins.")
        _apply(revision, action, on)
    return Line(revision, entry["orderActions"], waits)


def _apply(revision: Revision, action: dict[str, Any], on: date) -> None:
    body = action[ACTION_BODIES[action["type"]]]
    ends = revision.version["termEndDate"]
    if ends is not None and on > day(ends):
        raise rule(f"{on} is after the end of the term, {ends}.")
    match action["type"]:
        case "AddProduct":
            revision.add_plan(body, on)
        case "RemoveProduct":
            revision.remove_plan(body["ratePlanId"], on)
        case "UpdateProduct":
            revision.update_plan(body, on)
        case "TermsAndConditions":
            revision.set_terms(body)
        case "CancelSubscription":
            revision.cancel(day(body["cancellationEffectiveDate"]))
        case "RenewSubscription":
            revision.renew()
        case kind:
            raise bad_value(f"A {kind} is not possible on a subscription that exists.")


def _owners(
    tenant: Tenant,
    account: dict[str, Any],
    body: dict[str, Any],
    opened: list[dict[str, Any]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Who owns a new subscription and who is invoiced, written as the tenant's style wants it."""
    named, new = body.get("subscriptionOwnerAccountNumber"), body.get("newSubscriptionOwnerAccount")
    if named is not None and new is not None:
        raise bad_value("A subscription owner is named or opened, not both.")
    style = tenant.state["settings"]["ownerStyle"]
    if style == "A" and (named is not None or new is not None):
        raise rule("The tenant's orders are placed under the subscription owner's account.")
    if style == "B" and "invoiceOwnerAccountNumber" in body:
        raise rule("The tenant's orders are placed under the invoice owner's account.")
    owner, payer = account, account
    if named is not None:
        owner = _active(tenant, named)
    elif new is not None:
        contact = dict(new["billToContact"])
        contact["zipCode"] = contact.pop("postalCode", "")
        owner = tenant.add_account({**new, "billToContact": contact})
        opened.append(owner)
    elif "invoiceOwnerAccountNumber" in body:
        payer = _active(tenant, body["invoiceOwnerAccountNumber"])
    if owner["currency"] != payer["currency"]:
        raise rule(f"The invoice owner is in {payer['currency']}, not {owner['currency']}.")
    return owner, payer


def _active(tenant: Tenant, number: str) -> dict[str, Any]:
    account = tenant.account(number)
    if account["number"] != number:
        raise not_found("account", number)
    if account["status"] != "Active":
        raise rule(f"Account {number} is {account['status']}.")
    return account


def _triggers(action: dict[str, Any]) -> dict[str, date]:
    return {
        trigger["name"]: day(trigger["triggerDate"]) for trigger in action.get("triggerDates", [])
    }


def _status(triggers: dict[str, date]) -> str:
    if "ContractEffective" not in triggers or "ServiceActivation" not in triggers:
        return "Pending Activation"
    return "Active" if "CustomerAcceptance" in triggers else "Pending Acceptance"


def _billed(lines: list[Line], options: dict[str, Any]) -> dict[str, list[Item]]:
    """What a bill run for these subscriptions finds, by the id of who is invoiced."""
    by_owner: dict[str, list[Item]] = defaultdict(list)
    if options.get("runBilling"):
        if "billingOptions" not in options:
            raise missing("'processingOptions.billingOptions' is required to run billing.")
        target = day(options["billingOptions"]["targetDate"])
        for line in lines:
            if not line.waits:
                by_owner[line.version["invoiceOwnerId"]] += bill(line.version, target)
    return by_owner


def _check_collectable(tenant: Tenant, billed: dict[str, list[Item]]) -> None:
    """Refuses the whole order when a payment for it would not go through."""
    for owner_id, items in billed.items():
        card = tenant.account(owner_id)["defaultPaymentMethodId"]
        if card is None:
            raise rule("The invoice owner has no default payment method.")
        zuora_payments.usable_card(tenant, tenant.account(owner_id), card)
        if total(zuora_invoices.split(items)[0]) == zuora_payments.DECLINED_AMOUNT:
            raise rule("The payment was declined.")


def _keep(
    tenant: Tenant,
    asked: dict[str, Any],
    account: dict[str, Any],
    lines: list[Line],
    billed: dict[str, list[Item]],
) -> dict[str, Any]:
    options = asked.get("processingOptions", {})
    number = asked.get("orderNumber") or tenant.next_number("order")
    invoices, memos = [], []
    for owner_id, items in billed.items():
        owner, dated = tenant.account(owner_id), day(options["billingOptions"]["targetDate"])
        invoice, memo = zuora_invoices.post(tenant, owner, items, dated=dated)
        memos += [memo] if memo else []
        invoices += [invoice] if invoice else []
        if invoice and options.get("collectPayment"):
            amount = Decimal(invoice["amount"])
            paid = {
                "accountId": owner_id,
                "amount": amount,
                "currency": owner["currency"],
                "paymentMethodId": owner["defaultPaymentMethodId"],
            }
            zuora_payments.keep(tenant, paid, [(invoice, amount)])
    order = {
        "id": tenant.fresh_id(),
        "number": number,
        "orderDate": asked["orderDate"],
        "status": "Pending" if any(line.waits for line in lines) else "Completed",
        "accountId": account["id"],
        "createdDate": tenant.instant(),
        "invoiceNumbers": [invoice["number"] for invoice in invoices],
        "creditMemoNumbers": [memo["number"] for memo in memos],
        "lines": [_kept_line(tenant, line, number) for line in lines],
    }
    tenant.state["orders"][number] = order
    return order


def _kept_line(tenant: Tenant, line: Line, order_number: str) -> dict[str, Any]:
    """Keeps the version a line made; one that waits for its dates leaves what there was."""
    if line.waits and not line.is_new:
        version = tenant.latest(line.version["number"])
    else:
        version = tenant.keep_version({**line.version, "orderNumber": order_number})
        owner = tenant.account(version["accountId"])
        # 0 stands for the day on which the first subscription begins.
        owner["billCycleDay"] = owner["billCycleDay"] or day(version["subscriptionStartDate"]).day
    return {
        "subscriptionNumber": version["number"],
        "subscriptionId": version["id"],
        "subscriptionOwnerAccountNumber": tenant.account(version["accountId"])["number"],
        "status": version["status"],
        "baseVersion": line.version["version"] - 1,
        "newVersion": version["version"],
        "orderActions": [
            {
                "type": action["type"],
                "sequence": sequence,
                "triggerDates": action.get("triggerDates", []),
            }
            for sequence, action in enumerate(line.actions)
        ],
    }


def _document(target: str, items: list[Item], lines: str) -> dict[str, Any]:
    """An invoice or a credit memo in a preview; the amounts of both are positive."""
    amount = plain(abs(total(items)))
    return {
        "targetDate": target,
        "amount": amount,
        "amountWithoutTax": amount,
        "taxAmount": 0,
        lines: [_previewed(item, -1 if lines == "creditMemoItems" else 1) for item in items],
    }


def _previewed(item: Item, sign: int) -> dict[str, Any]:
    copied = (
        "subscriptionNumber",
        "productName",
        "chargeName",
        "chargeNumber",
        "productRatePlanChargeId",
        "serviceStartDate",
        "serviceEndDate",
        "taxAmount",
        "processingType",
    )
    return {
        **{name: item[name] for name in copied},
        "chargeDescription": "",
        "unitPrice": plain(item["unitPrice"]),
        "amountWithoutTax": sign * item["amountWithoutTax"],
        "additionalInfo": {"quantity": plain(item["quantity"])},
    }
