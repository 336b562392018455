"""What callers set of an endpoint, and how it is checked: all members at fault are told at once."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeVar

from pydantic import Field

from tessera.errors import FieldError, InvalidFields
from tessera.events import EVENT_TYPES
from tessera.objects import Model
from tessera.webhooks import headers
from tessera.webhooks.destination import Reach, canonical
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.filters import checked_types
from tessera.webhooks.models import Endpoint, Scheme
from tessera.webhooks.schedule import checked_waits
from tessera.webhooks.unacceptable import Unacceptable

T = TypeVar("T")
Resolves: TypeAlias = Callable[[str, Reach], bool]
"""Does the host of a URL resolve yet? Raises `AddressRefused` where webhooks may not go."""

Description = Annotated[str, Field(max_length=500)]
RECEIVABLE = tuple(name for name, kind in EVENT_TYPES.items() if kind.webhook)
"""The event types that endpoints can hear of."""


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
    description: Description = ""
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


class EndpointChanges(Model):
    """A member that is left out stays as it is; `null` is its default, as at creation."""

    version: int
    """Of the endpoint as the caller knows it."""
    url: str | None = None
    description: Description | None = None
    types: list[str] | None = None
    dialect: Dialect | None = None
    """Its members that are left out stay as they are, too."""
    waits: list[int] | None = None
    headers: dict[str, str] | None = None
    auth: Auth | None = None


class Warning(Model):
    code: str
    message: str
    field: str | None = None


class Accepted(NamedTuple):
    members: Mapping[str, Any]
    """Of `Endpoint`, as they are stored."""
    header: Mapping[str, str]
    """What authenticates to the receiver; empty for nothing."""
    warnings: list[Warning] | None


class Checks:
    """Gathers what is wrong with the members of a body."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def passed(self, field: str, check: Callable[[], T], instead: T) -> T:
        try:
            return check()
        except Unacceptable as refused:
            self.errors.append(FieldError(_path(field, refused.at), refused.code, refused.message))
            return instead

    def refuse(self) -> None:
        """Raises `InvalidFields` if anything was wrong."""
        if self.errors:
            raise InvalidFields(self.errors)


def accepted(new: NewEndpoint, checks: Checks, *, reach: Reach, resolves: Resolves) -> Accepted:
    """Everything but the key."""
    url, warnings = _url(new.url, checks, reach, resolves)
    types: tuple[str, ...] = checks.passed(
        "types", lambda: checked_types(new.types, RECEIVABLE), ()
    )
    waits = checks.passed("waits", lambda: _waits(new.waits), None)
    own: dict[str, str] = checks.passed("headers", lambda: headers.checked_headers(new.headers), {})
    members = {
        "url": url,
        "description": new.description,
        "types": types,
        "dialect": new.dialect,
        "waits": waits,
        "headers": own,
        "auth_kind": new.auth.kind if new.auth else "none",
    }
    return Accepted(members, checks.passed("auth", lambda: _header(new.auth), {}), warnings)


def changed(
    stored: Endpoint, changes: EndpointChanges, *, reach: Reach, resolves: Resolves
) -> Accepted:
    """The members that the changes name. Raises `InvalidFields`."""
    checks, given = Checks(), changes.model_fields_set - {"version"}
    wanted = NewEndpoint(
        url=changes.url if "url" in given and changes.url is not None else stored.url,
        description=changes.description or "",
        types=changes.types or [],
        dialect=_merged(stored.dialect, changes.dialect),
        waits=changes.waits,
        headers=changes.headers or {},
        auth=changes.auth,
    )
    settled = accepted(
        wanted, checks, reach=reach, resolves=resolves if "url" in given else _unasked
    )
    names = {"auth_kind" if name == "auth" else name for name in given}
    members = {name: value for name, value in settled.members.items() if name in names}
    # Of a URL that stays as it is nothing is said: it is judged again at each send.
    checks.errors = [
        error for error in checks.errors if re.split(r"[.\[]", error.field)[0] in given
    ]
    if "url" in given and changes.url is None:
        checks.errors.append(FieldError("url", "required", "url is required"))
    leaves_host = stored.model_copy(update=members).host not in ("", stored.host)
    if leaves_host and stored.auth_kind != "none" and "auth" not in given:
        # Else whoever may change a URL could have a credential sent to himself.
        message = "Give auth again, or null: the new URL leads to another host."
        checks.errors.append(FieldError("auth", "required", message))
    checks.refuse()
    return settled._replace(members=members)


def header_of_basic(user: str, password: str, checks: Checks) -> Mapping[str, str]:
    auth = BasicAuth(kind="basic", user=user, password=password)
    return checks.passed("", lambda: _header(auth), {})


def _url(
    typed: str, checks: Checks, reach: Reach, resolves: Resolves
) -> tuple[str, list[Warning] | None]:
    url = checks.passed("url", lambda: canonical(typed, reach), "")
    if not url or checks.passed("url", lambda: resolves(url, reach), True):
        return url, None
    warning = Warning(
        code="name_not_found",
        message="The host name does not resolve yet. Deliveries fail until it does.",
        field="url",
    )
    return url, [warning]


def _unasked(url: str, reach: Reach) -> bool:
    """No look-up for a URL that stays as it is."""
    return True


def _merged(stored: Dialect, given: Dialect | None) -> Dialect:
    if given is None:
        return Dialect()
    return stored.model_copy(update={name: getattr(given, name) for name in given.model_fields_set})


def _waits(waits: list[int] | None) -> tuple[int, ...] | None:
    return None if waits is None else checked_waits(waits)


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
    if not field or not at or at.startswith("["):
        return field + at
    return f"{field}.{at}"
