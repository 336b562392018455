"""Forms of an endpoint: what they ask, and what is read from them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from pydantic import ValidationError

from tessera.edge.pages import formats
from tessera.edge.pages.formats import Locale
from tessera.edge.pages.forms import Fields, number
from tessera.edge.pages.visit import Answer, Visit
from tessera.errors import FieldError, InvalidFields, invalid
from tessera.validation import of_validation
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.endpoints import EndpointView
from tessera.webhooks.models import Endpoint
from tessera.webhooks.replays import JobView, Matching
from tessera.webhooks.rotation import KeysView, Rotation
from tessera.webhooks.settings import RECEIVABLE, BasicAuth, EndpointChanges, NewEndpoint

from .delivery_view import name
from .event_words import WORDS
from .filters import typed
from .places import ENDPOINTS, HOME, endpoint_at

_HOURS = (("0", "At once"), ("1", "1 hour"), ("24", "24 hours"), ("168", "7 days"))
_NONE = ("none", "None of its own", "The credential of the host is sent, where there is one")
_BASIC = ("basic", "Basic user and password", "Both are asked for each time this is saved")
_KEEP = ("keep", "Keep what is stored", "It is never shown again")


@contextmanager
def at_its_fields() -> Iterator[None]:
    """Puts what is wrong with one of several values at the field that holds them all."""
    try:
        yield
    except ValidationError as invalid_form:
        raise _at_roots(of_validation(invalid_form.errors(include_url=False))) from None
    except InvalidFields as refused:
        raise _at_roots(refused) from None


def new(visit: Visit) -> Answer:
    return visit.show(
        "endpoint_form.html",
        "Add endpoint",
        crumbs=[HOME, ("Endpoints", ENDPOINTS)],
        is_new=True,
        version="",
        url="",
        description="",
        types=_type_choices(()),
        ticked=(),
        dialect=Dialect(),
        waits="",
        headers="",
        ways=[_NONE, _BASIC],
        way="none",
        button="Add endpoint",
        cancel=ENDPOINTS,
    )


def edit(visit: Visit, endpoint: Endpoint) -> Answer:
    has_auth = endpoint.auth_kind != "none"
    return visit.show(
        "endpoint_form.html",
        f"Edit {name(endpoint)}",
        crumbs=[HOME, ("Endpoints", ENDPOINTS), (name(endpoint), endpoint_at(endpoint.id))],
        is_new=False,
        version=str(endpoint.version),
        url=endpoint.url,
        description=endpoint.description,
        types=_type_choices(endpoint.types),
        ticked=endpoint.types,
        dialect=endpoint.dialect,
        waits=", ".join(map(str, endpoint.waits)) if endpoint.waits is not None else "",
        headers="\n".join(f"{one}: {value}" for one, value in endpoint.headers.items()),
        ways=[_KEEP, _NONE, _BASIC] if has_auth else [_NONE, _BASIC],
        way="keep" if has_auth else "none",
        button="Save endpoint",
        cancel=endpoint_at(endpoint.id),
    )


def read_new(fields: Fields) -> NewEndpoint:
    return NewEndpoint(
        url=_url(fields),
        description=fields.text("description"),
        types=list(fields.all("types")),
        dialect=_dialect(fields),
        waits=_waits(fields),
        headers=_headers(fields),
        auth=_auth(fields),
        signature="v1a" if fields.text("signature") == "v1a" else "v1",
        secret=fields.optional("secret"),
    )


def read_changes(fields: Fields, stored: Endpoint) -> EndpointChanges:
    """Of the URL nothing is said where it stays: it may be one that today's rules refuse."""
    given = {
        "version": number(fields.text("version")) or 0,
        "description": fields.text("description"),
        "types": list(fields.all("types")),
        "dialect": _dialect(fields),
        "waits": _waits(fields),
        "headers": _headers(fields),
    }
    if (url := _url(fields)) != stored.url:
        given["url"] = url
    if fields.text("auth") != "keep":
        given["auth"] = _auth(fields)
    return EndpointChanges.model_validate(given)


def saved(endpoint: EndpointView, how: str) -> str:
    warnings = " ".join(one.message for one in endpoint.warnings or ())
    return " ".join(filter(None, (f"{name(endpoint)} {how}.", warnings)))


def rotate(visit: Visit, endpoint: Endpoint) -> Answer:
    return visit.show(
        "rotate.html",
        f"Rotate the secret of {name(endpoint)}",
        crumbs=[HOME, ("Endpoints", ENDPOINTS), (name(endpoint), endpoint_at(endpoint.id))],
        overlaps=_HOURS,
        is_shared=endpoint.signature == "v1",
        cancel=endpoint_at(endpoint.id),
    )


def read_rotation(fields: Fields) -> Rotation:
    hours = fields.text("overlap")
    if hours not in dict(_HOURS):
        raise invalid("overlap", "Choose how long the old secret signs as well.", "required")
    return Rotation(overlap=int(hours) * 3600, secret=fields.optional("secret"))


