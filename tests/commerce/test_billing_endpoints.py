"""Invoices and payment methods through the deployed handlers, against the Zuora stand-in."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
import requests

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import sync
from tessera.edge.downloads import MOST_DIRECTLY
from tessera.events import event
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.partners.store import PartnersTable
from tests.builders import (
    NOW,
    FakeCatalog,
    FakePartners,
    api_event,
    candidate,
    customer,
    machine,
    partner,
)
from tests.handlers import body, load
from tests.integrations.zuora_tenant import Vault, reset
from tests.partners.organisations import organisation, petra

Call = Callable[..., dict[str, Any]]
INGRID = customer()
NEWCOMER = customer("auth0|nobody-yet")
ROUTES = {
    "list_own_invoices": "GET /api/mma/invoices",
    "read_own_invoice_pdf": "GET /api/mma/invoices/{id}/pdf",
    "list_payment_methods": "GET /api/mma/payment-methods",
    "open_payment_form": "POST /api/mma/payment-methods",
    "remove_payment_method": "DELETE /api/mma/payment-methods/{id}",
}


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ZuoraStandIn()) as running:
        yield running


@pytest.fixture
def tenant(stand_in: Running) -> Running:
    return reset(stand_in)


@pytest.fixture
def owner(tables: dict[str, str], tenant: Running) -> str:
    """Whoever Ingrid's login belongs to: the owner of Halden's subscription."""
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="tessera/dev/zuora", SecretString=json.dumps(dict(Vault().kept)))
    secrets.create_secret(Name="tessera/dev/cursors", SecretString=json.dumps({"key": "k" * 32}))
    owners = CommerceTable("Commerce", "Events")
    synced = sync(
        demo.DIGITAL_SUBSCRIPTION,
        billing=ZuoraBilling(Zuora(tenant.url, Vault())),
        catalog=FakeCatalog(candidate()),
        partners=FakePartners(),
        owners=owners,
        now=NOW,
        today=NOW.date(),
        mode="test",
    )
    attach = load(
        "identity/attach_identity",
        {"POST /api/objects/externalidentity/{owner}": {"machine": ["identities"]}},
    )
    id_token = {"iss": "https://limio.us.auth0.com/", "sub": "auth0|67bf2138817314f757da5abc"}
    answer = attach(
        api_event(
            "POST",
            f"/api/objects/externalidentity/{synced.owner}",
            route="/api/objects/externalidentity/{owner}",
            body={"id_token": id_token},
            caller=machine("identities"),
        )
    )
    assert answer["statusCode"] == 200, answer
    return synced.owner


@pytest.fixture
def call(owner: str, tenant: Running) -> Call:
    def send(function: str, path: str = "", *, caller: Any = INGRID, **request: Any) -> Any:
        route = ROUTES[function]
        method, template = route.split(" ")
        handler = load(
            f"commerce/{function}",
            {route: {"customer": []}},
            ZUORA_URL=tenant.url,
            ZUORA_PAGE_ID=demo.CARD_PAGE_ID,
            ZUORA_PAGE_URI=tenant.url + demo.CARD_PAGE_PATH,
            ZUORA_PAGE_SCRIPT=tenant.url + demo.CARD_SCRIPT_PATH,
        )
        return handler(
            api_event(method, path or template, route=template, caller=caller, **request)
        )

    return send


def test_lists_ones_own_invoices(call: Call) -> None:
    answer = call("list_own_invoices", query={"pageSize": "1", "paid": "true"})

    assert answer["statusCode"] == 200
    [invoice] = body(answer)["items"]
    assert (invoice["id"], invoice["balance"]) == (demo.HALDEN_PAID_INVOICE_ID, "0.00")


def test_goes_on_with_the_cursor(call: Call) -> None:
    first = body(call("list_own_invoices", query={"pageSize": "1"}))
    second = body(call("list_own_invoices", query={"pageSize": "1", "cursor": first["cursor"]}))

    assert {one["id"] for one in (*first["items"], *second["items"])} == {
        demo.HALDEN_PAID_INVOICE_ID,
        demo.HALDEN_UNPAID_INVOICE_ID,
    }
    assert "cursor" not in second


@pytest.mark.parametrize("size", ["0", "101", "many"])
def test_refuses_a_page_of_another_size(call: Call, size: str) -> None:
    assert call("list_own_invoices", query={"pageSize": size})["statusCode"] == 422


def test_a_newcomer_has_neither_invoices_nor_methods(call: Call) -> None:
    assert body(call("list_own_invoices", caller=NEWCOMER)) == {"items": []}
    assert body(call("list_payment_methods", caller=NEWCOMER)) == {"items": []}


def pdf_path(id: str) -> str:
    return f"/api/mma/invoices/{id}/pdf"


def test_a_pdf_is_the_answer_and_kept_nowhere(call: Call) -> None:
    answer = call("read_own_invoice_pdf", pdf_path(demo.HALDEN_PAID_INVOICE_ID))

    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is True
    assert base64.b64decode(answer["body"]).startswith(b"%PDF-")
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["content-type"] == "application/pdf"
    name = f"{demo.HALDEN_PAID_INVOICE}.pdf"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    assert headers["cache-control"] == "private, no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_large_pdf_is_lent_for_a_minute(call: Call, tenant: Running) -> None:
    s3 = boto3.client("s3")
    region = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="documents", CreateBucketConfiguration=region)
    invoice = tenant.stand_in.state["invoices"][demo.HALDEN_PAID_INVOICE_ID]
    invoice["pdfBytes"] = MOST_DIRECTLY + 1

    answer = call("read_own_invoice_pdf", pdf_path(demo.HALDEN_PAID_INVOICE_ID))

    assert (answer["statusCode"], answer["body"]) == (302, "")
    link = answer["headers"]["Location"]
    assert link.startswith("https://s3.eu-west-1.amazonaws.com/documents/invoices/")
    assert "X-Amz-Expires=60&" in link
    [kept] = s3.list_objects_v2(Bucket="documents")["Contents"]
    assert kept["Key"] in link
    stored = s3.get_object(Bucket="documents", Key=kept["Key"])
    assert stored["ContentLength"] == MOST_DIRECTLY + 1
    assert stored["ContentDisposition"] == f'attachment; filename="{demo.HALDEN_PAID_INVOICE}.pdf"'


def test_the_pdf_of_another_is_not_there(call: Call, tenant: Running) -> None:
    wanted = {"account": demo.BOREALIS.number, "amount": 12}
    made = requests.post(f"{tenant.url}/_control/invoices", json=wanted, timeout=10).json()

    answer = call("read_own_invoice_pdf", pdf_path(made["invoice"]["id"]))

    assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")


def test_lists_ones_own_payment_methods(call: Call) -> None:
    answer = call("list_payment_methods")

    [method] = body(answer)["items"]
    assert method["data"]["zuora"]["result"]["CreditCardMaskNumber"] == "************4242"
    assert (method["status"], method["data"]["default"]) == ("active", True)


def test_opens_zuoras_form_and_notes_that_it_was_opened(call: Call, tables: Any) -> None:
    answer = call("open_payment_form", body={"currency": "USD", "locale": "en_GB"})

    assert answer["statusCode"] == 201, answer
    form = body(answer)
    assert form["params"]["id"] == demo.CARD_PAGE_ID
    rows = boto3.client("dynamodb").scan(TableName="Sessions")["Items"]
    assert len(rows) == 1
    assert form["params"]["signature"] not in json.dumps(rows)


def test_removes_a_payment_method(call: Call) -> None:
    [method] = body(call("list_payment_methods"))["items"]

    answer = call("remove_payment_method", f"/api/mma/payment-methods/{method['id']}")

    assert (answer["statusCode"], answer["body"]) == (204, "")
    assert body(call("list_payment_methods")) == {"items": []}


PETRA = partner()


@pytest.fixture
def partners(tables: dict[str, str]) -> PartnersTable:
    """Acme, which is invoiced for what it sells, with Petra."""
    stored = PartnersTable("Partners", "Events")
    account = organisation().data.model_copy(update={"zuora_account_id": demo.ACME.id})
    acme = organisation(data=account)
    stored.add(acme, event("partner_org.created", acme.wire(), at=NOW))
    enrolled = petra(status="inviting", subject=None)
    stored.enrol(enrolled, due=NOW)
    later = {"subject": "subject-of-petra", "modified": NOW + timedelta(seconds=1)}
    active = petra().model_copy(update=later)
    stored.activate(enrolled, active, event("partner_user.created", {}, at=NOW))
    return stored


def as_partner(function: str, path: str, tenant: Running, route: str = "") -> dict[str, Any]:
    route = route or path
    handler = load(f"commerce/{function}", {f"GET {route}": {"partner": []}}, ZUORA_URL=tenant.url)
    return handler(api_event("GET", path, route=route, caller=PETRA))


def test_a_partner_sees_its_own_account_and_reads_its_pdf(
    owner: str, partners: PartnersTable, tenant: Running
) -> None:
    wanted = {"account": demo.ACME.number, "amount": 12}
    made = requests.post(f"{tenant.url}/_control/invoices", json=wanted, timeout=10).json()
    id = made["invoice"]["id"]

    listed = as_partner("list_partner_invoices", "/api/partner/invoices", tenant)
    [invoice] = body(listed)["items"]
    assert (invoice["id"], invoice["accountName"]) == (id, "Acme Resellers")
    assert (invoice["amount"], invoice["currency"]) == ("12.00", "GBP")

    route = "/api/partner/invoices/{id}/pdf"
    pdf = as_partner("read_partner_invoice_pdf", route.format(id=id), tenant, route)
    assert base64.b64decode(pdf["body"]).startswith(b"%PDF-")
    other = route.format(id=demo.HALDEN_PAID_INVOICE_ID)
    assert as_partner("read_partner_invoice_pdf", other, tenant, route)["statusCode"] == 404


def test_zuora_being_down_is_said_by_name(call: Call, tenant: Running) -> None:
    down = {"match": {"path": "/object-query"}, "times": 2}
    action = {"kind": "status", "status": 503}
    requests.post(f"{tenant.url}/_control/faults", json={**down, "action": action}, timeout=5)

    answer = call("list_own_invoices")

    assert (answer["statusCode"], body(answer)["code"]) == (502, "zuora_failed")
