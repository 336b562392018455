"""Payment methods: listed live, added on Zuora's form, removed; the rules, against real answers."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from infra.local import demo
from infra.local._server import Running, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from infra.local.zuora_card import add_card
from tessera.commerce.callers import Caller
from tessera.commerce.method_records import method_id, paying_by
from tessera.commerce.models import (
    Card,
    Customer,
    Holding,
    StoredPaymentMethod,
    SubscriptionData,
    ZuoraMethod,
)
from tessera.commerce.payment_methods import (
    CardForm,
    MethodInUse,
    NewForm,
    methods_of,
    open_form,
    remove,
)
from tessera.errors import InvalidFields, NotFound
from tessera.integrations.http import Profile
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_methods import CardFormNotConfigured, HostedPage, ZuoraMethods
from tessera.integrations.zuora_requests import AccountChange
from tessera.integrations.zuora_verdicts import ZuoraFailed, ZuoraNotConfigured
from tessera.objects import Record
from tests.builders import NOW
from tests.commerce.test_invoices import OWNER, customer_of
from tests.integrations.zuora_tenant import Vault, order_fault, reset

OTHER = "id-" + "1" * 32
INGRID = Caller(kind="customer", id="auth0|ingrid", owner=OWNER)
SUBSCRIPTION = "sub-ea993e7d7cc42794e4a94413e67f8c46"
CARD = demo.HALDEN_CARD_ID


class Records:
    """Halden with a subscription, and another customer without an account yet."""

    def __init__(self, *customers: Customer) -> None:
        self.customers = customers or (
            customer_of(demo.HALDEN.number, demo.HALDEN.id),
            customer_of("T-NEW", None),
            customer_of(demo.BOREALIS.number, demo.BOREALIS.id, owner=OTHER),
        )
        self.kept: dict[str, StoredPaymentMethod] = {}

    def customer(self, id: str) -> Customer | None:
        return next((one for one in self.customers if one.id == id), None)

    def holding(self, subscription: str) -> Holding | None:
        if subscription != SUBSCRIPTION:
            return None
        return Holding(
            id=SUBSCRIPTION,
            status="active",
            owner=OWNER,
            customer=self.customers[0].id,
            created=NOW,
            updated=NOW,
            data=SubscriptionData(name="Digital", start_date=NOW.date(), currency="USD"),
        )

    def payment_method(self, id: str) -> StoredPaymentMethod | None:
        return self.kept.get(id)

    def replace_method(self, method: StoredPaymentMethod, *, seen: datetime) -> None:
        assert self.kept[method.id].updated == seen
        self.kept[method.id] = method

    def objects(
        self, path_type: str, *, owner: str | None, limit: int, **_: Any
    ) -> tuple[list[Record], dict[str, Any] | None]:
        return list[Record](one for one in self.customers if one.owner == owner)[:limit], None


class Forms:
    def __init__(self) -> None:
        self.noted: list[tuple[Caller, datetime]] = []

    def opened(self, caller: Caller, *, at: datetime) -> None:
        self.noted.append((caller, at))


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ZuoraStandIn()) as running:
        yield running


@pytest.fixture
def tenant(stand_in: Running) -> Running:
    return reset(stand_in)


@pytest.fixture
def zuora(tenant: Running) -> Zuora:
    return Zuora(tenant.url, Vault(), profile=Profile(connect=5, read=10, total=20))


@pytest.fixture
def billing(tenant: Running, zuora: Zuora) -> ZuoraMethods:
    page = HostedPage(
        demo.CARD_PAGE_ID,
        tenant.url + demo.CARD_PAGE_PATH,
        tenant.url + demo.CARD_SCRIPT_PATH,
    )
    return ZuoraMethods(zuora, page)


def today(tenant: Running) -> date:
    return tenant.stand_in.now().date()


def test_lists_the_methods_on_the_own_accounts(tenant: Running, billing: ZuoraMethods) -> None:
    day = today(tenant)

    [method] = methods_of(OWNER, objects=Records(), billing=billing, today=day)

    assert method.wire() == {
        "id": method_id(CARD),
        "record_type": "payment_method",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "related": customer_of(demo.HALDEN.number, demo.HALDEN.id).id,
        "data": {
            "type": "zuora",
            "default": True,
            "zuora": {
                "refId": CARD,
                "kind": "CreditCard",
                "result": {
                    "CreditCardType": "Visa",
                    "CreditCardMaskNumber": "************4242",
                    "CreditCardExpirationMonth": 11,
                    "CreditCardExpirationYear": day.year + 3,
                    "PaymentMethodStatus": "Active",
                },
            },
        },
    }


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "active"),
        ({"expirationMonth": 1, "expirationYear": 2026}, "expired"),
        ({"expirationMonth": 2, "expirationYear": 2026}, "active"),
        ({"status": "Closed"}, "expired"),
    ],
)
def test_says_when_a_card_is_over(
    tenant: Running, billing: ZuoraMethods, change: dict[str, Any], status: str
) -> None:
    tenant.stand_in.state["paymentMethods"][CARD].update(change)

    [method] = methods_of(OWNER, objects=Records(), billing=billing, today=date(2026, 2, 28))

    assert method.status == status


@pytest.mark.parametrize(
    ("month", "year"), [(0, 2029), (13, 2029), (11, 0), (11, 10_000), (11, None)]
)
def test_of_a_card_with_no_day_of_the_calendar_it_is_not_said_when_it_is_over(
    tenant: Running, billing: ZuoraMethods, month: int, year: int | None
) -> None:
    card = {"expirationMonth": month, "expirationYear": year}
    tenant.stand_in.state["paymentMethods"][CARD].update(card)

    [method] = methods_of(OWNER, objects=Records(), billing=billing, today=date(2026, 2, 28))

    result = method.data.zuora.result
    assert (result.expiration_month, result.expiration_year) == (None, None)
    assert method.status == "active"


@pytest.mark.parametrize("owner", [None, "id-" + "2" * 32])
def test_who_has_no_account_has_no_methods(
    tenant: Running, billing: ZuoraMethods, owner: str | None
) -> None:
    assert methods_of(owner, objects=Records(), billing=billing, today=today(tenant)) == []


def opened(billing: ZuoraMethods, new: NewForm, forms: Forms | None = None) -> CardForm:
    return open_form(
        new, caller=INGRID, objects=Records(), billing=billing, forms=forms or Forms(), now=NOW
    )


def test_opens_the_form_for_the_account_of_a_subscription(
    tenant: Running, billing: ZuoraMethods
) -> None:
    forms = Forms()

    form = opened(billing, NewForm(subscription=SUBSCRIPTION, locale="en_GB"), forms)

    assert form.script == tenant.url + demo.CARD_SCRIPT_PATH
    assert set(form.params) == {
        "tenantId",
        "id",
        "token",
        "signature",
        "key",
        "url",
        "style",
        "submitEnabled",
        "locale",
        "field_accountId",
        "field_passthrough1",
    }
    assert form.params["field_accountId"] == demo.HALDEN.id
    assert (form.params["style"], form.params["submitEnabled"]) == ("inline", "true")
    [signed] = [c for c in tenant.stand_in.journal.entries("/v1/rsa") if c["method"] == "POST"]
    assert signed["body"]["accountId"] == demo.HALDEN.id
    assert signed["body"]["currency"] == "USD"
    assert signed["body"]["passthrough1"] == form.params["field_passthrough1"]
    assert forms.noted == [(INGRID, NOW)]


def test_opens_the_form_for_a_purchase_to_come(tenant: Running, billing: ZuoraMethods) -> None:
    form = opened(billing, NewForm(currency="GBP"))

    assert "field_accountId" not in form.params
    [signed] = tenant.stand_in.journal.entries("/v1/rsa")
    assert "accountId" not in signed["body"]


@pytest.mark.parametrize("subscription", ["sub-" + "0" * 32, "nonsense"])
def test_the_form_is_not_opened_for_what_is_not_there(
    billing: ZuoraMethods, subscription: str
) -> None:
    with pytest.raises(InvalidFields) as refused:
        opened(billing, NewForm(subscription=subscription))

    assert [error.field for error in refused.value.errors] == ["subscription"]


def test_nobody_opens_the_form_for_another(tenant: Running, billing: ZuoraMethods) -> None:
    stranger = Caller(kind="customer", id="auth0|other", owner=OTHER)
    forms = Forms()

    with pytest.raises(InvalidFields):
        open_form(
            NewForm(subscription=SUBSCRIPTION),
            caller=stranger,
            objects=Records(),
            billing=billing,
            forms=forms,
            now=NOW,
        )

    assert (forms.noted, tenant.stand_in.journal.entries("/v1/")) == ([], [])


def test_a_form_that_zuora_did_not_sign_is_not_noted(
    tenant: Running, billing: ZuoraMethods
) -> None:
    order_fault(tenant, "/v1/rsa", kind="status", status=503)
    forms = Forms()

    with pytest.raises(ZuoraFailed):
        opened(billing, NewForm(), forms)

    assert forms.noted == []


def test_without_a_page_there_is_no_form(zuora: Zuora) -> None:
    with pytest.raises(CardFormNotConfigured) as refused:
        opened(ZuoraMethods(zuora), NewForm())

    assert (refused.value.status, refused.value.wire_code) == (409, "card_form_not_configured")


@pytest.mark.parametrize("id", [CARD, method_id(CARD)])
def test_removes_a_method(zuora: Zuora, billing: ZuoraMethods, id: str) -> None:
    remove(id, OWNER, objects=Records(), billing=billing, now=NOW)

    assert zuora.payment_methods(demo.HALDEN.number).methods == ()


def test_what_pays_by_itself_stays(zuora: Zuora, billing: ZuoraMethods) -> None:
    zuora.change_account(
        demo.HALDEN.number, AccountChange(default_payment_method_id=CARD, auto_pay=True)
    )

    with pytest.raises(MethodInUse) as refused:
        remove(CARD, OWNER, objects=Records(), billing=billing, now=NOW)

    assert (refused.value.status, refused.value.wire_code) == (409, "payment_method_in_use")
    assert zuora.payment_methods(demo.HALDEN.number).find(CARD) is not None


def test_another_method_of_that_account_can_go(
    tenant: Running, zuora: Zuora, billing: ZuoraMethods
) -> None:
    zuora.change_account(
        demo.HALDEN.number, AccountChange(default_payment_method_id=CARD, auto_pay=True)
    )
    second = add_card(tenant.stand_in.tenant(), demo.HALDEN.id)["id"]  # type: ignore[attr-defined]

    remove(second, OWNER, objects=Records(), billing=billing, now=NOW)

    assert [m.id for m in zuora.payment_methods(demo.HALDEN.number).methods] == [CARD]


@pytest.mark.parametrize("owner", [None, OTHER])
def test_nobody_removes_the_method_of_another(
    tenant: Running, zuora: Zuora, billing: ZuoraMethods, owner: str | None
) -> None:
    with pytest.raises(NotFound):
        remove(CARD, owner, objects=Records(), billing=billing, now=NOW)

    assert zuora.payment_methods(demo.HALDEN.number).find(CARD) is not None
    assert not [c for c in tenant.stand_in.journal.entries("/v1/") if c["method"] == "DELETE"]


def test_a_removal_whose_answer_was_lost_can_be_repeated(
    tenant: Running, zuora: Zuora, billing: ZuoraMethods
) -> None:
    order_fault(tenant, "/v1/payment-methods", method="DELETE", kind="drop_after")
    with pytest.raises(ZuoraFailed) as failed:
        remove(CARD, OWNER, objects=Records(), billing=billing, now=NOW)
    assert failed.value.verdict == "unavailable"

    with pytest.raises(NotFound):
        remove(CARD, OWNER, objects=Records(), billing=billing, now=NOW)

    assert zuora.payment_methods(demo.HALDEN.number).methods == ()


def named_by_an_order() -> tuple[Records, str]:
    """Halden's card was named by an order, so that it is kept."""
    records, card = Records(), ZuoraMethod(ref_id=CARD, kind="CreditCard", result=Card())
    method = paying_by(card, records.customers[0], known=None, before=None, now=NOW).method
    records.kept[method.id] = method
    return records, method.id


