"""The identity provider's keys and tokens: sound ones verify, each defect is refused."""

import base64
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.local._server import Running, serve
from infra.local.idp import IdentityProvider
from infra.local.idp_tokens import DEFECTS
from tests.integrations.idp_client import (
    CALLBACK,
    base_of,
    exchange,
    issuer_of,
    mint,
    sign_in,
    verified,
)


@pytest.fixture(scope="module")
def idp() -> Iterator[Running]:
    """One for all tests here, which change nothing: making its keys takes half a second."""
    with serve(IdentityProvider(redirect=[CALLBACK])) as running:
        yield running


@pytest.mark.parametrize("key", ["auth0", "okta"])
def test_mints_bearer_tokens_that_verify(idp: Running, key: str) -> None:
    claims = {"scope": "read", "iat": None, "ratio": 0.5}

    token = mint(idp, issuer=key, sub="somebody", audience="api", claims=claims)

    said = jwt.decode(token, options={"verify_signature": False})
    assert "iat" not in said
    assert (said["scope"], said["ratio"]) == ("read", 0.5)
    again = mint(idp, issuer=issuer_of(idp, key), sub="somebody", audience="api")
    assert verified(idp, again, key, "api")["sub"] == "somebody"


REFUSALS: dict[str, type[Exception]] = {
    "expired": jwt.ExpiredSignatureError,
    "not_yet": jwt.ImmatureSignatureError,
    "wrong_aud": jwt.InvalidAudienceError,
    "wrong_iss": jwt.InvalidIssuerError,
    "no_exp": jwt.MissingRequiredClaimError,
    "alg_none": jwt.InvalidAlgorithmError,
    "hs256": jwt.InvalidAlgorithmError,
    "unknown_kid": KeyError,
    "bad_signature": jwt.InvalidSignatureError,
}


@pytest.mark.parametrize("key", ["auth0", "okta"])
@pytest.mark.parametrize("defect", REFUSALS)
def test_every_defect_is_refused_for_its_own_reason(idp: Running, key: str, defect: str) -> None:
    token = mint(idp, issuer=key, sub="somebody", defect=defect)

    with pytest.raises(REFUSALS[defect]):
        verified(idp, token, key)


def test_a_wrong_nonce_is_another_than_the_one_asked_for(idp: Running) -> None:
    token = mint(idp, issuer="auth0", sub="x", claims={"nonce": "n"}, defect="wrong_nonce")

    assert verified(idp, token)["nonce"] != "n"
    assert set(DEFECTS) == {*REFUSALS, "wrong_nonce"}


@pytest.mark.parametrize("key", ["auth0", "okta"])
def test_the_hs256_defect_is_the_attack_that_uses_the_public_key_as_secret(
    idp: Running, key: str
) -> None:
    token = mint(idp, issuer=key, sub="somebody", defect="hs256")

    content, _, signature = token.rpartition(".")
    [published] = requests.get(f"{base_of(idp, key)}/jwks", timeout=10).json()["keys"]
    public = jwt.PyJWK(published).key
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mac = base64.urlsafe_b64decode(signature + "==")
    assert mac == hmac.digest(pem, content.encode(), "sha256")


@pytest.mark.parametrize(
    "wanted",
    [
        {"issuer": "auth0"},
        {"issuer": "google", "sub": "x"},
        {"issuer": "auth0", "sub": "x", "defect": "rust"},
        {"issuer": "auth0", "sub": "x", "claims": []},
        [],
    ],
)
def test_refuses_to_mint_what_it_does_not_understand(idp: Running, wanted: Any) -> None:
    answer = requests.post(f"{idp.url}/_control/tokens", json=wanted, timeout=10)

    assert answer.status_code == 400


def test_keys_rotate_and_the_one_before_stays_published() -> None:
    with serve(IdentityProvider(seed="empty")) as idp:
        old = mint(idp, issuer="okta", sub="x")
        untouched = mint(idp, issuer="auth0", sub="x")

        requests.post(f"{idp.url}/_control/rotate", json={"issuer": "okta"}, timeout=10)
        new = mint(idp, issuer="okta", sub="x")
        kids = [jwt.get_unverified_header(token)["kid"] for token in (old, new)]

        assert kids[0] != kids[1]
        assert verified(idp, old, "okta")["sub"] == verified(idp, new, "okta")["sub"] == "x"

        requests.post(f"{idp.url}/_control/rotate", json={"keep": False}, timeout=10)

        for key, token in (("okta", old), ("okta", new), ("auth0", untouched)):
            with pytest.raises(KeyError):
                verified(idp, token, key)


def test_keys_and_codes_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "idp.json"
    with serve(IdentityProvider(state_path=file, redirect=[CALLBACK])) as idp:
        token, code, port = mint(idp, issuer="auth0", sub="x"), sign_in(idp), idp.port

    with serve(IdentityProvider(state_path=file), port) as idp:
        assert verified(idp, token)["sub"] == "x"
        assert exchange(idp, code).status_code == 200
