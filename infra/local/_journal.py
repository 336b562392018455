"""The last requests a stand-in was sent and what became of them, for tests and for people."""

import base64
import re
from collections import deque
from datetime import datetime
from typing import Any

from infra.local._http import NotJson, Request, Response, read_json

KEPT = 10_000
LONGEST_BODY = 64 * 1024


class Journal:
    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def note(
        self, request: Request, response: Response, *, fault: str | None, at: datetime
    ) -> None:
        """Records one exchange; the status is null when nothing was carried out or answered."""
        dropped = fault == "drop_before"
        self._entries.append(
            {
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "headers": {
                    name: value
                    for name, value in request.headers.items()
                    if name.lower() != "authorization"
                },
                "body": _readable(request),
                "status": None if dropped else response.status,
                "key": request.headers.get("idempotency-key"),
                "replayed": response.replayed,
                "fault": fault,
                "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
        )

    def entries(self, path: str = "") -> list[dict[str, Any]]:
        """Oldest first; `path` is a part of the path or a regular expression found in it."""
        try:
            pattern = re.compile(path)
        except re.error:
            pattern = re.compile(re.escape(path))
        kept = list(self._entries)
        return [entry for entry in kept if path in entry["path"] or pattern.search(entry["path"])]

    def clear(self) -> None:
        self._entries.clear()


def _readable(request: Request) -> Any:
    if not request.body:
        return None
    if len(request.body) > LONGEST_BODY:
        return f"({len(request.body)} bytes, not kept)"
    if "json" in request.headers.get("content-type", ""):
        try:
            return read_json(request.body)
        except NotJson:
            return request.body.decode("utf-8", "replace")
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(request.body).decode()
