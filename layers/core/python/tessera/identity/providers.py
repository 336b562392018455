"""The company's identity providers: who may sign customers in, and how identities are labelled."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from tessera.identity.issuers import normalised
from tessera.objects import Model

LONGEST_LIST = 8 * 1024
"""Characters: what a parameter of the advanced tier holds."""

MOST_PROVIDERS = 20

Algorithm = Literal["RS256", "ES256"]
ShortText = Annotated[str, Field(min_length=1, max_length=255)]


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class IdentityProvider(Model):
    """One entry of the setting `identity_providers`."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")] | None = None
    """Short name in addresses and in the name of its secret."""
    display_name: ShortText | None = None
    """Text on the sign-in button; the key when absent."""
    issuer: Annotated[str, Field(min_length=1, max_length=512)]
    """The exact `iss` of its tokens: Auth0's ends with a slash, Okta's does not."""
    login: bool = True
    """False: it only labels identities, nobody signs in with it."""
    client_id: ShortText | None = None
    client_auth: Literal["none", "basic", "post"] = "none"
    """`none` is PKCE alone; the others need a secret."""
    audience: Annotated[
        tuple[ShortText, ...], BeforeValidator(_one_or_many), Field(max_length=10)
    ] = ()
    """The `aud` values accepted in bearer tokens; the client id when empty."""
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1, max_length=2)] = ("RS256",)
    subject_claim: Literal["sub", "uid"] = "sub"
    """`uid` for Okta access tokens, whose `sub` is the login name."""
    scopes: ShortText = "openid email profile"
    service: ShortText | None = None
    type: ShortText | None = None

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        if self.login and not (self.key and self.client_id):
            raise ValueError('give key and client_id, or "login": false for labels only')
        return self

    @property
    def name(self) -> str:
        """What people call it."""
        return self.display_name or self.key or self.issuer

    @property
    def audiences(self) -> frozenset[str]:
        return frozenset(self.audience or ([self.client_id] if self.client_id else []))


class Labels(NamedTuple):
    """What an identity is marked with in webhooks; absent when not configured."""

    service: str | None = None
    type: str | None = None


class ProvidersUnreadable(Exception):
    """The setting is not a list of identity providers; the message says where it goes wrong."""


def parse(text: str) -> tuple[IdentityProvider, ...]:
    """The providers of the setting, a JSON list. Raises `ProvidersUnreadable`."""
    if len(text) > LONGEST_LIST:
        raise ProvidersUnreadable(f"identity_providers is longer than {LONGEST_LIST} characters")
    try:
        providers = _LIST.validate_python(json.loads(text))
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ProvidersUnreadable(f"identity_providers: {'; '.join(places)}") from None
    except (ValueError, RecursionError):
        raise ProvidersUnreadable("identity_providers is not JSON") from None
    _refuse_twins("issuer", [normalised(provider.issuer) for provider in providers])
    _refuse_twins("key", [provider.key for provider in providers if provider.key])
    return providers


def labels(iss: str, providers: Sequence[IdentityProvider]) -> Labels:
    """The labels configured for an issuer in any of its spellings."""
    wanted = normalised(iss)
    for provider in providers:
        if normalised(provider.issuer) == wanted:
            return Labels(provider.service, provider.type)
    return Labels()


def _refuse_twins(field: str, values: Sequence[Any]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ProvidersUnreadable(f"identity_providers: two entries have the {field} {value}")


_LIST = TypeAdapter(
    Annotated[tuple[IdentityProvider, ...], Field(strict=False, max_length=MOST_PROVIDERS)]
)
