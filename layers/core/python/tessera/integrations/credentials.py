"""The OAuth credentials of an outside system, as its client reads them."""

from collections.abc import Mapping
from typing import Protocol

NEEDED = ("client_id", "client_secret")


class Credentials(Protocol):
    """`tessera.secrets.Secret`, or anything like it."""

    name: str

    def read(self, *, fresh: bool = False) -> Mapping[str, str]:
        """`{"client_id", "client_secret"}`, those that have a value."""


def missing_of(secret: Credentials) -> list[str]:
    """Which of the two a person has not filled in yet."""
    filled = secret.read()
    return [name for name in NEEDED if not filled.get(name)]
