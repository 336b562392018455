"""A caller of a running stack's API, as middleware and signed-in people are."""

import base64
import hashlib
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from infra.local.running_stack import Login, RunningStack

_SECONDS = 40
"""The gateway gives up after 30 s."""
_PATIENCE_SECONDS = 120


class Refused(Exception):
    """The API answered with an error where the caller needed success."""


@dataclass
class Api:
    stack: RunningStack
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    def machine_token(self, *scopes: str) -> str:
        """A token with these scopes, `sync` for `tessera/sync`; with all if none is named."""
        scope = " ".join(f"tessera/{one}" for one in scopes) or self.stack.machine.scope
        token, until = self._tokens.get(scope, ("", 0.0))
        if time.monotonic() < until:
            return token
        answer = requests.post(
            self.stack.token_url,
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(self.stack.machine.client_id, self.stack.machine.client_secret),
            timeout=_SECONDS,
        )
        answer.raise_for_status()
        granted = answer.json()
        token = str(granted["access_token"])
        self._tokens[scope] = token, time.monotonic() + int(granted["expires_in"]) - 60
        return token

    def operator_token(self) -> str:
        """The operator's, signed in on the pool's own page."""
        return self._page_token("operator", "Operators", "tessera/admin", self.stack.operator)

    def partner_token(self, login: Login) -> str:
        """A partner user's, signed in on the pool's own page."""
        return self._page_token("partner", "Partners", "tessera/partner", login)

    def _page_token(self, kind: str, pool: str, scope: str, who: Login) -> str:
        """With PKCE, as a browser would. Raises `Refused` where the page lets nobody in."""
        verifier = secrets.token_urlsafe(48)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        asked = {
            "client_id": self.stack.outputs[f"{pool}ClientId"],
            "redirect_uri": f"{self.stack.api}/auth/{kind}/callback",
            "response_type": "code",
            "scope": f"openid email {scope}",
            "code_challenge": digest.decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        login = {"username": who.email, "password": who.password}
        sign_in = self.stack.token_url.removesuffix("/oauth2/token") + "/login"
        page = requests.post(
            sign_in, data={**asked, **login}, allow_redirects=False, timeout=_SECONDS
        )
        if "Location" not in page.headers:
            raise Refused(f"The sign-in page answers {page.status_code}: {page.text[-300:]}")
        (code,) = parse_qs(urlsplit(page.headers["Location"]).query)["code"]
        answer = requests.post(
            self.stack.token_url,
            data={
                "grant_type": "authorization_code",
                "client_id": asked["client_id"],
                "redirect_uri": asked["redirect_uri"],
                "code": code,
                "code_verifier": verifier,
            },
            timeout=_SECONDS,
        )
        if not answer.ok:
            raise Refused(f"No token: {answer.status_code} {answer.text[:300]}")
        return str(answer.json()["access_token"])

    def person_token(self, issuer: str, sub: str) -> str:
        """A bearer token of the identity provider's stand-in for somebody who signed in there."""
        answer = requests.post(
            f"{self.stack.stand_ins.idp}/_control/tokens",
            json={"issuer": issuer, "sub": sub},
            timeout=_SECONDS,
        )
        answer.raise_for_status()
        return str(answer.json()["token"])

    def send(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **more: Any
    ) -> requests.Response:
        """Any answer, as it comes. Without a token, as middleware with all scopes.

        A POST has an idempotency key of its own unless `headers` brings one.
        """
        bearer = self.machine_token() if token is None else token
        headers = {
            **({"Authorization": f"Bearer {bearer}"} if bearer else {}),
            **({"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}),
            **more.pop("headers", {}),
        }
        return requests.request(
            method, self.stack.api + path, json=body, headers=headers, timeout=_SECONDS, **more
        )

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """The body of a good answer. Raises `Refused` with what the API said.

        What a machine that is too busy answers too late is asked again, under the same key.
        """
        key = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self.send(method, path, body, token=token, headers=key)
            if not _is_late(method, answer) or time.monotonic() > until:
                break
            time.sleep(1)
        if not answer.ok:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


def _is_late(method: str, answer: requests.Response) -> bool:
    """Nothing is known of what was asked, or a first request of that key is still at work."""
    if method not in ("GET", "POST"):
        return False
    return answer.status_code == 504 or (
        answer.status_code == 409 and answer.json().get("code") == "in_progress"
    )
