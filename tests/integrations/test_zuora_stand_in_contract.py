"""The Zuora stand-in against the vendor's published description, where that is at hand."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from infra.local import demo
from tests.integrations.zuora_calls import Caller, running_zuora

REPOSITORY = Path(__file__).resolve().parents[2]
CONTRACT = Path(
    os.environ.get("ZUORA_CONTRACT")
    or REPOSITORY.parent / "shared" / "contracts" / "zuora-subset-2026-05-01.json"
)
pytestmark = pytest.mark.skipif(
    not CONTRACT.exists(), reason="the vendor's description is not here; set ZUORA_CONTRACT"
)

# Live tenants do these things otherwise than the description says, and the stand-in follows them.
LIVE_PROPERTIES = {
    "reasons.message",
    "metrics.currency",
    "metrics.totalInvoiceBalance",
    "creditcard",
    "passthrough1",
}
Schema = dict[str, Any]


@cache
def contract() -> Schema:
    return dict(json.loads(CONTRACT.read_text()))


def resolved(schema: Schema) -> Schema:
    while "$ref" in schema:
        section, name = schema["$ref"].split("/")[-2:]
        schema = contract()["components"][section][name]
    return schema


def template_of(path: str) -> str:
    """The contract's path that a request was for; literal parts win over parameters."""
    fitting = [
        template
        for template in contract()["paths"]
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
    ]
    return min(fitting, key=lambda template: template.count("{"), default="")


def schema_of(method: str, path: str, status: int, body: Any) -> Schema | None:
    """What the contract says an answer looks like; failures look alike whatever their status."""
    responses = contract()["paths"][template_of(path)][method.lower()]["responses"]
    if isinstance(body, dict) and body.get("success") is False:
        return dict(resolved(responses["4XX"])["content"]["application/json"]["schema"])
    response = resolved(
        responses[str(status) if str(status) in responses else f"{status // 100}XX"]
    )
    content = response.get("content", {}).get("application/json")
    return dict(content["schema"]) if content else None


def errors(schema: Schema, body: Any) -> list[str]:
    root = {**schema, "components": contract()["components"]}
    validator = OAS30Validator(root, format_checker=oas30_format_checker)
    found = [e for e in validator.iter_errors(body) if not is_live_difference(e)]
    return [f"{e.json_path}: {e.message[:200]}" for e in found] + list(undeclared(schema, body))


def is_live_difference(error: Any) -> bool:
    path = [part for part in error.absolute_path if isinstance(part, str)]
    number = isinstance(error.instance, int | float)
    return bool(
        error.instance is None
        or (path == ["reasons", "code"] and isinstance(error.instance, int))
        or (path[:1] == ["metrics"] and number)
        # The list of an account's payment methods is named for their type and has siblings.
        or error.schema.get("title") == "Custom Payment Method"
    )


def undeclared(schema: Schema, body: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The members that no alternative of the schema names; most schemas would let them pass."""
    if isinstance(body, list):
        inner = [s["items"] for s in alternatives(schema) if "items" in s]
        for member in body if inner else []:
            yield from undeclared({"allOf": inner}, member, path)
    if not isinstance(body, dict) or ".".join(path) in LIVE_PROPERTIES:
        return
    declared: dict[str, list[Schema]] = {}
    for one in alternatives(schema):
        for name, inner_schema in one.get("properties", {}).items():
            declared.setdefault(name, []).append(inner_schema)
    for name, value in body.items():
        here = (*path, name)
        if ".".join(here) in LIVE_PROPERTIES:
            continue
        if name not in declared:
            yield f"{'.'.join(here)} is not declared"
        else:
            yield from undeclared({"allOf": declared[name]}, value, here)


def alternatives(schema: Schema) -> Iterator[Schema]:
    """A schema and everything that it is combined of."""
    schema = resolved(schema)
    yield schema
    for combination in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(combination, []):
            yield from alternatives(part)


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


def request_schema(method: str, path: str) -> Schema:
    body = resolved(contract()["paths"][template_of(path)][method.lower()]["requestBody"])
    return dict(body["content"]["application/json"]["schema"])


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
