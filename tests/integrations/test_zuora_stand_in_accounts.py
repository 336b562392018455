"""Accounts, contacts and payment methods at the Zuora stand-in."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local import demo
from tests.integrations.zuora_calls import Caller, categories, running_zuora


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    return shared.reset()


def test_opens_an_account_under_the_number_it_is_given(zuora: Caller) -> None:
    opened = zuora.open_account(parentId=demo.ACME.id, crmId="001Dn00000CoNtEIAV")

    read = zuora.get("/v1/accounts/T-715G5QA2PB2I")
    assert opened == {
        "success": True,
        "accountId": read["basicInfo"]["id"],
        "accountNumber": "T-715G5QA2PB2I",
        "billToContactId": read["billToContact"]["id"],
        "soldToContactId": read["soldToContact"]["id"],
    }
    assert read["basicInfo"]["parentId"] == demo.ACME.id
    assert read["basicInfo"]["crmId"] == "001Dn00000CoNtEIAV"
    assert read["billToContact"]["country"] == "United Kingdom"
    assert read["billToContact"]["id"] == read["soldToContact"]["id"]
    assert zuora.get(f"/v1/accounts/{opened['accountId']}") == read


def test_gives_an_account_without_number_the_next_free_one(zuora: Caller) -> None:
    body = zuora.account()
    del body["accountNumber"]

    numbers = [zuora.post("/v1/accounts", body)["accountNumber"] for _ in range(7)]

    assert numbers[0] == "A00000001"
    assert "A00000007" not in numbers
    assert numbers[-1] == "A00000009"


def test_keeps_a_delivery_contact_apart_when_there_is_one(zuora: Caller) -> None:
    opened = zuora.open_account(soldToContact=zuora.contact(city="Bath"))

    read = zuora.get("/v1/accounts/T-715G5QA2PB2I")
    assert opened["billToContactId"] != opened["soldToContactId"]
    assert (read["billToContact"]["city"], read["soldToContact"]["city"]) == ("Bristol", "Bath")


def test_refuses_an_account_number_that_is_taken(zuora: Caller) -> None:
    zuora.open_account()

    assert categories(zuora.open_account()) == [30]


def test_refuses_an_account_number_with_the_prefix_of_its_own(zuora: Caller) -> None:
    assert categories(zuora.open_account(accountNumber="A7Q715G5QA2P")) == [30]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nickname": "CL"}, [21]),
        ({"billToContact": {"firstName": "Carla", "lastName": "Conte", "postalCode": "1"}}, [21]),
        ({"billToContact": {"lastName": "Conte"}}, [22]),
        ({"currency": 7, "billCycleDay": "1"}, [20, 20]),
        ({"billCycleDay": 32}, [20]),
        ({"billCycleDay": True}, [20]),
        ({"accountNumber": "T" * 51}, [20]),
        ({"billToContact": {"firstName": "C", "lastName": "C", "country": "Atlantis"}}, [20]),
        ({"billToContact": {"firstName": "C", "lastName": "C", "workEmail": "carla"}}, [20]),
        ({"name": None}, [20]),
    ],
)
def test_refuses_what_its_field_tables_do_not_have(
    zuora: Caller, changes: dict[str, Any], expected: list[int]
) -> None:
    assert categories(zuora.open_account(**changes)) == expected


@pytest.mark.parametrize("member", ["name", "currency", "billCycleDay", "billToContact"])
def test_misses_what_an_account_must_have(zuora: Caller, member: str) -> None:
    body = zuora.account()
    del body[member]

    answer = zuora.post("/v1/accounts", body)

    assert categories(answer) == [22]
    assert member in answer["reasons"][0]["message"]


def test_refuses_a_body_that_is_no_object(zuora: Caller) -> None:
    answer = zuora.session.post(f"{zuora.url}/v1/accounts", json=[], timeout=10).json()

    assert categories(answer) == [90]


@pytest.mark.parametrize(
    ("parent", "expected"),
    [(demo.zuora_id("fff"), 40), (demo.ACME.number, 40), (demo.HALDEN.id, 30)],
)
def test_refuses_a_parent_that_is_unknown_or_in_another_currency(
    zuora: Caller, parent: str, expected: int
) -> None:
    assert categories(zuora.open_account(parentId=parent)) == [expected]


def test_nests_accounts_five_deep_and_no_deeper(zuora: Caller) -> None:
    parent = demo.ACME.id
    for depth in range(2, 6):
        opened = zuora.open_account(accountNumber=f"T-{depth}", parentId=parent)
        parent = opened["accountId"]

    answer = zuora.open_account(accountNumber="T-6", parentId=parent)

    assert categories(answer) == [30]


def test_pays_automatically_with_exactly_one_card(zuora: Caller) -> None:
    card = zuora.control("payment-methods")["id"]

    assert categories(zuora.open_account(autoPay=True)) == [30]
    assert categories(zuora.open_account(hpmCreditCardPaymentMethodId=card)) == [30]
    assert zuora.open_account(autoPay=True, hpmCreditCardPaymentMethodId=card)["success"]

    read = zuora.get("/v1/accounts/T-715G5QA2PB2I")["billingAndPayment"]
    assert (read["autoPay"], read["defaultPaymentMethodId"]) == (True, card)
    listed = zuora.get("/v1/accounts/T-715G5QA2PB2I/payment-methods")
    assert [method["id"] for method in listed["creditcard"]] == [card]


@pytest.mark.parametrize(("card", "expected"), [("unknown", 40), (demo.HALDEN_CARD_ID, 30)])
def test_opens_no_account_with_somebody_elses_card(zuora: Caller, card: str, expected: int) -> None:
    answer = zuora.open_account(autoPay=True, hpmCreditCardPaymentMethodId=card)

    assert categories(answer) == [expected]


def test_changes_a_contact_and_answers_with_it(zuora: Caller) -> None:
    contact = zuora.get("/v1/accounts/A00000042")["billToContact"]

    changed = zuora.put(
        f"/v1/contacts/{contact['id']}",
        {"address1": "Storgata 9", "city": "Bergen", "zipCode": "5003", "country": "DK"},
    )

    account = zuora.get("/v1/accounts/A00000042")
    assert changed["success"] is True
    assert (changed["address1"], changed["country"]) == ("Storgata 9", "Denmark")
    assert changed["accountNumber"] == demo.HALDEN.number
    assert (changed["asBillTo"], changed["asSoldTo"]) == (True, False)
    assert account["billToContact"] == {
        **contact,
        "address1": "Storgata 9",
        "city": "Bergen",
        "zipCode": "5003",
        "country": "Denmark",
    }
    assert account["soldToContact"]["city"] == "Oslo"


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"postalCode": "1"}, 21), ({"country": "Atlantis"}, 20), ({"lastName": ""}, 22)],
)
def test_leaves_a_contact_as_it_was_when_it_refuses_a_change(
    zuora: Caller, change: dict[str, str], expected: int
) -> None:
    before = zuora.get("/v1/accounts/A00000042")

    answer = zuora.put(f"/v1/contacts/{before['billToContact']['id']}", change)

    assert categories(answer) == [expected]
    assert zuora.get("/v1/accounts/A00000042") == before


def test_lists_payment_methods_under_the_name_of_their_type(zuora: Caller) -> None:
    listed = zuora.get("/v1/accounts/A00000042/payment-methods")

    assert listed["defaultPaymentMethodId"] == demo.HALDEN_CARD_ID
    [card] = listed["creditcard"]
    assert card["id"] == demo.HALDEN_CARD_ID
    assert (card["type"], card["cardNumber"]) == ("CreditCard", "************4242")
    assert (card["isDefault"], card["status"]) == (True, "Active")
    assert zuora.get("/v1/accounts/A00000008/payment-methods") == {
        "success": True,
        "defaultPaymentMethodId": None,
    }


def test_attaches_a_card_and_makes_it_the_default(zuora: Caller) -> None:
    card = zuora.control("payment-methods")["id"]

    before = zuora.put("/v1/accounts/A00000008", {"defaultPaymentMethodId": card})
    attached = [
        zuora.put(f"/v1/payment-methods/{card}", {"accountKey": "A00000008"}) for _ in range(2)
    ]
    default = zuora.put("/v1/accounts/A00000008", {"defaultPaymentMethodId": card, "autoPay": True})

    assert categories(before) == [30]
    assert attached == [{"success": True, "id": card}] * 2
    assert default == {"success": True}
    read = zuora.get("/v1/accounts/A00000008")["billingAndPayment"]
    assert (read["autoPay"], read["defaultPaymentMethodId"]) == (True, card)


def test_attaches_no_card_that_another_account_has(zuora: Caller) -> None:
    path = f"/v1/payment-methods/{demo.HALDEN_CARD_ID}"

    assert categories(zuora.put(path, {"accountKey": "A00000008"})) == [30]
    assert categories(zuora.put(path, {"accountKey": "unknown"})) == [40]


def test_pays_automatically_only_with_a_default_method(zuora: Caller) -> None:
    assert categories(zuora.put("/v1/accounts/A00000008", {"autoPay": True})) == [30]


def test_removes_a_payment_method(zuora: Caller) -> None:
    first = zuora.delete(f"/v1/payment-methods/{demo.HALDEN_CARD_ID}")
    second = zuora.delete(f"/v1/payment-methods/{demo.HALDEN_CARD_ID}")

    assert first == {"success": True}
    assert categories(second) == [40]
    listed = zuora.get("/v1/accounts/A00000042/payment-methods")
    assert listed == {"success": True, "defaultPaymentMethodId": None}


def test_removes_no_method_that_an_account_pays_with_automatically(zuora: Caller) -> None:
    zuora.put("/v1/accounts/A00000042", {"autoPay": True})

    answer = zuora.delete(f"/v1/payment-methods/{demo.HALDEN_CARD_ID}")

    assert categories(answer) == [30]
    assert "creditcard" in zuora.get("/v1/accounts/A00000042/payment-methods")
