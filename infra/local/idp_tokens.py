"""Keys and tokens of the identity provider, sound ones and ones that everybody must refuse."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Algorithm = Literal["RS256", "ES256"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

LIFETIME = timedelta(hours=1)
DEFECTS = (
    "expired",
    "not_yet",
    "wrong_aud",
    "wrong_iss",
    "no_exp",
    "alg_none",
    "hs256",
    "unknown_kid",
    "bad_signature",
    "wrong_nonce",
)


def new_key(algorithm: Algorithm) -> dict[str, str]:
    """A signing key as it is kept in the state: `{"kid", "alg", "pem"}`."""
    private: PrivateKey
    if algorithm == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {"kid": secrets.token_urlsafe(16), "alg": algorithm, "pem": pem.decode()}


def published(key: dict[str, str]) -> dict[str, Any]:
    """The public half of a key as a member of a JWK set."""
    public = _private(key["pem"]).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        parts = RSAAlgorithm.to_jwk(public, as_dict=True)
    else:
        parts = ECAlgorithm.to_jwk(public, as_dict=True)
    parts.pop("key_ops", None)
    return {**parts, "kid": key["kid"], "alg": key["alg"], "use": "sig"}


def standard_claims(issuer: str, sub: str, audience: str, now: datetime) -> dict[str, Any]:
    issued = int(now.timestamp())
    expires = int((now + LIFETIME).timestamp())
    return {"iss": issuer, "sub": sub, "aud": audience, "iat": issued, "exp": expires}


def id_claims(
    issuer: str, person: dict[str, str], wanted: dict[str, str], now: datetime
) -> dict[str, Any]:
    """What an id token says; `wanted` are the parameters of the authorization request."""
    claims = standard_claims(issuer, person["sub"], wanted["client_id"], now)
    claims["auth_time"] = claims["iat"]
    scopes = wanted["scope"].split()
    if "nonce" in wanted:
        claims["nonce"] = wanted["nonce"]
    if "email" in scopes and "email" in person:
        claims |= {"email": person["email"], "email_verified": True}
    if "profile" in scopes and "name" in person:
        claims["name"] = person["name"]
    return claims


def access_claims(
    issuer: str, person: dict[str, str], wanted: dict[str, str], now: datetime, *, by_uid: bool
) -> dict[str, Any]:
    """What an access token says; `by_uid` as Okta does it, with the login name in `sub`."""
    client, sub = wanted["client_id"], person["sub"]
    claims = standard_claims(issuer, sub, wanted.get("audience", client), now)
    if by_uid:
        return claims | {"sub": person.get("email", sub), "uid": sub, "cid": client}
    return claims | {"azp": client, "scope": wanted["scope"]}


def sign(
    claims: dict[str, Any], key: dict[str, str], *, now: datetime, defect: str | None = None
) -> str:
    """A compact JWT, with one of `DEFECTS` if wanted and right in everything else."""
    claims = _with_wrong_claim(claims, defect, now)
    header = {"kid": key["kid"]}
    match defect:
        case "alg_none":
            return f"{_part({'typ': 'JWT', 'alg': 'none', **header})}.{_part(claims)}."
        case "hs256":
            # The oldest trick: the public key, which everybody has, taken for a shared secret.
            secret = _public_pem(key)
            content = f"{_part({'typ': 'JWT', 'alg': 'HS256', **header})}.{_part(claims)}"
            mac = hmac.new(secret, content.encode(), hashlib.sha256).digest()
            return f"{content}.{_base64url(mac)}"
        case "unknown_kid":
            key = _strangers_key(key["alg"])
            header = {"kid": key["kid"]}
        case "bad_signature":
            key = _strangers_key(key["alg"])
    return jwt.encode(claims, _private(key["pem"]), algorithm=key["alg"], headers=header)


def _with_wrong_claim(claims: dict[str, Any], defect: str | None, now: datetime) -> dict[str, Any]:
    changed = dict(claims)
    match defect:
        case "expired":
            changed["iat"] = int((now - 2 * LIFETIME).timestamp())
            changed["exp"] = int((now - LIFETIME).timestamp())
        case "not_yet":
            changed["nbf"] = int((now + LIFETIME / 2).timestamp())
        case "wrong_aud":
            changed["aud"] = "somebody-else"
        case "wrong_iss":
            changed["iss"] = "https://impostor.example/"
        case "no_exp":
            changed.pop("exp", None)
        case "wrong_nonce":
            changed["nonce"] = secrets.token_urlsafe(16)
    return changed


@lru_cache(maxsize=64)
def _private(pem: str) -> PrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, PrivateKey):
        raise TypeError(f"{type(key).__name__} signs neither RS256 nor ES256")
    return key


@lru_cache(maxsize=2)
def _strangers_key(algorithm: Algorithm) -> dict[str, str]:
    """A key that no JWK set names."""
    return new_key(algorithm)


def _public_pem(key: dict[str, str]) -> bytes:
    return (
        _private(key["pem"])
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _part(content: dict[str, Any]) -> str:
    return _base64url(json.dumps(content, separators=(",", ":")).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
