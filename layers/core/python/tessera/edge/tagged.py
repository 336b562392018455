"""Answers with an entity tag: who has the present one already is sent nothing."""

from typing import Any

from tessera.edge.api import Response, answer


def tagged(body: Any, etag: str, if_none_match: str | None) -> Response[Any]:
    """200 with the body, or 304 when `If-None-Match` names the tag (RFC 9110, 13.1.2)."""
    headers = {"ETag": etag}
    if _is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return answer(200, body, headers)


def published(text: str, etag: str, if_none_match: str | None) -> Response[Any]:
    """200 with JSON text that everybody may keep for five minutes, or 304."""
    headers = {"ETag": etag, "Cache-Control": "public, max-age=300", "Vary": "Accept-Encoding"}
    if _is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(200, "application/json", text, headers)


def _is_known(etag: str, if_none_match: str | None) -> bool:
    known = {one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")}
    return bool(known & {etag, "*"})
