"""Faults that rules name by paths, in the words of the form that was filled in."""

import re
from collections.abc import Mapping

from tessera.errors import FieldError, InvalidFields

_LENGTH = re.compile(r"(?:String|Tuple) should have at most (\d+) (characters?|items?).*")
_PREDICATE = re.compile(r"(?:is|begins|goes|has|names|needs) ")


def worded(refusal: InvalidFields, words: Mapping[str, str]) -> InvalidFields:
    """`words` are the labels by the names of the form's fields, `[]` standing for any row.

    A fault of what has no field of its own is put at the field that it is part of.
    """
    return InvalidFields([_worded(one, words) for one in refusal.errors])


def field_of(path: str, words: Mapping[str, str]) -> str:
    """The field that sets what is at a path, or a part of what it sets; empty where none does."""
    while path and _general(path) not in words:
        path = re.sub(r"(?:\.?[^.\[\]]+|\[\d+\])$", "", path)
    return path


def _worded(fault: FieldError, words: Mapping[str, str]) -> FieldError:
    name = field_of(fault.field, words)
    label = words.get(_general(name), "")
    return FieldError(name, fault.code, _sentence(fault, label) if label else fault.message)


def _general(name: str) -> str:
    return re.sub(r"\[\d+\]", "[]", name)


def _sentence(fault: FieldError, label: str) -> str:
    text = fault.message
    if text in (f"{fault.field} is required", "String should have at least 1 character"):
        return f"{label} is required"
    if length := _LENGTH.fullmatch(text):
        return f"{label}: use at most {length[1]} {length[2]}"
    if text == "Input should be a valid integer":
        return f"{label}: give a whole number"
    if text.startswith("Input should be '"):
        return f"{label}: choose one"
    if text.startswith("Input should be"):
        return f"{label} is not valid"
    is_path = "." in fault.field or "[" in fault.field
    if text.startswith(f"{fault.field} ") or (is_path and fault.field in text):
        return text.replace(fault.field, label)
    return f"{label} {text}" if _PREDICATE.match(text) else f"{label}: {text}"
