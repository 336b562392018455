"""What the authorizer of an HTTP API needs: the bearer token in, the gateway's yes or no out.

Payload 2.0 with simple responses. The gateway keeps a yes and a no alike for five minutes under the
`Authorization` header; a no becomes 403 and a missing header 401 without asking. When the function
fails, the gateway answers 500 and keeps nothing, so whatever stays undecided must be raised: a no
for want of an answer would lock a customer out after the cause has gone.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

import os
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

from tessera.edge.observability import Outcome, flush_metrics, logger
from tessera.errors import Unauthorized


class Verified(Protocol):
    """Who a token speaks for."""

    @property
    def issuer(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def expires_at(self) -> int:
        """Epoch seconds from which on it counts no more."""


def authorizer(
    verify: Callable[[str], Verified],
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """What Lambda calls. `verify` raises `Unauthorized` for a token that proves nothing."""
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        request_id = str(event["requestContext"].get("requestId", ""))
        with Outcome(event_name, request_id) as line:
            line.members["route"] = event.get("routeKey")
            try:
                answer, said = _decided(event, verify)
            except Exception:
                logger.exception("failed", extra={"correlation_id": request_id})
                line.level, line.members["outcome"] = "error", "failed"
                raise
            line.members |= said
        flush_metrics()
        return answer

    return handle


def _decided(
    event: dict[str, Any], verify: Callable[[str], Verified]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer, and what the outcome line says of it: no token, and nobody's name."""
    try:
        verified = verify(_bearer_token(event))
    except Unauthorized as refusal:
        return {"isAuthorized": False}, {"outcome": "refused", "code": refusal.wire_code}
    context = {
        # Quotes in a context value have broken the gateway's cached answers.
        "issuer": quote(verified.issuer, safe=""),
        "subject": quote(verified.subject, safe=""),
        "expires_at": verified.expires_at,
    }
    outcome = {"outcome": "authorized", "issuer": verified.issuer}
    return {"isAuthorized": True, "context": context}, outcome


def _bearer_token(event: dict[str, Any]) -> str:
    """Raises `Unauthorized` when the header holds another scheme."""
    scheme, _, token = str((event.get("identitySource") or [""])[0]).strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("Send a bearer token.", code="no_bearer_token")
    return token.strip()
