"""Endpoints: where webhooks go, as callers make, see, change and delete them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from tessera import clock, ids
from tessera.clock import Instant
from tessera.cursors import Cursors
from tessera.errors import Conflict, NotFound
from tessera.identity.principal import Principal
from tessera.objects import Model
from tessera.webhooks import credentials, health, settings, signing
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.destination import Reach
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.health import Change, Health, State
from tessera.webhooks.models import (
    AuthKind,
    Endpoint,
    EndpointStatus,
    Scheme,
    Sealed,
    Target,
)
from tessera.webhooks.settings import EndpointChanges, NewEndpoint, Resolves, Warning


class EndpointView(Model):
    """An endpoint as it is answered: never with a secret, but when that was made just now."""

    id: str
    record_type: str = "webhook_endpoint"
    service: str = "limio"
    url: str
    description: str
    types: tuple[str, ...]
    dialect: Dialect
    status: EndpointStatus
    status_reason: str | None = None
    health: State
    waits: tuple[int, ...] | None = None
    headers: dict[str, str]
    auth_kind: AuthKind
    signature: Scheme
    secret: str | None = None
    public_key: str | None = None
    """What a receiver of `v1a` signatures verifies with."""
    created_at: Instant
    updated_at: Instant
    updated_by: str
    version: int
    warnings: list[Warning] | None = None


class EndpointPage(Model):
    items: list[EndpointView]
    cursor: str | None = None


class Position(NamedTuple):
    """Where a list goes on: after this endpoint."""

    at: str
    id: str


class EndpointDeleted(Conflict):
    title = "The endpoint was deleted"

    def __init__(self) -> None:
        super().__init__("This endpoint was deleted. Make a new one.")


class VersionConflict(Conflict):
    title = "The endpoint has changed meanwhile"

    def __init__(self) -> None:
        super().__init__("Somebody has changed this endpoint since you read it. Read it again.")


class Adds(Protocol):
    def add(self, endpoint: Endpoint, health: Health, sealed: Sealed, *, limit: int) -> None:
        """Raises `TooManyEndpoints`."""


class Finds(Protocol):
    def find(self, id: str) -> Target | None: ...


class Lists(Protocol):
    def all(self) -> list[Target]:
        """Every endpoint with its health, also deleted ones."""


class Changes(Finds, Protocol):
    def change(
        self,
        id: str,
        members: Mapping[str, Any],
        *,
        version: int,
        auth: bytes | None,
        health: Change | None,
    ) -> bool:
        """Is it still of this version, so that the members were written? It is of the next, then.

        `auth` is the ciphertext that takes the place of the one there is; empty bytes for none.
        """


class Deletes(Finds, Protocol):
    def delete(self, id: str, *, by: str, at: datetime) -> None:
        """With its keys; does nothing where it was deleted already."""


def create(
    new: NewEndpoint,
    *,
    by: Principal,
    reach: Reach,
    resolves: Resolves,
    seal: credentials.Closes,
    endpoints: Adds,
    limit: int,
    now: datetime,
) -> EndpointView:
    """Makes an endpoint that gets every event from now on; its key is in the answer alone."""
    checks = settings.Checks()
    accepted = settings.accepted(new, checks, reach=reach, resolves=resolves)
    key = checks.passed("secret", lambda: credentials.new_key(new.signature, new.secret), "")
    checks.refuse()

    endpoint = Endpoint(
        id=ids.random("endpoint"),
        **accepted.members,
        signature=new.signature,
        created_at=now,
        updated_at=now,
        updated_by=named(by),
    )
    sealed = credentials.sealed(endpoint.id, [SigningKey(key=key)], accepted.header, seal)
    endpoints.add(endpoint, Health(), sealed, limit=limit)
    is_shared = new.signature == "v1"
    return view(Target(endpoint, Health())).model_copy(
        update={
            "secret": key if is_shared else None,
            "public_key": None if is_shared else signing.public_key(key),
            "warnings": accepted.warnings,
        }
    )


def read(id: str, *, endpoints: Finds) -> EndpointView:
    """One endpoint, for 90 days also after it was deleted. Raises `NotFound`."""
    return view(known(id, endpoints))


def page(
    endpoints: Lists, *, by: Principal, cursors: Cursors, cursor: str | None, size: int
) -> EndpointPage:
    """Those that are not deleted, newest first. Raises `InvalidRequest` for a foreign cursor."""
    of = f"{named(by)} endpoints"
    after = Position(**cursors.open(cursor, of=of)) if cursor else None
    live = [target for target in endpoints.all() if target.endpoint.status != "deleted"]
    ordered = sorted(live, key=_position, reverse=True)
    rest = [target for target in ordered if after is None or _position(target) < after]
    shown = rest[:size]
    return EndpointPage(
        items=[view(target) for target in shown],
        cursor=(cursors.seal(_position(shown[-1])._asdict(), of=of) if len(rest) > size else None),
    )


def change(
    id: str,
    changes: EndpointChanges,
    *,
    by: Principal,
    reach: Reach,
    resolves: Resolves,
    seal: credentials.Closes,
    endpoints: Changes,
    now: datetime,
) -> EndpointView:
    """Raises `VersionConflict` unless the caller knew the latest version, and `InvalidFields`.

    What is known of the receiver's health says nothing about a new URL: it begins anew, slowly.
    """
    stored = live(id, endpoints).endpoint
    if stored.version != changes.version:
        raise VersionConflict
    accepted = settings.changed(stored, changes, reach=reach, resolves=resolves)
    if accepted.members:
        members = {**accepted.members, "updated_at": now, "updated_by": named(by)}
        moves = accepted.members.get("url", stored.url) != stored.url
        has_auth = "auth_kind" in members
        if not endpoints.change(
            id,
            stored.model_copy(update=members).model_dump(include={*members}),
            version=stored.version,
            auth=credentials.sealed_header(id, accepted.header, seal) if has_auth else None,
            health=health.fresh_start() if moves else None,
        ):
            raise VersionConflict
    return view(known(id, endpoints)).model_copy(update={"warnings": accepted.warnings})


def delete(id: str, *, by: Principal, endpoints: Deletes, now: datetime) -> None:
    """Removes its keys at once; what is pending is cancelled by the engine. A repeat is no error.

    Raises `NotFound`.
    """
    if known(id, endpoints).endpoint.status != "deleted":
        endpoints.delete(id, by=named(by), at=now)


def known(id: str, endpoints: Finds) -> Target:
    """Raises `NotFound`."""
    target = endpoints.find(id) if ids.is_id(id, "endpoint") else None
    if target is None:
        raise NotFound("There is no such webhook endpoint.", code="not_found")
    return target


def live(id: str, endpoints: Finds) -> Target:
    """Raises `NotFound` and `EndpointDeleted`."""
    target = known(id, endpoints)
    if target.endpoint.status == "deleted":
        raise EndpointDeleted
    return target


def named(by: Principal) -> str:
    """Who did it, as endpoints and jobs remember it."""
    return f"{by.kind}/{by.id}"


def view(target: Target) -> EndpointView:
    endpoint, seen = target
    members = endpoint.model_dump(include=set(EndpointView.model_fields))
    return EndpointView(**members, health=seen.state)


def _position(target: Target) -> Position:
    return Position(clock.instant(target.endpoint.created_at), target.endpoint.id)
