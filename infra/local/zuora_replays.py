"""Idempotency keys at the Zuora stand-in: the first answer is kept and given again for a day."""

from datetime import datetime, timedelta
from typing import Any

from infra.local._server import Request, Response

KEPT = timedelta(hours=24)
MOST_KEYS = 2_000
LONGEST_KEY = 255


def key_of(request: Request) -> str | None:
    """The key that a POST carries; on other methods keys mean nothing or are refused."""
    return request.headers.get("idempotency-key") if request.method == "POST" else None


def remembered(kept: dict[str, Any], request: Request, now: datetime) -> dict[str, Any] | None:
    """What is known of the request's key, unless that was more than a day ago."""
    key = key_of(request)
    record: dict[str, Any] | None = kept.get(key) if key is not None else None
    return record if record is not None and _fresh(record, now) else None


def is_running(record: dict[str, Any], now: datetime) -> bool:
    """Whether the first request with the key is still being carried out."""
    return datetime.fromisoformat(record["doneAt"]) > now


def replay(record: dict[str, Any]) -> Response:
    return Response(record["status"], record["body"], dict(record["headers"]), replayed=True)


def remember(
    kept: dict[str, Any], request: Request, response: Response, now: datetime, busy: timedelta
) -> None:
    """Keeps the first answer under its key; `busy` is how long the key counts as running."""
    key = key_of(request)
    if key is None or remembered(kept, request, now) is not None:
        return
    for old in [k for k, record in kept.items() if not _fresh(record, now)]:
        del kept[old]
    while len(kept) >= MOST_KEYS:
        del kept[next(iter(kept))]
    kept[key] = {
        "path": request.path,
        "status": response.status,
        "headers": dict(response.headers),
        "body": response.body,
        "at": now.isoformat(),
        "doneAt": (now + busy).isoformat(),
    }


def _fresh(record: dict[str, Any], now: datetime) -> bool:
    return datetime.fromisoformat(record["at"]) + KEPT > now
