"""Orders about the customer's account: address, payment method, invoice."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tessera import ids
from tessera.commerce.callers import Caller
from tessera.commerce.models import ZuoraAccount
from tessera.errors import Forbidden, InvalidFields, NotFound, Refusal
from tests.builders import NOW, TODAY
from tests.commerce.desks import (
    ACME_ACCOUNT,
    INVOICE,
    NUMBER,
    Billing,
    Counter,
    Invoice,
    Organisation,
    customer,
)
from tests.commerce.selling import (
    ACME,
    CUSTOMER,
    OPERATOR,
    OWNER,
    PARTNER,
    SUBSCRIPTION,
    body,
    pending,
    subscription,
)

LEEDS = {"address1": "2 Low Rd", "city": "Leeds", "postalCode": "LS2 1AA", "country": "GB"}
CARD = {"type": "zuora", "zuora": {"refId": "8ad094b97b2c3d4e017b2c3d50617283"}}
STRANGER = Caller(kind="customer", id="auth0|2", owner="id-00000000000000000000000000000002")
OTHERS = Caller(kind="partner", id="partner_user-2", partner_org="partner_org-2")


def address_of(kind: str) -> str:
    return ids.derived("address", "address", "cus-1", kind)


def refusal(counter: Counter, order: dict[str, Any], **options: Any) -> Refusal:
    with pytest.raises(Refusal) as refused:
        counter.place(order, **options)
    assert counter.owners.commits == 0
    return refused.value


def field_at_fault(counter: Counter, order: dict[str, Any], **options: Any) -> tuple[str, str]:
    refused = refusal(counter, order, **options)
    assert isinstance(refused, InvalidFields)
    return refused.errors[0].field, refused.errors[0].code


def pay(**invoice: Any) -> dict[str, Any]:
    return {"order_type": "pay_invoice", "invoice": {"id": INVOICE, **invoice}}


def test_the_first_address_of_its_kind_is_written_and_told_of() -> None:
    counter = Counter()

    placed = counter.place(body("change_address", addressType="delivery", address=LEEDS))

    assert placed.status == "submitted"
    assert placed.subscriptionReference == "IDEQB58U8CQL"
    address = counter.owners.records[address_of("delivery")]
    assert (address.data.address1, address.data.last_name) == ("2 Low Rd", "Lopes")
    assert counter.owners.told() == ["order.address_changed", "address.added"]
    added = counter.owners.events[-1]
    assert added.snapshot["id"] == added.id
    assert added.snapshot["name"] == "address.added"


def test_an_address_takes_the_place_of_the_one_before() -> None:
    counter = Counter()
    counter.place(body("change_address", address=LEEDS))

    moved = {"address1": "3 Hill St", "city": "York"}
    counter.place(body("change_address", address=moved))

    data = counter.owners.records[address_of("billing")].data
    assert (data.address1, data.postal_code, data.country) == ("3 Hill St", None, "GB")
    assert counter.owners.told() == [
        "order.address_changed",
        "address.added",
        "order.address_changed",
    ]


@pytest.mark.parametrize("beside", [{}, {"customerDetails": {"lastName": "Ito"}}])
def test_an_address_of_nothing_does_not_take_the_place_of_the_one_before(
    beside: dict[str, Any],
) -> None:
    counter = Counter()
    counter.place(body("change_address", address=LEEDS))

    with pytest.raises(InvalidFields) as refused:
        counter.place(body("change_address", address={}, **beside))

    fault = refused.value.errors[0]
    assert (fault.field, fault.code) == ("address", "required")
    assert counter.owners.records[address_of("billing")].data.city == "Leeds"


def test_names_change_with_the_address_or_in_its_place() -> None:
    counter = Counter()
    counter.place(body("change_address", address=LEEDS))

    counter.place(body("change_address", customerDetails={"lastName": "Silva"}))

    data = counter.owners.records["cus-1"].data
    assert (data.first_name, data.last_name, data.email) == ("Ana", "Silva", "ana@example.com")
    assert counter.owners.records[address_of("billing")].data.last_name == "Silva"
    assert counter.owners.told()[2:] == ["order.customer_updated", "customer.updated"]


@pytest.mark.parametrize(("kind", "name"), [("billing", "Silva"), ("delivery", "Lopes")])
def test_a_new_name_comes_with_the_new_billing_address_and_no_other(kind: str, name: str) -> None:
    counter = Counter()
    counter.place(body("change_address", addressType=kind, address=LEEDS))
    moved = {"address1": "3 Hill St", "city": "York"}
    names = {"lastName": "Silva"}

    counter.place(body("change_address", addressType=kind, address=moved, customerDetails=names))

    address = counter.owners.records[address_of(kind)].data
    assert (address.address1, address.last_name) == ("3 Hill St", name)
    assert counter.owners.records["cus-1"].data.last_name == "Silva"


def test_an_order_notes_what_it_changes_so_that_it_can_be_taken_back() -> None:
    counter = Counter()
    counter.place(body("change_address", address=LEEDS))
    names = {"lastName": "Silva"}

    placed = counter.place(body("change_address", customerDetails=names))

    customer, billing = counter.order(placed).altered_details
    assert (customer.id, customer.before, customer.after) == ("cus-1", {"lastName": "Lopes"}, names)
    assert billing.id == address_of("billing")
    assert billing.before == {**billing.after, "lastName": "Lopes"}
    first = next(
        one
        for one in counter.owners.records.values()
        if one.id != placed.id and (getattr(one, "altered_details", ()))
    )
    assert [one.before for one in first.altered_details] == [None]


def test_an_order_about_the_account_gives_no_entitlement_and_locks_nothing() -> None:
    holding = subscription(pending_change=pending(TODAY + timedelta(days=9)))
    counter = Counter(holding)
    before = counter.owners.owners[OWNER].held

    counter.place(body("change_address", address=LEEDS))

    assert counter.owners.owners[OWNER].held == before
    assert counter.owners.records[SUBSCRIPTION] == holding


def test_the_order_has_a_clock_from_the_start() -> None:
    counter = Counter()

    order = counter.order(counter.place(body("change_address", address=LEEDS)))

    assert order.provisioning is not None
    assert order.provisioning.next_at == NOW
    assert order.provisioning.give_up_at == NOW + timedelta(hours=24)
    assert "provisioning" not in order.wire()


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({}, ("address", "required")),
        ({"address": {"city": "Leeds"}}, ("address.country", "required")),
        ({"address": {"country": "England"}}, ("address.country", "invalid_value")),
        ({"address": LEEDS, "addressType": "home"}, ("addressType", "invalid_value")),
        ({"customerDetails": {"email": "nobody"}}, ("customerDetails.email", "invalid_value")),
    ],
)
def test_an_address_at_fault_is_named_by_its_field(
    members: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert field_at_fault(Counter(), body("change_address", **members)) == fault


@pytest.mark.parametrize("order", [{"address": LEEDS}, {"payment": CARD}], ids=["address", "card"])
def test_nothing_of_a_new_customer_is_changed_before_its_account_is_there(
    order: dict[str, Any],
) -> None:
    new = customer(data={"zuora": ZuoraAccount(account_number="T-715G5QA2PB2I")})
    counter = Counter(subscription(pending_change=pending(TODAY, "new")), who=new)
    kind = "change_address" if "address" in order else "change_payment"

    refused = refusal(counter, body(kind, **order))

    assert (refused.status, refused.wire_code) == (423, "change_pending")
    assert refused.members["effectiveDate"] == "2026-03-02T00:00:00.000"


def test_without_a_billing_system_an_address_changes_although_no_account_is_ever_made() -> None:
    new = customer(data={"zuora": ZuoraAccount(account_number="T-715G5QA2PB2I")})
    counter = Counter(who=new)

    assert counter.place(body("change_address", address=LEEDS)).status == "submitted"


@pytest.mark.parametrize("caller", [STRANGER, OTHERS], ids=["customer", "partner"])
def test_what_is_not_ones_own_does_not_exist(caller: Caller) -> None:
    refused = refusal(Counter(), body("change_address", address=LEEDS), by=caller)

    assert (refused.status, refused.wire_code) == (404, "not_found")


def test_a_customer_keeps_its_address_although_a_partner_manages_the_plan() -> None:
    counter = Counter(subscription(partner_org=ACME), who=customer(partner_org=ACME))

    placed = counter.place(body("change_address", address=LEEDS), by=CUSTOMER)

    assert counter.order(placed).partner_org == ACME
    assert counter.place(body("change_address", address=LEEDS), by=PARTNER).status == "submitted"


def test_a_payment_method_is_kept_out_of_what_is_shown() -> None:
    counter = Counter()

    order = counter.order(counter.place(body("change_payment", payment=CARD)))

    assert order.payment_method == CARD["zuora"]["refId"]  # type: ignore[index]
    assert CARD["zuora"]["refId"] not in str(order.wire())  # type: ignore[index]
    assert order.wire()["data"]["payment"] == {"type": "zuora"}
    assert counter.owners.told() == ["order.payment_method_changed"]


def test_a_partner_does_not_change_its_customers_payment_method() -> None:
    with pytest.raises(Forbidden):
        Counter(subscription(partner_org=ACME)).place(
            body("change_payment", payment=CARD), by=PARTNER
        )


@pytest.mark.parametrize(
    "payment",
    [{"type": "invoice"}, {"type": "zuora"}],
    ids=["on account", "no method"],
)
def test_a_change_of_payment_names_a_method(payment: dict[str, Any]) -> None:
    fault = field_at_fault(Counter(), body("change_payment", payment=payment))

    assert fault == ("payment.zuora.refId", "required")


def test_anybodys_card_cannot_be_named() -> None:
    fault = field_at_fault(Counter(), body("change_payment", payment=CARD), by=CUSTOMER)

    assert fault == ("payment.zuora.refId", "invalid_value")


def test_a_method_of_ones_own_account_can_be_named() -> None:
    counter = Counter()
    counter.billing.methods.add((NUMBER, CARD["zuora"]["refId"]))  # type: ignore[index]

    assert counter.place(body("change_payment", payment=CARD), by=CUSTOMER).status == "submitted"


@pytest.mark.parametrize(("minutes", "counts"), [(60, True), (61, False)])
def test_a_method_typed_into_a_form_counts_for_an_hour(minutes: int, counts: bool) -> None:
    counter = Counter()
    counter.forms.opened[CUSTOMER.id] = NOW - timedelta(minutes=minutes)
    order = body("change_payment", payment=CARD)

    if counts:
        assert counter.place(order, by=CUSTOMER).status == "submitted"
    else:
        assert field_at_fault(counter, order, by=CUSTOMER)[0] == "payment.zuora.refId"


@pytest.mark.parametrize(
    "order", [body("change_payment", payment=CARD), pay(amount="10.00")], ids=["card", "invoice"]
)
def test_without_a_billing_system_nothing_is_paid_and_no_card_changed(
    order: dict[str, Any],
) -> None:
    refused = refusal(Counter(billing=Billing(connected=False)), order)

    assert refused.status == 409


def test_an_invoice_is_paid_in_part() -> None:
    counter = Counter()

    placed = counter.place(pay(items=[{"id": "item-1", "amount": "10.00"}]), by=CUSTOMER)

    order = counter.order(placed)
    assert order.data["invoice"]["amount"] == "10.00"
    assert order.data["invoice"]["items"] == [{"id": "item-1", "amount": "10.00"}]
    assert (order.owner, order.customer, order.subscriptions) == (OWNER, "cus-1", ())
    assert (placed.subscriptionReference, placed.subscriptionReferences) == (None, None)
    assert counter.owners.told() == ["order.payment_submitted"]


def test_a_payment_is_given_up_while_the_billing_system_still_knows_its_key() -> None:
    counter = Counter()

    order = counter.order(counter.place(pay(amount="10.00"), by=CUSTOMER))

    assert order.provisioning is not None
    assert order.provisioning.give_up_at == NOW + timedelta(hours=20)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({}, ("invoice.amount", "required")),
        ({"amount": "210.01"}, ("invoice.amount", "invalid_value")),
        ({"amount": "0"}, ("invoice.amount", "invalid_value")),
        ({"amount": "-1.00"}, ("invoice.amount", "invalid_value")),
        ({"amount": "1.001"}, ("invoice.amount", "invalid_value")),
        (
            {"amount": "1", "items": [{"id": "i", "amount": "1"}]},
            ("invoice.amount", "invalid_value"),
        ),
        (
            {"items": [{"id": "a", "amount": "200"}, {"id": "b", "amount": "11"}]},
            ("invoice.items", "invalid_value"),
        ),
        (
            {"items": [{"id": "a", "amount": "1"}, {"id": "a", "amount": "2"}]},
            ("invoice.items", "invalid_value"),
        ),
    ],
)
def test_no_more_is_paid_than_is_left_of_an_invoice(
    members: dict[str, Any], fault: tuple[str, str]
) -> None:
    assert field_at_fault(Counter(), pay(**members), by=CUSTOMER) == fault


def test_the_whole_balance_can_be_paid() -> None:
    counter = Counter()

    order = counter.order(counter.place(pay(amount="210.00"), by=CUSTOMER))

    assert order.data["invoice"]["amount"] == "210.00"


@pytest.mark.parametrize(
    ("currency", "least", "too_fine"),
    [("JPY", "1", "0.1"), ("GBP", "0.01", "0.001"), ("KWD", "0.001", "0.0001")],
)
def test_an_amount_has_no_more_decimals_than_its_currency(
    currency: str, least: str, too_fine: str
) -> None:
    billing = Billing(Invoice(currency=currency, balance=Decimal(210)))

    placed = Counter(billing=billing)
    order = placed.order(placed.place(pay(amount=least), by=CUSTOMER))

    assert order.data["invoice"]["amount"] == least
    fault = field_at_fault(Counter(billing=billing), pay(amount=too_fine), by=CUSTOMER)
    assert fault == ("invoice.amount", "invalid_value")


def test_the_whole_balance_can_be_paid_in_a_currency_of_four_decimals() -> None:
    counter = Counter(billing=Billing(Invoice(currency="CLF", balance=Decimal("12.3456"))))

    order = counter.order(counter.place(pay(amount="12.3456"), by=CUSTOMER))

    assert order.data["invoice"]["amount"] == "12.3456"


def test_middleware_pays_an_invoice_of_any_customer() -> None:
    known = customer(id=ids.customer_id(NUMBER))

    counter = Counter(who=known)

    assert counter.order(counter.place(pay(amount="1.00"))).customer == known.id


def test_a_draft_invoice_is_not_paid() -> None:
    counter = Counter(billing=Billing(Invoice(status="Draft")))

    assert field_at_fault(counter, pay(amount="1.00"), by=CUSTOMER)[0] == "invoice.id"


@pytest.mark.parametrize(
    ("caller", "account"),
    [(CUSTOMER, ACME_ACCOUNT), (PARTNER, Invoice().account_id)],
    ids=["customer", "partner"],
)
def test_an_invoice_of_another_account_does_not_exist(caller: Caller, account: str) -> None:
    counter = Counter(billing=Billing(Invoice(account_id=account)))

    with pytest.raises(NotFound):
        counter.place(pay(amount="1.00"), by=caller)
    assert counter.owners.commits == 0


@pytest.mark.parametrize(
    ("caller", "organisation", "known"),
    [
        (PARTNER, ACME, Organisation()),
        (PARTNER, ACME, Organisation(account_id="A00000007", account_number=None)),
        (OPERATOR, None, Organisation()),
    ],
    ids=["partner", "partner known by its number", "operator"],
)
def test_the_invoice_of_a_partners_own_account_is_paid_in_its_name(
    caller: Caller, organisation: str | None, known: Organisation
) -> None:
    billing = Billing(Invoice(account_id=ACME_ACCOUNT))
    counter = Counter(billing=billing, organisations=[known])

    for amount in ("100.00", "50.00"):
        order = counter.order(counter.place(pay(amount=amount), by=caller))

    assert (order.partner_org, order.customer) == (organisation, None)
    assert order.owner == ids.owner_id_of_account("A00000007")
    assert counter.owners.told() == ["order.payment_submitted"] * 2


def test_a_payment_sent_again_is_not_taken_twice_although_nothing_is_left_to_pay() -> None:
    counter = Counter()
    order = pay(amount="210.00") | {"external_id": "PAY-1"}
    first = counter.place(order, by=CUSTOMER)
    counter.billing.known = Invoice(balance=Decimal(0))

    again = counter.place(order, by=CUSTOMER)

    assert again == first
    assert counter.owners.commits == 1


def test_an_external_id_that_is_the_subscriptions_own_identifies_nothing() -> None:
    counter = Counter()
    order = body("change_address", address=LEEDS, external_id="IDEQB58U8CQL")

    first, second = counter.place(order), counter.place(order)

    assert first.id != second.id
    assert counter.order(second).external_id == "IDEQB58U8CQL"
