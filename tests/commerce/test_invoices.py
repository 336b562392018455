"""Whose invoices may be seen by whom, page by page and as PDF: the rules, against real answers."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
import requests

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from tessera import ids
from tessera.commerce.invoices import Invoice, InvoicePage, PdfNotReady, Viewer, list_page, read_pdf
from tessera.commerce.models import Customer, CustomerData, ZuoraAccount
from tessera.cursors import Cursors
from tessera.errors import InvalidRequest, NotFound
from tessera.identity.principal import PartnerOrganisation
from tessera.integrations.http import Profile
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_invoices import ZuoraInvoices
from tessera.integrations.zuora_verdicts import ZuoraFailed, ZuoraNotConfigured
from tessera.objects import Record
from tests.builders import NOW
from tests.integrations.zuora_tenant import Vault, order_fault, reset

OWNER = "id-8606b883875fe37f1beae43c676ebc60"
ACME = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"
BOREALIS = "partner_org-00000000000000000000000000000b0b"
CALM = Profile(connect=5, read=10, total=20)
INGRID = Viewer(id="auth0|ingrid", owner=OWNER)
PAID, UNPAID = demo.HALDEN_PAID_INVOICE_ID, demo.HALDEN_UNPAID_INVOICE_ID


class Key:
    def read(self) -> dict[str, str]:
        return {"key": "a key that seals"}


CURSORS = Cursors(Key())


def customer_of(
    number: str, account_id: str | None, *, owner: str = OWNER, partner_org: str | None = None
) -> Customer:
    return Customer(
        id=ids.customer_id(number),
        owner=owner,
        partner_org=partner_org,
        created=NOW,
        updated=NOW,
        data=CustomerData(
            first_name="Ingrid",
            last_name="Halden",
            zuora=ZuoraAccount(account_id=account_id, account_number=number),
        ),
    )


class Known:
    """Tessera's own records, oldest customer first."""

    def __init__(self, *customers: Customer) -> None:
        self.customers = list(customers)
        self.asked: list[int] = []

    def customer(self, id: str) -> Customer | None:
        return next((one for one in self.customers if one.id == id), None)

    def objects(
        self,
        path_type: str,
        *,
        owner: str | None,
        partner_org: str | None,
        limit: int,
        after: dict[str, Any] | None,
    ) -> tuple[list[Record], dict[str, Any] | None]:
        self.asked.append(limit)
        of = [
            one
            for one in self.customers
            if (owner is not None and one.owner == owner)
            or (partner_org is not None and one.partner_org == partner_org)
        ]
        begin = int(after["n"]) if after else 0
        following = {"n": begin + limit} if begin + limit < len(of) else None
        return list(of[begin : begin + limit]), following


HALDEN = customer_of(demo.HALDEN.number, demo.HALDEN.id)


def acme(*, is_invoiced: bool, account: str = demo.ACME.id) -> Viewer:
    organisation = PartnerOrganisation(
        id=ACME,
        name="Acme Resellers",
        is_zuora_invoice_owner=is_invoiced,
        zuora_account_id=account,
    )
    return Viewer(id="partner_user-1", organisation=organisation)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ZuoraStandIn()) as running:
        yield running


@pytest.fixture
def tenant(stand_in: Running) -> Running:
    return reset(stand_in)


@pytest.fixture
def invoices(tenant: Running) -> ZuoraInvoices:
    return ZuoraInvoices(Zuora(tenant.url, Vault(), profile=CALM))


def post(tenant: Running, account: str, amount: str = "12.00", **more: Any) -> dict[str, Any]:
    wanted = {"account": account, "amount": float(amount), **more}
    answer = requests.post(f"{tenant.url}/_control/invoices", json=wanted, timeout=10)
    found: dict[str, Any] = answer.json()["invoice"]
    return found


def listed(invoices: Any, viewer: Viewer, customers: Known, **asked: Any) -> dict[str, Any]:
    given = {"size": 40, "cursor": None, **asked}
    return list_page(viewer, invoices=invoices, customers=customers, cursors=CURSORS, **given)


