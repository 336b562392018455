"""Field tables: what a request body may hold, and the reasons Zuora gives when it does not fit."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from infra.local.zuora_refusals import Category, Reason, Refusal

Shape = dict[str, "Field"]
MOST_REASONS = 20


@dataclass(frozen=True)
class Field:
    """One member of a body. `inner` is the shape of an object or of a list's members."""

    kind: str
    required: bool = False
    longest: int | None = None
    least: int | None = None
    most: int | None = None
    among: tuple[str, ...] = ()
    without: str = ""
    inner: Shape = field(default_factory=dict)

    def needed(self) -> "Field":
        return replace(self, required=True)


def text(longest: int = 255, *, without: str = "") -> Field:
    return Field("text", longest=longest, without=without)


def one_of(*values: str) -> Field:
    return Field("text", among=values)


def amount(least: int | None = None) -> Field:
    return Field("number", least=least)


def count(least: int, most: int) -> Field:
    return Field("integer", least=least, most=most)


def nested(inner: Shape) -> Field:
    return Field("object", inner=inner)


def many(inner: Shape, *, most: int = 100) -> Field:
    return Field("list", inner=inner, least=1, most=most)


def some_of(*values: str) -> Field:
    """A list of at least one of these words."""
    return Field("words", among=values)


FLAG = Field("flag")
DATE = Field("date")
EMAIL = Field("email", longest=80)


def check(body: Any, shape: Shape) -> dict[str, Any]:
    """The body, when it fits; else raises `Refusal` with a reason for each thing that does not."""
    if not isinstance(body, dict):
        raise Refusal((Category.MALFORMED, "The body must be a JSON object."))
    reasons = _object(body, shape, "")
    if reasons:
        raise Refusal(*reasons[:MOST_REASONS])
    return body


def _object(body: dict[str, Any], shape: Shape, path: str) -> list[Reason]:
    reasons: list[Reason] = [
        (Category.UNKNOWN_FIELD, f"'{path}{name}' is an unknown field.")
        for name in body
        if name not in shape
    ]
    for name, expected in shape.items():
        if name in body:
            reasons += _value(body[name], expected, path + name)
        elif expected.required:
            reasons.append((Category.MISSING_FIELD, f"'{path}{name}' is required."))
    return reasons


def _value(value: Any, expected: Field, path: str) -> list[Reason]:
    match expected.kind:
        case "object" if isinstance(value, dict):
            return _object(value, expected.inner, f"{path}.")
        case "list" if isinstance(value, list):
            return _list(value, expected, path)
    problem = _problem(value, expected)
    return [(Category.BAD_VALUE, f"'{path}' {problem}.")] if problem else []


def _list(values: list[Any], expected: Field, path: str) -> list[Reason]:
    if not (expected.least or 0) <= len(values) <= (expected.most or 0):
        return [(Category.BAD_VALUE, f"'{path}' has {expected.least} to {expected.most} members.")]
    member = Field("object", inner=expected.inner)
    return [
        reason
        for index, value in enumerate(values)
        for reason in _value(value, member, f"{path}[{index}]")
    ]


def _problem(value: Any, expected: Field) -> str | None:
    """What is wrong with a plain value, or None."""
    match expected.kind, value:
        case ("words", list()):
            fits = value and all(word in expected.among for word in value)
            return None if fits else f"must list some of {', '.join(expected.among)}"
        case ("text" | "email", str()):
            return _text_problem(value, expected)
        case ("date", str()):
            return None if _is_date(value) else "must be a date such as 2026-03-01"
        case ("flag", bool()):
            return None
        case ("integer", int()) | ("number", int() | Decimal()) if not isinstance(value, bool):
            low = expected.least is not None and value < expected.least
            high = expected.most is not None and value > expected.most
            return f"must be {_bounds(expected)}" if low or high else None
    article = "an" if expected.kind in ("integer", "email", "object") else "a"
    return f"must be {article} {expected.kind}"


def _text_problem(value: str, expected: Field) -> str | None:
    if expected.among and value not in expected.among:
        return f"must be one of {', '.join(expected.among)}"
    if expected.longest is not None and len(value) > expected.longest:
        return f"has more than {expected.longest} characters"
    if any(character in value for character in expected.without):
        return f"must not contain {expected.without}"
    if expected.kind == "email" and value and "@" not in value:
        return "must be an email address"
    return None


def _bounds(expected: Field) -> str:
    return (
        f"{expected.least} or more"
        if expected.most is None
        else (f"from {expected.least} to {expected.most}")
    )


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
