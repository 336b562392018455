"""What the Zuora client writes, against the stand-in: that it is taken, once, and found again."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from infra.local.zuora_card import add_card
from tessera.integrations.http import Profile
from tessera.integrations.zuora import Sending, Zuora
from tessera.integrations.zuora_models import PaymentMethods, ZuoraAccount
from tessera.integrations.zuora_requests import (
    AccountChange,
    AddProduct,
    CancelSubscription,
    CardForm,
    ChargeOverride,
    ChargeUpdate,
    ContactDetails,
    EndDate,
    NewPayment,
    PaidInvoice,
    PreviewRequest,
    Pricing,
    RemoveProduct,
    RenewSubscription,
    Term,
    TermsAndConditions,
    UpdateProduct,
    payment_comment,
)
from tessera.integrations.zuora_verdicts import UnknownToZuora, ZuoraFailed
from tests.integrations.zuora_tenant import (
    ACCOUNT,
    CARLA,
    ORDER,
    SUBSCRIPTION,
    Vault,
    calls,
    create_subscription,
    headers_of,
    new_account,
    order,
    order_fault,
    reset,
)

CALM = Profile(connect=5, read=10, total=20)
HASTY = Profile(connect=1, read=0.3, total=5)
HALDEN = demo.HALDEN.number
DIGITAL = demo.DIGITAL_SUBSCRIPTION
MISSING = "8ad0965d0000000000000000000fffff"


def sending(step: str = "zuora_account", generation: int = 0) -> Sending:
    return Sending(f"dev/order-1/{step}", generation)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ZuoraStandIn()) as running:
        yield running


@pytest.fixture
def tenant(stand_in: Running) -> Running:
    return reset(stand_in)


@pytest.fixture
def zuora(tenant: Running) -> Zuora:
    return Zuora(tenant.url, Vault(), profile=CALM)


@pytest.fixture
def today(tenant: Running) -> date:
    return tenant.stand_in.now().date()


def billing(account: ZuoraAccount) -> tuple[str | None, bool | None]:
    assert account.billing_and_payment is not None
    found = account.billing_and_payment
    return found.default_payment_method_id, found.auto_pay


def test_opens_an_account_with_parent_and_both_contacts(zuora: Zuora) -> None:
    away = ContactDetails(first_name="Dora", last_name="Conte", city="Bath", country="GB")

    made = zuora.create_account(
        new_account(parent_id=demo.ACME.id, crm_id="001Dn00000CoNtEIAV", sold_to_contact=away),
        sending(),
    )

    found = zuora.account(ACCOUNT)
    assert (made.account_number, made.account_id) == (ACCOUNT, found.basic_info.id)
    assert found.basic_info.parent_id == demo.ACME.id
    assert found.basic_info.crm_id == "001Dn00000CoNtEIAV"
    assert found.bill_to_contact is not None
    assert found.sold_to_contact is not None
    assert (found.bill_to_contact.city, found.sold_to_contact.city) == ("Bristol", "Bath")
    assert found.bill_to_contact.id != found.sold_to_contact.id


def test_texts_longer_than_zuora_takes_do_not_lose_the_order(zuora: Zuora) -> None:
    wordy = CARLA.model_copy(update={"first_name": "x"})
    long = ContactDetails(
        first_name="F" * 200,
        last_name="L" * 200,
        work_email="e" * 200 + "@conte.example",
        work_phone="+" + "4" * 60,
        address1="a" * 400,
        city="c" * 200,
        state="s" * 200,
        zip_code="z" * 40,
        country="GB",
    )

    zuora.create_account(
        new_account(name="N" * 400, bill_to_contact=long, sold_to_contact=wordy), sending()
    )

    found = zuora.account(ACCOUNT)
    assert found.basic_info.name == "N" * 255
    assert found.bill_to_contact is not None
    assert found.bill_to_contact.work_email is None
    assert found.bill_to_contact.city == "c" * 100


def test_a_taken_account_number_is_refused_and_can_be_read_back(zuora: Zuora) -> None:
    zuora.create_account(new_account(), sending())

    with pytest.raises(ZuoraFailed) as failed:
        zuora.create_account(new_account(), sending(generation=1))

    assert failed.value.verdict == "refused"
    assert zuora.account(ACCOUNT).basic_info.name == "Conte Ltd"


def test_an_account_begins_with_a_card_and_then_pays_by_itself(
    tenant: Running, zuora: Zuora
) -> None:
    card = add_card(tenant.stand_in.tenant(), None)["id"]  # type: ignore[attr-defined]

    zuora.create_account(
        new_account(hpm_credit_card_payment_method_id=card, auto_pay=True), sending()
    )

    assert billing(zuora.account(ACCOUNT)) == (card, True)


def test_places_an_order_and_finds_it_again(zuora: Zuora, today: date) -> None:
    zuora.create_account(new_account(), sending())

    placed = zuora.place_order(order(today, create_subscription(today)), sending("zuora_order"))

    assert (placed.order_number, placed.account_number, placed.outcome) == (ORDER, ACCOUNT, "done")
    assert [s.subscription_number for s in placed.subscriptions] == [SUBSCRIPTION]
    assert placed.order_id
    assert len(placed.invoice_numbers) == 1
    assert zuora.order(ORDER).outcome == "done"
    [plan] = zuora.subscription(SUBSCRIPTION).rate_plans
    assert plan.rate_plan_charges[0].quantity == 5


def test_an_order_nobody_placed_is_unknown(zuora: Zuora) -> None:
    with pytest.raises(UnknownToZuora):
        zuora.order(ORDER)


def every_action(today: date, zuora: Zuora) -> Iterator[Any]:
    """Each action on a subscription that exists, as the latest version asks for it."""
    [plan] = zuora.subscription(DIGITAL).rate_plans
    charge = plan.rate_plan_charges[0].number
    update = ChargeUpdate.to_quantity(charge, 7)
    yield UpdateProduct(rate_plan_id=plan.id, charge_updates=(update,))
    loyal = demo.LOYALTY_DISCOUNT_PLAN
    override = ChargeOverride(
        product_rate_plan_charge_id=loyal.charge_id,
        pricing=Pricing.of("Discount-Percentage", "Recurring", price=Decimal("12.5")),
        end_date=EndDate(up_to_periods=3, up_to_periods_type="Months"),
    )
    yield AddProduct(product_rate_plan_id=loyal.id, charge_overrides=(override,))
    yield TermsAndConditions(
        auto_renew=True,
        renewal_setting="RENEW_WITH_SPECIFIC_TERM",
        renewal_terms=(Term(period=6, period_type="Month"),),
    )
    yield RenewSubscription()
    yield RemoveProduct(rate_plan_id=zuora.subscription(DIGITAL).rate_plans[0].id)
    yield CancelSubscription(cancellation_effective_date=today)


def test_every_action_is_taken_and_makes_a_version(zuora: Zuora, today: date) -> None:
    for number, deed in enumerate(every_action(today, zuora)):
        before = zuora.subscription(DIGITAL).version
        zuora.place_order(
            order(today, deed, number=f"O{number}", account=HALDEN, subscription=DIGITAL),
            sending(f"zuora_order/{number}"),
        )
        assert zuora.subscription(DIGITAL).version == before + 1

    assert zuora.subscription(DIGITAL).status == "Cancelled"


def test_previews_for_a_customer_without_an_account_and_keeps_nothing(
    tenant: Running, zuora: Zuora, today: date
) -> None:
    before = dict(tenant.stand_in.state["subscriptions"])
    asked = create_subscription(today, invoice_owner_account_number=demo.ACME.number)
    wanted = PreviewRequest.of(order(today, asked), currency_without_account="GBP")

    seen = zuora.preview(wanted)

    assert seen.due_now == Decimal("87.50")
    [invoice] = seen.invoices
    assert invoice.invoice_items[0].product_name == "Digital"
    assert tenant.stand_in.state["subscriptions"] == before
    [call] = calls(tenant, "/v1/orders/preview")
    assert "idempotency-key" not in headers_of(call)


def test_previews_a_change_under_its_account(zuora: Zuora, today: date) -> None:
    [plan] = zuora.subscription(DIGITAL).rate_plans
    deed = RemoveProduct(rate_plan_id=plan.id)
    asked = order(today, deed, account=HALDEN, subscription=DIGITAL)

    seen = zuora.preview(PreviewRequest.of(asked))

    assert seen.due_now <= 0


def test_a_new_address_replaces_the_whole_of_the_old_one(zuora: Zuora) -> None:
    contact = zuora.account(HALDEN).bill_to_contact
    assert contact is not None
    assert contact.id is not None
    moved = ContactDetails(first_name="Ingrid", last_name="Holm", city="Bergen", country="NO")

    zuora.change_contact(contact.id, moved)

    found = zuora.account(HALDEN).bill_to_contact
    assert found is not None
    assert (found.last_name, found.city, found.address1, found.zip_code) == (
        "Holm",
        "Bergen",
        None,
        None,
    )
    assert found.work_email == "ingrid@halden.example"


def test_attaches_a_card_makes_it_the_default_and_removes_the_old_one(
    tenant: Running, zuora: Zuora
) -> None:
    card = add_card(tenant.stand_in.tenant(), None)["id"]  # type: ignore[attr-defined]

    zuora.attach_payment_method(card, HALDEN)
    zuora.change_account(HALDEN, AccountChange(default_payment_method_id=card, auto_pay=True))
    zuora.delete_payment_method(demo.HALDEN_CARD_ID)

    listed = zuora.payment_methods(HALDEN)
    assert [(m.id, m.last_four, m.is_default) for m in listed.methods] == [(card, "1111", True)]
    assert listed.default == listed.find(card)
    assert billing(zuora.account(HALDEN)) == (card, True)
    for call in calls(tenant, "/v1/", "PUT"):
        assert "idempotency-key" not in headers_of(call)


def test_a_method_that_is_gone_is_as_good_as_removed(zuora: Zuora) -> None:
    zuora.delete_payment_method(demo.HALDEN_CARD_ID)

    zuora.delete_payment_method(demo.HALDEN_CARD_ID)

    assert zuora.payment_methods(HALDEN).methods == ()


def test_an_account_without_methods_has_an_empty_list(zuora: Zuora) -> None:
    listed = zuora.payment_methods(demo.BOREALIS.number)

    assert (listed.methods, listed.default) == ((), None)


def test_methods_are_read_from_the_published_list_too() -> None:
    method = {"id": "8a", "type": "CreditCard", "cardNumber": "************4242"}

    listed = PaymentMethods.model_validate(
        {"success": True, "returnedPaymentMethodType": [method, {"no": "method"}]}
    )

    assert [m.last_four for m in listed.methods] == ["4242"]


def test_signs_a_card_form_for_one_account(tenant: Running, zuora: Zuora) -> None:
    signed = zuora.sign_card_form(
        CardForm(
            uri=tenant.url + demo.CARD_PAGE_PATH,
            page_id=demo.CARD_PAGE_ID,
            account_id=demo.HALDEN.id,
            currency="USD",
            locale="en_GB",
            passthrough1="nonce",
        )
    )

    assert signed.tenant_id == demo.ZUORA_TENANT_ID
    assert signed.signature not in repr(signed)
    assert signed.token not in repr(signed)
    assert signed.key not in repr(signed)


def payment(amount: str, reference: str = ORDER) -> NewPayment:
    part = PaidInvoice(invoice_id=demo.HALDEN_UNPAID_INVOICE_ID, amount=Decimal(amount))
    return NewPayment(
        account_id=demo.HALDEN.id,
        amount=Decimal(amount),
        currency="USD",
        payment_method_id=demo.HALDEN_CARD_ID,
        gateway_order_id=reference,
        comment=payment_comment(reference),
        invoices=(part,),
    )


def test_pays_an_invoice_once_and_finds_the_payment(zuora: Zuora) -> None:
    made = zuora.create_payment(payment("5.25"), sending("zuora_payment"))

    found = zuora.find_payment(demo.HALDEN.id, ORDER)
    assert made.outcome == "done"
    assert found == made
    assert zuora.find_payment(demo.HALDEN.id, "ANOTHER") is None


def test_a_declined_payment_gives_way_to_one_that_went_through(zuora: Zuora) -> None:
    declined = zuora.create_payment(payment("13.13"), sending("zuora_payment"))
    assert declined.outcome == "refused"
    assert zuora.find_payment(demo.HALDEN.id, ORDER) == declined

    made = zuora.create_payment(payment("1.25"), sending("zuora_payment", 1))

    assert zuora.find_payment(demo.HALDEN.id, ORDER) == made


def test_a_payment_is_looked_for_on_every_page(zuora: Zuora) -> None:
    first = zuora.create_payment(payment("0.01"), sending("zuora_payment"))
    for number in range(41):
        zuora.create_payment(payment("0.01", f"LATER{number}"), sending(f"later/{number}"))

    assert zuora.find_payment(demo.HALDEN.id, ORDER) == first


def test_a_payment_that_cannot_be_ruled_out_is_not_called_absent(
    zuora: Zuora, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        zuora.create_payment(payment("0.01", f"OTHER{number}"), sending(f"other/{number}"))
    # Two thousand payments would take too long to make.
    monkeypatch.setattr("tessera.integrations.zuora._PAYMENTS_A_PAGE", 1)
    monkeypatch.setattr("tessera.integrations.zuora._MOST_PAYMENT_PAGES", 2)

    with pytest.raises(ZuoraFailed) as failed:
        zuora.find_payment(demo.HALDEN.id, ORDER)

    assert failed.value.verdict == "unavailable"


def test_lists_posted_invoices_page_by_page_and_by_what_is_left_to_pay(
    tenant: Running, zuora: Zuora
) -> None:
    ids = [demo.HALDEN.id, demo.ACME.id]
    first = zuora.invoices(ids, size=1)
    second = zuora.invoices(ids, size=1, cursor=first.next_page)

    assert [i.invoice_number for i in (*first.data, *second.data)] == sorted(
        [demo.HALDEN_PAID_INVOICE, demo.HALDEN_UNPAID_INVOICE],
        key=lambda number: next(
            i["invoiceDate"]
            for i in tenant.stand_in.state["invoices"].values()
            if i["number"] == number
        ),
        reverse=True,
    )
    assert second.next_page is None
    paid = zuora.invoices([demo.HALDEN.id], size=10, paid=True).data
    unpaid = zuora.invoices([demo.HALDEN.id], size=10, paid=False).data
    assert [i.id for i in paid] == [demo.HALDEN_PAID_INVOICE_ID]
    assert [i.id for i in unpaid] == [demo.HALDEN_UNPAID_INVOICE_ID]
    assert unpaid[0].balance > 0


def test_reads_an_invoice_and_its_pdf(zuora: Zuora) -> None:
    found = zuora.invoice(demo.HALDEN_PAID_INVOICE_ID)
    [file] = zuora.invoice_files(found.id)

    assert (found.account_id, found.balance) == (demo.HALDEN.id, Decimal(0))
    assert zuora.file(file.id).startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ({"kind": "html"}, "unavailable"),
        ({"kind": "reasons", "codes": []}, "refused"),
        ({"kind": "reasons", "codes": [50000020]}, "refused"),
        ({"kind": "status", "status": 503}, "unavailable"),
    ],
    ids=["html", "json", "reasons", "503"],
)
def test_what_is_no_pdf_is_not_passed_on(
    tenant: Running, zuora: Zuora, fault: dict[str, Any], verdict: str
) -> None:
    [file] = zuora.invoice_files(demo.HALDEN_PAID_INVOICE_ID)
    order_fault(tenant, "/v1/files/", **fault)

    with pytest.raises(ZuoraFailed) as failed:
        zuora.file(file.id)

    assert failed.value.verdict == verdict


def test_reads_the_charges_of_a_product_rate_plan(zuora: Zuora) -> None:
    plan = zuora.product_rate_plan(demo.DIGITAL_MONTHLY_PLAN.id)

    [charge] = plan.product_rate_plan_charges
    assert (charge.id, charge.charge_model, charge.charge_type) == (
        demo.DIGITAL_MONTHLY_PLAN.charge_id,
        "Per Unit Pricing",
        "Recurring",
    )


@pytest.mark.parametrize(
    "read",
    [
        lambda zuora: zuora.product_rate_plan(MISSING),
        lambda zuora: zuora.invoice(MISSING),
        lambda zuora: zuora.invoice_files(MISSING),
        lambda zuora: zuora.file(MISSING),
        lambda zuora: zuora.payment_methods("A99999999"),
        lambda zuora: zuora.attach_payment_method(MISSING, HALDEN),
    ],
    ids=["plan", "invoice", "files", "file", "methods", "attach"],
)
def test_what_zuora_lacks_is_unknown(zuora: Zuora, read: Callable[[Zuora], object]) -> None:
    with pytest.raises(UnknownToZuora):
        read(zuora)


FAULTS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "lost before": ({"kind": "drop_before"}, "ambiguous", True),
    "lost after": ({"kind": "drop_after"}, "ambiguous", True),
    "too slow": ({"kind": "delay", "seconds": 20}, "ambiguous", True),
    "503": ({"kind": "status", "status": 503}, "ambiguous", False),
    "malformed": ({"kind": "html"}, "ambiguous", False),
    "429": ({"kind": "throttle", "retry_after": 120}, "unavailable", False),
    "lock": ({"kind": "reasons", "codes": [58730050]}, "unavailable", False),
    "temporary": ({"kind": "reasons", "codes": [58730061]}, "unavailable", False),
    "concurrency": ({"kind": "reasons", "codes": [58730070]}, "unavailable", False),
    "internal": (
        {"kind": "reasons", "codes": [58730060], "status": 500},
        "unavailable",
        False,
    ),
    "key in use": ({"kind": "status", "status": 409}, "ambiguous", True),
    "key of another": ({"kind": "status", "status": 422}, "refused", True),
    "refused": ({"kind": "reasons", "codes": [58730020]}, "refused", True),
    "redirect": (
        {"kind": "status", "status": 302, "headers": {"Location": "/"}},
        "refused",
        True,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", ["account", "order"])
def test_a_write_is_sent_once_and_what_becomes_of_it_is_judged(
    tenant: Running, today: date, write: str, fault: str
) -> None:
    action, verdict, keeps_key = FAULTS[fault]
    zuora = Zuora(tenant.url, Vault(), profile=HASTY if fault == "too slow" else CALM)
    path = f"/v1/{write}s"
    if write == "order":
        zuora.create_account(new_account(), sending())
    order_fault(tenant, path, method="POST", **action)

    placed = order(today, create_subscription(today))
    writes: dict[str, Callable[[], object]] = {
        "account": lambda: zuora.create_account(new_account(), sending()),
        "order": lambda: zuora.place_order(placed, sending("zuora_order")),
    }

    with pytest.raises(ZuoraFailed) as failed:
        writes[write]()

    assert (failed.value.verdict, failed.value.keeps_key) == (verdict, keeps_key)
    # A call that was closed before anything was done is in the journal all the same.
    assert len(calls(tenant, path, "POST")) == 1
    if fault == "429":
        assert failed.value.retry_after == 120
    if fault == "lost after" and write == "order":
        assert zuora.order(ORDER).outcome == "done"


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "status", "status": 503},
        {"kind": "reasons", "codes": [54230060]},
        {"kind": "reasons", "codes": [54230099]},
        {"kind": "drop_after"},
    ],
    ids=["503", "internal", "outside", "lost"],
)
def test_where_money_moves_only_a_definite_no_allows_a_new_key(
    tenant: Running, zuora: Zuora, today: date, action: dict[str, Any]
) -> None:
    order_fault(tenant, "/v1/(payments|orders)", method="POST", times=2, **action)

    with pytest.raises(ZuoraFailed) as paid:
        zuora.create_payment(payment("5.25"), sending("zuora_payment"))
    with pytest.raises(ZuoraFailed) as collected:
        zuora.place_order(
            order(
                today,
                create_subscription(today),
                account=HALDEN,
                collects=True,
            ),
            sending("zuora_order"),
        )

    for failure in (paid.value, collected.value):
        assert (failure.verdict, failure.keeps_key) == ("ambiguous", True)


def test_a_lost_payment_is_not_taken_again_under_its_key(tenant: Running, zuora: Zuora) -> None:
    order_fault(tenant, "/v1/payments", method="POST", kind="drop_after")
    with pytest.raises(ZuoraFailed):
        zuora.create_payment(payment("5.25"), sending("zuora_payment"))

    again = zuora.create_payment(payment("5.25"), sending("zuora_payment"))

    assert len(tenant.stand_in.state["payments"]) == 1
    assert zuora.find_payment(demo.HALDEN.id, ORDER) == again


def test_a_key_is_for_one_call_only(zuora: Zuora, today: date) -> None:
    zuora.create_account(new_account(), sending())

    with pytest.raises(ZuoraFailed) as failed:
        zuora.place_order(order(today, create_subscription(today)), sending())

    failure = failed.value
    assert (failure.upstream_status, failure.verdict, failure.is_our_fault) == (
        422,
        "refused",
        True,
    )


def test_a_key_that_is_worked_on_is_left_alone_for_five_seconds(
    tenant: Running, zuora: Zuora
) -> None:
    order_fault(tenant, "/v1/accounts", method="POST", kind="running", seconds=60)
    with pytest.raises(ZuoraFailed) as lost:
        zuora.create_account(new_account(), sending())
    assert lost.value.upstream_status is None

    with pytest.raises(ZuoraFailed) as failed:
        zuora.create_account(new_account(), sending())

    assert zuora.account(ACCOUNT).basic_info.name == "Conte Ltd"
    failure = failed.value
    assert (failure.upstream_status, failure.verdict, failure.keeps_key) == (
        409,
        "ambiguous",
        True,
    )
    assert (failure.retry_after or 0) >= 5


def test_a_removal_that_got_no_answer_is_simply_tried_again(tenant: Running, zuora: Zuora) -> None:
    order_fault(tenant, "/v1/payment-methods", method="DELETE", kind="drop_after")
    with pytest.raises(ZuoraFailed) as failed:
        zuora.delete_payment_method(demo.HALDEN_CARD_ID)
    assert failed.value.verdict == "unavailable"

    zuora.delete_payment_method(demo.HALDEN_CARD_ID)

    assert zuora.payment_methods(HALDEN).methods == ()


def test_a_write_whose_answer_cannot_be_read_may_have_been_done(
    tenant: Running, zuora: Zuora, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.zuora_views.placed_order", lambda *_, **__: {"success": True})
    zuora.create_account(new_account(), sending())
    today = tenant.stand_in.now().date()

    with pytest.raises(ZuoraFailed) as failed:
        zuora.place_order(order(today, create_subscription(today)), sending("zuora_order"))

    assert (failed.value.verdict, failed.value.is_our_fault) == ("ambiguous", True)
    assert zuora.order(ORDER).outcome == "done"
