"""Which tokens count: genuine, of a configured issuer to the byte, meant for us, in their time."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tessera.errors import UpstreamFailed
from tessera.identity.providers import IdentityProvider
from tessera.identity.tokens import LEEWAY, TokenRefused, VerifiedToken, verify

NOW = datetime(2026, 3, 2, 9, 14, 7, 512000, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
AUTH0 = IdentityProvider(
    key="auth0",
    issuer="https://limio.us.auth0.com/",
    client_id="tessera",
    audience=("api://tessera", "tessera"),
)
OKTA = IdentityProvider(
    key="okta",
    issuer="https://d.okta.com/oauth2/default",
    client_id="okta-client",
    algorithms=("ES256",),
    subject_claim="uid",
)
LABELS = IdentityProvider(issuer="https://labels.example", login=False)


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **members: Any) -> dict[str, Any]:
    public = key.public_key()
    parts = (
        RSAAlgorithm.to_jwk(public, as_dict=True)
        if isinstance(public, rsa.RSAPublicKey)
        else ECAlgorithm.to_jwk(public, as_dict=True)
    )
    return {**parts, "use": "sig", **members}


class Published:
    """The keys of both providers."""

    def __init__(self, **more: Mapping[str, Any]) -> None:
        self.keys = {"rsa": jwk(rsa_key(), alg="RS256"), "ec": jwk(ec_key()), **more}

    def key(
        self, provider: IdentityProvider, kid: str, *, now: datetime
    ) -> Mapping[str, Any] | None:
        return self.keys.get(kid)


def claims(**changes: Any) -> dict[str, Any]:
    """Those of Auth0, in order; None takes one away."""
    said = {
        "iss": AUTH0.issuer,
        "sub": "auth0|67bf2138817314f757da5abc",
        "aud": "tessera",
        "iat": EPOCH,
        "exp": EPOCH + 3600,
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def signed(said: Mapping[str, Any], **header: Any) -> str:
    key = header.pop("key", None) or rsa_key()
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    fields = {"kid": "rsa", **header}
    fields = {name: value for name, value in fields.items() if value is not None}
    return jwt.encode(dict(said), key, algorithm=fields.pop("alg", algorithm), headers=fields)


def check(token: str, keys: Published | None = None) -> VerifiedToken:
    return verify(token, providers=[LABELS, AUTH0, OKTA], keys=keys or Published(), now=NOW)


def refusal(token: str, keys: Published | None = None) -> str:
    with pytest.raises(TokenRefused) as refused:
        check(token, keys)
    return refused.value.wire_code


def test_members_of_a_key_that_are_null_are_absent() -> None:
    published = Published(rsa=jwk(rsa_key(), alg=None, use=None, x5c=None))

    assert check(signed(claims()), published).subject == "auth0|67bf2138817314f757da5abc"


def test_a_sound_token_tells_who_it_is_and_until_when() -> None:
    verified = check(signed(claims()))

    assert verified.issuer == AUTH0.issuer
    assert verified.subject == "auth0|67bf2138817314f757da5abc"
    assert verified.expires_at == EPOCH + 3600 + LEEWAY
    assert verified.provider == AUTH0


def test_the_configured_claim_is_the_subject() -> None:
    said = claims(iss=OKTA.issuer, aud="okta-client", sub="ana@example.com", uid="00u1")

    assert check(signed(said, key=ec_key(), kid="ec")).subject == "00u1"


@pytest.mark.parametrize(
    "issuer",
    [
        "https://limio.us.auth0.com",
        "limio.us.auth0.com",
        "HTTPS://limio.us.auth0.com/",
        "https://limio.us.auth0.com//",
        "http://limio.us.auth0.com/",
        "https://limio.us.auth0.com/ ",
        "https://impostor.example/",
        "https://labels.example",
        "",
        None,
    ],
)
def test_an_issuer_that_is_not_configured_to_the_byte_is_refused(issuer: str | None) -> None:
    assert refusal(signed(claims(iss=issuer))) == "token_unknown_issuer"


def test_an_issuer_that_is_no_text_is_refused() -> None:
    header = encoded({"alg": "RS256", "kid": "rsa"})

    assert refusal(f"{header}.{encoded(claims(iss=[AUTH0.issuer]))}.AAAA") == "token_unknown_issuer"


def encoded(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": EPOCH - LEEWAY}, "token_expired"),
        ({"exp": EPOCH - LEEWAY - 3600}, "token_expired"),
        ({"nbf": EPOCH + LEEWAY + 2}, "token_not_yet_valid"),
        ({"iat": EPOCH + LEEWAY + 2}, "token_not_yet_valid"),
        ({"iat": EPOCH + LEEWAY + 2, "nbf": EPOCH}, "token_not_yet_valid"),
        ({"exp": None}, "token_missing_claim"),
        ({"iat": None}, "token_missing_claim"),
        ({"aud": None}, "token_missing_claim"),
        ({"sub": None}, "token_missing_claim"),
        ({"exp": str(EPOCH + 10)}, "token_times"),
        ({"exp": True}, "token_times"),
        ({"exp": float("inf")}, "token_times"),
        ({"iat": float("nan")}, "token_times"),
        ({"nbf": [1]}, "token_times"),
        ({"aud": "somebody-else"}, "token_audience"),
        ({"aud": ["somebody-else"]}, "token_audience"),
        ({"aud": {"tessera": 1}}, "token_audience"),
        ({"aud": ["tessera", 7]}, "token_audience"),
        ({"aud": []}, "token_missing_claim"),
        ({"aud": ["tessera", "other"]}, "token_authorized_party"),
        ({"aud": ["tessera", "other"], "azp": "other"}, "token_authorized_party"),
        ({"azp": "somebody-else"}, "token_authorized_party"),
        ({"azp": ["tessera"]}, "token_authorized_party"),
        ({"sub": ""}, "token_subject"),
        ({"sub": "x" * 256}, "token_subject"),
        ({"sub": "a\nb"}, "token_subject"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refusal(signed(claims(**changes))) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": EPOCH - LEEWAY + 1},
        {"nbf": EPOCH + LEEWAY},
        {"iat": EPOCH + LEEWAY},
        {"nbf": EPOCH - 3600.5},
        {"aud": ["tessera"]},
        {"aud": "api://tessera"},
        {"aud": ["tessera", "other"], "azp": "tessera"},
        {"aud": ["tessera", "other"], "azp": "api://tessera"},
        {"azp": "tessera"},
        {"sub": "x" * 255},
    ],
)
def test_what_just_holds_is_accepted(changes: dict[str, Any]) -> None:
    assert check(signed(claims(**changes))).provider == AUTH0


@pytest.mark.parametrize("party", ["okta-client", None])
def test_the_client_itself_may_be_the_authorized_party(party: str | None) -> None:
    said = claims(iss=OKTA.issuer, aud="okta-client", uid="00u1", azp=party)

    assert check(signed(said, key=ec_key(), kid="ec")).subject == "00u1"


def test_a_number_as_subject_is_refused() -> None:
    header, payload = {"alg": "RS256", "kid": "rsa"}, claims(sub=7)
    content = f"{encoded(header)}.{encoded(payload)}"
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(content.encode(), rsa_key())

    assert refusal(f"{content}.{encoded(signature)}") == "token_malformed"


def test_a_token_without_signature_is_refused() -> None:
    content = f"{encoded({'alg': 'none', 'kid': 'rsa'})}.{encoded(claims())}"

    assert refusal(content + ".") == "token_algorithm"


@pytest.mark.parametrize("algorithm", ["ES256", "RS512", "PS256", "HS256", "EdDSA"])
def test_an_algorithm_that_the_issuer_does_not_use_is_refused(algorithm: str) -> None:
    content = f"{encoded({'alg': algorithm, 'kid': 'rsa'})}.{encoded(claims())}"

    assert refusal(content + ".AAAA") == "token_algorithm"


@pytest.mark.parametrize("alg", [None, ["RS256"], {"RS256": 1}, 7])
def test_an_algorithm_that_is_no_name_is_refused(alg: Any) -> None:
    assert refusal(f"{encoded({'alg': alg, 'kid': 'rsa'})}.{encoded(claims())}.AAAA") == (
        "token_algorithm"
    )


def test_a_key_that_the_issuer_does_not_publish_is_refused() -> None:
    assert refusal(signed(claims(), kid="stranger")) == "token_unknown_key"


class Unreachable(Published):
    def key(self, provider: IdentityProvider, kid: str, *, now: datetime) -> None:
        raise UpstreamFailed("down")


@pytest.mark.parametrize("kid", [None, ""])
def test_nobody_is_asked_for_a_key_without_a_name(kid: str | None) -> None:
    assert refusal(signed(claims(), kid=kid), Unreachable()) == "token_unknown_key"


def test_a_provider_that_cannot_be_asked_makes_nobody_a_stranger() -> None:
    with pytest.raises(UpstreamFailed):
        check(signed(claims()), Unreachable())


def test_a_token_that_no_header_could_carry_is_refused() -> None:
    assert refusal(signed(claims(padding="x" * 16_000))) == "token_malformed"


@pytest.mark.parametrize(
    "key",
    [
        jwk(ec_key()),
        jwk(rsa_key(), alg="RS512"),
        jwk(rsa_key(1024)),
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "RSA", "n": 7, "e": 7},
        {"kty": "oct", "k": "AAAA"},
        {},
    ],
    ids=["of another kind", "for another algorithm", "short", "half", "no text", "secret", "empty"],
)
def test_a_published_key_that_does_not_fit_is_refused(key: dict[str, Any]) -> None:
    private = rsa_key(1024) if key == jwk(rsa_key(1024)) else rsa_key()
    content = f"{encoded({'alg': 'RS256', 'kid': 'odd'})}.{encoded(claims())}"
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(content.encode(), private)

    assert refusal(f"{content}.{encoded(signature)}", Published(odd=key)) == "token_unfit_key"


def test_a_curve_of_another_length_is_refused() -> None:
    said = claims(iss=OKTA.issuer, aud="okta-client", uid="00u1")

    token = signed(said, key=ec_key(), kid="long")

    assert refusal(token, Published(long=jwk(ec_key(ec.SECP384R1)))) == "token_unfit_key"


def test_a_key_that_was_published_whole_still_verifies() -> None:
    """A provider that leaks its private key has other troubles; ours are not its crashes."""
    whole = RSAAlgorithm.to_jwk(rsa_key(), as_dict=True)

    assert check(signed(claims(), kid="whole"), Published(whole=whole)).provider == AUTH0


def test_a_foreign_signature_is_refused() -> None:
    header, payload, _ = signed(claims()).split(".")
    _, _, other = signed(claims(sub="somebody else")).split(".")

    assert refusal(f"{header}.{payload}.{other}") == "token_signature"


def test_a_changed_payload_is_refused() -> None:
    header, _, signature = signed(claims()).split(".")

    assert refusal(f"{header}.{encoded(claims(sub='admin'))}.{signature}") == "token_signature"


@pytest.mark.parametrize(
    "header",
    [{"crit": ["exp2"], "exp2": 1}, {"crit": []}, {"crit": "b64"}, {"b64": False, "crit": ["b64"]}],
)
def test_what_a_token_calls_critical_must_be_understood(header: dict[str, Any]) -> None:
    fields = {"alg": "RS256", "kid": "rsa", **header}
    content = f"{encoded(fields)}.{encoded(claims())}"
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(content.encode(), rsa_key())

    assert refusal(f"{content}.{encoded(signature)}") == "token_malformed"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        "not a token",
        "\ud800.a.b",
        "é.a.b",
        f"{encoded([])}.{encoded({})}.",
        f"{encoded({'alg': 'RS256'})}.{encoded([])}.",
        f"{encoded({'alg': 'RS256'})}.{encoded(b'{')}.",
        f"{encoded({'alg': 'RS256'})}.{encoded(b'[' * 3000)}.",
        f"{encoded({'alg': 'RS256', 'kid': 7})}.{encoded(claims())}.",
        "a" * 20_000,
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refusal(token) == "token_malformed"


PARTS = st.dictionaries(
    st.sampled_from(["alg", "kid", "crit", "b64", "iss", "sub", "aud", "exp", "iat", "azp"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["RS256", "rsa", AUTH0.issuer, "tessera", "b64"])
    | st.lists(st.sampled_from(["tessera", "b64", 1]), max_size=2),
)


@settings(deadline=None)  # the first example makes the key
@given(PARTS, PARTS)
def test_nothing_that_is_sent_makes_it_fail_otherwise(
    header: dict[str, Any], payload: dict[str, Any]
) -> None:
    content = f"{encoded({'kid': 'rsa', 'alg': 'RS256', **header})}.{encoded(claims() | payload)}"
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(content.encode(), rsa_key())
    with suppress(TokenRefused):
        assert check(f"{content}.{encoded(signature)}").issuer == AUTH0.issuer


@settings(deadline=None)  # the first example makes the key
@given(st.text(max_size=60))
def test_any_text_is_refused_as_a_token(text: str) -> None:
    assert refusal(text).startswith("token_")


def test_the_refusal_says_nothing_of_the_token() -> None:
    token = signed(claims(aud="somebody-else"))

    with pytest.raises(TokenRefused) as refused:
        check(token)

    assert refused.value.status == 401
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
    assert "somebody" not in str(refused.value)
