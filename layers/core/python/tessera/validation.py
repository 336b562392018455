"""What pydantic finds wrong with a body, said as our refusal with each field's path."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tessera.errors import FieldError, InvalidFields

_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown_member",
    "string_too_long": "too_long",
    "too_long": "too_long",
}


def of_validation(errors: Iterable[Mapping[str, Any]]) -> InvalidFields:
    """Our refusal for what pydantic found, with each field's path as the caller wrote it."""
    return InvalidFields(field_error(error, is_alone=True) for error in _told_once([*errors]))


def _told_once(errors: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Without lists that are too short only because pydantic left out members it had refused."""
    places = [tuple(error["loc"]) for error in errors]
    for error in errors:
        place = tuple(error["loc"])
        is_of_members = any(one != place and one[: len(place)] == place for one in places)
        if error["type"] != "too_short" or not is_of_members:
            yield error


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


def field_error(error: Mapping[str, Any], *, is_alone: bool = False) -> FieldError:
    """`is_alone`: its sentence is read without the field beside it, and always names it."""
    kind = str(error["type"])
    field = field_path(error["loc"])
    said = str(error["msg"]).removeprefix("Value error, ")
    words = _words(kind, field, f"{field}: {said}" if is_alone else said)
    return FieldError(field, _CODES.get(kind, "invalid_value"), words)


def _words(kind: str, field: str, said: str) -> str:
    name = "A JSON object as body" if field == "body" else field
    match kind:
        case "missing":
            return f"{name} is required"
        case "extra_forbidden":
            return f"{field} is not a member known here"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{field} must be a JSON object"
    return said
