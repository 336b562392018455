"""Signatures that let receivers trust a webhook: Standard Webhooks 1.0, schemes v1 and v1a.

whsec_ + base64 of 24–64 bytes          v1   HMAC-SHA256; sender and receiver share it
whsk_  + base64 of seed 32 + public 32  v1a  ed25519; stays here
whpk_  + base64 of public 32                 what the receiver of a v1a signature gets
"""

import base64
import hmac
import secrets
from collections.abc import Iterable

from tessera.webhooks.unacceptable import Unacceptable

SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
_LENGTHS = {SHARED: range(24, 65), PRIVATE: range(64, 65), PUBLIC: range(32, 33)}


class KeyRefused(Unacceptable):
    """The key is not one of ours. The message never repeats it."""


def new_shared_secret() -> str:
    return _written(SHARED, secrets.token_bytes(32))


def new_private_key() -> str:
    seed = secrets.token_bytes(32)
    return _written(PRIVATE, seed + _public_half(seed))


def public_key(private: str) -> str:
    """What a receiver needs to verify signatures of this private key."""
    return _written(PUBLIC, key_bytes(private, PRIVATE)[32:])


def key_bytes(key: str, prefix: str) -> bytes:
    """What stands behind the prefix. Raises `KeyRefused`."""
    if not key.startswith(prefix):
        raise KeyRefused(f"A key of this kind begins with {prefix}.")
    try:
        raw = base64.b64decode(key.removeprefix(prefix), validate=True)
    except ValueError:  # also for text that is not ASCII
        raise KeyRefused(f"What follows {prefix} is not base64.") from None
    lengths = _LENGTHS[prefix]
    if len(raw) not in lengths:
        size = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else str(lengths[0])
        raise KeyRefused(f"A {prefix} key holds {size} bytes; this one holds {len(raw)}.")
    return raw


def signatures(keys: Iterable[str], *, id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature per live key, the current key first.

    `id` must hold no full stop; `timestamp` is in whole seconds.
    """
    signed = b"%b.%d.%b" % (id.encode(), timestamp, body)
    return " ".join(_signature(key, signed) for key in keys)


def _signature(key: str, signed: bytes) -> str:
    if not key.startswith(PRIVATE):
        return _written("v1,", hmac.digest(key_bytes(key, SHARED), signed, "sha256"))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = key_bytes(key, PRIVATE)[:32]
    return _written("v1a,", Ed25519PrivateKey.from_private_bytes(seed).sign(signed))


def _public_half(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _written(prefix: str, raw: bytes) -> str:
    return prefix + base64.b64encode(raw).decode()
