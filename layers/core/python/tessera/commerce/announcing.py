"""Telling of every subscription of an owner: what one transaction has no room for comes after it.

The rest is noted in the owner's row, and taken up again by `resume_owners` should whoever began
not end it.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from tessera.commerce.commits import Commit, decided
from tessera.commerce.entitlements import Announcements, Ownership

AT_ONCE = 40
"""Subscriptions whose events, two each at most, fit into one transaction beside a change."""


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


def entitled(ownership: Ownership, today: date) -> tuple[str, ...]:
    """The subscriptions that give something today."""
    return tuple(one.id for one in ownership.held if one.on(today))


def announce_rest(
    owner: str,
    *,
    owners: Owners,
    now: datetime,
    today: date,
    may_go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Announces what is noted, commit by commit; is it all?"""
    while decided(lambda: _announce_some(owner, owners, now, today)):
        if not may_go_on():
            return False
    return True


def _announce_some(owner: str, owners: Owners, now: datetime, today: date) -> bool:
    """Is there more?"""
    ownership = owners.ownership(owner)
    if ownership is None or ownership.owner.status != "active" or not ownership.unannounced:
        # A merge announces everything when it ends.
        return False
    telling = Announcements(ownership, now=now, today=today)
    rest = ownership.unannounced
    telling.becomes(ownership.model_copy(update={"unannounced": rest[AT_ONCE:]}))
    for subscription in rest[:AT_ONCE]:
        if ownership.find(subscription) is not None:
            telling.entitlements(subscription)
    owners.commit(
        Commit(ownership=telling.ownership, seen=ownership.owner.updated, events=telling.events)
    )
    return len(rest) > AT_ONCE
