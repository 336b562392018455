"""What the Zuora stand-in answers: its objects in the shapes of the vendor's v1 API."""

from typing import Any

from infra.local.zuora_dates import plain
from infra.local.zuora_tenant import CONTACT_FIELDS, Tenant


def subscription(tenant: Tenant, version: dict[str, Any]) -> dict[str, Any]:
    """`GET /v1/subscriptions/{key}`; nulls where live tenants have them."""
    account = tenant.account(version["accountId"])
    owner = tenant.account(version["invoiceOwnerId"])
    copied = (
        "status",
        "version",
        "currency",
        "orderNumber",
        "scheduledCancelDate",
        "contractEffectiveDate",
        "serviceActivationDate",
        "customerAcceptanceDate",
        "termType",
        "termStartDate",
        "termEndDate",
        "subscriptionStartDate",
        "subscriptionEndDate",
        "initialTerm",
        "initialTermPeriodType",
        "currentTerm",
        "currentTermPeriodType",
        "autoRenew",
        "renewalSetting",
        "renewalTerm",
        "renewalTermPeriodType",
        "statusHistory",
    )
    return {
        "success": True,
        "id": version["id"],
        "subscriptionNumber": version["number"],
        "isLatestVersion": tenant.latest(version["number"])["id"] == version["id"],
        "accountId": account["id"],
        "accountNumber": account["number"],
        "accountName": account["name"],
        "invoiceOwnerAccountId": owner["id"],
        "invoiceOwnerAccountNumber": owner["number"],
        "invoiceOwnerAccountName": owner["name"],
        **{name: version[name] for name in copied},
        "ratePlans": [_rate_plan(plan) for plan in version["ratePlans"]],
    }


def account(tenant: Tenant, account: dict[str, Any]) -> dict[str, Any]:
    """`GET /v1/accounts/{key}`; the metrics are numbers and name their currency, as live ones."""
    balance = plain(tenant.balance(account["id"]))
    return {
        "success": True,
        "basicInfo": {
            "id": account["id"],
            "accountNumber": account["number"],
            "name": account["name"],
            "status": account["status"],
            "crmId": account["crmId"],
            "parentId": account["parentId"],
            "batch": "Batch1",
            "notes": None,
            "salesRep": None,
        },
        "billingAndPayment": {
            "currency": account["currency"],
            "billCycleDay": account["billCycleDay"],
            "paymentTerm": account["paymentTerm"],
            "paymentGateway": None,
            "autoPay": account["autoPay"],
            "defaultPaymentMethodId": account["defaultPaymentMethodId"],
        },
        "metrics": {
            "balance": balance,
            "currency": account["currency"],
            "totalInvoiceBalance": balance,
            "creditBalance": 0,
            "unappliedPaymentAmount": 0,
        },
        "billToContact": _contact(tenant.contact(account["billToId"])),
        "soldToContact": _contact(tenant.contact(account["soldToId"])),
    }


def contact(tenant: Tenant, contact: dict[str, Any]) -> dict[str, Any]:
    """`GET` and `PUT /v1/contacts/{id}`."""
    account = tenant.account(contact["accountId"])
    return {
        "success": True,
        "accountId": account["id"],
        "accountNumber": account["number"],
        **{name: contact[name] for name in CONTACT_FIELDS},
        "asBillTo": account["billToId"] == contact["id"],
        "asSoldTo": account["soldToId"] == contact["id"],
    }


def placed_order(tenant: Tenant, order: dict[str, Any], *, with_ids: bool) -> dict[str, Any]:
    """`POST /v1/orders`."""
    account = tenant.account(order["accountId"])
    answered = {
        "success": True,
        "orderNumber": order["number"],
        "accountNumber": account["number"],
        "status": order["status"],
        "subscriptions": [
            {
                "subscriptionNumber": line["subscriptionNumber"],
                "subscriptionId": line["subscriptionId"],
                "status": line["status"],
            }
            for line in order["lines"]
        ],
        "invoiceNumbers": order["invoiceNumbers"],
        "creditMemoNumbers": order["creditMemoNumbers"],
    }
    if with_ids:
        answered |= {"orderId": order["id"], "accountId": account["id"]}
    return answered


def order(tenant: Tenant, order: dict[str, Any]) -> dict[str, Any]:
    """`GET /v1/orders/{orderNumber}`."""
    account = tenant.account(order["accountId"])
    return {
        "success": True,
        "order": {
            "orderNumber": order["number"],
            "orderDate": order["orderDate"],
            "status": order["status"],
            "createdDate": order["createdDate"],
            "currency": account["currency"],
            "existingAccountNumber": account["number"],
            "subscriptions": [
                {
                    name: line[name]
                    for name in (
                        "subscriptionNumber",
                        "subscriptionOwnerAccountNumber",
                        "baseVersion",
                        "newVersion",
                        "orderActions",
                    )
                }
                for line in order["lines"]
            ],
        },
    }


def payment_methods(tenant: Tenant, account: dict[str, Any]) -> dict[str, Any]:
    """`GET /v1/accounts/{key}/payment-methods`: a list for each type, under the type's name."""
    default = account["defaultPaymentMethodId"]
    listed: dict[str, Any] = {"success": True, "defaultPaymentMethodId": default}
    for method in tenant.state["paymentMethods"].values():
        if method["accountId"] == account["id"]:
            seen = {**payment_method(method), "isDefault": method["id"] == default}
            listed.setdefault(method["type"].lower(), []).append(seen)
    return listed


def payment_method(method: dict[str, Any]) -> dict[str, Any]:
    names = (
        "id",
        "type",
        "creditCardType",
        "cardNumber",
        "expirationMonth",
        "expirationYear",
        "status",
    )
    return {name: method[name] for name in names}


def payment(payment: dict[str, Any]) -> dict[str, Any]:
    """A payment as `POST` and `GET /v1/payments` show it."""
    return {name: value for name, value in payment.items() if name != "createdDate"}


def _rate_plan(plan: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "lastChangeType", "productId", "productName", "productRatePlanId")
    return {
        **{name: plan[name] for name in (*names, "ratePlanName")},
        "ratePlanCharges": [_charge(charge) for charge in plan["charges"]],
    }


def _charge(charge: dict[str, Any]) -> dict[str, Any]:
    through, end = charge["chargedThroughDate"], charge["effectiveEndDate"]
    return {
        **charge,
        "price": plain(charge["price"]),
        "quantity": plain(charge["quantity"]),
        "discountPercentage": plain(charge["discountPercentage"]),
        "discountAmount": plain(charge["discountAmount"]),
        "processedThroughDate": through,
        "done": through is not None and end is not None and through >= end,
        "tiers": None,
    }


def _contact(contact: dict[str, Any]) -> dict[str, Any]:
    return {"id": contact["id"], **{name: contact[name] for name in CONTACT_FIELDS}}
