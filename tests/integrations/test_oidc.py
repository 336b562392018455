"""Keys of identity providers: fetched, kept, renewed, and trusted only from the right place."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from infra.local._server import Request, Response, Running, StandIn, route, serve
from infra.local.idp import IdentityProvider as ProviderStandIn
from tessera.identity.providers import IdentityProvider
from tessera.identity.tokens import TokenRefused, verify
from tessera.integrations.http import Exchange
from tessera.integrations.oidc import Endpoints, IdentityProviderFailed, OpenIdProviders
from tests.integrations.idp_client import INGRID, issuer_of, mint

NOW = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)
DEFECTS = {
    "expired": "token_expired",
    "not_yet": "token_not_yet_valid",
    "wrong_aud": "token_audience",
    "wrong_iss": "token_unknown_issuer",
    "no_exp": "token_missing_claim",
    "alg_none": "token_algorithm",
    "hs256": "token_algorithm",
    "unknown_kid": "token_unknown_key",
    "bad_signature": "token_signature",
}


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ProviderStandIn()) as running:
        yield running


@pytest.fixture
def idp(stand_in: Running) -> Running:
    requests.delete(stand_in.url + "/_control/faults", timeout=5)
    stand_in.stand_in.journal.clear()
    return stand_in


@pytest.fixture
def seen() -> list[Exchange]:
    return []


@pytest.fixture
def keys(seen: list[Exchange]) -> OpenIdProviders:
    return OpenIdProviders(allow_http=True, observe=seen.append)


def provider(idp: Running, key: str = "auth0", **detail: Any) -> IdentityProvider:
    return IdentityProvider(
        **{
            "key": key,
            "issuer": issuer_of(idp, key),
            "client_id": "tessera",
            "algorithms": {"auth0": ("RS256",), "okta": ("ES256",)}[key],
            "subject_claim": {"auth0": "sub", "okta": "uid"}[key],
            **detail,
        }
    )


def kid_of(idp: Running, key: str = "auth0") -> str:
    return str(idp.stand_in.state["keys"][key][0]["kid"])


def fetches(idp: Running) -> list[str]:
    return [
        entry["path"].rpartition("/")[2]
        for entry in idp.stand_in.journal.entries("")
        if not entry["path"].startswith("/_control")
    ]


def order_fault(idp: Running, path: str = "", **fault: Any) -> None:
    wanted = {"match": {"path": path or "/(auth0|okta)/"}, "times": None, "action": fault}
    answer = requests.post(idp.url + "/_control/faults", json=wanted, timeout=5)
    assert answer.status_code == 201, answer.text


ONCE = ["openid-configuration", "jwks"]


@pytest.mark.parametrize("key", ["auth0", "okta"])
def test_a_token_of_either_kind_of_provider_verifies(
    idp: Running, keys: OpenIdProviders, key: str
) -> None:
    token = mint(idp, issuer=key, sub=INGRID)
    providers = [provider(idp, "auth0"), provider(idp, "okta")]

    verified = verify(token, providers=providers, keys=keys, now=datetime.now(UTC))

    assert (verified.issuer, verified.subject) == (issuer_of(idp, key), INGRID)


@pytest.mark.parametrize("key", ["auth0", "okta"])
@pytest.mark.parametrize("defect", DEFECTS)
def test_every_defect_is_refused_for_its_own_reason(
    idp: Running, keys: OpenIdProviders, key: str, defect: str
) -> None:
    token = mint(idp, issuer=key, sub=INGRID, defect=defect)

    with pytest.raises(TokenRefused) as refused:
        verify(token, providers=[provider(idp, key)], keys=keys, now=datetime.now(UTC))

    assert refused.value.wire_code == DEFECTS[defect]


@pytest.mark.parametrize(
    "spelling", [lambda iss: iss.rstrip("/"), lambda iss: iss + "/", str.upper]
)
def test_tokens_of_another_spelling_of_the_issuer_do_not_pass(
    idp: Running, keys: OpenIdProviders, spelling: Any
) -> None:
    token = mint(idp, issuer="auth0", sub=INGRID)
    other = provider(idp, issuer=spelling(issuer_of(idp, "auth0")))

    with pytest.raises(TokenRefused):
        verify(token, providers=[other], keys=keys, now=datetime.now(UTC))


def test_a_set_serves_for_an_hour_and_is_then_fetched_again(
    idp: Running, keys: OpenIdProviders
) -> None:
    wanted = kid_of(idp)

    assert keys.key(provider(idp), wanted, now=NOW)
    assert keys.key(provider(idp), wanted, now=NOW + timedelta(minutes=59, seconds=59))
    assert fetches(idp) == ONCE
    assert keys.key(provider(idp), wanted, now=NOW + timedelta(hours=1))
    assert fetches(idp) == ONCE * 2


def test_a_new_key_is_found_at_once_but_strangers_cause_a_fetch_every_30_s_at_most(
    idp: Running, keys: OpenIdProviders
) -> None:
    assert keys.key(provider(idp), kid_of(idp), now=NOW)
    requests.post(idp.url + "/_control/rotate", json={"issuer": "auth0"}, timeout=5)

    assert keys.key(provider(idp), kid_of(idp), now=NOW + timedelta(seconds=30))
    assert fetches(idp) == ONCE * 2
    for second in range(31, 60):
        at = NOW + timedelta(seconds=second)
        assert keys.key(provider(idp), f"stranger-{second}", now=at) is None
    assert fetches(idp) == ONCE * 2
    assert keys.key(provider(idp), "stranger", now=NOW + timedelta(seconds=60)) is None
    assert fetches(idp) == ONCE * 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_before"},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 404},
        {"kind": "html"},
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_while_a_provider_is_down_its_keys_serve_for_a_day(
    idp: Running, keys: OpenIdProviders, fault: dict[str, Any]
) -> None:
    wanted = kid_of(idp)
    assert keys.key(provider(idp), wanted, now=NOW)
    order_fault(idp, **fault)

    for hours in (1, 5, 23.99):
        assert keys.key(provider(idp), wanted, now=NOW + timedelta(hours=hours))
    with pytest.raises(IdentityProviderFailed) as failed:
        keys.key(provider(idp), wanted, now=NOW + timedelta(hours=24))

    assert (failed.value.status, failed.value.wire_code) == (502, "identity_provider_failed")
    requests.delete(idp.url + "/_control/faults", timeout=5)
    assert keys.key(provider(idp), wanted, now=NOW + timedelta(hours=24, seconds=30))
    assert keys.key(provider(idp), "stranger", now=NOW + timedelta(hours=24, seconds=31)) is None


def test_whether_a_stranger_is_one_cannot_be_told_while_the_provider_is_down(
    idp: Running, keys: OpenIdProviders
) -> None:
    assert keys.key(provider(idp), kid_of(idp), now=NOW)
    order_fault(idp, kind="status", status=503)

    for second in (30, 31, 59):
        with pytest.raises(IdentityProviderFailed):
            keys.key(provider(idp), "stranger", now=NOW + timedelta(seconds=second))

    assert fetches(idp) == [*ONCE, "openid-configuration"]
    assert keys.key(provider(idp), kid_of(idp), now=NOW + timedelta(seconds=59))


def test_a_provider_that_was_down_from_the_start_is_asked_every_five_seconds(
    idp: Running, keys: OpenIdProviders
) -> None:
    order_fault(idp, kind="status", status=503)

    for second in (0, 1, 4.9, 5):
        with pytest.raises(IdentityProviderFailed):
            keys.key(provider(idp), kid_of(idp), now=NOW + timedelta(seconds=second))

    assert len(fetches(idp)) == 2


def test_addresses_without_tls_are_for_this_machine_only(idp: Running) -> None:
    with pytest.raises(IdentityProviderFailed) as failed:
        OpenIdProviders().key(provider(idp), kid_of(idp), now=NOW)

    assert failed.value.reason == "insecure_address"
    assert fetches(idp) == []


def test_a_code_which_works_once_is_waited_for_longer_than_keys_are(idp: Running) -> None:
    """Cognito lets a function of ours take 5 s before it answers for a code."""
    waits: list[tuple[float, float]] = []

    class Silent(requests.Session):
        def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
            waits.append(how["timeout"])
            raise requests.ConnectionError

    known = {
        provider(idp).issuer: Endpoints(
            issuer=provider(idp).issuer,
            jwks_uri=f"{idp.url}/jwks",
            token_endpoint=f"{idp.url}/token",
        )
    }
    providers = OpenIdProviders(allow_http=True, known=known, session=Silent())
    for ask in (
        lambda: providers.key(provider(idp), "kid", now=NOW),
        lambda: providers.id_token(
            provider(idp), code="c", verifier="v", redirect_uri="https://x.example", now=NOW
        ),
    ):
        with pytest.raises(IdentityProviderFailed):
            ask()

    (of_keys, of_code) = (round(read) for _, read in waits)
    assert (of_keys, of_code) == (3, 10)


def test_a_redirect_is_not_followed(
    idp: Running, keys: OpenIdProviders, seen: list[Exchange]
) -> None:
    target = f"{idp.url}/okta/oauth2/default/jwks"
    order_fault(idp, "/auth0/jwks", kind="status", status=302, headers={"Location": target})

    with pytest.raises(IdentityProviderFailed) as failed:
        keys.key(provider(idp), kid_of(idp), now=NOW)

    assert failed.value.reason == "refused"
    assert fetches(idp) == ONCE
    assert (seen[-1].status, seen[-1].is_our_fault) == (302, True)


class Liar(StandIn):
    """Publishes under its address whatever it was told to."""

    def seed(self, name: str) -> None:
        self.state = {"configuration": {}, "keys": {"keys": []}}

    @route("GET", "/.well-known/openid-configuration")
    def discover(self, request: Request) -> Response:
        honest = {"issuer": self.public_url, "jwks_uri": self.public_url + "/jwks"}
        return Response(body={**honest, **self.state["configuration"]})

    @route("GET", "/jwks")
    def keys(self, request: Request) -> Response:
        return Response(body=self.state["keys"])


@pytest.fixture
def liar() -> Iterator[Running]:
    with serve(Liar()) as running:
        yield running


def liars_provider(liar: Running) -> IdentityProvider:
    return IdentityProvider(key="liar", issuer=liar.url, client_id="tessera")


@pytest.mark.parametrize(
    ("configuration", "reason"),
    [
        ({"issuer": "https://limio.us.auth0.com/"}, "other_issuer"),
        ({"jwks_uri": "ftp://elsewhere/jwks"}, "insecure_address"),
        ({"jwks_uri": "file:///etc/passwd"}, "insecure_address"),
        ({"jwks_uri": None}, "unreadable"),
        ({"jwks_uri": "http://localhost:1/jwks"}, "no_answer"),
        ({"padding": "x" * 300_000}, "unreadable"),
    ],
)
def test_a_configuration_that_cannot_be_trusted_is_not_used(
    liar: Running, keys: OpenIdProviders, configuration: dict[str, Any], reason: str
) -> None:
    liar.stand_in.state["configuration"] = configuration

    with pytest.raises(IdentityProviderFailed) as failed:
        keys.key(liars_provider(liar), "k", now=NOW)

    assert failed.value.reason == reason
    assert reason not in failed.value.message
    assert any(reason in note for note in failed.value.__notes__)


def test_a_slash_more_in_the_published_issuer_is_another_issuer(
    liar: Running, keys: OpenIdProviders
) -> None:
    liar.stand_in.state["configuration"] = {"issuer": liar.url + "/"}

    with pytest.raises(IdentityProviderFailed):
        keys.key(liars_provider(liar), "k", now=NOW)


def test_keys_for_encryption_and_keys_without_a_name_are_left_out(
    liar: Running, keys: OpenIdProviders
) -> None:
    liar.stand_in.state["keys"] = {
        "keys": [
            {"kid": "enc", "kty": "RSA", "use": "enc"},
            {"kty": "RSA", "use": "sig"},
            {"kid": 7, "kty": "RSA"},
            {"kid": "good", "kty": "RSA"},
            {"kid": "null", "kty": "RSA", "use": None},
        ]
    }

    assert keys.key(liars_provider(liar), "good", now=NOW) == {"kid": "good", "kty": "RSA"}
    assert keys.key(liars_provider(liar), "null", now=NOW) is not None
    assert keys.key(liars_provider(liar), "enc", now=NOW) is None


@pytest.mark.parametrize("published", [{"keys": {}}, {"keys": ["x"]}, {}, []])
def test_a_key_set_of_another_shape_is_not_used(
    liar: Running, keys: OpenIdProviders, published: Any
) -> None:
    liar.stand_in.state["keys"] = published

    with pytest.raises(IdentityProviderFailed):
        keys.key(liars_provider(liar), "k", now=NOW)


def test_no_more_than_a_hundred_keys_are_kept(liar: Running, keys: OpenIdProviders) -> None:
    liar.stand_in.state["keys"] = {"keys": [{"kid": str(n), "kty": "RSA"} for n in range(101)]}

    assert keys.key(liars_provider(liar), "99", now=NOW)
    assert keys.key(liars_provider(liar), "100", now=NOW) is None


def test_tells_where_people_sign_in(idp: Running, keys: OpenIdProviders) -> None:
    endpoints = keys.endpoints(provider(idp), now=NOW)

    assert endpoints.authorization_endpoint == f"{idp.url}/auth0/authorize"
    assert endpoints.token_endpoint == f"{idp.url}/auth0/token"
    assert endpoints.end_session_endpoint == f"{idp.url}/auth0/logout"
    assert keys.key(provider(idp), kid_of(idp), now=NOW)
    assert fetches(idp) == ONCE


def test_a_provider_that_is_down_cannot_tell_where_people_sign_in(
    idp: Running, keys: OpenIdProviders
) -> None:
    order_fault(idp, kind="status", status=503)

    with pytest.raises(IdentityProviderFailed, match="auth0 does not answer"):
        keys.endpoints(provider(idp), now=NOW)
