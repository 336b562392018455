"""What orders would cost, asked of the stand-in for Zuora over real HTTP."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from tessera.commerce.models import (
    Alteration,
    Customer,
    CustomerData,
    Holding,
    Order,
    PlacedBy,
    ZuoraAccount,
)
from tessera.errors import NotFound
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_desk import ZuoraDesk
from tessera.integrations.zuora_requests import AccountChange
from tessera.integrations.zuora_verdicts import ZuoraNotConfigured
from tests.builders import NOW
from tests.commerce.selling import SUPPORT, offer, price, sold, subscription
from tests.integrations.zuora_tenant import Vault, reset

PLAN = demo.DIGITAL_MONTHLY_PLAN


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ZuoraStandIn()) as running:
        yield running


@pytest.fixture
def tenant(stand_in: Running) -> Running:
    return reset(stand_in)


@pytest.fixture
def desk(tenant: Running) -> ZuoraDesk:
    return ZuoraDesk(Zuora(tenant.url, Vault()), lambda _: None, owner_style="A")


def control(tenant: Running, path: str, **body: object) -> dict[str, object]:
    answer = requests.post(f"{tenant.url}/_control/{path}", json=body, timeout=5)
    assert answer.ok, answer.text
    made: dict[str, object] = answer.json()
    return made


def bought(tenant: Running) -> Holding:
    """Digital Monthly from today on, as the tenant's clock has it."""
    today = tenant.stand_in.now().date()
    item, (product,) = offer("Digital Monthly", "W2", price=[price("17.50")])
    plan = product.model_copy(update={"rate_plan": PLAN.id})
    held = sold((item, (plan,)), start=today)
    return subscription(held, start_date=today, term_start_date=today)


def order_of(kind: str, holding: Holding, *alterations: Alteration) -> Order:
    return Order(
        id="order-c3a3d018e1460c3cea0f68c8ae9513d9",
        reference="C5PBH5JD6698",
        order_type=kind,
        source="api",
        order_date=NOW,
        subscriptions=(holding.id,),
        placed_by=PlacedBy(kind="machine", id="m"),
        data={},
        alterations=alterations,
        created=NOW,
        updated=NOW,
    )


def customer(account: ZuoraAccount) -> Customer:
    data = CustomerData(first_name="Ana", last_name="Lopes", currency="GBP", zuora=account)
    return Customer(id="cus-1", status="active", created=NOW, updated=NOW, data=data)


def test_a_purchase_of_somebody_new_is_priced_without_an_account(
    desk: ZuoraDesk, tenant: Running
) -> None:
    today, holding = tenant.stand_in.now().date(), bought(tenant)
    new = customer(ZuoraAccount(account_number="T-715G5QA2PB2I"))

    quote = desk.quote(order_of("new", holding), [holding], new, today=today)

    assert quote is not None
    assert quote.due == Decimal(PLAN.prices["GBP"])
    assert [line.amount for line in quote.lines] == [Decimal(PLAN.prices["GBP"])]
    asked = tenant.stand_in.journal.entries("/v1/orders/preview")[-1]
    assert "previewAccountInfo" in str(asked)
    assert not tenant.stand_in.journal.entries("/v1/accounts")


def test_an_add_on_is_priced_on_the_subscription_as_zuora_has_it(
    desk: ZuoraDesk, tenant: Running
) -> None:
    today = tenant.stand_in.now().date()
    account = control(tenant, "accounts", name="Lopes Ltd", currency="GBP")
    number = account["basicInfo"]["accountNumber"]  # type: ignore[index]
    made = control(tenant, "subscriptions", account=str(number), plan=PLAN.id)
    item, (product,) = SUPPORT
    plan = product.model_copy(update={"rate_plan": demo.SUPPORT_PLAN.id})
    added = sold((item, (plan,)), start=today)
    holding = subscription(added).model_copy(update={"name": made["subscriptionNumber"]})
    alteration = Alteration(subscription=holding.id, day=today, adds=(added.id,))
    known = customer(ZuoraAccount(account_number=str(number), account_id="a"))

    quote = desk.quote(order_of("add_on", holding, alteration), [holding], known, today=today)

    assert quote is not None
    assert quote.due > 0
    assert not tenant.stand_in.journal.entries("/v1/orders/C5PBH5JD6698")


def test_of_a_subscription_that_zuora_has_not_got_only_the_catalog_knows_the_price(
    desk: ZuoraDesk, tenant: Running
) -> None:
    holding, today = bought(tenant), tenant.stand_in.now().date()
    order = order_of("renew", holding, Alteration(subscription=holding.id, day=today))

    assert desk.quote(order, [holding], customer(ZuoraAccount()), today=today) is None


def test_without_zuora_there_is_no_quote_and_nothing_is_paid(tenant: Running) -> None:
    desk = ZuoraDesk(Zuora("", Vault()), lambda _: None, owner_style="A")
    holding, today = bought(tenant), tenant.stand_in.now().date()

    assert (
        desk.quote(order_of("new", holding), [holding], customer(ZuoraAccount()), today=today)
        is None
    )
    with pytest.raises(ZuoraNotConfigured):
        desk.require()


def test_an_invoice_that_zuora_has_not_got_does_not_exist(desk: ZuoraDesk) -> None:
    with pytest.raises(NotFound) as refused:
        desk.invoice("8" * 32)

    assert refused.value.wire_code == "not_found"


def test_invoices_and_methods_are_read_as_they_are_now(desk: ZuoraDesk, tenant: Running) -> None:
    account = control(tenant, "accounts", name="Lopes Ltd", currency="GBP")
    number = str(account["basicInfo"]["accountNumber"])  # type: ignore[index]
    posted = control(tenant, "invoices", account=number, amount=210)["invoice"]
    card = str(control(tenant, "payment-methods", account=number)["id"])

    invoice = desk.invoice(str(posted["id"]))  # type: ignore[index]

    assert (invoice.balance, invoice.status) == (Decimal("210.00"), "Posted")
    assert desk.account_number(invoice.account_id) == number
    assert desk.has_method(number, card)
    assert not desk.has_method(number, "8" * 32)


def test_an_account_pays_by_itself_once_it_has_a_default(desk: ZuoraDesk, tenant: Running) -> None:
    account = control(tenant, "accounts", name="Lopes Ltd", currency="GBP")
    number = str(account["basicInfo"]["accountNumber"])  # type: ignore[index]
    accounts = (None, "A-unknown", number)
    before = [desk.has_default_method(one) for one in accounts]

    card = str(control(tenant, "payment-methods", account=number)["id"])
    Zuora(tenant.url, Vault()).change_account(number, AccountChange(default_payment_method_id=card))

    assert (before, desk.has_default_method(number)) == ([False, False, False], True)
    assert ZuoraDesk(Zuora("", Vault()), lambda _: None, owner_style="A").has_default_method(None)
