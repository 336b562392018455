"""Payment methods that orders name: kept when the account pays by them, and told of once."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera import ids
from tessera.commerce.method_records import method_id, method_on, paying_by
from tessera.commerce.models import Card, Customer, StoredPaymentMethod, ZuoraMethod
from tessera.commerce.steps import Done
from tests.commerce.carrying import (
    CUSTOMER,
    OWNER,
    START,
    Absent,
    Carrier,
    MemoryStore,
    ScriptedVendor,
    customer,
    order,
    store_with,
)
from tests.commerce.test_provisioning import reading

REF = "8ad094b97b2c3d4e017b2c3d4f506172"
OTHER = "8ad094b97b2c3d4e017b2c3d50617283"
PARTNER = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"


def card(ref: str = REF, **detail: Any) -> ZuoraMethod:
    shown = {
        "card_type": "Visa",
        "mask": "************1111",
        "expiration_month": 11,
        "expiration_year": 2029,
        "status": "Active",
    }
    return ZuoraMethod(ref_id=ref, kind="CreditCard", result=Card(**{**shown, **detail}))


def method(**detail: Any) -> StoredPaymentMethod:
    return paying_by(card(**detail), customer(), known=None, before=None, now=START).method


def paid_by(store: MemoryStore, *methods: ZuoraMethod) -> Carrier:
    """One order after another makes the account pay by each."""
    vendor = ScriptedVendor()
    carrier = Carrier(store, crm=ScriptedVendor(), billing=vendor)
    for n, one in enumerate(methods):
        vendor.says("zuora_payment_method", Done({"paymentMethodId": one.ref_id}, method=one))
        id = ids.derived("order", "order", f"{n}")
        named = {"payment_method": one.ref_id, "id": id, "subscriptions": ()}
        store.keep(order("change_payment", **named))
        carrier.run(id)
    return carrier


def test_the_method_of_an_order_is_kept_as_documented() -> None:
    store = store_with(order())

    paid_by(store, card())

    (kept,) = (one for one in store.rows.values() if isinstance(one, StoredPaymentMethod))
    assert kept.wire() == {
        "id": method_id(REF),
        "record_type": "payment_method",
        "service": "limio",
        "mode": "test",
        "status": "active",
        "owner": OWNER,
        "customer": CUSTOMER,
        "related": CUSTOMER,
        "created": kept.wire()["created"],
        "updated": kept.wire()["updated"],
        "data": {
            "type": "zuora",
            "default": True,
            "zuora": {
                "refId": REF,
                "kind": "CreditCard",
                "result": {
                    "CreditCardType": "Visa",
                    "CreditCardMaskNumber": "************1111",
                    "CreditCardExpirationMonth": 11,
                    "CreditCardExpirationYear": 2029,
                    "PaymentMethodStatus": "Active",
                },
            },
        },
    }


def test_a_method_is_told_of_when_it_is_added() -> None:
    store = store_with(order())

    paid_by(store, card())

    (added,) = (event for event in store.events if event.type == "payment_method.added")
    assert added.snapshot == {
        "id": added.id,
        "record_type": "event",
        "service": "limio",
        "mode": "test",
        "name": "payment_method.added",
        "owner": OWNER,
        "created": added.snapshot["created"],
        "data": {},
    }
    assert added.owner == OWNER
    assert store.told.index("payment_method.added") < store.told.index("order.completed")


def test_a_new_customers_card_is_kept_with_its_purchase() -> None:
    store = store_with(order(payment_method=REF))
    vendor = ScriptedVendor(reading())
    vendor.says("zuora_payment_method", Done(method=card()))

    assert Carrier(store, crm=ScriptedVendor(), billing=vendor).run() == ["completed"]

    assert store.payment_method(method_id(REF)) is not None
    assert store.told.count("payment_method.added") == 1


def test_naming_the_same_method_again_changes_and_tells_nothing() -> None:
    store = store_with(order())
    paid_by(store, card())
    kept = store.payment_method(method_id(REF))

    paid_by(store, card())

    assert store.payment_method(method_id(REF)) == kept
    assert store.told.count("payment_method.added") == 1


def test_an_account_pays_by_one_method_at_a_time() -> None:
    store = store_with(order())

    paid_by(store, card(), card(OTHER), card())

    first, second = (store.payment_method(method_id(ref)) for ref in (REF, OTHER))
    assert first is not None
    assert second is not None
    assert (first.data.default, second.data.default) == (True, False)
    assert store.told.count("payment_method.added") == 2
    assert store.ownerships[OWNER].default_method(CUSTOMER) == method_id(REF)


def test_a_method_that_comes_back_is_added_again() -> None:
    store = store_with(order())
    paid_by(store, card())
    gone = store.payment_method(method_id(REF))
    assert gone is not None
    store.keep(gone.model_copy(update={"status": "removed"}))

    paid_by(store, card())

    kept = store.payment_method(method_id(REF))
    assert kept is not None
    assert kept.status == "active"
    assert kept.updated > gone.updated
    assert store.told.count("payment_method.added") == 2


def test_a_removal_at_the_same_moment_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_with(order())
    paid_by(store, card())
    read, first = store.payment_method, method_id(REF)

    def removed_after_reading(id: str) -> StoredPaymentMethod | None:
        found = read(id)
        if id == first and found is not None and found.status == "active":
            gone = {"status": "removed", "updated": found.updated + timedelta(seconds=1)}
            store.keep(found.model_copy(update=gone))
        return found

    monkeypatch.setattr(store, "payment_method", removed_after_reading)

    paid_by(store, card(OTHER))

    kept, other = read(first), read(method_id(OTHER))
    assert kept is not None
    assert other is not None
    assert (kept.status, other.data.default) == ("removed", True)
    assert store.told.count("payment_method.added") == 2


def test_a_method_of_another_customer_stays_that_customers() -> None:
    store = store_with(order())
    others = method().model_copy(update={"related": "cus-" + "0" * 32, "owner": "id-1"})
    store.keep(others)

    carrier = paid_by(store, card())

    assert store.payment_method(others.id) == others
    assert "payment_method.added" not in store.told
    assert carrier.order.status == "submitted"


def test_without_billing_nothing_is_known_of_a_method() -> None:
    store = store_with(order(payment_method=REF))

    Carrier(store, crm=Absent(), billing=Absent()).run()

    assert store.payment_method(method_id(REF)) is None
    assert "payment_method.added" not in store.told


def test_a_method_on_a_partners_customer_is_the_partners_too() -> None:
    buyer: Customer = customer(partner_org=PARTNER)

    kept = paying_by(card(), buyer, known=None, before=None, now=START).method

    assert kept.partner_org == PARTNER


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("************1111", "************1111"),
        ("4111111111111111", "************1111"),
        ("411111******1111", "************1111"),
        ("4111 1111 1111 1111", "**** **** **** 1111"),
        ("1111", "1111"),
        (None, None),
    ],
)
def test_of_a_number_only_the_last_four_digits_are_kept(sent: str | None, kept: str | None) -> None:
    assert method(mask=sent).data.zuora.result.mask == kept


@pytest.mark.parametrize(
    ("day", "status"),
    [(date(2029, 11, 30), "active"), (date(2029, 12, 1), "expired"), (date(2030, 1, 1), "expired")],
)
def test_a_card_is_over_after_its_last_month_whether_anybody_looked_or_not(
    day: date, status: str
) -> None:
    assert method_on(method(), day).status == status


def test_what_was_removed_does_not_expire() -> None:
    gone = method().model_copy(update={"status": "removed"})

    assert method_on(gone, date(2040, 1, 1)).status == "removed"


def test_a_change_is_later_than_what_it_changes() -> None:
    known = method()

    paying = paying_by(
        card(expiration_year=2033),
        customer(),
        known=known,
        before=None,
        now=START - timedelta(days=1),
    )

    assert not paying.is_added
    assert paying.changed == (paying.method,)
    assert paying.method.updated > known.updated
