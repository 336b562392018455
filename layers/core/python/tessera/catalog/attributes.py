"""Attributes with and without the suffix `__limio`: accepted as either, emitted with it."""

import json
from collections.abc import Mapping
from typing import Any

from tessera.errors import FieldError

SUFFIX = "__limio"


def suffixed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Every attribute under its name with the suffix; of two spellings the first one counts."""
    kept: dict[str, Any] = {}
    for name, value in attributes.items():
        kept.setdefault(name.removesuffix(SUFFIX) + SUFFIX, value)
    return kept


def contradictions(attributes: Mapping[str, Any], path: str) -> list[FieldError]:
    """The attributes that are there in both spellings with different values."""
    return [
        FieldError(
            f"{path}.{name}",
            "invalid_value",
            f"{name} and {name}{SUFFIX} have different values: send one of them",
        )
        for name, value in attributes.items()
        if name + SUFFIX in attributes and _written(value) != _written(attributes[name + SUFFIX])
    ]


def as_written(field: str, attributes: Mapping[str, Any]) -> str:
    """The path of a field with its attribute in the spelling that the caller chose."""
    before, dot, rest = field.partition("attributes.")
    name = rest.split(".")[0].split("[")[0]
    plain = name.removesuffix(SUFFIX)
    if dot and name not in attributes and plain in attributes:
        return f"{before}{dot}{plain}{rest.removeprefix(name)}"
    return field


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
