"""What a Cognito trigger needs once: the claims that both tokens get, and the outcome line."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from tessera.edge.observability import Outcome, flush_metrics, logger
from tessera.errors import Unauthorized


def claims_added(
    claims: Callable[[str], Mapping[str, str]],
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A handler for the pre token generation trigger, version 2, by the Cognito `sub`.

    `claims` raises `Unauthorized` for whoever may not sign in: raised on, no token is issued, and
    Cognito shows its words.
    Source: https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
    """
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        with Outcome(event_name, getattr(context, "aws_request_id", None)) as line:
            line.members["trigger"] = event.get("triggerSource")
            try:
                added = dict(claims(str(event["request"]["userAttributes"]["sub"])))
            except Unauthorized as refusal:
                line.members |= {"outcome": "refused", "code": refusal.wire_code}
                raise
            except Exception:
                logger.exception("failed")
                line.level, line.members["outcome"] = "error", "failed"
                raise
            finally:
                flush_metrics()
        both = {"claimsToAddOrOverride": added}
        event["response"] = {
            "claimsAndScopeOverrideDetails": {
                "idTokenGeneration": both,
                "accessTokenGeneration": both,
            }
        }
        return event

    return handle
