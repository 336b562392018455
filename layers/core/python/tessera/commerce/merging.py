"""One owner becomes part of another: everything it has moves, and all who listen are told.

Both are `merging` from the first commit to the last: they are read as ever, and written by the
merge alone. In between, what the source has moves in transactions of a bounded size, each of which
may be the last one of a process that dies: whoever looks next sees what is left. Identities move in
the last commit, together with the entitlements, so that at every moment who asks for a person's
access finds all of it. Source: README, "Merging owners".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Protocol

from pydantic import ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from tessera import clock
from tessera.commerce.announcing import announce_rest, entitled
from tessera.commerce.commits import Commit, Outdated, OwnerBusy, decided
from tessera.commerce.entitlements import Announcements, Held, Merge, OwnedCustomer, Ownership
from tessera.commerce.models import Identity
from tessera.errors import InvalidFields, NotFound, invalid
from tessera.objects import Model, compact_json

_ANNOUNCED_AT_ONCE = 20
"""Beside two owners and fifty identities, two events each fit into one transaction."""
_MOST_IDENTITIES = 50
_LARGEST_OWNER = 350_000
"""Bytes. An owner's row holds all that is announced of it, and DynamoDB takes 400 KB."""
_MOST_HOPS = 20
_LONGEST_ID = 60


Row = Mapping[str, Any]


class OwnerChange(Model):
    """What is asked for: `{"sourceId": "id-…", "destinationId": "id-…", "message": "why"}`."""

    model_config = ConfigDict(alias_generator=to_camel)

    source_id: str
    destination_id: str
    message: Annotated[str, StringConstraints(max_length=500)] | None = None


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def belongings(self, owner: str) -> Iterator[Sequence[Row]]:
        """All that hangs from an owner but its identities, in parts that move together."""

    def move(self, rows: Sequence[Row], *, source: str, to: str, at: datetime) -> None:
        """Raises `Outdated` when one of them is not the source's any more."""

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


Now = Callable[[], datetime]
MayGoOn = Callable[[], bool]


def merge(
    wanted: OwnerChange, *, owners: Owners, now: Now, today: date, may_go_on: MayGoOn
) -> bool:
    """Begins the merge, or goes on with it; is it done? What is left is `resume`'s.

    A repeat is done already. Raises `NotFound`, `InvalidFields`, `OwnerBusy`, `Busy`.
    """
    decided(lambda: _begin(wanted, owners, now()))
    return resume(
        wanted.source_id, owners=owners, now=now, today=today, may_go_on=may_go_on
    ) and announce_rest(
        wanted.destination_id, owners=owners, now=now(), today=today, may_go_on=may_go_on
    )


def resume(source: str, *, owners: Owners, now: Now, today: date, may_go_on: MayGoOn) -> bool:
    """Ends a merge that was begun, if there is time; is it done?"""
    while True:
        ownership = owners.ownership(source)
        if ownership is None or ownership.merge is None or ownership.owner.status != "merging":
            return True
        try:
            if not _move_all(ownership.merge, owners, now, may_go_on):
                return False
            _finish(ownership, owners, now(), today)
        except Outdated:
            # Another one works at the same merge: what it has done need not be done again.
            if not may_go_on():
                return False


def settle(source: str, *, owners: Owners, now: Now) -> None:
    """Moves what an index had not shown when the merge ended."""
    ownership = owners.ownership(source)
    if ownership is None or ownership.merge is None or ownership.owner.status != "merged":
        return
    survivor = _survivor(ownership.merge.destination, owners)
    _move_all(ownership.merge.model_copy(update={"destination": survivor}), owners, now)
    owner = ownership.owner
    settled = ownership.model_copy(
        update={"merge": ownership.merge.model_copy(update={"is_settled": True})}
    )
    owners.commit(Commit(ownership=settled, seen=owner.updated, merges=True))


def _begin(wanted: OwnerChange, owners: Owners, now: datetime) -> None:
    if wanted.source_id == wanted.destination_id:
        raise invalid("destinationId", "An owner cannot be merged into itself.")
    source = _known(wanted.source_id, owners)
    destination = _known(wanted.destination_id, owners)
    merge = Merge(
        source=wanted.source_id, destination=wanted.destination_id, message=wanted.message
    )
    if source.owner.merged_into == destination.owner.id or _is_same(source.merge, merge):
        return
    for field, one in (("sourceId", source), ("destinationId", destination)):
        if one.owner.status == "merging":
            raise OwnerBusy(f"{one.owner.id} is in another merge. Try again in a minute.")
        if one.owner.status != "active":
            raise _has_become_another(field, one)
    _check_size(source, destination)
    owners.commit(
        Commit(
            ownership=_merging(destination, merge, now),
            seen=destination.owner.updated,
            ceding=(_merging(source, merge, now), source.owner.updated),
        )
    )


