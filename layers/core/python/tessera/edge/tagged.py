"""Answers with an entity tag: who has the present one already is sent nothing."""

from typing import Any

from tessera.edge.api import Response, answer


def tagged(body: Any, etag: str, if_none_match: str | None) -> Response[Any]:
    """200 with the body, or 304 when `If-None-Match` names the tag (RFC 9110, 13.1.2)."""
    headers = {"ETag": etag}
    known = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    if known & {etag, "*"}:
        return Response(status_code=304, headers=headers)
    return answer(200, body, headers)
