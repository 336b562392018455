"""Going on with what somebody began for an owner and did not end: merges, announcements."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Protocol

from tessera.commerce import merging
from tessera.commerce.announcing import announce_rest
from tessera.commerce.owner_work import DueOwner

_KEPT_FROM_OTHERS = timedelta(minutes=5)


class Owners(merging.Owners, Protocol):
    def due_owners(self, now: datetime) -> Iterator[DueOwner]:
        """Those that have waited long enough for whoever began."""

    def take_up(self, due: DueOwner, until: datetime) -> bool:
        """Keeps the owner from the next turns; false when somebody was faster."""


def resume_all(
    *,
    owners: Owners,
    now: Callable[[], datetime],
    today: date,
    may_go_on: Callable[[], bool],
) -> dict[str, int]:
    """One turn: takes up each owner that is due, as long as there is time.

    One whose turn fails is left alone for some minutes, so that the others have theirs.
    """
    counted = {"resumed": 0, "ended": 0}
    for due in owners.due_owners(now()):
        if not may_go_on():
            break
        if not owners.take_up(due, now() + _KEPT_FROM_OTHERS):
            continue
        counted["resumed"] += 1
        counted["ended"] += _resume(due.id, owners, now, today, may_go_on)
    return counted


def _resume(
    id: str,
    owners: Owners,
    now: Callable[[], datetime],
    today: date,
    may_go_on: Callable[[], bool],
) -> bool:
    """Is nothing left?"""
    ownership = owners.ownership(id)
    status = ownership.owner.status if ownership else None
    if status == "merging":
        return merging.resume(id, owners=owners, now=now, today=today, may_go_on=may_go_on)
    if status == "merged":
        merging.settle(id, owners=owners, now=now)
        return True
    return announce_rest(id, owners=owners, now=now(), today=today, may_go_on=may_go_on)
