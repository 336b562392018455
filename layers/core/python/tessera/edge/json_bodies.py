"""Bodies read as JSON, and why one is refused that another reader might take.

What two readers could read as two things, or what cannot be kept as it was sent, is refused by the
parser's rules at once, so that no rule behind it has to think of it.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from tessera.errors import InvalidJson

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

_DEEPEST = 100
_LONGEST_NUMBER = 100
_MOST_ZEROS = 300
_OUT_OF_REACH = Decimal(1).scaleb(_MOST_ZEROS + 1)
"""Far above what any honest body needs: ten levels, and numbers of ten characters."""


def parsed_json(text: str) -> Any:
    """The body of a request, its fractions as Decimals.

    Raises `InvalidJson`, with the line and column where it goes wrong if the syntax is at fault.
    """
    try:
        body = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_int=lambda digits: int(_bounded(digits)),
            parse_float=_fraction,
            object_pairs_hook=_members,
        )
    except json.JSONDecodeError as error:
        words = _PARSER_WORDS.get(error.msg, "Expected valid JSON")
        message = f"{words} at line {error.lineno}, column {error.colno}."
        raise InvalidJson(message, line=error.lineno, column=error.colno) from None
    except RecursionError:
        _refuse_depth()
    _check(body)
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not a JSON value.")


def _refuse_depth() -> NoReturn:
    raise InvalidJson("The body is nested too deeply.")


def _bounded(digits: str) -> str:
    if len(digits) > _LONGEST_NUMBER:
        raise InvalidJson(f"The number {digits[:10]}… has more than {_LONGEST_NUMBER} characters.")
    return digits


def _fraction(digits: str) -> Decimal:
    try:
        number = Decimal(_bounded(digits))
    except InvalidOperation:  # of an exponent that not even a Decimal has
        number = _OUT_OF_REACH
    if abs(number.adjusted()) > _MOST_ZEROS:
        raise InvalidJson(f"The number {digits[:20]} is too large or too small to be read.")
    return number


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        _check(twice)
        raise InvalidJson(f'An object has the member "{twice[:60]}" twice.')
    return members


def _check(body: Any) -> None:
    """Half of a surrogate pair is no character: it cannot be stored, nor sent on."""
    level = [body]
    for _ in range(_DEEPEST):
        for one in level:
            if isinstance(one, str) and not one.isprintable():
                _check_characters(one)
        level = [inner for one in level for inner in _within(one)]
        if not level:
            return
    _refuse_depth()


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return (*value, *value.values())
    return value if isinstance(value, list) else ()


def _check_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        raise InvalidJson(f"{half} is half of a character; its other half is missing.") from None
