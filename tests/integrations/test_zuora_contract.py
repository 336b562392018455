"""What our client sends to Zuora, and what it is answered, against the vendor's description."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from infra.local import demo
from infra.local._server import Request, Response, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from infra.local.zuora_card import add_card
from tessera.integrations.http import Profile
from tessera.integrations.zuora import Sending, Zuora
from tessera.integrations.zuora_requests import (
    AccountChange,
    AddProduct,
    CancelSubscription,
    CardForm,
    ChargeOverride,
    ChargeUpdate,
    ContactDetails,
    Deed,
    EndDate,
    InitialTerm,
    NewPayment,
    PaidInvoice,
    PreviewRequest,
    Pricing,
    RemoveProduct,
    RenewSubscription,
    Term,
    Terms,
    TermsAndConditions,
    UpdateProduct,
    payment_comment,
)
from tessera.integrations.zuora_verdicts import UnknownToZuora, ZuoraFailed
from tests.integrations.zuora_contract import (
    describes,
    errors,
    needs_contract,
    request_schema,
    schema_of,
    template_of,
)
from tests.integrations.zuora_tenant import (
    ACCOUNT,
    ORDER,
    Vault,
    create_subscription,
    new_account,
    order,
)

pytestmark = needs_contract

HALDEN = demo.HALDEN.number
NOT_DESCRIBED = {
    ("POST", "/v1/payments"),
    ("GET", "/v1/payments"),
    ("DELETE", "/v1/payment-methods"),
    ("GET", "/object-query/product-rate-plans"),
}
"""What the description at hand leaves out, and so only our own text describes."""


class Exchange(NamedTuple):
    method: str
    path: str
    sent: Any
    status: int
    body: Any

    @property
    def call(self) -> tuple[str, str]:
        return self.method, template_of(self.path)


class Recorded(ZuoraStandIn):
    """Remembers every exchange in full."""

    def __init__(self, *, owner_style: str = "A") -> None:
        self.seen: list[Exchange] = []
        super().__init__(owner_style=owner_style)

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        body, kind = response.content()
        is_json = kind is not None and "json" in kind
        sends_json = "json" in request.headers.get("content-type", "")
        self.seen.append(
            Exchange(
                request.method,
                request.path,
                json.loads(request.body) if sends_json else None,
                response.status,
                json.loads(body) if is_json else None,
            )
        )
        return response


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    """Every operation of the client at least once, in both owner styles, failures included."""
    seen: list[Exchange] = []
    for style in ("A", "B"):
        stand_in = Recorded(owner_style=style)
        with serve(stand_in) as running:
            profile = Profile(connect=5, read=10, total=20)
            do_everything(Zuora(running.url, Vault(), profile=profile), stand_in, style)
        seen += stand_in.seen
    return [exchange for exchange in seen if exchange.path.startswith(("/v1/", "/object-query/"))]


def sending(step: str) -> Sending:
    return Sending(f"dev/order-1/{step}", 0)


def do_everything(zuora: Zuora, stand_in: Recorded, style: str) -> None:
    today = stand_in.now().date()
    card = add_card(stand_in.tenant(), None)["id"]
    away = ContactDetails(first_name="Dora", last_name="Conte", city="Bath", country="GB")
    zuora.create_account(
        new_account(
            parent_id=demo.ACME.id,
            crm_id="001Dn00000CoNtEIAV",
            payment_term="Net 30",
            sold_to_contact=away,
            hpm_credit_card_payment_method_id=card,
            auto_pay=True,
        ),
        sending("zuora_account"),
    )
    buy(zuora, today, style)
    change(zuora, today)
    read(zuora)
    look_after_methods(zuora, stand_in)
    fail(zuora, today)


def buy(zuora: Zuora, today: date, style: str) -> None:
    """For an invoiced partner, as the tenant's style has it, and for the customer itself."""
    if style == "A":
        owned = create_subscription(today, invoice_owner_account_number=demo.ACME.number)
        placed = order(today, owned)
    else:
        owned = create_subscription(today, subscription_owner_account_number=ACCOUNT)
        placed = order(today, owned, account=demo.ACME.number)
    zuora.preview(PreviewRequest.of(placed, currency_without_account="GBP"))
    zuora.preview(PreviewRequest.of(placed))
    zuora.place_order(placed, sending("zuora_order"))
    zuora.order(ORDER)
    endless = create_subscription(
        today,
        subscription_number="ENDLESS",
        terms=Terms(initial_term=InitialTerm(term_type="EVERGREEN")),
    )
    zuora.place_order(order(today, endless, number="ENDLESS", collects=True), sending("endless"))


def change(zuora: Zuora, today: date) -> None:
    """Every action on subscriptions that exist."""
    for number, (subscription, deed) in enumerate(changes(zuora, today)):
        placed = order(today, deed, number=f"O{number}", account=HALDEN, subscription=subscription)
        zuora.preview(PreviewRequest.of(placed))
        zuora.place_order(placed, sending(f"change/{number}"))


