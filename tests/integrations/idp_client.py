"""The client's side of the identity provider: signs people in, exchanges codes, verifies tokens."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import requests

from infra.local._server import Running
from infra.local.idp import PEOPLE

CALLBACK = "http://localhost:4321/auth/customer/callback"
AFTERWARDS = "http://localhost:4321/signed-out"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
INGRID = PEOPLE[0].sub
ALGORITHMS = {"auth0": "RS256", "okta": "ES256"}


def base_of(running: Running, key: str = "auth0") -> str:
    return running.url + {"auth0": "/auth0", "okta": "/okta/oauth2/default"}[key]


def issuer_of(running: Running, key: str) -> str:
    return base_of(running, key) + ("/" if key == "auth0" else "")


def request_for(**changes: str | None) -> dict[str, str]:
    wanted: dict[str, str | None] = {
        "client_id": "tessera",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "the state&",
        "nonce": "the nonce",
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def sign_in(running: Running, key: str = "auth0", sub: str = INGRID, **changes: str | None) -> str:
    """The code a person comes back with."""
    back = requests.post(
        f"{base_of(running, key)}/authorize",
        params=request_for(**changes),
        data={"sub": sub},
        allow_redirects=False,
        timeout=10,
    )
    return returned(back)["code"]


def returned(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    target = urlsplit(answer.headers["Location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == CALLBACK
    return {name: value for name, [value] in parse_qs(target.query).items()}


def exchange(
    running: Running, code: str, key: str = "auth0", **changes: str | None
) -> requests.Response:
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": "tessera",
        "code_verifier": VERIFIER,
        **changes,
    }
    given = {name: value for name, value in form.items() if value is not None}
    return requests.post(f"{base_of(running, key)}/token", data=given, timeout=10)


def verified(running: Running, token: str, key: str = "auth0", audience: str = "tessera") -> Any:
    """The claims of a token that PyJWT accepts under the published keys."""
    keys = jwt.PyJWKSet.from_dict(requests.get(f"{base_of(running, key)}/jwks", timeout=10).json())
    return jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=[ALGORITHMS[key]],
        audience=audience,
        issuer=issuer_of(running, key),
        leeway=60,
        options={"require": ["iss", "sub", "aud", "iat", "exp"]},
    )


def mint(running: Running, **wanted: Any) -> str:
    answer = requests.post(f"{running.url}/_control/tokens", json=wanted, timeout=10)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])
