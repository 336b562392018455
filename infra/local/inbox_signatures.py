"""What a careful receiver of webhooks checks: Standard Webhooks signatures and Basic credentials.

This is the receiver's side of the contract, written apart from the code that signs.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_SECONDS = 300


class BadSecret(ValueError):
    """A secret is neither `whsec_` nor `whpk_` with base64 of the right length."""


@dataclass(frozen=True)
class Verdict:
    verified: bool
    why: str


def check_secret(secret: object) -> None:
    """Raises `BadSecret` for one that could never verify anything."""
    _key(secret)


def judge(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> Verdict:
    """Whether one of the signatures fits one of the secrets (`whsec_` for v1, `whpk_` for v1a).

    The signed bytes are `{webhook-id}.{webhook-timestamp}.{body}`; the time may differ by 300 s.
    """
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        if not headers.get(name):
            return Verdict(False, f"there is no {name} header")
    timestamp = headers["webhook-timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit()):
        return Verdict(False, "webhook-timestamp is not a whole number of seconds")
    age = int(now.timestamp()) - int(timestamp)
    if abs(age) > TOLERANCE_SECONDS:
        when = f"{age} s old" if age > 0 else f"{-age} s ahead"
        return Verdict(False, f"webhook-timestamp is {when}; {TOLERANCE_SECONDS} s are allowed")
    content = f"{headers['webhook-id']}.{timestamp}.".encode() + body
    offered = headers["webhook-signature"].split()
    for number, secret in enumerate(secrets, start=1):
        scheme, key = _key(secret)
        for signature in offered:
            version, _, encoded = signature.partition(",")
            if version == scheme and _fits(scheme, key, content, encoded):
                return Verdict(True, f"{scheme} signature fits key {number} of {len(secrets)}")
    schemes = ", ".join(signature.partition(",")[0] for signature in offered)
    return Verdict(False, f"no signature fits; offered: {schemes}")


def basic_credentials_match(headers: Mapping[str, str], username: str, password: str) -> bool:
    """Whether the request carries exactly these credentials, in UTF-8."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    expected = base64.b64encode(f"{username}:{password}".encode())
    given = value.strip().encode("utf-8", "replace")
    return scheme.lower() == "basic" and hmac.compare_digest(given, expected)


def _key(secret: object) -> tuple[str, bytes]:
    if not isinstance(secret, str) or not secret.startswith(("whsec_", "whpk_")):
        raise BadSecret("a secret begins with whsec_ (v1) or whpk_ (v1a, the public key)")
    prefix, _, encoded = secret.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as failure:
        raise BadSecret(f"what follows {prefix}_ is not base64") from failure
    if prefix == "whpk" and len(key) != 32:
        raise BadSecret(f"a whpk_ key has 32 bytes, this one {len(key)}")
    if prefix == "whsec" and not 24 <= len(key) <= 64:
        raise BadSecret(f"a whsec_ key has 24 to 64 bytes, this one {len(key)}")
    return ("v1" if prefix == "whsec" else "v1a"), key


def _fits(scheme: str, key: bytes, content: bytes, encoded: str) -> bool:
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return False
    if scheme == "v1":
        return hmac.compare_digest(hmac.new(key, content, hashlib.sha256).digest(), signature)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except InvalidSignature:
        return False
    return True
