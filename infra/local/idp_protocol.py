"""What OAuth 2.0, PKCE and OpenID Connect say about the requests the identity provider gets."""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Any
from urllib.parse import unquote_plus, urlencode

from infra.local._http import Request, Response


def discovery(issuer: str, base: str, algorithm: str) -> dict[str, Any]:
    """The configuration an issuer publishes about itself; its endpoints lie below `base`."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
        "end_session_endpoint": f"{base}/logout",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [algorithm],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
        ],
        "scopes_supported": ["openid", "email", "profile"],
        "authorization_response_iss_parameter_supported": True,
    }


def authorization_error(
    wanted: dict[str, str], query: dict[str, list[str]]
) -> dict[str, str] | None:
    """What is wrong with a request whose client and address are right (RFC 6749 4.1.2.1)."""
    if any(len(values) > 1 for values in query.values()):
        return {"error": "invalid_request", "error_description": "a parameter is repeated"}
    if wanted.get("response_type") != "code":
        return {"error": "unsupported_response_type", "error_description": "only code here"}
    if "openid" not in wanted.get("scope", "").split():
        return {"error": "invalid_scope", "error_description": "openid is missing"}
    challenge = wanted.get("code_challenge", "")
    if wanted.get("code_challenge_method") != "S256" or not re.fullmatch(
        r"[A-Za-z0-9_-]{43}", challenge
    ):
        return {"error": "invalid_request", "error_description": "PKCE with S256 is required"}
    if wanted.get("prompt") == "none":
        return {"error": "login_required", "error_description": "sign-in is not remembered here"}
    return None


def client_credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)  # RFC 6749 2.3.1 encodes both first


def proves(verifier: str, challenge: str) -> bool:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), challenge.encode())


def redirection(target: str, parameters: dict[str, str]) -> Response:
    joint = "&" if "?" in target else "?"
    location = f"{target}{joint}{urlencode(parameters)}" if parameters else target
    return Response(303, None, {"Location": location, "Cache-Control": "no-store"})


def oauth_error(description: str, error: str = "invalid_grant", status: int = 400) -> Response:
    body = {"error": error, "error_description": description}
    return Response(status, body, {"Cache-Control": "no-store"})
