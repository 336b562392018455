"""Signatures that any Standard Webhooks receiver verifies."""

import base64
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from tessera.webhooks.credentials import new_key
from tessera.webhooks.signing import (
    PRIVATE,
    PUBLIC,
    SHARED,
    KeyRefused,
    key_bytes,
    new_private_key,
    new_shared_secret,
    public_key,
    signatures,
)

VECTOR_ID, VECTOR_TIME, VECTOR_BODY = (
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
)
VECTORS = {
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbf"
    "VKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==": "v1a,"
    "hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5B"
    "dqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
}
SHARED_SECRETS = st.binary(min_size=24, max_size=64).map(
    lambda raw: SHARED + base64.b64encode(raw).decode()
)
BODIES = st.text().map(str.encode)


def verified_by_oracles(key: str, header: str, *, id: str, timestamp: int, body: bytes) -> None:
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": header,
    }
    standardwebhooks.Webhook(key).verify(body, headers, json_parse=False)
    svix.webhooks.Webhook(key).verify(body, headers)


def now() -> int:
    """Receivers refuse what is older than five minutes."""
    return int(datetime.now(UTC).timestamp())


@pytest.mark.parametrize(("key", "signature"), VECTORS.items(), ids=["v1", "v1a"])
def test_makes_the_published_signatures(key: str, signature: str) -> None:
    made = signatures([key], id=VECTOR_ID, timestamp=VECTOR_TIME, body=VECTOR_BODY)

    assert made == signature


@given(SHARED_SECRETS, BODIES)
def test_receivers_libraries_verify_v1_for_any_body(key: str, body: bytes) -> None:
    at = now()
    made = signatures([key], id="event-1", timestamp=at, body=body)

    verified_by_oracles(key, made, id="event-1", timestamp=at, body=body)


@given(SHARED_SECRETS, SHARED_SECRETS, BODIES)
def test_receivers_verify_with_either_key_during_a_rotation(
    new: str, old: str, body: bytes
) -> None:
    at = now()
    made = signatures([new, old], id="event-1", timestamp=at, body=body)

    verified_by_oracles(new, made, id="event-1", timestamp=at, body=body)
    verified_by_oracles(old, made, id="event-1", timestamp=at, body=body)


def test_the_current_key_signs_first() -> None:
    new, old = new_shared_secret(), new_shared_secret()

    made = signatures([new, old], id="event-1", timestamp=1, body=b"x").split(" ")

    assert made == [signatures([key], id="event-1", timestamp=1, body=b"x") for key in (new, old)]


def test_a_v1a_signature_beside_it_does_not_disturb_v1_receivers() -> None:
    private, shared, at = new_private_key(), new_shared_secret(), now()

    made = signatures([private, shared], id="event-1", timestamp=at, body=b"{}")

    verified_by_oracles(shared, made, id="event-1", timestamp=at, body=b"{}")


@given(st.binary())
def test_the_public_key_verifies_v1a_for_any_body(body: bytes) -> None:
    private = new_private_key()

    made = signatures([private], id="event-1", timestamp=1767225600, body=body)

    scheme, _, encoded = made.partition(",")
    receiver = Ed25519PublicKey.from_public_bytes(key_bytes(public_key(private), PUBLIC))
    assert scheme == "v1a"
    receiver.verify(base64.b64decode(encoded), b"event-1.1767225600." + body)


@pytest.mark.parametrize(
    "changed",
    [{"id": "event-2"}, {"timestamp": 1767225601}, {"body": b"{} "}],
    ids=["id", "timestamp", "body"],
)
@pytest.mark.parametrize("key", [new_shared_secret(), new_private_key()], ids=["v1", "v1a"])
def test_a_changed_message_has_another_signature(changed: dict[str, Any], key: str) -> None:
    message: dict[str, Any] = {"id": "event-1", "timestamp": 1767225600, "body": b"{}"}

    assert signatures([key], **message) != signatures([key], **(message | changed))


def test_another_keys_signature_does_not_verify() -> None:
    at = now()
    made = signatures([new_shared_secret()], id="event-1", timestamp=at, body=b"{}")

    with pytest.raises(standardwebhooks.WebhookVerificationError):
        verified_by_oracles(new_shared_secret(), made, id="event-1", timestamp=at, body=b"{}")


def test_another_public_key_does_not_verify_v1a() -> None:
    made = signatures([new_private_key()], id="event-1", timestamp=1, body=b"{}")

    stranger = Ed25519PublicKey.from_public_bytes(key_bytes(public_key(new_private_key()), PUBLIC))
    with pytest.raises(InvalidSignature):
        stranger.verify(base64.b64decode(made.removeprefix("v1a,")), b"event-1.1.{}")


def test_new_keys_have_the_published_shapes_and_never_repeat() -> None:
    secrets = {new_shared_secret() for _ in range(20)}
    private = new_private_key()

    assert len(secrets) == 20
    assert {len(key_bytes(secret, SHARED)) for secret in secrets} == {32}
    assert len(key_bytes(private, PRIVATE)) == 64
    assert key_bytes(public_key(private), PUBLIC) == key_bytes(private, PRIVATE)[32:]


@given(SHARED_SECRETS)
def test_accepts_a_secret_that_a_customer_brings(secret: str) -> None:
    assert new_key("v1", secret) == secret


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "secret",
        "whsec_",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + base64.b64encode(bytes(32)).decode().rstrip("="),
        "whsec_" + base64.urlsafe_b64encode(bytes([251]) * 32).decode(),
        "whsec_" + base64.b64encode(bytes(32)).decode() + "\n",
        "whsec_ключ",
        "whsec_\ud800" + base64.b64encode(bytes(32)).decode(),
        "WHSEC_" + base64.b64encode(bytes(32)).decode(),
        "whpk_" + base64.b64encode(bytes(32)).decode(),
        "whsk_" + base64.b64encode(bytes(64)).decode(),
    ],
)
def test_refuses_what_is_no_key_without_repeating_it(wrong: str) -> None:
    with pytest.raises(KeyRefused) as refused:
        new_key("v1", wrong)

    secret = wrong.partition("_")[2]
    assert refused.value.message.endswith(".")
    assert not secret or secret not in refused.value.message


def test_loads_cryptography_only_for_a_v1a_key() -> None:
    script = (
        "import sys\n"
        "from tessera.webhooks.signing import new_shared_secret, signatures\n"
        "signatures([new_shared_secret()], id='event-1', timestamp=1, body=b'')\n"
        "assert not any(name.startswith('cryptography') for name in sys.modules)\n"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}

    subprocess.run([sys.executable, "-c", script], check=True, env=environment)  # noqa: S603 - our own script
