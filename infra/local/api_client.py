"""A caller of a running stack's API, as middleware and signed-in people are."""

import time
from dataclasses import dataclass, field
from typing import Any

import requests

from infra.local.running_stack import RunningStack

_SECONDS = 40
"""The gateway gives up after 30 s."""


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
        """Any answer, as it comes. Without a token, as middleware with all scopes."""
        bearer = self.machine_token() if token is None else token
        headers = {
            **({"Authorization": f"Bearer {bearer}"} if bearer else {}),
            **more.pop("headers", {}),
        }
        return requests.request(
            method, self.stack.api + path, json=body, headers=headers, timeout=_SECONDS, **more
        )

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """The body of a good answer. Raises `Refused` with what the API said."""
        answer = self.send(method, path, body, token=token)
        if not answer.ok:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None