def everything(invoices: Any, viewer: Viewer, customers: Known, **asked: Any) -> list[str]:
    """The ids on all pages."""
    found, cursor = [], None
    for _ in range(60):
        page = listed(invoices, viewer, customers, cursor=cursor, **asked)
        found += [item["id"] for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            return found
    raise AssertionError("the list does not end")


def test_a_customer_sees_the_posted_invoices_of_the_own_accounts(invoices: ZuoraInvoices) -> None:
    page = listed(invoices, INGRID, Known(HALDEN))

    assert page["cursor"] is None
    assert {item["id"] for item in page["items"]} == {PAID, UNPAID}
    paid = next(item for item in page["items"] if item["id"] == PAID)
    assert paid["balance"] == "0.00"
    assert paid["invoiceNumber"] == demo.HALDEN_PAID_INVOICE
    assert (paid["currency"], paid["status"], paid["accountId"]) == (
        "USD",
        "Posted",
        demo.HALDEN.id,
    )
    assert "." in paid["amount"]
    assert "accountName" not in paid


def test_amounts_have_the_decimals_of_their_currency() -> None:
    yen = Invoice(
        id=PAID,
        invoice_number="INV1",
        amount=Decimal("1750"),
        balance=Decimal("0"),
        currency="JPY",
        status="Posted",
        account_id=demo.HALDEN.id,
    )

    assert (yen.wire()["amount"], yen.wire()["balance"]) == ("1750", "0")


@pytest.mark.parametrize(("paid", "expected"), [(True, [PAID]), (False, [UNPAID])])
def test_can_be_narrowed_to_what_is_paid_or_not(
    invoices: ZuoraInvoices, paid: bool, expected: list[str]
) -> None:
    assert everything(invoices, INGRID, Known(HALDEN), paid=paid) == expected


def test_somebody_without_an_account_has_no_invoices(
    tenant: Running, invoices: ZuoraInvoices
) -> None:
    unprovisioned = Known(customer_of("T-NEW", None))

    assert listed(invoices, INGRID, unprovisioned) == {"items": [], "cursor": None}
    assert listed(invoices, Viewer(id="new"), Known()) == {"items": [], "cursor": None}
    assert tenant.stand_in.journal.entries("/object-query") == []


@pytest.mark.parametrize("known_by", [demo.ACME.id, demo.ACME.number])
def test_an_invoiced_partner_sees_its_own_account_and_no_customers(
    tenant: Running, invoices: ZuoraInvoices, known_by: str
) -> None:
    """Made while Zuora was not connected, it is known by what was given: an id or a number."""
    own = post(tenant, demo.ACME.number)["id"]
    sold = Known(customer_of(demo.HALDEN.number, demo.HALDEN.id, partner_org=ACME))
    viewer = acme(is_invoiced=True, account=known_by)

    page = listed(invoices, viewer, sold)

    assert read_pdf(own, viewer, invoices=invoices, customers=sold).content.startswith(b"%PDF-")

    assert [(item["id"], item["accountName"]) for item in page["items"]] == [
        (own, "Acme Resellers")
    ]


def test_a_partner_whose_customers_are_invoiced_sees_theirs_too(
    tenant: Running, invoices: ZuoraInvoices
) -> None:
    own = post(tenant, demo.ACME.number)["id"]
    sold = Known(
        customer_of(demo.HALDEN.number, demo.HALDEN.id, partner_org=ACME),
        customer_of(demo.BOREALIS.number, demo.BOREALIS.id),
    )
    post(tenant, demo.BOREALIS.number)

    page = listed(invoices, acme(is_invoiced=False), sold)

    names = {item["id"]: item["accountName"] for item in page["items"]}
    assert names == {own: "Acme Resellers", PAID: "Ingrid Halden", UNPAID: "Ingrid Halden"}


def test_a_parent_set_by_hand_in_zuora_opens_nothing(
    tenant: Running, invoices: ZuoraInvoices
) -> None:
    tenant.stand_in.state["accounts"][demo.HALDEN.id]["parentId"] = demo.ACME.id

    assert listed(invoices, acme(is_invoiced=False), Known(HALDEN))["items"] == []
    with pytest.raises(NotFound):
        read_pdf(PAID, acme(is_invoiced=False), invoices=invoices, customers=Known(HALDEN))


def test_many_accounts_are_asked_about_in_batches_of_fifty(
    tenant: Running, invoices: ZuoraInvoices
) -> None:
    wanted = [post(tenant, number)["id"] for number in demo.SAMPLE_ACCOUNTS[:2]]
    accounts = tenant.stand_in.state["accountNumbers"]
    found = [
        customer_of(number, accounts[number], partner_org=ACME)
        for number in demo.SAMPLE_ACCOUNTS[:2]
    ]
    nobody = [
        customer_of(f"T-{n}", f"8ad0965d{n:024x}", partner_org=ACME) for n in range(1000, 1060)
    ]
    sold = Known(found[0], *nobody, found[1])
    own = post(tenant, demo.ACME.number)["id"]

    ids = everything(invoices, acme(is_invoiced=False), sold, size=1, paid=False)

    assert {own, *wanted} <= set(ids)
    assert len(ids) == len(set(ids))
    # The organisation's own account is one of the first fifty.
    assert set(sold.asked) == {49, 50}
    queries = tenant.stand_in.journal.entries("/object-query/invoices")
    filters = [text for call in queries for text in call["query"]["filter[]"] if ".IN:" in text]
    assert max(text.count(",") + 1 for text in filters) == 50


def test_every_page_goes_on_where_the_last_one_ended(
    tenant: Running, invoices: ZuoraInvoices
) -> None:
    more = {post(tenant, demo.HALDEN.number)["id"] for _ in range(3)}

    assert set(everything(invoices, INGRID, Known(HALDEN), size=2)) == {PAID, UNPAID, *more}


class Empty:
    """Billing that has not one invoice."""

    def __init__(self) -> None:
        self.asked = 0

    def require(self) -> None: ...

    def page(
        self, accounts: Sequence[str], *, size: int, cursor: str | None, paid: bool | None
    ) -> InvoicePage:
        self.asked += 1
        return InvoicePage((), None)


def test_an_answer_passes_over_a_bounded_number_of_empty_batches() -> None:
    customers = [customer_of(f"T-{n}", f"8ad0965d{n:024x}", partner_org=ACME) for n in range(1000)]
    empty = Empty()

    page = listed(empty, acme(is_invoiced=False), Known(*customers))

    assert (page["items"], empty.asked) == ([], 10)
    assert page["cursor"] is not None
    assert everything(empty, acme(is_invoiced=False), Known(*customers)) == []


class Overreaching(Empty):
    """Billing that answers with an invoice of an account that was not asked for."""

    def page(
        self, accounts: Sequence[str], *, size: int, cursor: str | None, paid: bool | None
    ) -> InvoicePage:
        other = Invoice(
            id=PAID,
            invoice_number="INV1",
            amount=Decimal(1),
            balance=Decimal(1),
            currency="GBP",
            status="Posted",
            account_id=demo.BOREALIS.id,
        )
        return InvoicePage([other], None)


def test_what_was_not_asked_for_is_not_passed_on() -> None:
    assert listed(Overreaching(), INGRID, Known(HALDEN))["items"] == []


@pytest.mark.parametrize(
    ("viewer", "asked"),
    [
        (Viewer(id="auth0|other", owner=OWNER), {}),
        (Viewer(id="auth0|ingrid", owner="id-" + "0" * 32), {}),
        (acme(is_invoiced=False), {}),
        (INGRID, {"paid": False}),
        (INGRID, {"customer": HALDEN.id}),
    ],
    ids=["another login", "another owner", "a partner", "narrowed", "one customer"],
)
def test_a_cursor_of_another_list_is_refused(
    invoices: ZuoraInvoices, viewer: Viewer, asked: dict[str, Any]
) -> None:
    cursor = listed(invoices, INGRID, Known(HALDEN), size=1)["cursor"]

    with pytest.raises(InvalidRequest):
        listed(invoices, viewer, Known(HALDEN), cursor=cursor, **asked)


def test_can_be_narrowed_to_one_customer(tenant: Running, invoices: ZuoraInvoices) -> None:
    post(tenant, demo.BOREALIS.number)
    both = Known(
        customer_of(demo.HALDEN.number, demo.HALDEN.id, partner_org=ACME),
        customer_of(demo.BOREALIS.number, demo.BOREALIS.id, partner_org=ACME),
    )

    page = listed(invoices, acme(is_invoiced=False), both, customer=HALDEN.id)

    assert {item["id"] for item in page["items"]} == {PAID, UNPAID}
    assert listed(invoices, acme(is_invoiced=True), both, customer=HALDEN.id)["items"] == []


@pytest.mark.parametrize("id", [HALDEN.id, "cus-" + "0" * 32, "nonsense"])
def test_another_ones_customer_is_not_there(invoices: ZuoraInvoices, id: str) -> None:
    for viewer in (Viewer(id="x", owner="id-" + "1" * 32), acme(is_invoiced=False)):
        with pytest.raises(NotFound):
            listed(invoices, viewer, Known(HALDEN), customer=id)


def test_reads_the_pdf_of_ones_own_invoice(invoices: ZuoraInvoices) -> None:
    pdf = read_pdf(PAID, INGRID, invoices=invoices, customers=Known(HALDEN))

    assert pdf.name == f"{demo.HALDEN_PAID_INVOICE}.pdf"
    assert pdf.content.startswith(b"%PDF-")


def test_reads_the_latest_version_of_the_pdf(tenant: Running, invoices: ZuoraInvoices) -> None:
    files = tenant.stand_in.state["invoices"][PAID]["files"]
    newer = {"id": "8ad0965d00000000000000000000beef", "versionNumber": 2}
    files.insert(0, newer)
    tenant.stand_in.state["files"][newer["id"]] = PAID

    read_pdf(PAID, INGRID, invoices=invoices, customers=Known(HALDEN))

    [call] = tenant.stand_in.journal.entries("/v1/files/")
    assert call["path"] == f"/v1/files/{newer['id']}"


def test_the_address_that_zuora_names_for_a_file_is_not_followed(
    tenant: Running, invoices: ZuoraInvoices
) -> None:
    read_pdf(PAID, INGRID, invoices=invoices, customers=Known(HALDEN))

    listed = tenant.stand_in.journal.entries("/v1/")
    assert [call["path"].split("/")[2] for call in listed] == [
        "accounts",
        "invoices",
        "files",
    ]


@pytest.mark.parametrize(
    ("viewer", "customers"),
    [
        (Viewer(id="new"), Known(HALDEN)),
        (Viewer(id="other", owner="id-" + "1" * 32), Known(HALDEN)),
        (INGRID, Known()),
        (INGRID, Known(customer_of(demo.HALDEN.number, demo.BOREALIS.id))),
        (acme(is_invoiced=False), Known(HALDEN)),
        (
            acme(is_invoiced=True),
            Known(customer_of(demo.HALDEN.number, demo.HALDEN.id, partner_org=ACME)),
        ),
        (
            acme(is_invoiced=False),
            Known(
                customer_of(
                    demo.HALDEN.number, demo.HALDEN.id, partner_org="partner_org-" + "2" * 32
                )
            ),
        ),
    ],
    ids=[
        "no owner",
        "other owner",
        "unknown",
        "other account",
        "not the partner's",
        "invoiced to the partner",
        "other partner",
    ],
)
def test_nobody_reads_the_pdf_of_another(
    tenant: Running, invoices: ZuoraInvoices, viewer: Viewer, customers: Known
) -> None:
    with pytest.raises(NotFound) as refused:
        read_pdf(PAID, viewer, invoices=invoices, customers=customers)

    assert refused.value.wire_code == "not_found"
    assert tenant.stand_in.journal.entries("/v1/files/") == []


@pytest.mark.parametrize("id", ["", "../accounts", "INV00000001", "8" * 31, PAID.upper()])
def test_what_is_no_id_of_an_invoice_is_not_asked_for(
    tenant: Running, invoices: ZuoraInvoices, id: str
) -> None:
    with pytest.raises(NotFound):
        read_pdf(id, INGRID, invoices=invoices, customers=Known(HALDEN))

    assert tenant.stand_in.journal.entries("") == []


def test_a_draft_is_nobodys_business(tenant: Running, invoices: ZuoraInvoices) -> None:
    tenant.stand_in.state["invoices"][PAID]["status"] = "Draft"

    assert PAID not in everything(invoices, INGRID, Known(HALDEN))
    with pytest.raises(NotFound):
        read_pdf(PAID, INGRID, invoices=invoices, customers=Known(HALDEN))


def test_an_invoice_may_have_no_pdf_yet(tenant: Running, invoices: ZuoraInvoices) -> None:
    fresh = post(tenant, demo.HALDEN.number, pdf=False)["id"]

    with pytest.raises(PdfNotReady) as refused:
        read_pdf(fresh, INGRID, invoices=invoices, customers=Known(HALDEN))

    assert (refused.value.status, refused.value.wire_code) == (404, "invoice_pdf_not_ready")


def test_what_is_no_pdf_is_a_failure_of_zuora(tenant: Running, invoices: ZuoraInvoices) -> None:
    order_fault(tenant, "/v1/files/", kind="html")

    with pytest.raises(ZuoraFailed):
        read_pdf(PAID, INGRID, invoices=invoices, customers=Known(HALDEN))


def test_a_name_for_the_file_is_fit_for_a_header(tenant: Running, invoices: ZuoraInvoices) -> None:
    odd = tenant.stand_in.state["invoices"][PAID]
    odd["number"] = 'INV"1\r\nX: y/../é'

    pdf = read_pdf(PAID, INGRID, invoices=invoices, customers=Known(HALDEN))

    assert pdf.name == "INV1Xy...pdf"


def test_says_so_while_zuora_is_not_connected() -> None:
    off = ZuoraInvoices(Zuora("", Vault()))

    with pytest.raises(ZuoraNotConfigured):
        listed(off, Viewer(id="new"), Known())
    with pytest.raises(ZuoraNotConfigured):
        read_pdf(PAID, INGRID, invoices=off, customers=Known(HALDEN))
