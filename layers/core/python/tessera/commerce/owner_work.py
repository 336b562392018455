"""What is left to be done for an owner, and when the sweep may take it up.

Owners with something left are in the index `due` under `owner#{0–3}`, by the instant: whoever began
has a minute to end it. A merged owner is looked at once more after ten minutes.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from tessera import clock
from tessera.commerce.entitlements import Ownership

PARTITIONS = tuple(f"owner#{shard}" for shard in range(4))

_BEGINNERS_TIME = timedelta(minutes=1)
_INDEXES_SETTLE = timedelta(minutes=10)
"""An index shows a row a moment after it was written, in bad times minutes."""


class DueOwner(NamedTuple):
    id: str
    at: str


def due_at(ownership: Ownership) -> datetime | None:
    owner, merge = ownership.owner, ownership.merge
    is_source = merge is not None and merge.source == owner.id and not merge.is_settled
    match owner.status:
        case "merging" if is_source:
            return owner.updated + _BEGINNERS_TIME
        case "merged" if is_source:
            return owner.updated + _INDEXES_SETTLE
        case "active" if ownership.unannounced:
            return owner.updated + _BEGINNERS_TIME
    return None


def due_keys(ownership: Ownership) -> dict[str, str]:
    at = due_at(ownership)
    if at is None:
        return {}
    shard = int(ownership.owner.id[-1], 16) % len(PARTITIONS)
    return {"due_pk": PARTITIONS[shard], "due_at": clock.instant(at)}
