"""How one item of the catalog names another: by id or by path, emitted as both.

While a body is read, its references are collected first, looked up together, and only then put in
place; what was stored needs no looking up, as neither id nor path of an item ever changes.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Protocol

from pydantic import BeforeValidator, Field, ValidationInfo

from tessera import ids
from tessera.catalog.kinds import KINDS, Kind
from tessera.objects import Model

_LONGEST_NAME = 100


class Reference(Model):
    """`{"id": "prod-…", "$ref": "/products/Digital"}`."""

    id: str
    ref: str = Field(alias="$ref")


class Wanted(NamedTuple):
    """A reference as it was given: by id, by path, or by both."""

    kind: Kind
    id: str | None
    path: str | None


class Named(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def path(self) -> str: ...


class References:
    """What a body refers to: `wanted` after the first reading, put in place in the second.

    It is the pydantic context of both. `found` holds what exists of what was wanted.
    """

    def __init__(self, found: Mapping[Wanted, Named] | None = None) -> None:
        self.wanted: set[Wanted] = set()
        self._found = found

    def read(self, wanted: Wanted) -> Reference:
        """Raises `ValueError` when there is no such item, or id and path name two."""
        if self._found is None:
            self.wanted.add(wanted)
            return Reference(id=wanted.id or "", ref=wanted.path or "")
        noun = KINDS[wanted.kind].noun
        item = self._found.get(wanted)
        if item is None:
            raise ValueError(f"there is no {noun} {wanted.id or wanted.path}")
        if wanted.path is not None and wanted.path != item.path:
            raise ValueError(f"id and $ref name two different {noun}s")
        return Reference(id=item.id, ref=item.path)


def _reference_to(kind: Kind) -> BeforeValidator:
    def read(value: Any, info: ValidationInfo) -> Any:
        if isinstance(info.context, References):
            return info.context.read(_wanted(kind, value))
        return value

    return BeforeValidator(read)


def _wanted(kind: Kind, value: Any) -> Wanted:
    naming = KINDS[kind]
    given: Any = {"id": value} if isinstance(value, str) else value
    if isinstance(given, dict) and given and given.keys() <= {"id", "$ref"}:
        id, path = given.get("id"), given.get("$ref")
        id_fits = "id" not in given or (isinstance(id, str) and ids.is_id(id, naming.prefix))
        path_fits = "$ref" not in given or (isinstance(path, str) and _is_path(path, naming.folder))
        if id_fits and path_fits:
            return Wanted(kind, id, path)
    raise ValueError(
        f'name {naming.one} by its id, "{naming.prefix}-…",'
        f' or by its path, {{"$ref": "{naming.folder}…"}}'
    )


def _is_path(path: str, folder: str) -> bool:
    name = path.removeprefix(folder)
    return path.startswith(folder) and 1 <= len(name) <= _LONGEST_NAME and name.isprintable()


EntitlementReference = Annotated[Reference, _reference_to("entitlements")]
ProductReference = Annotated[Reference, _reference_to("products")]
OfferReference = Annotated[Reference, _reference_to("offers")]
AddOnReference = Annotated[Reference, _reference_to("add-ons")]
