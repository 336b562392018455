"""Customers' tokens: is one genuine, from one of our providers, meant for us and in its time."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

import jwt

from tessera.errors import Unauthorized
from tessera.identity.providers import IdentityProvider

LEEWAY = 60
"""Seconds that clocks may differ."""

_LONGEST_TOKEN = 16 * 1024
_PUBLIC_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Reason = Literal[
    "malformed",
    "unknown_issuer",
    "algorithm",
    "unknown_key",
    "unfit_key",
    "signature",
    "missing_claim",
    "audience",
    "authorized_party",
    "times",
    "not_yet_valid",
    "expired",
    "subject",
]

_REASONS: tuple[tuple[type[jwt.PyJWTError], Reason], ...] = (
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAlgorithmError, "algorithm"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.MissingRequiredClaimError, "missing_claim"),
    (jwt.InvalidIssuerError, "unknown_issuer"),
    (jwt.InvalidKeyError, "unfit_key"),
)


class TokenRefused(Unauthorized):
    """A token that proves nothing; the code, as `token_expired`, says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("This sign-in is not valid here. Sign in again.", code=f"token_{reason}")


class VerifiedToken(NamedTuple):
    """Who a token speaks for. Its claims are personal data."""

    provider: IdentityProvider
    subject: str
    expires_at: int
    """Epoch seconds from which on it counts no more, the leeway included."""
    claims: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        return self.provider.issuer


class SigningKeys(Protocol):
    def key(
        self, provider: IdentityProvider, kid: str, *, now: datetime
    ) -> Mapping[str, Any] | None:
        """The provider's key of that name, `None` if it has none. Raises `UpstreamFailed`."""


def verify(
    token: str, *, providers: Sequence[IdentityProvider], keys: SigningKeys, now: datetime
) -> VerifiedToken:
    """The token's subject at its issuer. Raises `TokenRefused`, and what `keys` raises.

    Source: README, "Signing in"; RFC 8725.
    """
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        raise TokenRefused("malformed")
    try:
        header, unverified = _unverified(token)
        provider = _provider_of(unverified, providers)
        key = _key_of(header, provider, keys, now)
        claims = jwt.decode(
            token,
            key,
            algorithms=provider.algorithms,
            issuer=provider.issuer,
            audience=provider.audiences,
            options={
                "require": ["iss", "aud", "exp", "iat", provider.subject_claim],
                "enforce_minimum_key_length": True,
                # PyJWT asks the process's clock; `_check_times` goes by `now`.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.PyJWTError as error:
        # Its words may quote the token, so they end here.
        raise TokenRefused(_reason_of(error)) from None
    _check_authorized_party(claims, provider)
    expires_at = _check_times(claims, now.timestamp())
    return VerifiedToken(provider, _subject_of(claims, provider), expires_at, claims)


def _unverified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = jwt.decode_complete(token, options={"verify_signature": False})
    return parts["header"], parts["payload"]


def _provider_of(
    unverified: Mapping[str, Any], providers: Iterable[IdentityProvider]
) -> IdentityProvider:
    """By the exact issuer, byte for byte: the lookup key of identities has no place here."""
    for provider in providers:
        if provider.login and provider.issuer == unverified.get("iss"):
            return provider
    raise TokenRefused("unknown_issuer")


def _key_of(
    header: Mapping[str, Any], provider: IdentityProvider, keys: SigningKeys, now: datetime
) -> jwt.PyJWK:
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in provider.algorithms:
        raise TokenRefused("algorithm")
    found = keys.key(provider, kid, now=now) if kid else None
    if found is None:
        raise TokenRefused("unknown_key")
    if (found.get("alg") or algorithm) != algorithm:
        raise TokenRefused("unfit_key")
    # PyJWT refuses a key whose type or curve is not the algorithm's.
    public = {name: found[name] for name in _PUBLIC_MEMBERS if name in found}
    return jwt.PyJWK(public, algorithm)


def _check_authorized_party(claims: Mapping[str, Any], provider: IdentityProvider) -> None:
    party = claims.get("azp")
    if party is None:
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1:
            raise TokenRefused("authorized_party")
    elif party != provider.client_id and party not in provider.audience:
        raise TokenRefused("authorized_party")


def _check_times(claims: Mapping[str, Any], now: float) -> int:
    """When the token ends, in epoch seconds with the leeway."""
    expires, issued = _instant(claims, "exp"), _instant(claims, "iat")
    begins = _instant(claims, "nbf") if "nbf" in claims else issued
    if max(issued, begins) > now + LEEWAY:
        raise TokenRefused("not_yet_valid")
    if expires + LEEWAY <= now:
        raise TokenRefused("expired")
    return int(expires) + LEEWAY


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenRefused("times")
    return value


def _subject_of(claims: Mapping[str, Any], provider: IdentityProvider) -> str:
    subject = claims[provider.subject_claim]
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or _CONTROL.search(subject):
        raise TokenRefused("subject")
    return subject


def _reason_of(error: jwt.PyJWTError) -> Reason:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return "malformed"
