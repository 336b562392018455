"""OpenID Connect providers: fetches endpoints and signing keys, and keeps them for a while."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

import requests
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from tessera.errors import Unauthorized, UpstreamFailed
from tessera.identity.providers import IdentityProvider
from tessera.integrations.http import (
    INTERACTIVE,
    TOKEN_CAP,
    Answer,
    Call,
    Judgement,
    Observe,
    Profile,
    Silence,
    Transport,
    unobserved,
)

Key = Mapping[str, Any]
"""A JSON Web Key (RFC 7517)."""

Document = TypeVar("Document", bound=BaseModel)

# The gateway gives an authorizer 10 s.
PROVIDER = Profile(connect=2, read=3, total=8)

_FRESH = timedelta(hours=1)
_USABLE = timedelta(hours=24)
"""How long a set serves while its provider is down."""
_PAUSE = timedelta(seconds=30)
"""Between two fetches that nothing but a stranger's `kid` may have caused."""
_PAUSE_WITH_NOTHING = timedelta(seconds=5)
_MOST_KEYS = 100


class IdentityProviderFailed(UpstreamFailed):
    """A provider is down or misconfigured; `reason` says in one word how."""

    title = "The sign-in service did not answer"
    system = "identity_provider"

    def __init__(self, provider: IdentityProvider, reason: str, status: int | None = None) -> None:
        super().__init__(
            f"The sign-in service {provider.name} does not answer as it should. Try again in a"
            " minute.",
            upstream_status=status,
        )
        self.reason = reason
        self.add_note(f"{provider.issuer}: {reason}")  # in the traceback, not in the answer


class Endpoints(BaseModel):
    """What a provider publishes at `/.well-known/openid-configuration`, as far as it is read."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    issuer: str
    jwks_uri: str
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    end_session_endpoint: str | None = None


class _Tokens(BaseModel):
    """What the token endpoint answers, as far as it is read: pages need the id token alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id_token: str


class CodeRefused(Unauthorized):
    """The provider gives no token for the code: too late, used already, or a user without access.

    Cognito also answers so when our own trigger refuses somebody.
    """


