"""Problem documents (RFC 9457): how every refusal and every fault is answered."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tessera.errors import FieldError, InvalidFields, InvalidJson, Refusal
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

_VALIDATION_CODES = {"missing": "required", "extra_forbidden": "unknown_member"}
_TOO_LONG = ("string_too_long", "too_long")


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


def of_validation(errors: Iterable[Mapping[str, Any]]) -> InvalidFields:
    """Our refusal for what pydantic found, with each field's path as the caller wrote it."""
    return InvalidFields(_field_error(error) for error in errors)


def field_path(loc: Iterable[str | int]) -> str:
    """`("body", "orderItems", 0, "offer")` is `orderItems[0].offer`."""
    path = ""
    for position, part in enumerate(loc):
        if position == 0 and part in ("body", "path", "query", "header"):
            continue
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else str(part)
    return path or "body"


def _field_error(error: Mapping[str, Any]) -> FieldError:
    kind = str(error["type"])
    field = field_path(error["loc"])
    code = _VALIDATION_CODES.get(kind, "too_long" if kind in _TOO_LONG else "invalid_value")
    return FieldError(field, code, _words(kind, field, str(error["msg"])))


def _words(kind: str, field: str, said: str) -> str:
    name = "A JSON object as body" if field == "body" else field
    match kind:
        case "missing":
            return f"{name} is required"
        case "extra_forbidden":
            return f"{field} is not a member known here"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{field} must be a JSON object"
    return f"{field}: {said.removeprefix('Value error, ')}"


def _refuse_constant(name: str) -> Any:
    raise InvalidJson(f"{name} is not a JSON value.")
