"""Sessions of people on pages: how they begin, how long they last, what they carry along.

The browser holds a random id of 256 bits, the table its hash: who reads the table can sign in as
nobody. An expired session is still known for a while, so that a form sent a minute too late comes
back filled after signing in again as the same person.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

from tessera import clock
from tessera.clock import Instant
from tessera.identity.principal import Customer, Operator
from tessera.objects import Model

Kind: TypeAlias = Literal["operator", "partner", "customer"]
KINDS: tuple[Kind, ...] = ("operator", "partner", "customer")

PARKED_FOR = timedelta(minutes=15)
"""How long a form waits for its sender to sign in again."""

SIGN_IN_WITHIN = timedelta(minutes=15)
"""How long somebody may take at the provider: a forgotten password needs some minutes."""

SEEN_EVERY = timedelta(minutes=1)
"""Noted no more often, as each note is a write."""

_LONGEST_NAME = 200


class Lifetimes(NamedTuple):
    idle: timedelta
    """After the last request."""
    absolute: timedelta
    """After signing in, however busy."""


class Flash(Model):
    """A sentence that the next page shows once."""

    text: str
    is_failure: bool = False


class Filled(Model):
    """A form as it was typed: its own address and its fields in their order."""

    path: str
    fields: tuple[tuple[str, str], ...]


class Signed(Model):
    """Whom a provider vouches for. Name and e-mail are for display: nothing is matched by them."""

    kind: Kind
    subject: str
    issuer: str
    groups: tuple[str, ...] = ()
    name: str = ""
    email: str = ""
    organisation: str = ""
    """A partner user's, as the token says; what is stored decides at each request."""
    provider: str = ""
    """The key of the customer's provider, for signing out there."""

    @property
    def label(self) -> str:
        return self.name or self.email or "somebody"

    def is_same_person_as(self, other: "Signed") -> bool:
        return (self.kind, self.issuer, self.subject) == (other.kind, other.issuer, other.subject)


class Session(Model):
    signed: Signed
    csrf: str
    """What every form of this session carries."""
    began: Instant
    seen: Instant
    flashes: tuple[Flash, ...] = ()
    filled: Filled | None = None

    def is_live(self, lifetimes: Lifetimes, now: datetime) -> bool:
        return now < min(self.seen + lifetimes.idle, self.began + lifetimes.absolute)

    def operator(self) -> Operator:
        return Operator(id=self.signed.subject, groups=frozenset(self.signed.groups))

    def customer(self) -> Customer:
        return Customer(id=self.signed.subject, issuer=self.signed.issuer)


class Attempt(Model):
    """A sign-in under way; its `state` is the key, and it can be taken once."""

    kind: Kind
    provider: str
    nonce: str
    verifier: str
    """PKCE's (RFC 7636)."""
    browser: str
    """The hash of the cookie of who began: a callback in another browser signs nobody in."""
    return_to: str
    parked: str = ""
    expires: Instant


class Parked(Model):
    """A form that came after its session had ended."""

    signed: Signed
    filled: Filled
    expires: Instant


def begin(signed: Signed, *, now: datetime) -> tuple[str, Session]:
    """A new id, never one that was there before the sign-in, and its session."""
    session = Session(signed=signed, csrf=secrets.token_urlsafe(32), began=now, seen=now)
    return new_token(), session


def seen(session: Session, now: datetime) -> datetime:
    """What to note as last seen: the moment itself, or what is noted when that is recent."""
    return now if now - session.seen >= SEEN_EVERY else session.seen


def attempt(
    kind: Kind, provider: str, *, browser: str, return_to: str, parked: str, now: datetime
) -> tuple[str, Attempt]:
    """A fresh `state` and the attempt kept under it."""
    return new_token(), Attempt(
        kind=kind,
        provider=provider,
        nonce=new_token(),
        verifier=secrets.token_urlsafe(48),
        browser=hashed(browser),
        return_to=return_to,
        parked=parked,
        expires=clock.to_millisecond(now + SIGN_IN_WITHIN),
    )


def parked(session: Session, filled: Filled, *, now: datetime) -> tuple[str, Parked]:
    expires = clock.to_millisecond(now + PARKED_FOR)
    return new_token(), Parked(signed=session.signed, filled=filled, expires=expires)


def new_token() -> str:
    """256 random bits for an address or a cookie."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """How a token is kept: enough for one of 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(given: str, kept: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(given.encode(), kept.encode())


def short(text: object) -> str:
    """A claim as it is shown: text, and not endless."""
    return text.strip()[:_LONGEST_NAME] if isinstance(text, str) else ""