def _known(id: str, owners: Owners) -> Ownership:
    found = owners.ownership(id)
    if found is None:
        raise NotFound(f"There is no owner {id[:_LONGEST_ID]}.", code="not_found")
    return found


def _is_same(under_way: Merge | None, merge: Merge) -> bool:
    return under_way is not None and (under_way.source, under_way.destination) == (
        merge.source,
        merge.destination,
    )


def _has_become_another(field: str, ownership: Ownership) -> InvalidFields:
    survivor = ownership.owner.merged_into or ownership.owner.replaced_by
    return invalid(field, f"{field}: this owner has become {survivor}.", owner=survivor)


def _check_size(source: Ownership, destination: Ownership) -> None:
    if len(source.identities) + len(destination.identities) > _MOST_IDENTITIES:
        raise invalid(
            "sourceId",
            f"Together they have more than {_MOST_IDENTITIES} identities. Detach some first.",
        )
    size = sum(len(compact_json(one.model_dump(mode="json"))) for one in (source, destination))
    if size > _LARGEST_OWNER:
        raise invalid("sourceId", "Together they have more subscriptions than one owner can hold.")


def _merging(ownership: Ownership, merge: Merge, now: datetime) -> Ownership:
    at = clock.after(ownership.owner.updated, now)
    owner = ownership.owner.model_copy(update={"status": "merging", "updated": at})
    return ownership.model_copy(update={"owner": owner, "merge": merge})


def _move_all(merge: Merge, owners: Owners, now: Now, may_go_on: MayGoOn = lambda: True) -> bool:
    for rows in owners.belongings(merge.source):
        if not may_go_on():
            return False
        owners.move(rows, source=merge.source, to=merge.destination, at=now())
    return True


def _finish(source: Ownership, owners: Owners, now: datetime, today: date) -> None:
    """The last commit: identities and entitlements move, and all is announced."""
    assert source.merge is not None  # noqa: S101  # the caller has looked
    destination = owners.ownership(source.merge.destination)
    if destination is None or not _is_same(destination.merge, source.merge):
        raise Outdated
    latest = max(source.owner.updated, destination.owner.updated)
    owner = destination.owner.model_copy(update={"status": "active", "updated": latest})
    joined = destination.model_copy(
        update={
            "owner": owner,
            "merge": None,
            "sequence": max(source.sequence, destination.sequence),
            "announced": max(
                (at for at in (source.announced, destination.announced) if at), default=None
            ),
            "customers": _all_customers(destination, source),
            "held": _all_held(destination, source),
        }
    )
    telling = Announcements(joined, now=now, today=today)
    identities = [
        one.model_copy(update={"owner": owner.id, "updated": clock.after(one.updated, telling.now)})
        for one in source.identities
    ]
    merged = _merged(source, telling.now)
    announced = entitled(joined, today)
    telling.becomes(
        joined.model_copy(
            update={
                "identities": _oldest_first([*destination.identities, *identities]),
                "unannounced": announced[_ANNOUNCED_AT_ONCE:],
            }
        )
    )
    telling.tell("owner.merged", merged.owner.wire())
    for subscription in announced[:_ANNOUNCED_AT_ONCE]:
        telling.entitlements(subscription)
    owners.commit(
        Commit(
            ownership=telling.ownership,
            seen=destination.owner.updated,
            replaces=identities,
            events=telling.events,
            ceding=(merged, source.owner.updated),
            merges=True,
        )
    )


def _merged(source: Ownership, at: datetime) -> Ownership:
    assert source.merge is not None  # noqa: S101  # the caller has looked
    owner = source.owner.model_copy(
        update={"status": "merged", "merged_into": source.merge.destination, "updated": at}
    )
    nothing: dict[str, tuple[()]] = dict.fromkeys(
        ("identities", "held", "customers", "unannounced"), ()
    )
    return source.model_copy(update={"owner": owner, **nothing})


def _all_customers(first: Ownership, second: Ownership) -> tuple[OwnedCustomer, ...]:
    return (*first.customers, *second.customers)


def _all_held(first: Ownership, second: Ownership) -> tuple[Held, ...]:
    """Oldest subscription first, as one owner's always are."""
    return tuple(sorted((*first.held, *second.held), key=lambda one: one.start))


def _oldest_first(identities: Sequence[Identity]) -> tuple[Identity, ...]:
    return tuple(sorted(identities, key=lambda one: one.created))


def _survivor(owner: str, owners: Owners) -> str:
    """What the owner has become by now, through any number of merges."""
    for _ in range(_MOST_HOPS):
        ownership = owners.ownership(owner)
        if ownership is None or ownership.owner.merged_into is None:
            break
        owner = ownership.owner.merged_into
    return owner
