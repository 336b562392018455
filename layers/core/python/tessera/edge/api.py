"""What every HTTP endpoint needs once: routing, caller, problems, repeats, the outcome line."""

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from tessera import clock
from tessera.edge import callers, problems
from tessera.edge.idempotency import Repeats
from tessera.edge.json_bodies import parsed_json
from tessera.edge.observability import (
    Outcome,
    begin,
    correlation_id,
    count,
    flush_metrics,
    logger,
    note,
)
from tessera.errors import InvalidRequest, NotFound, Refusal, invalid
from tessera.identity.principal import Anonymous, Machine, Operator, Partner, Principal
from tessera.objects import compact_json
from tessera.validation import of_validation

__all__ = [
    "Header",
    "Query",
    "Response",
    "accepted",
    "answer",
    "created",
    "document",
    "entrypoint",
    "nothing_at",
    "principal",
    "resolver",
]

Guard = Callable[[Mapping[str, str]], None]
LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]
P = TypeVar("P", bound=Principal)

_MAX_BODY = 256 * 1024
"""Bytes. The largest honest body, a full order, has about 30 KB."""

_ALWAYS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


def resolver() -> APIGatewayHttpResolver:
    """Routing by the decorated paths, with bodies and queries validated by their annotations."""
    app = APIGatewayHttpResolver(
        enable_validation=True,
        serializer=lambda body: compact_json(_without_absent(body)),
        json_body_deserializer=parsed_json,
    )
    app.exception_handler(Refusal)(_refused)
    app.exception_handler(RequestValidationError)(
        lambda error: _refused(of_validation(error.errors()))
    )
    app.not_found(_unknown_route)
    return app


def principal(app: APIGatewayHttpResolver, *kinds: type[P]) -> P:
    """Who is calling, of one of the kinds that the route admits."""
    who = app.context["principal"]
    if not isinstance(who, kinds):
        raise TypeError(f"the route admits {type(who).__name__}, the handler does not expect it")
    return who


def entrypoint(
    app: APIGatewayHttpResolver,
    *,
    confidential: bool = False,
    partners: callers.StoredPartners | None = None,
    guard: Guard | None = None,
) -> LambdaHandler:
    """What Lambda calls. `confidential` answers are encrypted while they are kept for repeats.

    A function that partner users may call hands over `partners`; without, it refuses them. On a
    route that the gateway leaves open, `guard` sees the headers before anything else is looked at.
    """
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")
    repeats = Repeats.from_environment(confidential=confidential)

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        begin(context)
        request_id = str(event["requestContext"].get("requestId", ""))
        with Outcome(event_name, request_id) as line:
            answer = _answer(app, event, context, repeats, partners, guard, line)
            status = int(answer["statusCode"])
            line.members["status"] = status
            line.members.setdefault("outcome", "refused" if status >= 400 else "done")
            line.audit(event, answer)
        flush_metrics()
        return _guarded(answer)

    return handle


def created(body: Any) -> Response[Any]:
    """201 with a JSON body."""
    return answer(201, body)


def accepted(body: Any) -> Response[Any]:
    """202 with a JSON body: it will be done, ask again."""
    return answer(202, body)


def document(body: dict[str, Any]) -> Response[str]:
    """200 with an object in wire form; by themselves Powertools write its Decimals as text."""
    return Response(
        status_code=200,
        content_type="application/json",
        body=compact_json(_without_absent(body)),
    )


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Response[Any]:
    """A JSON answer with another status than 200."""
    return Response(
        status_code=status,
        content_type="application/json",
        body=_plain(body),
        headers=headers or {},
    )


def nothing_at(path: str, *, allowed: Sequence[str]) -> NoReturn:
    """Raises 404; where other methods are `allowed`, 405 that names them (RFC 9110, 15.5.6)."""
    if not allowed:
        raise NotFound(f"There is nothing at {path[:200]}. /openapi.json lists all addresses.")
    refused = _MethodNotAllowed(f"This address takes {' and '.join(allowed)} alone.")
    refused.headers["Allow"] = ", ".join(allowed)
    raise refused


