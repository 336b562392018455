"""What one change writes, and what it means when it cannot be written."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from tessera.commerce.entitlements import Ownership
from tessera.errors import Conflict
from tessera.events import Event
from tessera.objects import Record

Decided = TypeVar("Decided")
_TRIES = 4


class Outdated(Exception):
    """What was read has changed meanwhile: read again and decide again."""


class Exists(Exception):
    """Another commit has created this object; `id` says which."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


class Commit(NamedTuple):
    """All that one change writes, in one transaction."""

    ownership: Ownership
    seen: datetime | None
    """`updated` of the owner as it was read; none for a new owner."""
    creates: Sequence[Record] = ()
    """Objects that must not exist yet."""
    replaces: Sequence[Record] = ()
    """Objects of this owner, new or not."""
    removes: Sequence[Record] = ()
    """Objects of this owner that shall be gone."""
    events: Sequence[Event] = ()
    ceding: tuple[Ownership, datetime] | None = None
    """The owner that cedes to this one all it has, or a part of it, and when it was read."""
    merges: bool = False
    """It belongs to a merge of these owners, which every other commit has to wait for."""
    expects: Mapping[str, datetime] = MappingProxyType({})
    """`updated` of objects among `replaces` as they were read, by id: for those that were read
    before their owner was, as only they tell whose they are."""
    attempt: int | None = None
    """Of the order among `replaces` as it was read: whoever lost its lease writes nothing."""


class OwnerBusy(Conflict):
    title = "The owner is being merged"


class TooManyParts(Conflict):
    title = "The subscription holds more than one transaction can change"


class Busy(Conflict):
    title = "Somebody else is changing this"


def decided(decide: Callable[[], Decided]) -> Decided:
    """Reads, decides and commits by `decide`, again when another commit came between.

    Raises `Busy` when that happened four times over.
    """
    for _ in range(_TRIES):
        try:
            return decide()
        except (Outdated, Exists):
            continue
    raise Busy("This owner is being changed by others at this moment. Send the request again.")
