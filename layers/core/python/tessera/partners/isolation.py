"""What a partner user may see: objects that name the user's own organisation, and nothing else."""

from typing import TypeVar

from tessera.errors import NotFound
from tessera.identity.principal import Partner
from tessera.objects import Record

RecordT = TypeVar("RecordT", bound=Record)


def own(one: RecordT | None, noun: str, *, by: Partner) -> RecordT:
    """What was read, if it carries the organisation itself: its owner's does not count.

    Raises `NotFound` in the same words for what is another's and for what does not exist.
    """
    if one is None or one.partner_org != by.partner_org:
        raise not_found(noun)
    return one


def not_found(noun: str) -> NotFound:
    return NotFound(f"There is no {noun} with this id.", code="not_found")