def changes(zuora: Zuora, today: date) -> Iterator[tuple[str, Deed]]:
    digital, gold = demo.DIGITAL_SUBSCRIPTION, demo.GOLD_SUBSCRIPTION
    [plan] = zuora.subscription(digital).rate_plans
    update = ChargeUpdate.to_quantity(plan.rate_plan_charges[0].number, 7)
    yield digital, UpdateProduct(rate_plan_id=plan.id, charge_updates=(update,))
    loyal = demo.LOYALTY_DISCOUNT_PLAN
    discount = ChargeOverride(
        product_rate_plan_charge_id=loyal.charge_id,
        pricing=Pricing.of("Discount-Percentage", "Recurring", price=Decimal("12.5")),
        end_date=EndDate(up_to_periods=3, up_to_periods_type="Months"),
    )
    yield digital, AddProduct(product_rate_plan_id=loyal.id, charge_overrides=(discount,))
    flat = ChargeOverride(
        product_rate_plan_charge_id=demo.GOLD_ANNUAL_PLAN.charge_id,
        pricing=Pricing.of("Flat Fee Pricing", "Recurring", price=Decimal("399.99")),
    )
    yield (
        digital,
        AddProduct(product_rate_plan_id=demo.GOLD_ANNUAL_PLAN.id, charge_overrides=(flat,)),
    )
    renewal = TermsAndConditions(
        auto_renew=True,
        renewal_setting="RENEW_WITH_SPECIFIC_TERM",
        renewal_terms=(Term(period=6, period_type="Month"),),
    )
    yield gold, renewal
    yield gold, RenewSubscription()
    yield digital, RemoveProduct(rate_plan_id=zuora.subscription(digital).rate_plans[0].id)
    yield digital, CancelSubscription(cancellation_effective_date=today)


def read(zuora: Zuora) -> None:
    zuora.account(HALDEN)
    zuora.product_rate_plan(demo.DIGITAL_MONTHLY_PLAN.id)
    page = zuora.invoices([demo.HALDEN.id, demo.ACME.id], size=1)
    zuora.invoices([demo.HALDEN.id, demo.ACME.id], size=1, cursor=page.next_page)
    zuora.invoices([demo.HALDEN.id], size=99, paid=False)
    zuora.invoice(demo.HALDEN_PAID_INVOICE_ID)
    for file in zuora.invoice_files(demo.HALDEN_PAID_INVOICE_ID):
        zuora.file(file.id)


def look_after_methods(zuora: Zuora, stand_in: Recorded) -> None:
    account = zuora.account(HALDEN)
    assert account.bill_to_contact is not None
    zuora.change_contact(
        str(account.bill_to_contact.id),
        ContactDetails(first_name="Ingrid", last_name="Halden", city="Bergen", country="NO"),
    )
    card = add_card(stand_in.tenant(), None)["id"]
    zuora.payment_methods(HALDEN)
    zuora.sign_card_form(
        CardForm(
            uri=stand_in.public_url + demo.CARD_PAGE_PATH,
            page_id=demo.CARD_PAGE_ID,
            account_id=demo.HALDEN.id,
            currency="USD",
            locale="en_GB",
            passthrough1="nonce",
        )
    )
    zuora.attach_payment_method(card, HALDEN)
    zuora.change_account(HALDEN, AccountChange(default_payment_method_id=card, auto_pay=True))
    zuora.delete_payment_method(demo.HALDEN_CARD_ID)
    part = PaidInvoice(invoice_id=demo.HALDEN_UNPAID_INVOICE_ID, amount=Decimal("5.25"))
    zuora.create_payment(
        NewPayment(
            account_id=demo.HALDEN.id,
            amount=Decimal("5.25"),
            currency="USD",
            payment_method_id=card,
            gateway_order_id=ORDER,
            comment=payment_comment(ORDER),
            invoices=(part,),
        ),
        sending("zuora_payment"),
    )
    zuora.find_payment(demo.HALDEN.id, ORDER)


def fail(zuora: Zuora, today: date) -> None:
    with pytest.raises(UnknownToZuora):
        zuora.subscription("A-S99999999")
    with pytest.raises(UnknownToZuora):
        zuora.invoice("8ad0965d0000000000000000000fffff")
    with pytest.raises(ZuoraFailed):
        zuora.create_account(new_account(), sending("again"))
    with pytest.raises(ZuoraFailed):
        zuora.place_order(order(today, create_subscription(today)), sending("twice"))


def test_sends_nothing_that_the_vendor_does_not_describe(exchanges: list[Exchange]) -> None:
    sent = [e for e in exchanges if e.sent is not None and describes(e.method, e.path)]

    problems = {
        (*exchange.call, problem)
        for exchange in sent
        for problem in errors(request_schema(exchange.method, exchange.path), exchange.sent)
    }

    assert problems == set()
    assert len(sent) > 30


def test_understands_what_the_vendor_answers_but_for_the_known_differences(
    exchanges: list[Exchange],
) -> None:
    answered = [e for e in exchanges if describes(e.method, e.path)]

    problems = {
        (*exchange.call, exchange.status, problem)
        for exchange in answered
        if (schema := schema_of(exchange.method, exchange.path, exchange.status, exchange.body))
        for problem in errors(schema, exchange.body)
    }

    assert problems == set()


def test_only_what_is_known_to_be_missing_there_is_not_described(
    exchanges: list[Exchange],
) -> None:
    strays = {(e.method, e.path) for e in exchanges if not describes(e.method, e.path)}

    kinds = {
        (method, known)
        for method, path in strays
        for known in [next((k for m, k in NOT_DESCRIBED if (m, path[: len(k)]) == (method, k)), "")]
    }
    assert kinds == NOT_DESCRIBED


def test_each_operation_of_the_client_is_put_to_the_test(exchanges: list[Exchange]) -> None:
    assert {e.call for e in exchanges} >= {
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
    }


def test_a_wrong_request_would_be_noticed() -> None:
    body = {**new_account().wire(), "accountNumbers": "T-1", "billCycleDay": "first"}

    found = errors(request_schema("POST", "/v1/accounts"), body)

    assert any("accountNumbers is not declared" in problem for problem in found)
    assert any("billCycleDay" in problem for problem in found)
