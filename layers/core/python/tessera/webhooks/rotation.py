"""Signing keys of an endpoint: rotated with an overlap, and revealed to an administrator."""

from datetime import datetime, timedelta
from typing import Annotated, Protocol

from pydantic import Field

from tessera import clock
from tessera.clock import Instant
from tessera.errors import Conflict
from tessera.identity.principal import Principal
from tessera.objects import Model
from tessera.webhooks import credentials, settings, signing
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.endpoints import EndpointDeleted, Finds, VersionConflict, live, named
from tessera.webhooks.models import Endpoint, Scheme, Sealed

_DAY = 86_400


class Rotation(Model):
    overlap: Annotated[int, Field(ge=0, le=7 * _DAY)] = _DAY
    """Seconds for which the previous key signs as well; 0 ends it now."""
    secret: str | None = None
    """A `whsec_` key of the caller's own; one is made otherwise."""


class KeysView(Model):
    """The keys that sign now: for `v1` the shared secrets, for `v1a` the public halves."""

    id: str
    signature: Scheme
    secret: str | None = None
    public_key: str | None = None
    previous_secret: str | None = None
    previous_public_key: str | None = None
    previous_until: Instant | None = None


class RotationUnderWay(Conflict):
    title = "Two keys sign already"


class Endpoints(Finds, Protocol):
    def sealed(self, id: str) -> Sealed | None: ...

    def rotate(self, seen: Endpoint, old: bytes, new: bytes, *, by: str, at: datetime) -> bool:
        """Are the old ciphertexts still those stored, so that the new ones took their place?"""


class Seals(credentials.Closes, credentials.Opens, Protocol): ...


def rotate(
    id: str,
    asked: Rotation,
    *,
    by: Principal,
    seal: Seals,
    endpoints: Endpoints,
    now: datetime,
) -> KeysView:
    """The new key signs first from now on, the one before it for the overlap; never three at once.

    Without an overlap all earlier keys end at once, also in the middle of another overlap: a key
    that got out must not sign for another day. Raises `RotationUnderWay`, `InvalidFields`.
    """
    endpoint, stored = _stored(id, endpoints)
    live_now = [key for key in credentials.signing_keys(stored, id, seal) if key.signs_at(now)]
    ending = next((key.until for key in live_now if key.until is not None), None)
    if ending is not None and asked.overlap:
        until = clock.instant(ending)
        raise RotationUnderWay(
            f"The previous key signs until {until}. Rotate after that, or with overlap 0.",
            until=until,
        )
    checks = settings.Checks()
    key = checks.passed("secret", lambda: _new_key(endpoint, asked, live_now), "")
    checks.refuse()
    keys = [SigningKey(key=key)]
    if asked.overlap:
        until_ = now + timedelta(seconds=asked.overlap)
        keys.append(SigningKey(key=live_now[0].key, until=until_))
    sealed = credentials.sealed_keys(id, keys, seal)
    if not endpoints.rotate(endpoint, stored.keys, sealed, by=named(by), at=now):
        raise VersionConflict
    return _view(endpoint, keys)


def reveal(id: str, *, seal: credentials.Opens, endpoints: Endpoints, now: datetime) -> KeysView:
    """Raises `NotFound` and `EndpointDeleted`."""
    endpoint, stored = _stored(id, endpoints)
    keys = credentials.signing_keys(stored, id, seal)
    return _view(endpoint, [key for key in keys if key.signs_at(now)])


def _stored(id: str, endpoints: Endpoints) -> tuple[Endpoint, Sealed]:
    endpoint = live(id, endpoints).endpoint
    stored = endpoints.sealed(id)
    if stored is None:
        raise EndpointDeleted  # between the two reads
    return endpoint, stored


def _new_key(endpoint: Endpoint, asked: Rotation, known: list[SigningKey]) -> str:
    key = credentials.new_key(endpoint.signature, asked.secret)
    if any(key == one.key for one in known):
        raise signing.KeyRefused("This key signs already. Give another one, or none.")
    return key


def _view(endpoint: Endpoint, keys: list[SigningKey]) -> KeysView:
    """The private halves of `v1a` keys stay here."""
    is_shared = endpoint.signature == "v1"
    shown = [one.key if is_shared else signing.public_key(one.key) for one in keys]
    current, previous = shown[0], shown[1] if len(shown) > 1 else None
    return KeysView(
        id=endpoint.id,
        signature=endpoint.signature,
        secret=current if is_shared else None,
        public_key=None if is_shared else current,
        previous_secret=previous if is_shared else None,
        previous_public_key=None if is_shared else previous,
        previous_until=keys[1].until if previous else None,
    )
