"""Believable samples of every event's body, for test events: of a person who does not exist.

Each is of the shape that the real event has, so that a receiver can be tried before anything has
happened. Ids derive from names no real thing has. Source: README, "Events".
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from tessera import clock, ids

Body: TypeAlias = dict[str, Any]

NUMBER = "A-S00000000"
"""Of the sample subscription; Zuora never counts from nothing."""
_ACCOUNT = "A00000000"
_ISSUER, _SUBJECT = "https://login.example.com/", "auth0|67bf2138817314f757da5abc"
_OWNER = ids.derived("id", "sample", "owner")
_OTHER_OWNER = ids.derived("id", "sample", "merged owner")
_CUSTOMER = ids.derived("cus", "sample", "customer")
_SUBSCRIPTION = ids.subscription_id(NUMBER)
_ORDER = ids.derived("order", "sample", "order")
_REFERENCE = ids.reference(_ORDER)
_PARTNER = ids.derived("partner_org", "sample", "organisation")
_ORDER_TYPES = {
    "order.submitted": "new",
    "order.offer_changed": "change_offer",
    "order.offer_added": "add_offer",
    "order.subscription_cancelled": "cancel_subscription",
    "order.subscription_updated": "update_subscription",
    "order.address_changed": "change_address",
    "order.payment_method_changed": "change_payment",
    "order.renewed": "renew",
    "order.payment_submitted": "pay_invoice",
    "order.completed": "new",
    "order.customer_updated": "change_address",
}


def sample(type: str, now: datetime) -> Body:
    """The snapshot of a listed event type, as if it had happened now."""
    match type.partition(".")[0]:
        case "customer":
            return _customer(now)
        case "subscription":
            return _subscription(now, "cancelled" if type == "subscription.cancelled" else "active")
        case "order" if type == "order.failed":
            return _error()
        case "order":
            return _order(now, _ORDER_TYPES[type], is_complete=type == "order.completed")
        case "entitlements":
            return _entitlements(now)
        case "identity":
            return _identity(now)
        case "owner":
            return _object(
                _OTHER_OWNER, "identity", "merged", now, type="@limio/id", merged_into=_OWNER
            )
        case "partner_org":
            return _organisation(now, "archived" if type == "partner_org.archived" else "active")
        case "partner_user":
            return _partner_user(now)
        case "endpoint" | "delivery":
            return _endpoint(type, now)
    return _event(type, now)


def _object(id: str, record_type: str, status: str, now: datetime, **members: Any) -> Body:
    at = clock.instant(now)
    return {
        "id": id,
        "record_type": record_type,
        "service": "limio",
        "mode": "test",
        "status": status,
        **members,
        "created": at,
        "updated": at,
    }


def _customer(now: datetime) -> Body:
    data = {
        "firstName": "Ana",
        "lastName": "Lopes",
        "email": "ana@example.com",
        "companyName": "Lopes Ltd",
        "phone": "+44 20 7946 0000",
        "zuora": {"accountId": _hex("account"), "accountNumber": _ACCOUNT},
    }
    return _object(_CUSTOMER, "customer", "active", now, owner=_OWNER, data=data)


def _subscription(now: datetime, status: str) -> Body:
    today = now.date()
    data = {
        "name": "Digital Monthly",
        "startDate": today.isoformat(),
        "termStartDate": today.isoformat(),
        "termEndDate": (today + timedelta(days=365)).isoformat(),
        "termType": "TERMED",
        "autoRenew": status == "active",
        **({"cancelDate": today.isoformat()} if status == "cancelled" else {}),
        "currency": "GBP",
        "quantity": 1,
        "purchaseCountry": "GB",
        "price": _price(summary={"headline": "£17.50", "subline": "£17.50 per month"}),
        "tracking": {"source": "shop", "name": _REFERENCE, "orderReference": _REFERENCE},
        "currentPeriod": {"start": today.isoformat(), "end": _next_payment(today).isoformat()},
        "zuora": {
            "number": NUMBER,
            "id": _hex("subscription"),
            "originalId": _hex("subscription"),
            "version": 1,
            "status": status.capitalize(),
            "accountId": _hex("account"),
            "accountNumber": _ACCOUNT,
            "invoiceOwnerAccountId": _hex("account"),
        },
        "mapping": {"status": "mapped", "unmapped": []},
    }
    subscription = _object(
        _SUBSCRIPTION,
        "subscription",
        status,
        now,
        name=NUMBER,
        reference=NUMBER,
        owner=_OWNER,
        customer=_CUSTOMER,
        ref=f"{_ORDER}/{ids.order_item(_ORDER, 0)}",
        start=clock.instant(now),
        data=data,
    )
    offer_status, schedule = ("active", [_schedule(now)]) if status == "active" else ("ended", [])
    return {
        **subscription,
        "offers": [_offer(now, offer_status)],
        "addOns": [],
        "schedule": schedule,
    }


def _offer(now: datetime, status: str) -> Body:
    code = {"id": ids.derived("ent", "sample"), "name": "Web access", "code": "W2"}
    product = {
        "id": ids.derived("prod", "sample"),
        "path": "/products/Digital",
        "name": "Digital",
        "rate_plan": _hex("product rate plan"),
        "entitlements": [code],
    }
    data = {
        "name": "Digital Monthly",
        "record_subtype": "standard",
        "start": now.date().isoformat(),
        "quantity": 1,
        "price": _price(),
        "offer": {
            "id": ids.derived("offer", "sample"),
            "version": _hex("version"),
            "path": "/offers2/Digital Monthly",
            "name": "Digital Monthly",
            "attributes": {},
        },
        "zuora": {"ratePlanIds": [_hex("rate plan")]},
        "products": [product],
    }
    id = ids.derived("subscription_offer", "sample")
    return _object(
        id, "subscription_offer", status, now, related=_SUBSCRIPTION, reference=NUMBER, data=data
    )


def _schedule(now: datetime) -> Body:
    day = clock.zoneless(_next_payment(now.date()))
    line = {
        "chargeName": "Monthly",
        "productName": "Digital",
        "chargeDescription": "",
        "processingType": "Charge",
        "quantity": 1,
        "amountWithoutTax": "17.50",
        "taxAmount": "0.00",
    }
    data = {
        "type": "payment",
        "date": day,
        "schedule_date": day,
        "amount": "17.50",
        "amountWithoutTax": "17.50",
        "unit_amount": "17.50",
        "taxAmount": "0.00",
        "currency": "GBP",
        "quantity": 1,
        "description": "Digital Monthly",
        "lineItems": [line],
    }
    return _object(
        ids.derived("schedule", "sample"),
        "schedule",
        "pending-external",
        now,
        related=_SUBSCRIPTION,
        reference=NUMBER,
        data=data,
    )


def _order(now: datetime, order_type: str, *, is_complete: bool) -> Body:
    step = {
        "id": ids.derived("process_event", "sample"),
        "step": "zuora_order",
        "status": "complete" if is_complete else "pending",
        "at": clock.instant(now),
        "attempts": 1 if is_complete else 0,
        "generation": 0,
    }
    return _object(
        _ORDER,
        "order",
        "complete" if is_complete else "submitted",
        now,
        name=_REFERENCE,
        reference=_REFERENCE,
        order_type=order_type,
        external_id="SAMPLE-1",
        source="shop",
        orderDate=clock.instant(now),
        owner=_OWNER,
        customer=_CUSTOMER,
        subscriptions=[_SUBSCRIPTION],
        placed_by={"kind": "machine", "id": "sample"},
        data={"order_type": order_type, "external_id": "SAMPLE-1", "source": "shop"},
        warnings=[],
        process=[step],
    )


def _error() -> Body:
    order = {"id": _ORDER}
    return {
        "eventId": ids.derived("event", "sample"),
        "processEventId": ids.derived("process_event", "sample"),
        "event": {"message": "Order Received", "type": "order.new", "event": order},
        "pluginErrorOutput": [
            {"name": "zuora", "message": "Zuora refused the order (53100320), request sample"}
        ],
    }


def _entitlements(now: datetime) -> Body:
    return {
        "tracking": {
            "subscription": NUMBER,
            "source": "shop",
            "name": _REFERENCE,
            "orderReference": _REFERENCE,
        },
        "updated": clock.instant(now),
        "owner": _OWNER,
        "identities": [
            {"sub": _SUBJECT, "iss": _ISSUER, "service": "auth0", "type": "user_id"},
        ],
        "entitlements": [{"code": "W2"}],
    }


def _identity(now: datetime) -> Body:
    data = {"iss": _ISSUER, "sub": _SUBJECT, "service": "auth0", "type": "user_id"}
    id = ids.derived("xid", "sample")
    members: Mapping[str, Any] = {"type": "@limio/external-id", "owner": _OWNER, "name": _SUBJECT}
    return _object(id, "identity", "active", now, **members, data=data)


def _organisation(now: datetime, status: str) -> Body:
    data = {
        "zuoraAccountId": _hex("partner account"),
        "zuoraAccountNumber": "A00000001",
        "zuoraCurrency": "GBP",
        "isZuoraInvoiceOwner": True,
        "logo": "https://example.com/logo.png",
    }
    return _modified(
        _object(_PARTNER, "partner_org", status, now, name="Acme Resellers", data=data)
    )


def _partner_user(now: datetime) -> Body:
    data = {"email": "petra@acme.example"}
    id = ids.derived("partner_user", "sample")
    members = {"name": "Petra Novak", "partner_org": _PARTNER, "data": data}
    return _modified(_object(id, "partner_user", "active", now, **members))


def _modified(partner: Body) -> Body:
    """Existing readers of partner objects expect another name for the time of the last change."""
    return {{"updated": "modified"}.get(name, name): value for name, value in partner.items()}


def _endpoint(type: str, now: datetime) -> Body:
    exhausted = {
        "count": 3,
        "first": ids.derived("event", "sample", "first"),
        "last": ids.derived("event", "sample", "last"),
    }
    is_well = type == "endpoint.recovered"
    return {
        "id": ids.derived("endpoint", "sample"),
        "record_type": "webhook_endpoint",
        "service": "limio",
        "url": "https://hooks.example.com/in",
        "status": "disabled" if type == "endpoint.disabled" else "active",
        "health": "ok" if is_well else "open",
        "reason": "timeout",
        "since": clock.instant(now - timedelta(hours=1)),
        "failures": 0 if is_well else 12,
        **({"exhausted": exhausted} if type == "delivery.exhausted" else {}),
    }


def _event(type: str, now: datetime) -> Body:
    return {
        "id": ids.derived("event", "sample"),
        "record_type": "event",
        "service": "limio",
        "mode": "test",
        "name": type,
        "owner": _OWNER,
        "subscription": _SUBSCRIPTION,
        "created": clock.instant(now),
        "data": {},
    }


def _price(**members: Any) -> Body:
    return {"amount": 17.5, "currency": "GBP", **members}


def _next_payment(day: date) -> date:
    return day + timedelta(days=30)


def _hex(of: str) -> str:
    """An id as Zuora's are: 32 digits without a prefix."""
    return ids.derived("xx", "sample", of).removeprefix("xx-")