def _answer(
    app: APIGatewayHttpResolver,
    event: dict[str, Any],
    context: Any,
    repeats: Repeats | None,
    partners: callers.StoredPartners | None,
    guard: Guard | None,
    line: Outcome,
) -> dict[str, Any]:
    try:
        who = callers.of(event, partners)
        line.members |= {"caller": who.kind, "client": _named_in_logs(who)}
        callers.admit(who, event["routeKey"])
        if guard is not None:
            guard(event.get("headers", {}))
        body = _checked_body(event)
        app.append_context(principal=who)  # type: ignore[no-untyped-call]  # untyped there
        # Strangers have no name to keep answers under: one would be given another's.
        is_post = event["requestContext"]["http"]["method"] == "POST"
        if repeats is None or isinstance(who, Anonymous) or not is_post:
            return _resolved(app, event, context)
        return repeats.once(
            event,
            body,
            caller=f"{who.kind}/{who.id}",
            now=clock.now(),
            act=lambda: _resolved(app, event, context),
        )
    except Refusal as refusal:
        return _as_event(_refused(refusal, request_id=line.correlation_id))
    except Exception:
        # The caller learns nothing of our insides; the log line has the traceback.
        logger.exception("failed", extra={"correlation_id": line.correlation_id})
        line.level = "error"
        line.members["outcome"] = "failed"
        text = problems.problem(
            500,
            "internal",
            "Something went wrong on our side",
            "Something went wrong on our side. Try again; if it stays, report the request id.",
            request_id=line.correlation_id,
        )
        return {
            "statusCode": 500,
            "headers": {"Content-Type": problems.CONTENT_TYPE},
            "body": text,
            "isBase64Encoded": False,
            "cookies": [],
        }


def _guarded(answer: dict[str, Any]) -> dict[str, Any]:
    """Nothing on the way keeps an answer, unless it says so itself."""
    headers: dict[str, Any] = answer["headers"]
    # What has a tag may be kept by its reader, who asks each time whether it still holds.
    keeping = "private, no-cache" if "ETag" in headers else "no-store"
    return {**answer, "headers": {**_ALWAYS, "Cache-Control": keeping, **headers}}


def _named_in_logs(who: Principal) -> str | None:
    """Not a customer: at some identity providers the subject is an e-mail address."""
    return who.id if isinstance(who, Machine | Operator | Partner) else None


def _resolved(app: APIGatewayHttpResolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    answer: dict[str, Any] = app.resolve(event, context)
    # A 204 has no body; the gateway wants text all the same.
    answer["body"] = answer.get("body") or ""
    return answer


def _checked_body(event: dict[str, Any]) -> str:
    """The body as text, known to be JSON; whoever forgets the content type is understood."""
    raw = event.get("body") or ""
    if not raw:
        if event["requestContext"]["http"]["method"] in ("POST", "PUT", "PATCH"):
            event["body"] = "{}"
            event["isBase64Encoded"] = False
            event.setdefault("headers", {})["content-type"] = "application/json"
        return ""
    if event.get("isBase64Encoded"):
        try:
            raw = base64.b64decode(raw).decode()
        except ValueError:
            raise InvalidRequest("The body is not UTF-8 text.", code="invalid_request") from None
        event["body"], event["isBase64Encoded"] = raw, False
    if len(raw.encode(errors="surrogatepass")) > _MAX_BODY:
        raise _TooLarge(f"The body is larger than {_MAX_BODY // 1024} KB.")
    if isinstance(parsed_json(raw), list):
        # The resolver would take the first element, and pass over all others without a word.
        raise invalid("body", "body must be a JSON object")
    event.setdefault("headers", {})["content-type"] = "application/json"
    return str(raw)


class _TooLarge(Refusal):
    status = 413
    code = "too_large"
    title = "The body is too large"


class _MethodNotAllowed(Refusal):
    status = 405
    code = "method_not_allowed"
    title = "The address takes other methods"


def _refused(refusal: Refusal, *, request_id: str | None = None) -> Response[str]:
    note(outcome="refused", code=refusal.wire_code)
    if refusal.status >= 500:
        count("UpstreamFailures")
    return Response(
        status_code=refusal.status,
        content_type=problems.CONTENT_TYPE,
        body=problems.of_refusal(refusal, request_id=request_id or correlation_id()),
        headers={**refusal.headers},
    )


def _unknown_route(_: NotFoundError) -> Response[str]:
    return _refused(NotFound("There is nothing at this address.", code="not_found"))


def _as_event(response: Response[str]) -> dict[str, Any]:
    return {
        "statusCode": response.status_code,
        "headers": {"Content-Type": problems.CONTENT_TYPE, **response.headers},
        "body": response.body,
        "isBase64Encoded": False,
        "cookies": [],
    }


def _plain(body: Any) -> Any:
    if isinstance(body, list):
        return [_plain(element) for element in body]
    return body.model_dump(mode="json", by_alias=True) if hasattr(body, "model_dump") else body


def _without_absent(body: Any) -> Any:
    """`null` is never sent: a member without a value is absent."""
    if isinstance(body, dict):
        return {name: _without_absent(value) for name, value in body.items() if value is not None}
    if isinstance(body, list):
        return [_without_absent(element) for element in body]
    return body
