"""What cannot be synced: refused by its field or its code, with nothing written."""

from typing import Any

import pytest

from tessera.commerce.billed import Billing
from tessera.commerce.sync import sync
from tessera.errors import InvalidFields, Refusal
from tessera.integrations import zuora_models as zuora
from tessera.integrations.zuora_reading import ZuoraBilling
from tessera.integrations.zuora_verdicts import UnknownToZuora
from tests.builders import NOW, TODAY, FakeCatalog, FakePartners, candidate

SUBSCRIPTION = {
    "id": "8ad0823f7c3d4e5f017c3d4e60718293",
    "subscriptionNumber": "A-S00000271",
    "version": 1,
    "status": "Active",
    "accountId": "8ad08d1c7a1b2c3d017a1b2c3d4e5f60",
    "accountNumber": "A00000042",
    "termType": "TERMED",
    "termStartDate": "2026-03-02",
    "termEndDate": "2027-03-02",
    "subscriptionStartDate": "2026-03-02",
    "contractEffectiveDate": "2026-03-02",
}
ACCOUNT = {
    "basicInfo": {
        "id": "8ad08d1c7a1b2c3d017a1b2c3d4e5f60",
        "accountNumber": "A00000042",
        "name": "Lopes Ltd",
    },
    "billingAndPayment": {"currency": "GBP"},
    "billToContact": {"firstName": "Ana", "lastName": "Lopes", "country": "United Kingdom"},
}
DAYS = ("subscriptionStartDate", "contractEffectiveDate", "termStartDate")


class Answering:
    """Zuora, which knows one subscription or none."""

    def __init__(self, subscription: Any = SUBSCRIPTION, account: Any = ACCOUNT) -> None:
        self.subscription_ = subscription
        self.account_ = account
        self.asked: list[str] = []

    def subscription(self, key: str) -> zuora.ZuoraSubscription:
        self.asked.append(key)
        if self.subscription_ is None:
            raise UnknownToZuora(key)
        return zuora.ZuoraSubscription.model_validate(self.subscription_)

    def account(self, key: str) -> zuora.ZuoraAccount:
        return zuora.ZuoraAccount.model_validate(self.account_)


class Untouched:
    """Objects that nobody may read or write: what is refused is refused before."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called")


def refused(key: str, billing: Billing) -> Refusal:
    untouched: Any = Untouched()
    with pytest.raises(Refusal) as refusal:
        sync(
            key,
            billing=billing,
            catalog=FakeCatalog(candidate()),
            partners=FakePartners(),
            owners=untouched,
            now=NOW,
            today=TODAY,
            mode="test",
        )
    return refusal.value


@pytest.mark.parametrize("key", ["", "A" * 101, "A\x00", "A\n1"], ids=range(4))
def test_an_id_is_a_number_or_id_of_zuora(key: str) -> None:
    answering = Answering()

    refusal = refused(key, ZuoraBilling(answering))

    assert (refusal.status, refusal.wire_code) == (400, "invalid_request")
    assert answering.asked == []


def test_a_subscription_that_zuora_does_not_know_is_not_found() -> None:
    refusal = refused("A-S1", ZuoraBilling(Answering(None)))

    assert (refusal.status, refusal.wire_code) == (404, "zuora_subscription_not_found")
    assert "A-S1" in refusal.message


@pytest.mark.parametrize("status", ["Draft", "draft", "DRAFT"])
def test_a_draft_is_activated_in_zuora_first(status: str) -> None:
    refusal = refused("A-S1", ZuoraBilling(Answering({**SUBSCRIPTION, "status": status})))

    assert isinstance(refusal, InvalidFields)
    assert (refusal.status, refusal.wire_code) == (422, "zuora_draft")
    assert [error.field for error in refusal.errors] == ["id"]


@pytest.mark.parametrize(
    ("subscription", "account"),
    [
        ({}, {"billToContact": None}),
        ({}, {"billingAndPayment": None}),
        ({}, {"billingAndPayment": {"currency": None}}),
        (dict.fromkeys(DAYS), {}),
    ],
    ids=["no-contact", "no-billing", "no-currency", "no-start"],
)
def test_what_lacks_a_contact_a_currency_or_a_start_is_unusable(
    subscription: dict[str, Any], account: dict[str, Any]
) -> None:
    answering = Answering({**SUBSCRIPTION, **subscription}, {**ACCOUNT, **account})

    refusal = refused("A-S1", ZuoraBilling(answering))

    assert isinstance(refusal, InvalidFields)
    assert (refusal.status, refusal.wire_code) == (422, "zuora_unusable")
    assert [error.field for error in refusal.errors] == ["id"]


@pytest.mark.parametrize(
    ("status", "read_as"),
    [
        ("Active", "active"),
        ("Pending Activation", "pending"),
        ("PendingActivation", "pending"),
        ("Pending_Acceptance", "pending"),
        ("Suspended", "suspended"),
        ("Cancelled", "active"),
        ("Expired", "active"),
    ],
)
def test_a_status_of_zuora_is_known_in_any_spelling(status: str, read_as: str) -> None:
    billing = ZuoraBilling(Answering({**SUBSCRIPTION, "status": status}))

    assert billing.read("A-S1").status == read_as
