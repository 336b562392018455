"""What an endpoint signs and authenticates with, and how that is sealed and opened."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from tessera.clock import Instant
from tessera.objects import Model, compact_json
from tessera.webhooks.models import Sealed, Sendable


class SigningKey(Model):
    key: str
    until: Instant | None = None
    """When it stops signing: the previous key after a rotation."""


class Credentials(NamedTuple):
    keys: tuple[str, ...]
    """That sign at this moment, the current one first."""
    header: Mapping[str, str]
    """What authenticates to the receiver: `authorization`, or one secret header."""


class Closes(Protocol):
    def close(self, text: str, **context: str) -> bytes: ...


class Opens(Protocol):
    def open(self, ciphertext: bytes, **context: str) -> str: ...


def sealed(
    endpoint: str, keys: Sequence[SigningKey], header: Mapping[str, str] | None, seal: Closes
) -> Sealed:
    return Sealed(
        keys=seal.close(compact_json([key.wire() for key in keys]), endpoint=endpoint),
        auth=seal.close(compact_json(header), endpoint=endpoint) if header else None,
    )


def opened(sendable: Sendable, seal: Opens, now: datetime) -> Credentials:
    """The endpoint's own header comes before that of its host."""
    endpoint = sendable.target.endpoint
    keys = [
        SigningKey.model_validate(key)
        for key in json.loads(seal.open(sendable.sealed.keys, endpoint=endpoint.id))
    ]
    header: dict[str, str] = {}
    if sendable.sealed.auth is not None:
        header = json.loads(seal.open(sendable.sealed.auth, endpoint=endpoint.id))
    elif sendable.host_auth is not None:
        header = json.loads(seal.open(sendable.host_auth, host=endpoint.host))
    live = tuple(key.key for key in keys if key.until is None or key.until > now)
    return Credentials(live, header)
