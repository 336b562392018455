"""What an endpoint signs and authenticates with, and how that is sealed and opened."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from tessera.clock import Instant
from tessera.objects import Model, compact_json
from tessera.webhooks import signing
from tessera.webhooks.models import Scheme, Sealed, Sendable


class SigningKey(Model):
    key: str
    until: Instant | None = None
    """When it stops signing: the previous key after a rotation."""

    def signs_at(self, now: datetime) -> bool:
        return self.until is None or self.until > now


class Credentials(NamedTuple):
    keys: tuple[str, ...]
    """That sign at this moment, the current one first."""
    header: Mapping[str, str]
    """What authenticates to the receiver: `authorization`, or one secret header."""


class Closes(Protocol):
    def close(self, text: str, **context: str) -> bytes: ...


class Opens(Protocol):
    def open(self, ciphertext: bytes, **context: str) -> str: ...


def new_key(scheme: Scheme, own: str | None) -> str:
    """The caller's own `whsec_` key, or one made here. Raises `KeyRefused`."""
    if scheme == "v1a":
        if own is not None:
            raise signing.KeyRefused("The key of v1a signatures is made here: leave it out.")
        return signing.new_private_key()
    if own is None:
        return signing.new_shared_secret()
    signing.key_bytes(own, signing.SHARED)
    return own


def sealed(
    endpoint: str, keys: Sequence[SigningKey], header: Mapping[str, str] | None, seal: Closes
) -> Sealed:
    return Sealed(
        keys=sealed_keys(endpoint, keys, seal),
        auth=sealed_header(endpoint, header, seal) or None,
    )


def sealed_keys(endpoint: str, keys: Sequence[SigningKey], seal: Closes) -> bytes:
    return seal.close(compact_json([key.wire() for key in keys]), endpoint=endpoint)


def sealed_header(endpoint: str, header: Mapping[str, str] | None, seal: Closes) -> bytes:
    """Empty for none."""
    return seal.close(compact_json(header), endpoint=endpoint) if header else b""


def signing_keys(sealed: Sealed, endpoint: str, seal: Opens) -> list[SigningKey]:
    """Also those that sign no more; the current one first."""
    opened = json.loads(seal.open(sealed.keys, endpoint=endpoint))
    return [SigningKey.model_validate(key) for key in opened]


def opened(sendable: Sendable, seal: Opens, now: datetime) -> Credentials:
    """The endpoint's own header comes before that of its host."""
    endpoint = sendable.target.endpoint
    keys = signing_keys(sendable.sealed, endpoint.id, seal)
    header: dict[str, str] = {}
    if sendable.sealed.auth is not None:
        header = json.loads(seal.open(sendable.sealed.auth, endpoint=endpoint.id))
    elif sendable.host_auth is not None:
        header = json.loads(seal.open(sendable.host_auth, host=endpoint.host))
    return Credentials(tuple(key.key for key in keys if key.signs_at(now)), header)
