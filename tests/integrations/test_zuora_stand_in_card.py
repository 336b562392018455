"""The card form at the Zuora stand-in: signed, shown in a frame, saved or declined."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from infra.local import demo
from tests.integrations.zuora_calls import Body, Caller, categories, running_zuora

SHOP = "http://shop.example"


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    return shared.reset()


def signed(zuora: Caller, **changes: Any) -> Body:
    body = {
        "uri": f"{zuora.url}{demo.CARD_PAGE_PATH}",
        "method": "POST",
        "pageId": demo.CARD_PAGE_ID,
        "currency": "USD",
        "locale": "en_GB",
        "passthrough1": "nonce",
    }
    return zuora.post("/v1/rsa-signatures", {**body, **changes})


def parameters(form: Body, **changes: str) -> dict[str, str]:
    """What the script puts into the frame's address."""
    return {
        "id": demo.CARD_PAGE_ID,
        "tenantId": form["tenantId"],
        "token": form["token"],
        "signature": form["signature"],
        "key": form["key"],
        "host": SHOP,
        **changes,
    }


def frame(zuora: Caller, given: dict[str, str]) -> str:
    answer = requests.get(f"{zuora.url}{demo.CARD_PAGE_PATH}", params=given, timeout=10)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.text


def submit(zuora: Caller, given: dict[str, str], card: str = "1111") -> Body:
    """What the frame tells the page around it."""
    answer = requests.post(
        f"{zuora.url}{demo.CARD_PAGE_PATH}", data={**given, "card": card}, timeout=10
    )
    return told(answer.text)


def told(page: str) -> Body:
    [(message, host)] = re.findall(r"postMessage\((\{.*\}), (\".*\")\);", page)
    assert json.loads(host) == SHOP
    return dict(json.loads(message))


def test_signs_a_form(zuora: Caller) -> None:
    form = signed(zuora, accountId=demo.HALDEN.id)

    assert form["success"] is True
    assert form["tenantId"] == demo.ZUORA_TENANT_ID
    assert all(form[name] for name in ("signature", "token", "key"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pageId": demo.zuora_id("bad")}, 40),
        ({"uri": "http://localhost/elsewhere"}, 20),
        ({"accountId": "unknown"}, 40),
        ({"method": "GET"}, 20),
        ({"passthrough2": "x"}, 21),
    ],
)
def test_signs_no_form_that_is_not_one(zuora: Caller, changes: Body, expected: int) -> None:
    assert categories(signed(zuora, **changes)) == [expected]


def test_serves_the_script_and_the_frame_without_a_token(zuora: Caller) -> None:
    script = requests.get(f"{zuora.url}{demo.CARD_SCRIPT_PATH}", timeout=10)
    page = frame(zuora, parameters(signed(zuora)))

    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "renderWithErrorHandler" in script.text
    assert "test card ending 1111" in page
    assert "declined card" in page


def test_saves_a_card_on_the_account_that_the_form_names(zuora: Caller) -> None:
    form = signed(zuora, accountId=demo.HALDEN.id)

    said = submit(zuora, parameters(form, field_accountId=demo.HALDEN.id))

    assert said["kind"] == "result"
    assert said["result"]["success"] is True
    listed = zuora.get("/v1/accounts/A00000042/payment-methods")["creditcard"]
    [card] = [method for method in listed if method["id"] == said["result"]["refId"]]
    assert (card["cardNumber"], card["status"]) == ("************1111", "Active")
    assert card["isDefault"] is False
    assert card["expirationYear"] > zuora.today.year


def test_saves_a_card_of_nobody_yet(zuora: Caller) -> None:
    said = submit(zuora, parameters(signed(zuora)))

    card = said["result"]["refId"]
    assert len(zuora.get("/v1/accounts/A00000042/payment-methods")["creditcard"]) == 1
    attached = zuora.put(f"/v1/payment-methods/{card}", {"accountKey": demo.HALDEN.number})
    assert attached["success"] is True


def test_says_that_a_card_was_declined_and_lets_another_be_tried(zuora: Caller) -> None:
    given = parameters(signed(zuora))

    declined = submit(zuora, given, card="declined")
    saved = submit(zuora, given)

    assert declined["result"] == {
        "success": False,
        "errorCode": "GatewayTransactionError",
        "errorMessage": "The bank declined the card.",
    }
    assert saved["result"]["success"] is True


def test_a_form_saves_one_card(zuora: Caller) -> None:
    given = parameters(signed(zuora))
    submit(zuora, given)

    assert submit(zuora, given)["kind"] == "error"


def test_a_form_is_too_old_after_half_an_hour(zuora: Caller) -> None:
    given = parameters(signed(zuora))
    zuora.turn_clock(minutes=31)

    assert told(frame(zuora, given))["kind"] == "error"
    assert submit(zuora, given)["kind"] == "error"


@pytest.mark.parametrize("name", ["id", "tenantId", "token", "signature", "key"])
def test_a_frame_without_its_signature_is_an_error(zuora: Caller, name: str) -> None:
    given = parameters(signed(zuora), **{name: "forged"})

    assert told(frame(zuora, given))["kind"] == "error"
    assert submit(zuora, given)["kind"] == "error"


def test_a_signed_account_limits_what_a_browser_may_send(zuora: Caller) -> None:
    form = signed(zuora, accountId=demo.HALDEN.id)

    said = submit(zuora, parameters(form, field_accountId=demo.ACME.id))

    assert said["kind"] == "error"
    assert "creditcard" not in zuora.get("/v1/accounts/A00000007/payment-methods")


def test_attaches_no_card_to_an_account_that_does_not_exist(zuora: Caller) -> None:
    said = submit(zuora, parameters(signed(zuora), field_accountId="unknown"))

    assert said["kind"] == "error"


def test_puts_nothing_into_the_frame_that_could_run(zuora: Caller) -> None:
    evil = '"></script><script>alert(1)</script>'

    shown = frame(zuora, parameters(signed(zuora), field_passthrough1=evil, host=evil))
    refused = frame(zuora, parameters({**signed(zuora), "key": evil}, host=evil))

    assert "<script>alert" not in shown
    assert "<script>alert" not in refused
