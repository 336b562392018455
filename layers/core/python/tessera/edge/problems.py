"""Problem documents (RFC 9457): how every refusal and every fault is answered."""

import json
from typing import Any

from tessera.errors import InvalidFields, InvalidJson, Refusal
from tessera.objects import compact_json

CONTENT_TYPE = "application/problem+json"

_PARSER_WORDS = {
    "Expecting ',' delimiter": "Expected a comma or a closing brace",
    "Expecting ':' delimiter": "Expected a colon after the member's name",
    "Expecting property name enclosed in double quotes": "Expected a name in double quotes",
    "Expecting value": "Expected a value",
    "Extra data": "Expected nothing more after the end of the document",
    "Illegal trailing comma before end of object": "Expected no comma before the closing brace",
    "Illegal trailing comma before end of array": "Expected no comma before the closing bracket",
    "Unterminated string starting at": "Expected a closing quote for the string that begins",
}
"""What Python's parser says, said so that a person can act on it."""


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


def parsed_json(text: str) -> Any:
    """The body of a request. Raises `InvalidJson` with the line and column where it goes wrong."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        words = _PARSER_WORDS.get(error.msg, "Expected valid JSON")
        message = f"{words} at line {error.lineno}, column {error.colno}."
        raise InvalidJson(message, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise InvalidJson("The body is nested too deeply.") from None


def _refuse_constant(name: str) -> Any:
    raise InvalidJson(f"{name} is not a JSON value.")
