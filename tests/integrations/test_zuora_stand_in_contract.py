"""The Zuora stand-in against the vendor's published description, where that is at hand."""

import json
from typing import Any

import pytest

from infra.local import demo
from tests.integrations.zuora_calls import Caller, running_zuora
from tests.integrations.zuora_contract import (
    errors,
    needs_contract,
    request_schema,
    schema_of,
    template_of,
)

pytestmark = needs_contract


@pytest.fixture(scope="module")
def exchanges() -> list[dict[str, Any]]:
    """One of each call that the contract describes, failures included."""
    seen: list[dict[str, Any]] = []
    with running_zuora() as zuora:
        zuora.session.hooks["response"] = lambda answer, **_: seen.append(
            {
                "method": answer.request.method,
                "path": answer.request.path_url.partition("?")[0],
                "sent": json.loads(answer.request.body) if answer.request.body else None,
                "status": answer.status_code,
                "body": answer.json() if "json" in answer.headers["Content-Type"] else None,
            }
        )
        make_every_call(zuora)
    return [entry for entry in seen if template_of(entry["path"])]


def make_every_call(zuora: Caller) -> None:
    read_everything(zuora)
    zuora.open_account(parentId=demo.ACME.id, soldToContact=zuora.contact(), crmId="001D")
    zuora.open_account()
    zuora.post("/v1/accounts", {"nonsense": 1})
    order = zuora.order(
        zuora.action(
            "CreateSubscription",
            zuora.new_subscription(quantity=5, invoiceOwnerAccountNumber=demo.ACME.number),
        )
    )
    zuora.post("/v1/orders?returnIds=true", order)
    zuora.post("/v1/orders?returnIds=true", order)
    zuora.get("/v1/orders/C5PBH5JD6698")
    zuora.get("/v1/orders/unknown")
    create = zuora.action("CreateSubscription", zuora.new_subscription(subscriptionNumber="NEW"))
    zuora.post("/v1/orders/preview", zuora.preview_of(zuora.order(create), account=False))
    change_halden(zuora)
    contact = zuora.get(f"/v1/accounts/{demo.HALDEN.number}")["billToContact"]["id"]
    zuora.get(f"/v1/contacts/{contact}")
    zuora.put(f"/v1/contacts/{contact}", zuora.contact(address2="Floor 2"))
    zuora.put("/v1/contacts/unknown", zuora.contact())
    card = zuora.control("payment-methods")["id"]
    zuora.put(f"/v1/payment-methods/{card}", {"accountKey": demo.HALDEN.number})
    zuora.put(
        f"/v1/accounts/{demo.HALDEN.number}", {"defaultPaymentMethodId": card, "autoPay": True}
    )
    form = {
        "uri": f"{zuora.url}{demo.CARD_PAGE_PATH}",
        "method": "POST",
        "pageId": demo.CARD_PAGE_ID,
        "accountId": demo.HALDEN.id,
        "currency": "USD",
        "locale": "en_GB",
        "passthrough1": "nonce",
    }
    zuora.post("/v1/rsa-signatures", form)
    zuora.fault("/v1/accounts", {"kind": "reasons", "codes": [50000060], "status": 500})
    zuora.get(f"/v1/accounts/{demo.HALDEN.number}")


def read_everything(zuora: Caller) -> None:
    for number in (demo.GOLD_SUBSCRIPTION, demo.CANCELLED_SUBSCRIPTION, demo.DRAFT_SUBSCRIPTION):
        zuora.subscription(number)
    zuora.subscription("unknown")
    zuora.get(f"/v1/accounts/{demo.HALDEN.number}")
    zuora.get("/v1/accounts/unknown")
    zuora.get(f"/v1/accounts/{demo.HALDEN.number}/payment-methods")
    zuora.get(f"/v1/accounts/{demo.BOREALIS.number}/payment-methods")
    for resource, key in (
        ("invoices", demo.HALDEN_PAID_INVOICE_ID),
        ("subscriptions", demo.GOLD_SUBSCRIPTION_ID),
        ("accounts", demo.HALDEN.id),
    ):
        zuora.get(f"/object-query/{resource}", pageSize=2)
        zuora.get(f"/object-query/{resource}", pageSize=100)
        zuora.get(f"/object-query/{resource}/{key}")
        zuora.get(f"/object-query/{resource}/unknown")
    zuora.get(
        f"/object-query/invoices/{demo.HALDEN_PAID_INVOICE_ID}", **{"expand[]": "invoiceitems"}
    )
    files = zuora.get(f"/v1/invoices/{demo.HALDEN_PAID_INVOICE_ID}/files")
    zuora.session.get(files["invoiceFiles"][0]["pdfFileUrl"], timeout=10)


