"""Reading the body of a request as a catalog item, every field at fault named as it was written."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from tessera.catalog import attributes
from tessera.catalog.kinds import KINDS
from tessera.catalog.models import AnyItem, ForSale, Item, Product
from tessera.catalog.references import References, Wanted
from tessera.errors import FieldError, InvalidFields
from tessera.objects import Record
from tessera.validation import field_error

ItemT = TypeVar("ItemT", bound=Item)

WRITTEN_BY_US = {*Record.model_fields, "path", "type", "version"} - {"name", "status"}
"""Members that callers read and never set."""

_MOST_FAULTS = 50
"""Named in one answer: enough for every field of a form."""


class ItemsNamed(Protocol):
    def resolve(self, wanted: Iterable[Wanted]) -> Mapping[Wanted, AnyItem]:
        """Those of the wanted items that exist."""


class Body(Generic[ItemT]):
    """The members of a JSON object that is to become an item of one kind."""

    def __init__(self, model: type[ItemT], members: Mapping[str, Any]) -> None:
        self._model = model
        self._members = members
        self._holder = _holder_of_attributes(model, members)
        self._attributes: Mapping[str, Any] = _object(_object(self._holder).get("attributes"))

    def read(
        self, envelope: Mapping[str, Any], catalog: ItemsNamed
    ) -> tuple[ItemT, dict[str, AnyItem]]:
        """The item, and the items that it refers to by their ids. Raises `InvalidFields`.

        `envelope` are the members that callers do not set, and what stands for those left out.
        """
        known = {field.alias or name for name, field in self._model.model_fields.items()}
        known -= WRITTEN_BY_US
        errors = [
            FieldError(name, "unknown_member", f"{name} is not a member known here")
            for name in self._members
            if name not in known
        ]
        path = "data.attributes" if issubclass(self._model, ForSale) else "attributes"
        errors += attributes.contradictions(self._attributes, path)
        members = {**envelope, **{n: v for n, v in self._suffixed().items() if n in known}}
        members["path"] = f"{KINDS[self._model.catalog_kind].folder}{members.get('name')}"
        references = References()
        item = self._parsed(members, references, errors)
        if not references.wanted:
            return item, {}
        found = catalog.resolve(references.wanted)
        item = self._parsed(members, References(found), ())
        return item, {one.id: one for one in found.values()}

    def refuse(self, faults: Iterable[FieldError]) -> None:
        """Raises `InvalidFields` if there are any."""
        found = list(faults)
        if found:
            raise self._refusal(found)

    def _refusal(self, faults: Iterable[FieldError]) -> InvalidFields:
        return InvalidFields(
            fault._replace(field=attributes.as_written(fault.field, self._attributes))
            for fault in islice(faults, _MOST_FAULTS)
        )

    def _parsed(
        self, members: Mapping[str, Any], references: References, errors: Sequence[FieldError]
    ) -> ItemT:
        try:
            item = self._model.model_validate(
                members, extra="forbid", by_alias=True, by_name=False, context=references
            )
        except ValidationError as invalid:
            raise self._refusal(
                [*errors, *map(field_error, invalid.errors(include_url=False))]
            ) from None
        self.refuse(errors)
        return item

    def _suffixed(self) -> Mapping[str, Any]:
        if not self._attributes:
            return self._members
        renamed = {"attributes": attributes.suffixed(self._attributes)}
        if issubclass(self._model, ForSale):
            return {**self._members, "data": {**_object(self._holder), **renamed}}
        return {**self._members, **renamed}


def _holder_of_attributes(model: type[Item], members: Mapping[str, Any]) -> Any:
    if issubclass(model, ForSale):
        return members.get("data")
    return members if issubclass(model, Product) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