@pytest.mark.parametrize("name", ["ours", "zuoras"])
def test_what_an_order_named_is_kept_as_removed(billing: ZuoraMethods, name: str) -> None:
    records, id = named_by_an_order()
    later = NOW + timedelta(days=9)

    remove(id if name == "ours" else CARD, OWNER, objects=records, billing=billing, now=later)

    kept = records.kept[id]
    assert (kept.status, kept.data.default, kept.updated) == ("removed", False, later)
    with pytest.raises(NotFound):
        remove(id, OWNER, objects=records, billing=billing, now=later)


def test_a_removal_whose_answer_was_lost_is_noted_by_its_repeat(
    tenant: Running, billing: ZuoraMethods
) -> None:
    records, id = named_by_an_order()
    order_fault(tenant, "/v1/payment-methods", method="DELETE", kind="drop_after")
    with pytest.raises(ZuoraFailed):
        remove(id, OWNER, objects=records, billing=billing, now=NOW)
    assert records.kept[id].status == "active"

    remove(id, OWNER, objects=records, billing=billing, now=NOW)

    assert records.kept[id].status == "removed"


def test_nobody_removes_what_another_ones_order_named(billing: ZuoraMethods) -> None:
    records, id = named_by_an_order()

    with pytest.raises(NotFound):
        remove(id, OTHER, objects=records, billing=billing, now=NOW)

    assert records.kept[id].status == "active"


def test_says_so_while_zuora_is_not_connected() -> None:
    off = ZuoraMethods(Zuora("", Vault()))

    with pytest.raises(ZuoraNotConfigured):
        methods_of(None, objects=Records(), billing=off, today=NOW.date())
    with pytest.raises(ZuoraNotConfigured):
        opened(off, NewForm())
    with pytest.raises(ZuoraNotConfigured):
        remove(CARD, None, objects=Records(), billing=off, now=NOW)
