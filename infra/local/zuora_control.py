"""Control routes of the Zuora stand-in: what people, CPQ and bill runs do in a live tenant."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

from infra.local import demo, zuora_invoices, zuora_nightly, zuora_views
from infra.local._server import Request
from infra.local.zuora_billing import bill
from infra.local.zuora_callouts import Callout, send
from infra.local.zuora_card import add_card
from infra.local.zuora_dates import day
from infra.local.zuora_edge import ZuoraEdge, endpoint
from infra.local.zuora_fields import DATE, FLAG, Shape, amount, check, count, text
from infra.local.zuora_refusals import bad_value, not_found
from infra.local.zuora_revisions import Revision, started
from infra.local.zuora_tenant import Tenant

NEW_ACCOUNT: Shape = {
    "name": text().needed(),
    "currency": text(3),
    "parent": text(50),
    "firstName": text(100),
    "lastName": text(100),
    "email": text(80),
    "country": text(64),
    "crmId": text(100),
}
NEW_SUBSCRIPTION: Shape = {
    "account": text(50).needed(),
    "plan": text(32).needed(),
    "number": text(100),
    "invoiceOwner": text(50),
    "quantity": amount(0),
    "startDate": DATE,
    "months": count(1, 120),
    "autoRenew": FLAG,
    "status": text(30),
}
CANCEL: Shape = {"date": DATE, "scheduled": FLAG}
ON_A_DAY: Shape = {"date": DATE}
ADD_PLAN: Shape = {"plan": text(32).needed(), "quantity": amount(0), "date": DATE}
REMOVE_PLAN: Shape = {"plan": text(32).needed(), "date": DATE}
CHANGE_PLAN: Shape = {
    "from": text(32),
    "to": text(32).needed(),
    "quantity": amount(0),
    "date": DATE,
}
NEW_INVOICE: Shape = {
    "account": text(50).needed(),
    "amount": amount(0).needed(),
    "date": DATE,
    "pdf": FLAG,
    "pdfBytes": count(0, 19 * 1024 * 1024),
}
CALLOUT: Shape = {
    "url": text(2000).needed(),
    "username": text(200),
    "password": text(200),
    "subscriptionNumber": text(100).needed(),
    "type": text(100),
    "preemptive": FLAG,
    "notificationId": text(100),
}


class ZuoraControl(ZuoraEdge):
    """Each makes what Zuora would: new versions, invoices, callouts. Refusals are 400."""

    @endpoint("POST", "/_control/accounts", status=400)
    def open_account(self, request: Request) -> dict[str, Any]:
        asked, tenant = check(request.json(), NEW_ACCOUNT), self.tenant()
        contact = {
            "firstName": asked.get("firstName", "Sam"),
            "lastName": asked.get("lastName", "Sales"),
            "workEmail": asked.get("email", "sam@sales.example"),
            "country": asked.get("country", "GB"),
        }
        parent = {"parentId": tenant.account(asked["parent"])["id"]} if "parent" in asked else {}
        account = tenant.add_account(
            {
                "name": asked["name"],
                "currency": asked.get("currency", "GBP"),
                "billCycleDay": 0,
                "billToContact": contact,
                "soldToContact": contact,
                "crmId": asked.get("crmId"),
                **parent,
            }
        )
        return zuora_views.account(tenant, account)

    @endpoint("POST", "/_control/subscriptions", status=400)
    def add_subscription(self, request: Request) -> dict[str, Any]:
        asked, tenant = check(request.json(), NEW_SUBSCRIPTION), self.tenant()
        account = tenant.account(asked["account"])
        begins = day(asked.get("startDate", tenant.today.isoformat()))
        term = {"period": asked.get("months", 12), "periodType": "Month"}
        revision = started(
            supply=tenant,
            number=asked.get("number") or tenant.next_number("subscription"),
            account=account,
            invoice_owner=tenant.account(asked.get("invoiceOwner", account["id"])),
            terms={
                "initialTerm": {"termType": "TERMED", **term, "startDate": begins.isoformat()},
                "autoRenew": asked.get("autoRenew", True),
                "renewalSetting": "RENEW_WITH_SPECIFIC_TERM",
                "renewalTerms": [term],
            },
            on=begins,
            status=asked.get("status", "Active"),
        )
        revision.add_plan(_plan(tenant, asked["plan"], asked), begins)
        return _kept(tenant, revision.version)

    @endpoint("POST", "/_control/subscriptions/{number}/cancel", status=400)
    def cancel_subscription(self, request: Request) -> dict[str, Any]:
        asked = _asked(request, CANCEL)
        on = self._day(asked)

        def cancel(revision: Revision) -> None:
            if asked.get("scheduled"):
                revision.schedule_cancellation(on)
            else:
                revision.cancel(on)

        return self._revised(request, cancel)

    @endpoint("POST", "/_control/subscriptions/{number}/renew", status=400)
    def renew_subscription(self, request: Request) -> dict[str, Any]:
        return self._revised(request, lambda revision: revision.renew())

    @endpoint("POST", "/_control/subscriptions/{number}/activate", status=400)
    def activate_subscription(self, request: Request) -> dict[str, Any]:
        """Gives a draft or a pending subscription the dates it waits for."""
        on = self._day(_asked(request, ON_A_DAY))
        return self._revised(request, lambda revision: revision.activate(on))

    @endpoint("POST", "/_control/subscriptions/{number}/suspend", status=400)
    def suspend_subscription(self, request: Request) -> dict[str, Any]:
        on = self._day(_asked(request, ON_A_DAY))
        return self._revised(request, lambda revision: revision.suspend(on))

    @endpoint("POST", "/_control/subscriptions/{number}/resume", status=400)
    def resume_subscription(self, request: Request) -> dict[str, Any]:
        on = self._day(_asked(request, ON_A_DAY))
        return self._revised(request, lambda revision: revision.resume(on))

    @endpoint("POST", "/_control/subscriptions/{number}/add_plan", status=400)
    def add_plan(self, request: Request) -> dict[str, Any]:
        asked, tenant = _asked(request, ADD_PLAN), self.tenant()
        plan, on = _plan(tenant, asked["plan"], asked), self._day(asked)
        return self._revised(request, lambda revision: revision.add_plan(plan, on))

    @endpoint("POST", "/_control/subscriptions/{number}/remove_plan", status=400)
    def remove_plan(self, request: Request) -> dict[str, Any]:
        asked = _asked(request, REMOVE_PLAN)
        on, ids = self._day(asked), self._live_plans(request, asked["plan"])

        def remove(revision: Revision) -> None:
            for id in ids:
                revision.remove_plan(id, on)

        return self._revised(request, remove)

    @endpoint("POST", "/_control/subscriptions/{number}/change_plan", status=400)
    def change_plan(self, request: Request) -> dict[str, Any]:
        """`from` is a product rate plan; without it, every plan gives way to the new one."""
        asked = _asked(request, CHANGE_PLAN)
        on, ids = self._day(asked), self._live_plans(request, asked.get("from"))
        plan = _plan(self.tenant(), asked["to"], asked)

        def change(revision: Revision) -> None:
            for id in ids:
                revision.remove_plan(id, on)
            revision.add_plan(plan, on)

        return self._revised(request, change)

    @endpoint("POST", "/_control/payment-methods", status=400)
    def add_payment_method(self, request: Request) -> dict[str, Any]:
        asked = _asked(request, {"account": text(50)})
        return zuora_views.payment_method(add_card(self.tenant(), asked.get("account")))

    @endpoint("POST", "/_control/invoices", status=400)
    def add_invoice(self, request: Request) -> dict[str, Any]:
        """One line of this amount; without `pdf` false it has its file at once."""
        asked, tenant = check(request.json(), NEW_INVOICE), self.tenant()
        dated = self._day(asked)
        line = {
            "productName": "Services",
            "chargeName": "As agreed",
            "chargeNumber": tenant.next_number("charge"),
            "serviceStartDate": dated.isoformat(),
            "serviceEndDate": dated.isoformat(),
            "amountWithoutTax": asked["amount"],
            "taxAmount": 0,
            "processingType": "Charge",
        }
        account = tenant.account(asked["account"])
        invoice, _ = zuora_invoices.post(tenant, account, [line], dated=dated)
        if invoice is not None and asked.get("pdf") is False:
            invoice["files"] = []
        if invoice is not None and "pdfBytes" in asked:
            invoice["pdfBytes"] = asked["pdfBytes"]
        return {"invoice": invoice}

    @endpoint("POST", "/_control/bill-run", status=400)
    def run_billing(self, request: Request) -> dict[str, Any]:
        asked, tenant = _asked(request, {"targetDate": DATE}), self.tenant()
        target = day(asked.get("targetDate", tenant.today.isoformat()))
        posted = zuora_nightly.bill_all(tenant, target)
        return {"invoices": [invoice["number"] for invoice in posted]}

    @endpoint("POST", "/_control/callouts", status=400, locked=False)
    def send_callout(self, request: Request) -> dict[str, Any]:
        """Not under the lock: who is called may well ask this stand-in before it answers."""
        asked = check(request.json(), CALLOUT)
        if not asked["url"].startswith(("http://", "https://")):
            raise bad_value("'url' is an HTTP address.")
        callout = Callout(
            url=asked["url"],
            username=asked.get("username", demo.ZUORA_CALLOUT_LOGIN.username),
            password=asked.get("password", demo.ZUORA_CALLOUT_LOGIN.password),
            preemptive=asked.get("preemptive", True),
            notification_id=asked.get("notificationId", uuid4().hex),
            body={
                "subscriptionID": asked["subscriptionNumber"],
                "type": asked.get("type", "OrderActionProcessed"),
                "data": {},
            },
        )
        answers = send(callout)
        return {"notificationId": callout.notification_id, "answers": answers}

    def _revised(self, request: Request, action: Callable[[Revision], None]) -> dict[str, Any]:
        tenant = self.tenant()
        revision = Revision.of(tenant.latest(request.params["number"]), tenant)
        action(revision)
        return _kept(tenant, revision.version)

    def _day(self, asked: dict[str, Any]) -> date:
        return day(asked["date"]) if "date" in asked else self.tenant().today

    def _live_plans(self, request: Request, product_rate_plan_id: str | None) -> list[str]:
        latest = self.tenant().latest(request.params["number"])
        ids = [
            plan["id"]
            for plan in latest["ratePlans"]
            if plan["lastChangeType"] != "Remove"
            and product_rate_plan_id in (None, plan["productRatePlanId"])
        ]
        if not ids:
            raise not_found("live rate plan", product_rate_plan_id or "any")
        return ids


def _asked(request: Request, shape: Shape) -> dict[str, Any]:
    return check(request.json() if request.body else {}, shape)


def _plan(tenant: Tenant, id: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What an order would say to subscribe to a plan in this quantity."""
    listed = tenant.product_rate_plan(id)
    if "quantity" not in asked:
        return {"productRatePlanId": id}
    pricing = {"recurringPerUnit": {"quantity": asked["quantity"]}}
    overrides = [
        {"productRatePlanChargeId": charge["id"], "pricing": pricing}
        for charge in listed["charges"]
        if charge["chargeModel"] == "Per Unit Pricing"
    ]
    return {"productRatePlanId": id, "chargeOverrides": overrides}


def _kept(tenant: Tenant, version: dict[str, Any]) -> dict[str, Any]:
    """Keeps a version, bills it up to today, and shows it."""
    tenant.keep_version(version)
    items = bill(version, tenant.today)
    owner = tenant.account(version["invoiceOwnerId"])
    zuora_invoices.post(tenant, owner, items, dated=tenant.today)
    return zuora_views.subscription(tenant, version)
