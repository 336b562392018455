"""Endpoints: where webhooks go, as callers make and see them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from pydantic import Field

from tessera import clock, ids
from tessera.clock import Instant
from tessera.cursors import Cursors
from tessera.errors import FieldError, InvalidFields, NotFound
from tessera.events import EVENT_TYPES
from tessera.identity.principal import Principal
from tessera.objects import Model
from tessera.webhooks import credentials, headers, signing
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.destination import Reach, canonical
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.filters import checked_types
from tessera.webhooks.health import Health, State
from tessera.webhooks.models import (
    AuthKind,
    Endpoint,
    EndpointStatus,
    Scheme,
    Sealed,
    Target,
)
from tessera.webhooks.schedule import checked_waits
from tessera.webhooks.unacceptable import Unacceptable

T = TypeVar("T")


class BasicAuth(Model):
    kind: Literal["basic"]
    user: str
    password: str


class BearerAuth(Model):
    kind: Literal["bearer"]
    token: str


class HeaderAuth(Model):
    kind: Literal["header"]
    name: str
    value: str


Auth: TypeAlias = Annotated[BasicAuth | BearerAuth | HeaderAuth, Field(discriminator="kind")]


class NewEndpoint(Model):
    url: str
    description: Annotated[str, Field(max_length=500)] = ""
    types: list[str] = Field(default_factory=list)
    """Exact names or groups, as `order.*`; none means every business event."""
    dialect: Dialect = Dialect()
    waits: list[int] | None = None
    """Seconds before each further attempt; absent for the default schedule."""
    headers: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    signature: Scheme = "v1"
    secret: str | None = None
    """A `whsec_` key of the caller's own; one is made otherwise."""


class Warning(Model):
    code: str
    message: str
    field: str | None = None


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


class Adds(Protocol):
    def add(self, endpoint: Endpoint, health: Health, sealed: Sealed, *, limit: int) -> None:
        """Raises `TooManyEndpoints`."""


class Finds(Protocol):
    def find(self, id: str) -> Target | None: ...


class Lists(Protocol):
    def all(self) -> list[Target]:
        """Every endpoint with its health, also deleted ones."""


def create(
    new: NewEndpoint,
    *,
    by: Principal,
    reach: Reach,
    resolves: Callable[[str, Reach], bool],
    seal: credentials.Closes,
    endpoints: Adds,
    limit: int,
    now: datetime,
) -> EndpointView:
    """Makes an endpoint that gets every event from now on; its key is in the answer alone.

    `resolves` says whether the host of a URL resolves yet and raises `AddressRefused` where that
    leads to a place webhooks may not reach.
    """
    errors: list[FieldError] = []

    def checked(field: str, check: Callable[[], T], instead: T) -> T:
        try:
            return check()
        except Unacceptable as refused:
            errors.append(FieldError(_path(field, refused.at), refused.code, refused.message))
            return instead

    url = checked("url", lambda: canonical(new.url, reach), "")
    known = bool(url) and checked("url", lambda: resolves(url, reach), True)
    receivers = [name for name, kind in EVENT_TYPES.items() if kind.webhook]
    types: tuple[str, ...] = checked("types", lambda: checked_types(new.types, receivers), ())
    waits: tuple[int, ...] | None = checked("waits", lambda: _waits(new), None)
    own: dict[str, str] = checked("headers", lambda: headers.checked_headers(new.headers), {})
    auth: Mapping[str, str] = checked("auth", lambda: _header(new.auth), {})
    key = checked("secret", lambda: _key(new), "")
    if errors:
        raise InvalidFields(errors)

    endpoint = Endpoint(
        id=ids.random("endpoint"),
        url=url,
        description=new.description,
        types=types,
        dialect=new.dialect,
        waits=waits,
        headers=own,
        auth_kind=new.auth.kind if new.auth else "none",
        signature=new.signature,
        created_at=now,
        updated_at=now,
        updated_by=f"{by.kind}/{by.id}",
    )
    health = Health()
    sealed = credentials.sealed(endpoint.id, [SigningKey(key=key)], auth, seal)
    endpoints.add(endpoint, health, sealed, limit=limit)
    warning = Warning(
        code="name_not_found",
        message="The host name does not resolve yet. Deliveries fail until it does.",
        field="url",
    )
    is_shared = new.signature == "v1"
    return view(Target(endpoint, health)).model_copy(
        update={
            "secret": key if is_shared else None,
            "public_key": None if is_shared else signing.public_key(key),
            "warnings": None if known else [warning],
        }
    )


def read(id: str, *, endpoints: Finds) -> EndpointView:
    """One endpoint, for 90 days also after it was deleted. Raises `NotFound`."""
    target = endpoints.find(id) if ids.is_id(id, "endpoint") else None
    if target is None:
        raise NotFound("There is no such webhook endpoint.", code="not_found")
    return view(target)


def page(
    endpoints: Lists, *, by: Principal, cursors: Cursors, cursor: str | None, size: int
) -> EndpointPage:
    """Those that are not deleted, newest first. Raises `InvalidRequest` for a foreign cursor."""
    of = f"{by.kind}/{by.id} endpoints"
    after = Position(**cursors.open(cursor, of=of)) if cursor else None
    live = [target for target in endpoints.all() if target.endpoint.status != "deleted"]
    ordered = sorted(live, key=_position, reverse=True)
    rest = [target for target in ordered if after is None or _position(target) < after]
    shown = rest[:size]
    return EndpointPage(
        items=[view(target) for target in shown],
        cursor=(cursors.seal(_position(shown[-1])._asdict(), of=of) if len(rest) > size else None),
    )


def view(target: Target) -> EndpointView:
    endpoint, health = target
    members = endpoint.model_dump(include=set(EndpointView.model_fields))
    return EndpointView(**members, health=health.state)


def _position(target: Target) -> Position:
    return Position(clock.instant(target.endpoint.created_at), target.endpoint.id)


def _waits(new: NewEndpoint) -> tuple[int, ...] | None:
    return None if new.waits is None else checked_waits(new.waits)


def _key(new: NewEndpoint) -> str:
    if new.signature == "v1a":
        if new.secret is not None:
            raise signing.KeyRefused("The key of v1a signatures is made here: leave it out.")
        return signing.new_private_key()
    if new.secret is None:
        return signing.new_shared_secret()
    signing.key_bytes(new.secret, signing.SHARED)
    return new.secret


def _header(auth: BasicAuth | BearerAuth | HeaderAuth | None) -> Mapping[str, str]:
    """What authenticates to the receiver, as the header that is sent."""
    match auth:
        case BasicAuth():
            return {"authorization": headers.basic(auth.user, auth.password)}
        case BearerAuth():
            return {"authorization": headers.bearer(auth.token)}
        case HeaderAuth():
            return dict([headers.checked_header(auth.name, auth.value)])
        case None:
            return {}


def _path(field: str, at: str) -> str:
    if not at or at.startswith("["):
        return field + at
    return f"{field}.{at}"