def rotated(keys: KeysView, zone: str, locale: Locale) -> str:
    if keys.previous_until is None:
        return "A new secret signs from now on; the old one has ended"
    until = formats.moment(keys.previous_until, zone, locale)
    return f"A new secret signs from now on; the old one signs as well until {until}"


def test(visit: Visit, endpoint: Endpoint) -> Answer:
    first = next((one for one in endpoint.types if one in RECEIVABLE), "entitlements.updated")
    return visit.show(
        "test.html",
        f"Send test event to {name(endpoint)}",
        crumbs=[HOME, ("Endpoints", ENDPOINTS), (name(endpoint), endpoint_at(endpoint.id))],
        types=[(one, one) for one in RECEIVABLE],
        first=first,
        cancel=endpoint_at(endpoint.id),
    )


def resume(visit: Visit, endpoint: Endpoint) -> Answer:
    is_off = endpoint.status == "disabled"
    return visit.show(
        "resume.html",
        f"{'Enable' if is_off else 'Resume'} {name(endpoint)}?",
        crumbs=[HOME, ("Endpoints", ENDPOINTS), (name(endpoint), endpoint_at(endpoint.id))],
        button="Enable" if is_off else "Resume",
        cancel=endpoint_at(endpoint.id),
    )


def confirm_delete(visit: Visit, endpoint: Endpoint) -> Answer:
    return visit.show(
        "confirm.html",
        f"Delete {name(endpoint)}?",
        crumbs=[HOME, ("Endpoints", ENDPOINTS), (name(endpoint), endpoint_at(endpoint.id))],
        sentence="Nothing is sent there any more, what waits is cancelled, and its secrets are "
        "removed at once. This cannot be undone.",
        button="Delete endpoint",
        cancel=endpoint_at(endpoint.id),
    )


def recover(
    visit: Visit, endpoint: Endpoint, counted: JobView | Matching, since: datetime, zone: str
) -> Answer:
    what = _given_up(counted)
    return visit.show(
        "recover.html",
        f"Replay what {name(endpoint)} missed",
        crumbs=[HOME, ("Endpoints", ENDPOINTS), (name(endpoint), endpoint_at(endpoint.id))],
        since=typed(since, zone),
        since_at=since,
        matched=counted.matched,
        what=what,
        cancel=endpoint_at(endpoint.id),
    )


def _given_up(counted: JobView | Matching) -> str:
    matched = counted.matched
    more = "more than " if isinstance(counted, Matching) and counted.more else ""
    return "1 delivery" if matched == 1 and not more else f"{more}{matched} deliveries"


def _at_roots(refused: InvalidFields) -> InvalidFields:
    """`types[3]` is a tick of `types`, `headers.X-Site` a line of `headers`."""
    return InvalidFields(
        FieldError(_field(error.field), error.code, error.message) for error in refused.errors
    )


def _field(path: str) -> str:
    root = re.split(r"[.\[]", path)[0]
    return "release" if root == "dialect" or path == "release" else root


def _type_choices(stored: tuple[str, ...]) -> list[tuple[str, str, str]]:
    groups = [
        (one, one, "All of this group, also those that are added later")
        for one in stored
        if one not in RECEIVABLE
    ]
    return [*groups, *((one, one, WORDS[one]) for one in RECEIVABLE)]


def _url(fields: Fields) -> str:
    url = fields.text("url")
    if not url:
        raise invalid("url", "Give the URL that webhooks are sent to.", "required")
    return url


def _dialect(fields: Fields) -> Dialect:
    keys = fields.text("identity_keys")
    return Dialect.model_validate(
        {
            "release": fields.text("release") or "89.0",
            "identity_keys": keys if keys in ("auto", "short", "long") else "auto",
            "announce_ahead": fields.ticked("announce_ahead"),
        }
    )


def _waits(fields: Fields) -> list[int] | None:
    given = fields.text("waits")
    if not given:
        return None
    waits = [number(one.strip()) for one in given.split(",")]
    if None in waits:
        raise invalid("waits", "Give whole seconds with commas between them, as 5, 300, 1800.")
    return [one for one in waits if one is not None]


def _headers(fields: Fields) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(str.strip, fields.raw("headers").splitlines()):
        header, colon, value = line.partition(":")
        if not colon or not header.strip():
            raise invalid("headers", "Give one header a line, as X-Site: shop.")
        found[header.strip()] = value.strip()
    return found


def _auth(fields: Fields) -> BasicAuth | None:
    if fields.text("auth") != "basic":
        return None
    user, password = fields.text("auth_user"), fields.raw("auth_password")
    missing = [
        FieldError(field, "required", f"Give the {words}.")
        for field, words, value in (
            ("auth_user", "user name", user),
            ("auth_password", "password", password),
        )
        if not value
    ]
    if missing:
        raise InvalidFields(missing)
    return BasicAuth(kind="basic", user=user, password=password)
