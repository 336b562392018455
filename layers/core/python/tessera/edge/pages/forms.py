"""What a form shows: the values as typed or as stored, and what is wrong with each field."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from tessera.errors import FieldError, InvalidFields, InvalidRequest, Refusal

M = TypeVar("M", bound=BaseModel)

CSRF = "csrf_token"
KEY = "form_key"
"""The hidden fields of every form: the session's token, and the key that makes it count once."""

_MOST_FIELDS = 2000
_LARGEST = 128 * 1024


class Fields:
    """A posted form: names in the order of the form, each with one value or several."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)

    @classmethod
    def parse(cls, body: str) -> "Fields":
        """Raises `InvalidRequest` when there is too much of it."""
        if len(body) > _LARGEST:
            raise InvalidRequest(f"The form is larger than {_LARGEST // 1024} KB.")
        try:
            pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise InvalidRequest("The form has too many fields.") from None
        # Browsers send line ends as CRLF; what we keep has plain ones.
        return cls((name, value.replace("\r\n", "\n")) for name, value in pairs)

    def text(self, name: str) -> str:
        """The value without white space around it; empty when it is absent."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        return next((value for one, value in self.pairs if one == name), "")

    def optional(self, name: str) -> str | None:
        """`None` for what was left empty."""
        return self.text(name) or None

    def all(self, name: str) -> tuple[str, ...]:
        """Of checkboxes and lists: every value in the form's order."""
        return tuple(value for one, value in self.pairs if one == name)

    def ticked(self, name: str) -> bool:
        return bool(self.all(name))

    def __contains__(self, name: str) -> bool:
        return any(one == name for one, _ in self.pairs)

    @property
    def names(self) -> tuple[str, ...]:
        """Without the hidden two, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.own))

    @property
    def own(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, value) for name, value in self.pairs if name not in (CSRF, KEY))


class Form:
    """The state of the page's form, for the macros: `ui.text(form, "name", "Name")`.

    Before anything was posted every field has the default that the template gives it.
    """

    def __init__(
        self,
        *,
        csrf: str = "",
        key: str = "",
        fields: Fields | None = None,
        errors: Sequence[FieldError] = (),
        came_back: bool = False,
    ) -> None:
        self.csrf = csrf
        self.key = key
        self._fields = fields
        self.errors = tuple(errors)
        self.came_back = came_back
        """Typed before the session ended, and not sent yet."""

    def value(self, name: str, default: str = "") -> str:
        return default if self._fields is None else self._fields.raw(name)

    def values(self, name: str, default: Sequence[str] = ()) -> Sequence[str]:
        return default if self._fields is None else self._fields.all(name)

    def ticked(self, name: str, default: bool = False) -> bool:
        return default if self._fields is None else self._fields.ticked(name)

    def error(self, name: str) -> str:
        return next((_sentence(one.message) for one in self.errors if one.field == name), "")

    def is_first_error(self, name: str) -> bool:
        return bool(self.errors) and self.errors[0].field == name

    @property
    def summary(self) -> list[tuple[str, str]]:
        """Field and sentence; no field for what concerns the whole form."""
        return [(one.field, _sentence(one.message)) for one in self.errors]


def number(text: str) -> int | None:
    """Up to nine digits as people type them; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def checked(
    model: type[M],
    members: Mapping[str, Any],
    sentences: Mapping[str, str],
    also: Iterable[FieldError] = (),
) -> M:
    """The model of a form's values; `sentences` say what a field wants that is empty or unfit.

    Raises `InvalidFields` with one error for each field at fault, and `also`.
    """
    faults = list(also)
    made: M | None = None
    try:
        made = model.model_validate(members)
    except ValidationError as unfit:
        faults = [*(_fault(one, sentences) for one in unfit.errors(include_url=False)), *faults]
    if made is None or faults:
        first: dict[str, FieldError] = {}
        for one in faults:
            first.setdefault(one.field, one)
        raise InvalidFields(first.values())
    return made


def _fault(error: Mapping[str, Any], sentences: Mapping[str, str]) -> FieldError:
    field, kind = str(error["loc"][0]), str(error["type"])
    if kind == "string_too_long":
        most = error["ctx"]["max_length"]
        return FieldError(field, "too_long", f"Use at most {most} characters here")
    said = str(error["msg"]).removeprefix("Value error, ")
    if kind == "value_error":
        return FieldError(field, "invalid_value", said)
    code = "required" if kind in ("missing", "string_too_short", "bool_type") else "invalid_value"
    return FieldError(field, code, sentences.get(field, said))


def errors_of(
    refusal: Refusal, at: Mapping[str, str], typed: Fields | None = None
) -> tuple[FieldError, ...]:
    """What a refusal says to a form. `at` puts a wire code, or a field's path, at a field.

    In the order in which the form has the fields; those that were not sent, as choices that
    nobody made, follow.
    """
    found: Sequence[FieldError] | None = getattr(refusal, "errors", None)
    if found is None:
        field = str(refusal.members.get("field", ""))
        found = (FieldError(field, refusal.wire_code, refusal.message),)
    placed = [
        one._replace(field=at.get(one.field) or at.get(one.code) or one.field) for one in found
    ]
    names = [name for name, _ in typed.pairs] if typed is not None else []
    order = {name: number for number, name in reversed([*enumerate(names, 1)])}
    return tuple(
        sorted(placed, key=lambda one: order.get(one.field, len(names) + 1) if one.field else 0)
    )


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
