"""Signing people in by the authorization code flow, with PKCE, state and nonce.

Source: RFC 6749, RFC 7636, OpenID Connect Core 3.1; RFC 9700 for what attackers try.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tessera.errors import Unauthorized
from tessera.identity.providers import IdentityProvider
from tessera.identity.sessions import Attempt, Kind, Signed, matches, short
from tessera.identity.tokens import SigningKeys, verify

_GROUPS = frozenset({"admin", "support"})


class SignInRefused(Unauthorized):
    """The token is genuine, but not for this sign-in, or its bearer has no business here."""


class Pool(NamedTuple):
    """A user pool as a provider: Cognito's pages and keys lie at addresses of their own."""

    provider: IdentityProvider
    pages: str
    keys: str

    @classmethod
    def of(
        cls, key: str, *, issuer: str, client_id: str, pages: str, keys: str, scope: str
    ) -> "Pool":
        provider = IdentityProvider(
            key=key,
            display_name="Tessera",
            issuer=issuer,
            client_id=client_id,
            scopes=f"openid email {scope}",
        )
        return cls(provider, pages, keys)

    def sign_out_address(self, *, back: str) -> str:
        query = urlencode({"client_id": self.provider.client_id, "logout_uri": back})
        return f"{self.pages}/logout?{query}"


def authorization_address(
    endpoint: str, provider: IdentityProvider, *, redirect_uri: str, state: str, attempt: Attempt
) -> str:
    """Where the browser goes to sign in."""
    challenge = hashlib.sha256(attempt.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": provider.scopes,
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def vouched(
    id_token: str,
    *,
    kind: Kind,
    provider: IdentityProvider,
    attempt: Attempt,
    keys: SigningKeys,
    now: datetime,
) -> Signed:
    """Whom the provider vouches for. Raises `TokenRefused`, `SignInRefused`, what `keys` raises."""
    # An id token is for our client alone, whatever bearer tokens may be meant for, and names the
    # person in `sub` even where access tokens do not.
    strict = provider.model_copy(update={"audience": (), "subject_claim": "sub"})
    token = verify(id_token, providers=[strict], keys=keys, now=now)
    claims = token.claims
    if not matches(str(claims.get("nonce", "")), attempt.nonce):
        raise SignInRefused("This answer belongs to another sign-in.", code="wrong_nonce")
    if claims.get("token_use", "id") != "id":
        raise SignInRefused("This is not an id token.", code="wrong_token")
    signed = Signed(
        kind=kind,
        subject=token.subject,
        issuer=token.issuer,
        groups=_groups(claims) if kind == "operator" else (),
        name=short(claims.get("name")),
        email=short(claims.get("email")),
        organisation=short(claims.get("lmo:partner_org")) if kind == "partner" else "",
        provider=provider.key or "",
    )
    if kind == "operator" and not signed.groups:
        raise SignInRefused(
            "Your account may not use the console. Ask an administrator to add you to a group.",
            code="no_group",
        )
    return signed


def _groups(claims: Mapping[str, Any]) -> tuple[str, ...]:
    found = claims.get("cognito:groups")
    named: Sequence[object] = found if isinstance(found, list) else ()
    return tuple(sorted(_GROUPS & {str(one) for one in named}))
