"""What an owner is entitled to, asked for: after an event it answers what the event said.

Source: README, "Entitlements". One read of the owner's row, which every commit writes together with
its events, answers it.
"""

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from tessera.clock import Instant, ZonelessDay
from tessera.commerce.entitlements import Held, Ownership, identity_members
from tessera.commerce.models import Identity, identity_id
from tessera.commerce.owners import present
from tessera.errors import InvalidRequest, NotFound
from tessera.identity.issuers import normalised
from tessera.objects import Model, compact_json


class Code(Model):
    code: str


class Change(Model):
    """The earliest one that was announced ahead, and the set from then on."""

    effective_date: ZonelessDay = Field(alias="effectiveDate")
    entitlements: tuple[Code, ...]


class EntitledSubscription(Model):
    id: str
    subscription: str
    """Its number, as webhook bodies name it."""
    status: Literal["pending", "active", "suspended"]
    updated: Instant | None = None
    """Of the last body sent; absent when there was none yet."""
    entitlements: tuple[Code, ...]
    next: Change | None = None


class OwnerEntitlements(Model):
    owner: str
    version: int
    """The sequence of the owner's last `entitlements.updated`."""
    updated: Instant
    """Of the last body sent; of the owner's making before the first one."""
    identities: tuple[dict[str, str], ...]
    entitlements: tuple[Code, ...]
    """Of all subscriptions together, oldest first, each code once."""
    subscriptions: tuple[EntitledSubscription, ...]
    """Those with a set today or ahead."""

    @property
    def etag(self) -> str:
        """Covers the body as well: on its day a change holds before anything was written."""
        digest = hashlib.sha256(compact_json(self.wire()).encode()).hexdigest()
        return f'"{self.version}-{digest[:8]}"'


class Asked(NamedTuple):
    """Whose entitlements: an owner's, or of whoever has the identity."""

    owner: str | None = None
    iss: str | None = None
    sub: str | None = None


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def identity(self, id: str) -> Identity | None: ...


def query(asked: Asked, *, owners: Owners, today: date) -> OwnerEntitlements:
    """Raises `InvalidRequest` unless asked in one way, `NotFound`, `OwnerMerged`."""
    owner = _owner(asked, owners)
    return entitlements_of(present(owners.ownership(owner), owner), today)


def entitlements_of(ownership: Ownership, today: date) -> OwnerEntitlements:
    listed = [held for held in ownership.held if held.gives_from(today)]
    return OwnerEntitlements(
        owner=ownership.owner.id,
        version=ownership.version,
        updated=_announced(ownership),
        identities=tuple(identity_members(one) for one in ownership.identities),
        entitlements=_codes(code for held in listed for code in held.on(today)),
        subscriptions=tuple(_subscription(held, today) for held in listed),
    )


def _announced(ownership: Ownership) -> datetime:
    """Owners that were told of before their rows kept when say so with their subscriptions."""
    said = [ownership.announced, *(held.updated for held in ownership.held)]
    return max((at for at in said if at is not None), default=ownership.owner.created)


def _codes(codes: Iterable[str]) -> tuple[Code, ...]:
    return tuple(Code(code=code) for code in dict.fromkeys(codes))


def _owner(asked: Asked, owners: Owners) -> str:
    match asked:
        case (str() as owner, None, None):
            return owner
        case (None, str() as iss, str() as sub):
            identity = owners.identity(identity_id(normalised(iss), sub))
            if identity is None or identity.owner is None:
                raise NotFound("No owner has this identity.", code="not_found")
            return identity.owner
    raise InvalidRequest(
        "Ask by owner, or by iss and sub, and not by both.", code="invalid_request"
    )


def _subscription(held: Held, today: date) -> EntitledSubscription:
    day = held.ahead(today)
    change = None if day is None else Change(effective_date=day, entitlements=_codes(held.on(day)))
    return EntitledSubscription(
        id=held.id,
        subscription=held.number,
        status=_status(held, today),
        updated=held.updated,
        entitlements=_codes(held.on(today)),
        next=change,
    )


def _status(held: Held, today: date) -> Literal["pending", "active", "suspended"]:
    """One that has ended has no set any more and is not listed."""
    if held.suspended:
        return "pending" if held.awaits_activation else "suspended"
    return "pending" if today < held.start else "active"
