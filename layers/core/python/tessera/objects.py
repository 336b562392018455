"""The envelope that every object carries, and how objects are written as JSON.

Envelope members are snake_case, members of `data` camelCase; a member without a value is absent.
"""

import json
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from tessera.clock import Instant


class Model(BaseModel):
    """A value: frozen, known members only, `None` for absent."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        hide_input_in_errors=True,  # errors are logged, and what people sent is not to be
    )

    def wire(self) -> dict[str, Any]:
        """As JSON members under their wire names, those without a value left out."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Data(Model):
    """Members of an object's `data`. What a later version stored beside them is passed over."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


Element = TypeVar("Element")


class Listed(Model, Generic[Element]):
    """A whole list, or a page of one."""

    items: list[Element]


class Record(Model):
    """What all stored objects have in common (README, "Objects, ids, times")."""

    model_config = ConfigDict(extra="ignore")

    prefix: ClassVar[str]
    id: str
    record_type: str
    service: str = "limio"  # existing readers test for it
    mode: str = "test"
    status: str
    name: str | None = None
    reference: str | None = None
    owner: str | None = None
    customer: str | None = None
    partner_org: str | None = None
    created: Instant
    updated: Instant


def compact_json(value: Any) -> str:
    """No white space, member order kept, non-ASCII and `/` unescaped, Decimals as plain numbers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_number)


def canonical_json(value: Any) -> str:
    """The same text for the same content in any member order: for comparing and for hashing."""
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_comparable
    )


def _comparable(value: Any) -> int | float | str:
    """A Decimal of more digits than any JSON number keeps is compared by its text."""
    try:
        return _number(value)
    except ValueError:
        return str(value)


def _number(value: Any) -> int | float:
    """A Decimal as the JSON number with the same value, or an error where there is none."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != value:
        raise ValueError("the number has more digits than a JSON reader keeps")
    return number
