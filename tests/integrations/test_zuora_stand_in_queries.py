"""Object query, invoice files and PDFs at the Zuora stand-in."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import demo
from tests.integrations.zuora_calls import Body, Caller, running_zuora


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    return shared.reset()


def names(page: Body, member: str = "name") -> list[Any]:
    return [row[member] for row in page["data"]]


def test_queries_an_accounts_posted_invoices_newest_first(zuora: Caller) -> None:
    zuora.control("invoices", {"account": demo.ACME.number, "amount": 5})

    page = zuora.get(
        "/object-query/invoices",
        **{
            "filter[]": [f"accountid.EQ:{demo.HALDEN.id}", "status.EQ:Posted"],
            "sort[]": "invoicedate.DESC",
            "pageSize": 99,
        },
    )

    assert page.keys() == {"data"}
    unpaid, paid = page["data"]
    assert unpaid["id"] == demo.HALDEN_UNPAID_INVOICE_ID
    assert unpaid["invoiceNumber"] == demo.HALDEN_UNPAID_INVOICE
    assert unpaid["amount"] == unpaid["balance"] == 110
    assert (paid["amount"], paid["balance"], paid["currency"]) == (480, 0, "USD")
    assert unpaid["invoiceDate"] > paid["invoiceDate"]


def test_walks_through_pages_by_an_opaque_cursor(zuora: Caller) -> None:
    query = {"pageSize": 9, "sort[]": "accountnumber.ASC", "filter[]": "currency.EQ:GBP"}
    found: list[str] = []
    cursor: dict[str, str] = {}

    while cursor is not None:
        page = zuora.get("/object-query/accounts", **query, **cursor)
        found += names(page, "accountNumber")
        if "nextPage" not in page:
            break
        cursor = {"cursor": page["nextPage"]}

    assert len(found) == len(set(found)) == 34
    assert found == sorted(found)


@pytest.mark.parametrize(
    "query",
    [
        {"pageSize": 0},
        {"pageSize": 100},
        {"pageSize": "ten"},
        {"pagesize": 10},
        {"cursor": "made up"},
        {"filter[]": "name=Acme"},
        {"filter[]": "name.LIKE:Acme"},
        {"filter[]": "nonsense.EQ:1"},
        {"filter[]": "balance.GT:much"},
        {"filter[]": "id.IN:a,b"},
        {"filter[]": "id.IN:[" + ",".join("a" * 101) + "]"},
        {"sort[]": "name"},
        {"sort[]": "nonsense.ASC"},
        {"expand[]": "invoices"},
    ],
)
def test_refuses_a_query_with_400(zuora: Caller, query: dict[str, Any]) -> None:
    answer = zuora.session.get(f"{zuora.url}/object-query/accounts", params=query, timeout=10)

    assert answer.status_code == 400
    assert answer.json().keys() == {"reasons", "requestId"}
    assert [reason["code"] for reason in answer.json()["reasons"]] == [50000020]


def test_refuses_a_cursor_of_another_query(zuora: Caller) -> None:
    first = zuora.get("/object-query/accounts", pageSize=1)

    answer = zuora.session.get(
        f"{zuora.url}/object-query/invoices",
        params={"pageSize": 1, "cursor": first["nextPage"]},
        timeout=10,
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accountnumber.EQ:A00000007", ["Acme Resellers"]),
        ("AccountNumber.EQ:A00000007", ["Acme Resellers"]),
        ("name.SW:Boreal", ["Borealis"]),
        ("accountnumber.IN:[A00000007, A00000008]", ["Acme Resellers", "Borealis"]),
        ("balance.GT:0", ["Halden Instruments AS"]),
        ("balance.GE:110.00", ["Halden Instruments AS"]),
        ("accountnumber.LT:A00000008", ["Acme Resellers"]),
        ("accountnumber.LE:A00000008", ["Acme Resellers", "Borealis"]),
        ("crmid.NE:null", ["Acme Resellers", "Borealis", "Halden Instruments AS"]),
        ("autopay.EQ:true", []),
    ],
)
def test_filters_by_every_operator(zuora: Caller, text: str, expected: list[str]) -> None:
    query = {"filter[]": text, "sort[]": "accountnumber.ASC"}

    assert names(zuora.get("/object-query/accounts", **query)) == expected


def test_sorts_by_several_fields_and_puts_nulls_last(zuora: Caller) -> None:
    page = zuora.get(
        "/object-query/accounts",
        **{"sort[]": ["currency.DESC", "crmid.ASC", "name.ASC"], "pageSize": 4},
    )

    assert names(page)[:2] == ["Halden Instruments AS", "Fjord Optics AS"]
    assert names(page)[2:] == ["Acme Resellers", "Borealis"]


def test_shows_every_version_of_a_subscription_unless_the_latest_is_asked_for(
    zuora: Caller,
) -> None:
    filters = [f"name.EQ:{demo.CANCELLED_SUBSCRIPTION}"]

    every = zuora.get("/object-query/subscriptions", **{"filter[]": filters})["data"]
    latest = zuora.get(
        "/object-query/subscriptions", **{"filter[]": [*filters, "islatestversion.EQ:true"]}
    )["data"]

    assert [row["version"] for row in every] == [1, 2]
    assert {row["originalId"] for row in every} == {every[0]["id"]}
    assert every[1]["previousSubscriptionId"] == every[0]["id"]
    assert latest == [every[1]]
    assert "subscriptionNumber" not in every[0]


def test_reads_one_row_by_its_id(zuora: Caller) -> None:
    row = zuora.get(f"/object-query/invoices/{demo.HALDEN_PAID_INVOICE_ID}")

    assert row["accountId"] == demo.HALDEN.id
    assert "invoiceItems" not in row


@pytest.mark.parametrize("path", ["invoices/unknown", "nonsense", "nonsense/x"])
def test_answers_404_for_rows_and_resources_that_are_not_there(zuora: Caller, path: str) -> None:
    answer = zuora.call("GET", f"/object-query/{path}")

    assert answer.status_code == 404
    assert answer.json()["reasons"][0]["code"] == 50000040


@pytest.mark.parametrize(
    ("plan", "model"),
    [
        (demo.DIGITAL_MONTHLY_PLAN, "Per Unit Pricing"),
        (demo.GOLD_ANNUAL_PLAN, "Flat Fee Pricing"),
        (demo.LOYALTY_DISCOUNT_PLAN, "Discount-Percentage"),
    ],
)
def test_describes_a_product_rate_plan_with_its_charges(
    zuora: Caller, plan: demo.RatePlan | demo.Discount, model: str
) -> None:
    path = f"/object-query/product-rate-plans/{plan.id}"

    row = zuora.get(path, **{"expand[]": "productrateplancharges"})

    assert (row["id"], row["name"]) == (plan.id, plan.name)
    assert row["effectiveStartDate"] < zuora.day() < row["effectiveEndDate"]
    assert row["productRatePlanCharges"] == [
        {
            "id": plan.charge_id,
            "name": plan.charge,
            "chargeModel": model,
            "chargeType": "Recurring",
        }
    ]
    assert "productRatePlanCharges" not in zuora.get(path)


def test_hands_out_an_invoice_as_a_pdf(zuora: Caller) -> None:
    [file] = zuora.get(f"/v1/invoices/{demo.HALDEN_PAID_INVOICE_ID}/files")["invoiceFiles"]

    answer = zuora.call("GET", f"/v1/files/{file['id']}")

    assert file["pdfFileUrl"] == f"{zuora.url}/v1/files/{file['id']}"
    assert answer.headers["Content-Type"] == "application/pdf"
    page = answer.content
    assert page.startswith(b"%PDF-1.4\n")
    assert page.endswith(b"%%EOF\n")
    assert b"Invoice INV00000001" in page
    [table] = re.findall(rb"startxref\n(\d+)\n", page)
    assert page[int(table) :].startswith(b"xref\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", page), 1):
        assert page[int(place) :].startswith(b"%d 0 obj" % number)
    [length] = re.findall(rb"/Length (\d+)", page)
    [stream] = re.findall(rb"stream\n(.*)\nendstream", page, re.DOTALL)
    assert len(stream) == int(length)


def test_has_no_pdf_before_it_is_drawn(zuora: Caller) -> None:
    made = zuora.control("invoices", {"account": demo.HALDEN.number, "amount": 7, "pdf": False})[
        "invoice"
    ]

    listed = zuora.get(f"/v1/invoices/{made['id']}/files")

    assert listed == {"success": True, "invoiceFiles": []}


def test_lists_the_newest_version_of_a_file_first_in_pages(zuora: Caller) -> None:
    path = f"/v1/invoices/{demo.HALDEN_PAID_INVOICE_ID}/files"
    invoice = zuora.get("/_control/state")["invoices"][demo.HALDEN_PAID_INVOICE_ID]
    files = [*invoice["files"], {"id": "another", "versionNumber": 2}]
    zuora.patch_state({"invoices": {invoice["id"]: {"files": files}}})

    page = zuora.get(path, pageSize=1)
    rest = zuora.session.get(page["nextPage"], timeout=10).json()

    assert [file["versionNumber"] for file in page["invoiceFiles"]] == [2]
    assert [file["versionNumber"] for file in rest["invoiceFiles"]] == [1]
