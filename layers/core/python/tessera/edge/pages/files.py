"""Static files under names that contain a hash: compressed when built, kept for a year."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from tessera.edge.observability import Outcome, begin, flush_metrics, logger

__all__ = ["Files", "Response", "entrypoint", "file_resolver"]

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


class Files:
    """Those of a folder with `.gz` at the end of their names, read when the function starts."""

    def __init__(self, folder: Path) -> None:
        self._packed = {
            file.name.removesuffix(".gz"): file.read_bytes() for file in folder.glob("*.gz")
        }

    def answer(self, name: str, *, accept_encoding: str) -> Response[Any]:
        packed = self._packed.get(name)
        if packed is None:
            return Response(404, "text/plain; charset=utf-8", "There is no such file.")
        headers = dict(_HEADERS)
        content = packed
        if "gzip" in accept_encoding:
            headers["Content-Encoding"] = "gzip"
        else:
            content = gzip.decompress(packed)
        return Response(200, _TYPES[Path(name).suffix], content, headers)


def file_resolver() -> APIGatewayHttpResolver:
    app = APIGatewayHttpResolver()
    app.not_found(_no_such_file)
    return app


def entrypoint(app: APIGatewayHttpResolver) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        begin(context)
        request_id = str(event["requestContext"].get("requestId", ""))
        with Outcome(event_name, request_id) as line:
            try:
                answer: dict[str, Any] = app.resolve(event, context)
            except Exception:
                logger.exception("failed", extra={"correlation_id": request_id})
                line.level, line.members["outcome"] = "error", "failed"
                answer = {"statusCode": 500, "body": "Something went wrong on our side."}
            line.members["status"] = answer["statusCode"]
        flush_metrics()
        return answer

    return handle


def _no_such_file(_: NotFoundError) -> Response[str]:
    return Response(404, "text/plain; charset=utf-8", "There is no such file.")
