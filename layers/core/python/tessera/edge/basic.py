"""HTTP Basic credentials of a caller that has nothing better (RFC 7617)."""

import base64
import binascii
import hmac
from collections.abc import Mapping

from tessera.errors import Unauthorized
from tessera.secrets import Secret

_LOOKED_AGAIN_AFTER = 60
"""Seconds: credentials that were changed a moment ago are not refused for a quarter of an hour."""


class BasicLogin:
    """The `username` and `password` of a secret, or the pair before them while both are in use.

    Empty pairs open nothing.
    """

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises `Unauthorized`, which asks for credentials."""
        given = _credentials(headers.get("authorization", ""))
        if given is not None and (
            _is_among(given, self._secret.read())
            or _is_among(given, self._secret.read(within=_LOOKED_AGAIN_AFTER))
        ):
            return
        refused = Unauthorized(
            "Send the user name and password of Zuora's callouts by HTTP Basic.",
            code="unauthorized",
        )
        refused.headers["WWW-Authenticate"] = 'Basic realm="tessera"'
        raise refused


def _credentials(authorization: str) -> tuple[bytes, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 1024:
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    username, colon, password = decoded.partition(b":")
    return (username, password) if colon else None


def _is_among(given: tuple[bytes, bytes], members: Mapping[str, str]) -> bool:
    """Compared to the end whatever differs, so that the time taken tells nothing."""
    found = False
    for prefix in ("", "previous_"):
        pair = (members.get(f"{prefix}username", ""), members.get(f"{prefix}password", ""))
        same = [
            hmac.compare_digest(one, two.encode()) for one, two in zip(given, pair, strict=True)
        ]
        found |= all(same) and all(pair)
    return found
