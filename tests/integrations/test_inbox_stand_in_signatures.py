"""The inbox judges signatures by the contract, and agrees with the reference library."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from infra.local._server import serve
from infra.local.inbox import Inbox
from infra.local.inbox_signatures import judge

# Vectors and times: webhooks.md §9.
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SIGNED = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
V1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
PRIVATE = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_" + base64.b64encode(base64.b64decode(PRIVATE)[32:]).decode()
V1A = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
OTHER = "whsec_" + base64.b64encode(b"another secret of 32 bytes, here").decode()


def headers(**changes: str | None) -> dict[str, str]:
    given: dict[str, str | None] = {
        "webhook-id": ID,
        "webhook-timestamp": str(int(SIGNED.timestamp())),
        "webhook-signature": V1,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("signature", "secret", "why"),
    [
        (V1, SECRET, "v1 signature fits key 1 of 1"),
        (V1A, PUBLIC, "v1a signature fits key 1 of 1"),
        (f"v1,bm8= {V1A} {V1}", SECRET, "v1 signature fits key 1 of 1"),
    ],
)
def test_accepts_the_published_vectors(signature: str, secret: str, why: str) -> None:
    verdict = judge(headers(webhook_signature=signature), BODY, [secret], SIGNED)

    assert (verdict.verified, verdict.why) == (True, why)


def test_says_which_key_fits_during_a_rotation() -> None:
    verdict = judge(headers(), BODY, [OTHER, SECRET], SIGNED)

    assert (verdict.verified, verdict.why) == (True, "v1 signature fits key 2 of 2")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"webhook_id": None}, "there is no webhook-id header"),
        ({"webhook_timestamp": None}, "there is no webhook-timestamp header"),
        ({"webhook_signature": ""}, "there is no webhook-signature header"),
        ({"webhook_timestamp": "1614265330.0"}, "not a whole number"),
        ({"webhook_timestamp": "1614265029"}, "301 s old; 300 s are allowed"),
        ({"webhook_timestamp": "1614265631"}, "301 s ahead"),
        ({"webhook_timestamp": "1614265331"}, "no signature fits; offered: v1"),
        ({"webhook_id": "msg_other"}, "no signature fits"),
        ({"webhook_signature": V1A}, "no signature fits; offered: v1a"),
        ({"webhook_signature": "v1"}, "no signature fits"),
        ({"webhook_signature": "v1,%% v1,ü v2,AAAA"}, "offered: v1, v1, v2"),
        ({"webhook_signature": V1.replace("v1,", "v1a,")}, "no signature fits"),
    ],
)
def test_says_why_a_signature_is_refused(changes: dict[str, Any], why: str) -> None:
    verdict = judge(headers(**changes), BODY, [SECRET], SIGNED)

    assert verdict.verified is False
    assert why in verdict.why


@pytest.mark.parametrize("signature", ["v1a,", "v1a,AAAA", V1A.replace("hnO3", "hnO4"), V1])
def test_refuses_a_public_key_signature_that_does_not_fit(signature: str) -> None:
    assert not judge(headers(webhook_signature=signature), BODY, [PUBLIC], SIGNED).verified


def test_refuses_a_changed_body_and_another_key() -> None:
    assert not judge(headers(), BODY + b" ", [SECRET], SIGNED).verified
    assert not judge(headers(), BODY, [OTHER], SIGNED).verified


@pytest.mark.parametrize("drift", [-300, 300])
def test_allows_five_minutes_either_way(drift: int) -> None:
    assert judge(headers(), BODY, [SECRET], SIGNED + timedelta(seconds=drift)).verified


@given(
    body=st.text(alphabet=st.characters(codec="utf-8")),
    key=st.binary(min_size=24, max_size=64),
    age=st.integers(-299, 299),
)
def test_accepts_whatever_the_reference_library_signs(body: str, key: bytes, age: int) -> None:
    now = datetime.now(UTC)
    signed = now - timedelta(seconds=age)
    secret = "whsec_" + base64.b64encode(key).decode()
    signature = Webhook(secret).sign("event-1", signed, body)
    given_headers = {
        "webhook-id": "event-1",
        "webhook-timestamp": str(int(signed.timestamp())),
        "webhook-signature": signature,
    }

    assert judge(given_headers, body.encode(), [secret], now).verified
    assert not judge(given_headers, b"x" + body.encode(), [secret], now).verified


@given(st.binary(min_size=1, max_size=8), st.integers(0, 31), st.integers(1, 255))
def test_refuses_with_the_reference_library(body: bytes, position: int, change: int) -> None:
    now = datetime.now(UTC)
    text = body.hex()
    mac = bytearray(base64.b64decode(Webhook(SECRET).sign("event-1", now, text)[3:]))
    mac[position] ^= change
    spoiled = {
        "webhook-id": "event-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(text, spoiled, json_parse=False)
    assert not judge(spoiled, text.encode(), [SECRET], now).verified


def test_an_inbox_records_its_verdict_on_each_delivery() -> None:
    private = Ed25519PrivateKey.generate()
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    now = datetime.now(UTC)
    timestamp = str(int(now.timestamp()))
    by_key = private.sign(f"event-1.{timestamp}.".encode() + BODY)
    signatures = {
        "v1": Webhook(SECRET).sign("event-1", now, BODY.decode()),
        "v1a": "v1a," + base64.b64encode(by_key).decode(),
        "none": V1,
    }
    with serve(Inbox()) as inbox:
        requests.put(
            f"{inbox.url}/_control/inboxes/acme", json={"secret": [public, SECRET]}, timeout=10
        )
        for signature in signatures.values():
            requests.post(
                f"{inbox.url}/hooks/acme",
                data=BODY,
                headers={
                    "webhook-id": "event-1",
                    "webhook-timestamp": timestamp,
                    "webhook-signature": signature,
                },
                timeout=10,
            )
        kept = requests.get(f"{inbox.url}/_control/inboxes/acme/deliveries", timeout=10).json()

    assert [(each["verified"], each["why"]) for each in kept["deliveries"]] == [
        (True, "v1 signature fits key 2 of 2"),
        (True, "v1a signature fits key 1 of 2"),
        (False, "no signature fits; offered: v1"),
    ]
