"""Requests to handlers of this subject: the path is made from the route."""

from typing import Any

import boto3

from tests.builders import api_event, machine
from tests.handlers import Handler, load

ENDPOINT = "/api/webhooks/endpoints/{id}"
DELIVERY = "/api/webhooks/deliveries/{event}/{endpoint}"
WHERE = {
    "WEBHOOK_PRIVATE_HOSTS": "localhost:9000",
    "WEBHOOK_PORTS": "443,8443",
    "OWN_HOSTS": "api.tessera.example",
}
"""Where webhooks may go, in tests of handlers that check it."""


class Asks:
    """One handler, and the route that requests to it take: `asks(id=…, body=…)`."""

    def __init__(self, function: str, method: str, route: str, **environment: str) -> None:
        self._method, self._route = method, route
        callers = {"machine": ["webhooks"], "operator": ["admin", "support"]}
        self.handler: Handler = load(
            f"webhooks/{function}", {f"{method} {route}": callers}, **environment
        )

    def __call__(
        self,
        *,
        body: Any = None,
        caller: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
        **names: str,
    ) -> dict[str, Any]:
        return self.handler(
            api_event(
                self._method,
                self._route.format(**names),
                route=self._route,
                body=body,
                caller=caller or machine("webhooks"),
                query=query,
            )
        )


def sealing_key() -> str:
    return boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]


def cursor_secret() -> None:
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString='{"key": "sealing key of cursors"}'
    )
