"""The headers of a webhook request."""

import base64

import pytest

from tessera.webhooks.headers import (
    HeaderRefused,
    basic,
    bearer,
    checked_header,
    checked_headers,
    of_request,
)


def test_keeps_own_headers_in_order_with_names_in_small_letters() -> None:
    assert list(checked_headers({"X-Tenant": "blue team", "api-key": "s3cret~"}).items()) == [
        ("x-tenant", "blue team"),
        ("api-key", "s3cret~"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-type",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "keep-alive",
        "TE",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
        "Authorization",
        "cookie",
        "date",
        "user-agent",
        "accept-encoding",
        "forwarded",
        "x-forwarded-for",
        "via",
        "x-amzn-trace-id",
        "X-Amz-Date",
        "webhook-id",
        "svix-signature",
        "tessera-attempt",
    ],
)
def test_refuses_headers_that_the_sender_sets(name: str) -> None:
    with pytest.raises(HeaderRefused) as refused:
        checked_headers({name: "secret-value"})

    assert refused.value.at == name
    assert "secret-value" not in refused.value.message


@pytest.mark.parametrize("name", ["", "x y", "x:y", "naïve", "x\r\nhost", "x\n", "(x)"])
def test_refuses_names_that_are_no_tokens(name: str) -> None:
    with pytest.raises(HeaderRefused):
        checked_header(name, "value")


@pytest.mark.parametrize(
    "value", ["", " ", "x ", " x", "x\r\nhost: y", "x\n", "x\0", "x\ty", "Grüße", "x\x7f"]
)
def test_refuses_values_that_are_not_visible_ascii(value: str) -> None:
    with pytest.raises(HeaderRefused):
        checked_header("x-tenant", value)


@pytest.mark.parametrize(
    "headers",
    [
        {f"x-{number}": "v" for number in range(11)},
        {"x" * 65: "v"},
        {"x-long": "v" * 1_025},
        {f"x-{number}": "v" * 1_024 for number in range(4)},
    ],
    ids=["count", "name", "value", "total"],
)
def test_refuses_too_much(headers: dict[str, str]) -> None:
    with pytest.raises(HeaderRefused) as refused:
        checked_headers(headers)

    assert refused.value.code == "too_long"


def test_accepts_as_much_as_it_says() -> None:
    headers = {"x" * 64: "v" * 1_024} | {f"x-{number}": "v" for number in range(9)}

    assert checked_headers(headers) == headers


def test_refuses_one_header_in_two_spellings() -> None:
    with pytest.raises(HeaderRefused) as refused:
        checked_headers({"x-tenant": "a", "X-Tenant": "b"})

    assert refused.value.at == "X-Tenant"


def test_basic_credentials_are_sent_in_utf_8() -> None:
    scheme, _, encoded = basic("zoë", "pass:wörd").partition(" ")

    assert scheme == "Basic"
    assert base64.b64decode(encoded).decode() == "zoë:pass:wörd"


@pytest.mark.parametrize(
    ("user", "password", "at"),
    [
        ("a:b", "x", "user"),
        ("", "x", "user"),
        ("a", "x\r\n", "password"),
        ("\ud800", "x", "user"),
        ("a", "x" * 513, "password"),
    ],
)
def test_refuses_basic_credentials_that_cannot_be_sent(user: str, password: str, at: str) -> None:
    with pytest.raises(HeaderRefused) as refused:
        basic(user, password)

    assert refused.value.at == at


def test_a_bearer_token_is_sent_as_such() -> None:
    assert bearer("abc.def") == "Bearer abc.def"


@pytest.mark.parametrize("token", ["", "Bearer abc", "a\r\nb", "x" * 1_025])
def test_refuses_a_token_that_is_none(token: str) -> None:
    with pytest.raises(HeaderRefused):
        bearer(token)


def test_a_first_attempt_carries_what_a_receiver_needs_and_no_more() -> None:
    headers = of_request(
        event="event-3f2c",
        type="order.failed",
        timestamp=1767225600,
        signatures="v1,abc",
        attempt=1,
    )

    assert headers == {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "Tessera-Webhooks/1",
        "webhook-id": "event-3f2c",
        "webhook-timestamp": "1767225600",
        "webhook-signature": "v1,abc",
        "tessera-event-type": "order.failed",
        "tessera-attempt": "1",
    }


def test_a_replayed_test_event_with_owner_says_so_and_carries_the_endpoints_headers() -> None:
    headers = of_request(
        event="event-3f2c",
        type="entitlements.updated",
        timestamp=1767225600,
        signatures="v1,abc",
        attempt=3,
        sequence=42,
        round=1,
        test=True,
        own={"x-tenant": "blue", "webhook-id": "forged"},
        credential={"authorization": "Bearer t"},
    )

    assert headers["tessera-sequence"] == "42"
    assert headers["tessera-replay"] == "1"
    assert headers["tessera-test"] == "true"
    assert headers["x-tenant"] == "blue"
    assert headers["authorization"] == "Bearer t"
    assert headers["webhook-id"] == "event-3f2c"
