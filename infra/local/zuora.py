"""The Zuora stand-in: the routes of the vendor's API that Tessera calls, over a `Tenant`."""

import argparse
from typing import Any
from urllib.parse import urlencode

from infra.local import zuora_orders, zuora_payments, zuora_pdf, zuora_query, zuora_views
from infra.local._server import Request, Response, main
from infra.local.zuora_card import CardForm
from infra.local.zuora_control import ZuoraControl
from infra.local.zuora_edge import endpoint
from infra.local.zuora_fields import check
from infra.local.zuora_refusals import bad_value
from infra.local.zuora_shapes import (
    ACCOUNT_CHANGE,
    CONTACT_CHANGE,
    NEW_ACCOUNT,
    ORDER,
    PAYMENT,
    PAYMENT_METHOD_CHANGE,
    PREVIEW,
    check_order,
)

# The resources in the codes of refused writes; only their last two digits mean anything to us.
ACCOUNTS, CONTACTS, ORDERS, METHODS, PAYMENTS = 531000, 581000, 587300, 540100, 542300
USUAL_PAGE, LARGEST_PAGE = 20, 40


class Zuora(ZuoraControl, CardForm):
    """A Zuora tenant in miniature."""

    @endpoint("GET", "/v1/subscriptions/{key}")
    def read_subscription(self, request: Request) -> dict[str, Any]:
        tenant = self.tenant()
        return zuora_views.subscription(tenant, tenant.subscription(request.params["key"]))

    @endpoint("GET", "/v1/accounts/{key}")
    def read_account(self, request: Request) -> dict[str, Any]:
        tenant = self.tenant()
        return zuora_views.account(tenant, tenant.account(request.params["key"]))

    @endpoint("POST", "/v1/accounts", ACCOUNTS)
    def create_account(self, request: Request) -> dict[str, Any]:
        account = self.tenant().add_account(check(request.json(), NEW_ACCOUNT))
        return {
            "success": True,
            "accountId": account["id"],
            "accountNumber": account["number"],
            "billToContactId": account["billToId"],
            "soldToContactId": account["soldToId"],
        }

    @endpoint("PUT", "/v1/accounts/{key}", ACCOUNTS)
    def change_account(self, request: Request) -> dict[str, Any]:
        asked = check(request.json(), ACCOUNT_CHANGE)
        self.tenant().change_account(request.params["key"], asked)
        return {"success": True}

    @endpoint("GET", "/v1/contacts/{id}")
    def read_contact(self, request: Request) -> dict[str, Any]:
        tenant = self.tenant()
        return zuora_views.contact(tenant, tenant.contact(request.params["id"]))

    @endpoint("PUT", "/v1/contacts/{id}", CONTACTS)
    def change_contact(self, request: Request) -> dict[str, Any]:
        asked, tenant = check(request.json(), CONTACT_CHANGE), self.tenant()
        return zuora_views.contact(tenant, tenant.change_contact(request.params["id"], asked))

    @endpoint("POST", "/v1/orders", ORDERS)
    def place_order(self, request: Request) -> dict[str, Any]:
        asked, tenant = check_order(request.json(), ORDER), self.tenant()
        order = zuora_orders.place(tenant, asked)
        with_ids = request.query.get("returnIds", ["false"])[-1] == "true"
        return zuora_views.placed_order(tenant, order, with_ids=with_ids)

    @endpoint("POST", "/v1/orders/preview", ORDERS)
    def preview_order(self, request: Request) -> dict[str, Any]:
        return zuora_orders.preview(self.tenant(), check_order(request.json(), PREVIEW))

    @endpoint("GET", "/v1/orders/{number}")
    def read_order(self, request: Request) -> dict[str, Any]:
        tenant = self.tenant()
        return zuora_views.order(tenant, tenant.order(request.params["number"]))

    @endpoint("GET", "/v1/invoices/{key}/files")
    def list_invoice_files(self, request: Request) -> dict[str, Any]:
        invoice = self.tenant().invoice(request.params["key"])
        files = [
            {**file, "pdfFileUrl": f"{_base(request)}/v1/files/{file['id']}"}
            for file in reversed(invoice["files"])
        ]
        return {"success": True, **_page(request, "invoiceFiles", files)}

    @endpoint("GET", "/v1/files/{id}")
    def read_file(self, request: Request) -> Response:
        tenant = self.tenant()
        invoice = tenant.file(request.params["id"])
        lines = zuora_pdf.invoice_lines(invoice, tenant.account(invoice["accountId"]))
        named = f'attachment; filename="{invoice["number"]}.pdf"'
        headers = {"Content-Type": "application/pdf", "Content-Disposition": named}
        drawn = zuora_pdf.drawn(lines)
        return Response(body=drawn.ljust(invoice.get("pdfBytes", 0), b"\n"), headers=headers)

    @endpoint("GET", "/v1/accounts/{key}/payment-methods")
    def list_payment_methods(self, request: Request) -> dict[str, Any]:
        tenant = self.tenant()
        return zuora_views.payment_methods(tenant, tenant.account(request.params["key"]))

    @endpoint("PUT", "/v1/payment-methods/{id}", METHODS)
    def attach_payment_method(self, request: Request) -> dict[str, Any]:
        asked, id = check(request.json(), PAYMENT_METHOD_CHANGE), request.params["id"]
        self.tenant().attach_payment_method(id, asked["accountKey"])
        return {"success": True, "id": id}

    @endpoint("DELETE", "/v1/payment-methods/{id}", METHODS)
    def remove_payment_method(self, request: Request) -> dict[str, Any]:
        self.tenant().remove_payment_method(request.params["id"])
        return {"success": True}

    @endpoint("POST", "/v1/payments", PAYMENTS)
    def pay(self, request: Request) -> dict[str, Any]:
        payment = zuora_payments.pay(self.tenant(), check(request.json(), PAYMENT))
        return {"success": True, **zuora_views.payment(payment)}

    @endpoint("GET", "/v1/payments")
    def list_payments(self, request: Request) -> dict[str, Any]:
        account, kind = (request.query.get(name, [None])[-1] for name in ("accountId", "type"))
        if account is None:
            raise bad_value("Say which account's payments with accountId.")
        found = zuora_payments.payments_of(self.tenant(), account, kind)
        shown = [zuora_views.payment(payment) for payment in found]
        return {"success": True, **_page(request, "payments", shown)}

    @endpoint("GET", "/object-query/{resource}", is_query=True)
    def query(self, request: Request) -> dict[str, Any]:
        resource, query = request.params["resource"], request.query
        rows = zuora_query.rows(self.tenant(), resource, query.get("expand[]", []))
        return zuora_query.page(resource, rows, query)

    @endpoint("GET", "/object-query/{resource}/{key}", is_query=True)
    def query_one(self, request: Request) -> dict[str, Any]:
        resource, key = request.params["resource"], request.params["key"]
        return zuora_query.row(self.tenant(), resource, key, request.query.get("expand[]", []))


def _base(request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}"


def _page(request: Request, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a v1 list under `name`, with the full address of the next one."""
    number = _whole(request, "page", 1, 1_000_000)
    size = _whole(request, "pageSize", USUAL_PAGE, LARGEST_PAGE)
    listed: dict[str, Any] = {name: rows[(number - 1) * size : number * size]}
    if number * size < len(rows):
        query = {**request.query, "page": [str(number + 1)], "pageSize": [str(size)]}
        listed["nextPage"] = f"{_base(request)}{request.path}?{urlencode(query, doseq=True)}"
    return listed


def _whole(request: Request, name: str, usual: int, most: int) -> int:
    text = request.query.get(name, [str(usual)])[-1]
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise bad_value(f"{name} is a number from 1 to {most}.")
    return int(text)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--owner-style",
        choices=("A", "B"),
        default="A",
        help="how orders name the invoice owner: A as newer tenants do, B as older ones",
    )


if __name__ == "__main__":
    main(Zuora, 9101, _options)
