"""The setting `identity_providers`: what it says, what it may leave out, and when it is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from tessera.identity.provider_settings import ProviderSettings
from tessera.identity.providers import (
    LONGEST_LIST,
    MOST_PROVIDERS,
    Labels,
    ProvidersUnreadable,
    labels,
    parse,
)

NOW = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)
PARAMETER = "/tessera/dev/identity_providers"


def entry(**detail: Any) -> dict[str, Any]:
    return {
        "key": "auth0",
        "issuer": "https://limio.us.auth0.com/",
        "client_id": "tessera",
        **detail,
    }


def test_what_is_left_out_has_its_default() -> None:
    [provider] = parse(json.dumps([entry()]))

    assert provider.login
    assert provider.client_auth == "none"
    assert provider.audiences == {"tessera"}
    assert provider.algorithms == ("RS256",)
    assert provider.subject_claim == "sub"
    assert provider.scopes == "openid email profile"
    assert (provider.service, provider.type) == (None, None)
    assert provider.name == "auth0"


def test_everything_can_be_said() -> None:
    [provider] = parse(
        json.dumps(
            [
                entry(
                    display_name="Halden account",
                    client_auth="basic",
                    audience=["api://tessera", "tessera"],
                    algorithms=["RS256", "ES256"],
                    subject_claim="uid",
                    scopes="openid",
                    service="zephr",
                    type="user_id",
                )
            ]
        )
    )

    assert provider.name == "Halden account"
    assert provider.audiences == {"api://tessera", "tessera"}
    assert provider.algorithms == ("RS256", "ES256")
    assert (provider.client_auth, provider.subject_claim) == ("basic", "uid")
    assert (provider.service, provider.type) == ("zephr", "user_id")


def test_one_audience_may_stand_without_a_list() -> None:
    assert parse(json.dumps([entry(audience="api")]))[0].audiences == {"api"}


def test_an_entry_for_labels_needs_no_client() -> None:
    text = json.dumps([{"issuer": "salesforce", "login": False, "service": "salesforce"}])

    [provider] = parse(text)

    assert not provider.login
    assert provider.audiences == frozenset()
    assert provider.name == "salesforce"


def test_labels_are_found_under_any_spelling_of_the_issuer() -> None:
    providers = parse(json.dumps([entry(service="auth0", type="user_id")]))

    assert labels("limio.us.auth0.com", providers) == Labels("auth0", "user_id")
    assert labels("HTTPS://LIMIO.us.auth0.com", providers) == Labels("auth0", "user_id")
    assert labels("https://limio.us.auth0.com/other", providers) == Labels(None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("{}", "tuple"),
        ("[1]", "0"),
        (json.dumps([entry(colour="red")]), "0.colour"),
        (json.dumps([entry(algorithms=["HS256"])]), "0.algorithms.0"),
        (json.dumps([entry(algorithms=["none"])]), "0.algorithms.0"),
        (json.dumps([entry(algorithms=[])]), "0.algorithms"),
        (json.dumps([entry(client_id=None)]), "give key and client_id"),
        (json.dumps([entry(key=None)]), "give key and client_id"),
        (json.dumps([entry(key="Auth 0")]), "0.key"),
        (json.dumps([entry(issuer="")]), "0.issuer"),
        (json.dumps([entry(), entry(issuer="https://b.example")]), "two entries have the key"),
        (
            json.dumps([entry(), entry(key="b", issuer="http://limio.us.auth0.com")]),
            "two entries have the issuer",
        ),
        (
            json.dumps(
                [entry(key=f"p{n}", issuer=f"https://{n}") for n in range(MOST_PROVIDERS + 1)]
            ),
            "at most",
        ),
        ("[" + " " * LONGEST_LIST + "]", "longer than"),
        ("[" * 5000, "not JSON"),
    ],
)
def test_an_unfit_list_is_refused_saying_where(text: str, said: str) -> None:
    with pytest.raises(ProvidersUnreadable, match=said):
        parse(text)


def put(providers: list[dict[str, Any]]) -> None:
    boto3.client("ssm").put_parameter(
        Name=PARAMETER, Value=json.dumps(providers), Type="String", Overwrite=True
    )


def test_the_setting_is_looked_up_again_after_five_minutes(fake_aws: None) -> None:
    put([entry()])
    at = NOW
    settings = ProviderSettings(PARAMETER, now=lambda: at)
    assert [provider.key for provider in settings.read()] == ["auth0"]

    put([entry(key="other", service="auth0", type="user_id")])
    at += timedelta(minutes=5, milliseconds=-1)
    assert [provider.key for provider in settings.read()] == ["auth0"]
    at += timedelta(milliseconds=1)
    assert [provider.key for provider in settings.read()] == ["other"]

    assert settings.of("limio.us.auth0.com") == ("auth0", "user_id")
