"""Problem documents (RFC 9457): how every refusal and every fault is answered."""

from typing import Any

from tessera.errors import InvalidFields, Refusal
from tessera.objects import compact_json

CONTENT_TYPE = "application/problem+json"


def problem(
    status: int, code: str, title: str, detail: str, *, request_id: str | None, **members: Any
) -> str:
    """The document as text; `message` repeats `detail` for callers that read only that."""
    document = {
        "type": f"urn:tessera:problem:{code}",
        "code": code,
        "title": title,
        "status": status,
        "detail": detail,
        "message": detail,
        "requestId": request_id,
        **members,
    }
    return compact_json({name: value for name, value in document.items() if value is not None})


def of_refusal(refusal: Refusal, *, request_id: str | None) -> str:
    members = dict(refusal.members)
    if isinstance(refusal, InvalidFields):
        members["errors"] = [error._asdict() for error in refusal.errors]
    return problem(
        refusal.status,
        refusal.wire_code,
        refusal.title,
        refusal.message,
        request_id=request_id,
        **members,
    )
