"""Cursors: where a list goes on, opaque to the caller and worthless to anybody else.

A cursor is bound to caller and query: altered, or used for another list, it is refused.
"""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any, Protocol

from tessera.errors import InvalidRequest


class SealingKey(Protocol):
    def read(self) -> dict[str, str]:
        """`{"key": …}`, the secret that seals cursors."""


class ForeignCursor(InvalidRequest):
    """It was altered, or sealed for another caller or list."""


class Cursors:
    def __init__(self, secret: SealingKey) -> None:
        self._secret = secret

    def seal(self, position: dict[str, Any], *, of: str) -> str:
        """`of` names caller and query; the same words must be given to `open`."""
        payload = json.dumps(position, separators=(",", ":"), sort_keys=True).encode()
        return _text(self._mac(payload, of) + payload)

    def open(self, cursor: str, *, of: str) -> dict[str, Any]:
        """Raises `ForeignCursor` for one that was not sealed for this list."""
        try:
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        mac, payload = raw[:16], raw[16:]
        # The decoder passes over what is no base64, and over the bits that fill the last character.
        is_whole = bool(payload) and _text(raw) == cursor
        if not is_whole or not hmac.compare_digest(mac, self._mac(payload, of)):
            raise ForeignCursor(
                "This cursor does not belong to this list. Begin again without one.",
                code="invalid_request",
            )
        position: dict[str, Any] = json.loads(payload)
        return position

    def _mac(self, payload: bytes, of: str) -> bytes:
        key = self._secret.read()["key"].encode()
        return hmac.digest(key, of.encode() + b"\0" + payload, hashlib.sha256)[:16]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