def change_halden(zuora: Caller) -> None:
    """Every action on a subscription that exists, each placed and most of them previewed."""
    digital = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    plan = digital["ratePlans"][0]
    charge = plan["ratePlanCharges"][0]["number"]
    quantity = {
        "ratePlanId": plan["id"],
        "chargeUpdates": [
            {"chargeNumber": charge, "pricing": {"recurringPerUnit": {"quantity": 7}}}
        ],
    }
    discount = {
        "productRatePlanId": demo.LOYALTY_DISCOUNT_PLAN.id,
        "chargeOverrides": [
            {
                "productRatePlanChargeId": demo.LOYALTY_DISCOUNT_PLAN.charge_id,
                "pricing": {"discount": {"discountPercentage": 25}},
                "endDate": {
                    "endDateCondition": "Fixed_Period",
                    "upToPeriods": 3,
                    "upToPeriodsType": "Months",
                },
            }
        ],
    }
    terms = {
        "autoRenew": True,
        "renewalSetting": "RENEW_WITH_SPECIFIC_TERM",
        "renewalTerms": [{"period": 6, "periodType": "Month"}],
    }
    end = {"cancellationPolicy": "SpecificDate", "cancellationEffectiveDate": zuora.day(10)}
    for number, (kind, body) in enumerate(
        [
            ("UpdateProduct", quantity),
            ("AddProduct", discount),
            ("TermsAndConditions", terms),
            ("RenewSubscription", {}),
            ("RemoveProduct", None),
            ("CancelSubscription", end),
        ]
    ):
        if body is None:
            latest = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][0]
            body = {"ratePlanId": latest["id"]}
        order = zuora.order(
            zuora.action(kind, body),
            number=f"O-{number}",
            account=demo.HALDEN.number,
            subscription=demo.DIGITAL_SUBSCRIPTION,
        )
        zuora.post("/v1/orders/preview", zuora.preview_of(order))
        placed = zuora.post("/v1/orders?returnIds=true", order)
        assert placed["success"], placed
        zuora.subscription(demo.DIGITAL_SUBSCRIPTION)


def test_answers_as_the_vendor_describes_but_for_the_known_differences(
    exchanges: list[dict[str, Any]],
) -> None:
    problems = {
        (entry["method"], entry["path"], entry["status"], problem)
        for entry in exchanges
        if (schema := schema_of(entry["method"], entry["path"], entry["status"], entry["body"]))
        for problem in errors(schema, entry["body"])
    }

    assert problems == set()


def test_accepts_no_request_that_the_vendor_does_not_describe(
    exchanges: list[dict[str, Any]],
) -> None:
    taken = [e for e in exchanges if e["sent"] and e["body"] and e["body"].get("success")]

    problems = {
        (entry["method"], entry["path"], problem)
        for entry in taken
        for problem in errors(request_schema(entry["method"], entry["path"]), entry["sent"])
    }

    assert problems == set()
    assert len(taken) > 10


def test_every_route_of_the_contract_that_tessera_uses_is_exercised(
    exchanges: list[dict[str, Any]],
) -> None:
    assert {(e["method"], template_of(e["path"])) for e in exchanges} >= {
        ("GET", "/v1/subscriptions/{subscription-key}"),
        ("GET", "/v1/accounts/{account-key}"),
        ("POST", "/v1/accounts"),
        ("PUT", "/v1/accounts/{account-key}"),
        ("GET", "/v1/accounts/{account-key}/payment-methods"),
        ("PUT", "/v1/contacts/{contactId}"),
        ("POST", "/v1/orders"),
        ("POST", "/v1/orders/preview"),
        ("GET", "/v1/orders/{orderNumber}"),
        ("GET", "/v1/invoices/{invoiceKey}/files"),
        ("GET", "/v1/files/{file-id}"),
        ("PUT", "/v1/payment-methods/{payment-method-id}"),
        ("POST", "/v1/rsa-signatures"),
        ("GET", "/object-query/invoices"),
        ("GET", "/object-query/invoices/{key}"),
        ("GET", "/object-query/subscriptions"),
        ("GET", "/object-query/accounts"),
    }