class _KeySet(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    keys: Annotated[
        tuple[dict[str, Any], ...],
        BeforeValidator(lambda keys: keys[:_MOST_KEYS] if isinstance(keys, list) else keys),
    ]


class _Known:
    """What is kept of one provider."""

    def __init__(self) -> None:
        self.endpoints: Endpoints | None = None
        self.keys: dict[str, Key] = {}
        self.fetched_at: datetime | None = None
        self.tried_at: datetime | None = None
        self.failure: str | None = None
        """Why the last try came to nothing."""

    def is_within(self, age: timedelta, now: datetime) -> bool:
        return self.fetched_at is not None and now - self.fetched_at < age

    def may_fetch(self, now: datetime) -> bool:
        pause = _PAUSE if self.is_within(_USABLE, now) else _PAUSE_WITH_NOTHING
        return self.tried_at is None or now - self.tried_at >= pause


class OpenIdProviders:
    """Fetched on first use, again after an hour and for unknown keys; kept in memory.

    While a provider is down, what was fetched serves for a day.
    """

    def __init__(
        self,
        *,
        allow_http: bool = False,
        known: Mapping[str, Endpoints] | None = None,
        session: requests.Session | None = None,
        observe: Observe = unobserved,
    ) -> None:
        """`allow_http` is for providers on the same machine.

        `known` are endpoints by issuer that need not be asked for: a user pool's sign-in pages lie
        elsewhere than its issuer.
        """
        self._given = known or {}
        self._transport = Transport("identity_provider", PROVIDER, session=session, observe=observe)
        # A code works once; before it answers Cognito asks a function of ours, perhaps a cold one.
        self._patient = Transport(
            "identity_provider", INTERACTIVE, session=session, observe=observe
        )
        self._schemes = ("https://", "http://") if allow_http else ("https://",)
        self._known: dict[str, _Known] = {}

    def key(self, provider: IdentityProvider, kid: str, *, now: datetime) -> Key | None:
        """The signing key of that name; `None` when the provider has none.

        Raises `IdentityProviderFailed` when that cannot be told.
        """
        known = self._refreshed(provider, now, wanted=kid)
        found = known.keys.get(kid) if known.is_within(_USABLE, now) else None
        if found is None and known.failure is not None:
            raise IdentityProviderFailed(provider, known.failure)
        return found

    def endpoints(self, provider: IdentityProvider, *, now: datetime) -> Endpoints:
        """Raises `IdentityProviderFailed`."""
        if provider.issuer in self._given:
            return self._given[provider.issuer]
        known = self._refreshed(provider, now, wanted=None)
        if known.endpoints is None or not known.is_within(_USABLE, now):
            raise IdentityProviderFailed(provider, known.failure or "no_answer")
        return known.endpoints

    def id_token(
        self,
        provider: IdentityProvider,
        *,
        code: str,
        verifier: str,
        redirect_uri: str,
        secret: str = "",
        now: datetime,
    ) -> str:
        """What the code of a sign-in is worth, unverified. The code works once.

        `secret` is our client's there, where it has one. Raises `CodeRefused` and
        `IdentityProviderFailed`.
        """
        endpoint = self.endpoints(provider, now=now).token_endpoint or ""
        if not endpoint.lower().startswith(self._schemes):
            raise IdentityProviderFailed(provider, "insecure_address")
        client = provider.client_id or ""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": client,
            "code_verifier": verifier,
        }
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if provider.client_auth == "post":
            form["client_secret"] = secret
        elif provider.client_auth == "basic":
            # RFC 6749 2.3.1 encodes both before they are joined.
            pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
            del form["client_id"]
        call = Call(
            "POST",
            "token_endpoint",
            endpoint,
            headers=headers,
            body=urlencode(form).encode(),
            cap=TOKEN_CAP,
        )
        judge = partial(_judged_exchange, provider)
        answer = self._patient.send(call, until=self._patient.deadline(), judge=judge)
        try:
            return _Tokens.model_validate(answer.json).id_token
        except ValidationError:
            raise IdentityProviderFailed(provider, "unreadable", answer.status) from None

    def _refreshed(self, provider: IdentityProvider, now: datetime, wanted: str | None) -> _Known:
        known = self._known.setdefault(provider.issuer, _Known())
        suffices = known.is_within(_FRESH, now) and (wanted is None or wanted in known.keys)
        if not suffices and known.may_fetch(now):
            known.tried_at = now
            try:
                known.endpoints, known.keys = self._fetched(provider)
            except IdentityProviderFailed as failure:
                known.failure = failure.reason
            else:
                known.fetched_at, known.failure = now, None
        return known

    def _fetched(self, provider: IdentityProvider) -> tuple[Endpoints, dict[str, Key]]:
        until = self._transport.deadline()
        well_known = "/.well-known/openid-configuration"
        endpoints = self._given.get(provider.issuer) or self._get(
            provider, well_known, provider.issuer.removesuffix("/") + well_known, Endpoints, until
        )
        if endpoints.issuer != provider.issuer:
            raise IdentityProviderFailed(provider, "other_issuer")
        published = self._get(provider, "jwks_uri", endpoints.jwks_uri, _KeySet, until)
        keys: dict[str, Key] = {
            key["kid"]: key
            for key in published.keys
            if isinstance(key.get("kid"), str) and (key.get("use") or "sig") == "sig"
        }
        return endpoints, keys

    def _get(
        self,
        provider: IdentityProvider,
        route: str,
        url: str,
        model: type[Document],
        until: float,
    ) -> Document:
        if not url.lower().startswith(self._schemes):
            raise IdentityProviderFailed(provider, "insecure_address")
        call = Call("GET", route, url, headers={"Accept": "application/json"}, cap=TOKEN_CAP)
        answer = self._transport.send(call, until=until, judge=partial(_judged, provider))
        try:
            return model.model_validate(answer.json)
        except ValidationError:
            raise IdentityProviderFailed(provider, "unreadable", answer.status) from None


def _judged_exchange(provider: IdentityProvider, result: Answer | Silence) -> Judgement:
    if isinstance(result, Answer) and result.status == 400 and _is_invalid_grant(result):
        refusal = CodeRefused("This sign-in did not succeed. Try again.", code="code_refused")
        return Judgement("refused", refusal)
    return _judged(provider, result)


def _is_invalid_grant(answer: Answer) -> bool:
    """RFC 6749 5.2: any other error is a fault of ours or of the provider."""
    body = answer.json if answer.is_json else None
    return isinstance(body, dict) and body.get("error") == "invalid_grant"


def _judged(provider: IdentityProvider, result: Answer | Silence) -> Judgement:
    if isinstance(result, Silence):
        return Judgement("unavailable", IdentityProviderFailed(provider, "no_answer"))
    if result.status != 200:
        failure = IdentityProviderFailed(provider, "refused", result.status)
        is_our_fault = 300 <= result.status < 500 and result.status not in (408, 429)
        return Judgement("refused", failure, is_our_fault=is_our_fault)
    if not result.is_json:
        failure = IdentityProviderFailed(provider, "unreadable", result.status)
        return Judgement("unreadable", failure)
    return Judgement()
