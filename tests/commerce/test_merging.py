"""A merge of two owners, interrupted anywhere: nothing is lost, nothing is doubled."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera import aws, clock, dynamo, ids
from tessera.commerce.commits import Commit, Outdated, OwnerBusy
from tessera.commerce.entitlements import Held, OwnedCustomer, Ownership, Span
from tessera.commerce.merge_store import MergeTable
from tessera.commerce.merging import OwnerChange, merge
from tessera.commerce.models import Identity, IdentityData, Owner
from tessera.commerce.owner_work import DueOwner, due_at
from tessera.commerce.resuming import resume_all
from tessera.errors import InvalidFields, NotFound
from tessera.events import Event
from tessera.identity.claims import IdToken
from tessera.identity.external import NewIdentity, attach
from tessera.tables import COMMERCE, EVENTS, TRANSACTION_LIMIT
from tests.builders import (
    NOW,
    TODAY,
    NoLabels,
    account,
)
from tests.commerce.synced import synced
from tests.conftest import definition

SOURCE = ids.owner_id_of_account("A00000099")
DESTINATION = ids.owner_id_of_account("A00000042")
CHANGE = OwnerChange(source_id=SOURCE, destination_id=DESTINATION, message="One person")
LATER = NOW + timedelta(hours=1)


class Killed(Exception):
    """The process died."""


class Mortal(MergeTable):
    """Dies after its n-th write."""

    writes = 0
    lives = 1_000

    def commit(self, change: Commit, *, beside: Sequence[dynamo.Write] = ()) -> None:
        super().commit(change, beside=beside)
        self._wrote()

    def move(
        self, rows: Sequence[Mapping[str, Any]], *, source: str, to: str, at: datetime
    ) -> None:
        super().move(rows, source=source, to=to, at=at)
        self._wrote()

    def _wrote(self) -> None:
        self.writes += 1
        if self.writes == self.lives:
            raise Killed


def made(n: int) -> Mortal:
    """Two owners in tables of their own: three subscriptions, two identities."""
    owners = _empty(n)
    for table, rows in _two_owners().items():
        for row in rows:
            aws.client("dynamodb").put_item(TableName=f"{table}{n}", Item=row)
    return owners


def _empty(n: int) -> Mortal:
    for table in (COMMERCE, EVENTS):
        name = f"{table.name}{n}"
        aws.client("dynamodb").create_table(**{**definition(table), "TableName": name})
    return Mortal(f"Commerce{n}", f"Events{n}")


@cache
def _two_owners() -> dict[str, list[dict[str, Any]]]:
    """Their rows, made once: the tests differ in what comes after."""
    owners = _empty(999)
    for number, of in (
        ("A-S00000271", "A00000042"),
        ("A-S00000991", "A00000099"),
        ("A-S00000992", "A00000099"),
    ):
        synced(owners, number, account=account(of))
    for owner, subject in ((DESTINATION, "auth0|one"), (SOURCE, "auth0|two")):
        attach(
            NewIdentity(id_token=IdToken(iss="limio.us.auth0.com", sub=subject)),
            to=owner,
            owners=owners,
            labels=NoLabels(),
            now=NOW,
            today=TODAY,
        )
    scan = aws.client("dynamodb").scan
    return {name: scan(TableName=f"{name}999")["Items"] for name in ("Commerce", "Events")}


def run(owners: MergeTable, change: OwnerChange = CHANGE) -> bool:
    return merge(change, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: True)


def sweep(owners: MergeTable, at: datetime) -> dict[str, int]:
    return resume_all(owners=owners, now=lambda: at, today=TODAY, may_go_on=lambda: True)


def stored(table: str) -> list[dict[str, Any]]:
    pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    rows = [dynamo.row_of(row) for page in pages for row in page["Items"]]
    return sorted(rows, key=lambda row: (row["pk"], row["sk"]))


def told(n: int) -> list[tuple[Any, ...]]:
    """What was announced to whom, by sequence; ids of events are random."""
    rows = stored(f"Events{n}")
    facts = [(r["owner"], r["sequence"], r["type"], r["snapshot"]) for r in rows]
    return sorted(facts)


@pytest.mark.usefixtures("fake_aws")
def test_a_merge_that_dies_after_any_write_ends_as_if_it_had_not() -> None:
    whole = made(0)
    assert run(whole)
    expected = stored("Commerce0"), told(0)

    for n in range(1, whole.writes + 1):
        dying = made(n)
        dying.lives = n
        with pytest.raises(Killed):
            run(dying)

        swept = sweep(dying, LATER + timedelta(minutes=2))

        # After the last write nothing is left to be done but the late look, which is not due yet.
        assert swept == {"resumed": n < whole.writes, "ended": n < whole.writes}
        ended = [{**row, **_times(row)} for row in stored(f"Commerce{n}")]
        assert (
            ended,
            [fact[:3] for fact in told(n)],
        ) == ([{**row, **_times(row)} for row in expected[0]], [fact[:3] for fact in expected[1]])


def _times(row: dict[str, Any]) -> dict[str, Any]:
    """The sweep comes two minutes later: its times do."""
    found: dict[str, Any] = {
        name: "later"
        for name in ("updated", "due_at", "announced")
        if str(row.get(name, "")) > "2026-03-02T10"
    }
    if "held" in row:
        found["held"] = [{k: v for k, v in one.items() if k != "updated"} for one in row["held"]]
    if "identities" in row:
        found["identities"] = [{**one, **_times(one)} for one in row["identities"]]
    return found


@pytest.mark.usefixtures("fake_aws")
def test_everything_of_the_source_is_the_destinations() -> None:
    owners = made(0)
    before = {(row["pk"], row["sk"]) for row in stored("Commerce0")}

    assert run(owners)

    rows = stored("Commerce0")
    assert {(row["pk"], row["sk"]) for row in rows} == before
    assert {row["owner"] for row in rows if row["pk"] != SOURCE} == {DESTINATION}
    joined, merged = owners.ownership(DESTINATION), owners.ownership(SOURCE)
    assert joined is not None
    assert merged is not None
    assert (merged.owner.status, merged.owner.merged_into) == ("merged", DESTINATION)
    assert (merged.identities, merged.held, merged.customers) == ((), (), ())
    assert [one.number for one in joined.held] == ["A-S00000271", "A-S00000991", "A-S00000992"]
    assert [one.name for one in joined.identities] == ["auth0|one", "auth0|two"]
    assert len(joined.customers) == 2
    assert len(owners.holdings_of(DESTINATION)) == 3
    assert owners.holdings_of(SOURCE) == []


@pytest.mark.usefixtures("fake_aws")
def test_a_merge_is_told_with_every_subscription_and_goes_on_from_the_greater_sequence() -> None:
    owners = made(0)
    source, destination = owners.ownership(SOURCE), owners.ownership(DESTINATION)
    assert source is not None
    assert destination is not None
    greatest = max(source.sequence, destination.sequence)

    run(owners)

    new = [fact for fact in told(0) if fact[0] == DESTINATION and fact[1] > greatest]
    assert [fact[1] for fact in new] == list(range(greatest + 1, greatest + 5))
    assert [fact[2] for fact in new] == ["owner.merged", *["entitlements.updated"] * 3]
    assert f'"merged_into":"{DESTINATION}"' in new[0][3]
    for fact in new[1:]:
        assert "auth0|one" in fact[3]
        assert "auth0|two" in fact[3]


@pytest.mark.usefixtures("fake_aws")
def test_while_it_is_merged_an_owner_is_read_and_written_by_nobody_else() -> None:
    owners = made(0)
    owners.lives = 1
    with pytest.raises(Killed):
        run(owners)

    reader = MergeTable("Commerce0", "Events0")
    for id in (SOURCE, DESTINATION):
        ownership = reader.ownership(id)
        assert ownership is not None
        assert ownership.owner.status == "merging"
        assert ownership.held
        forced = ownership.model_copy(update={"sequence": 99})
        with pytest.raises(Outdated):
            reader.commit(Commit(ownership=forced, seen=ownership.owner.updated))
    with pytest.raises(OwnerBusy):
        run(reader, OwnerChange(source_id=DESTINATION, destination_id=SOURCE))


@pytest.mark.usefixtures("fake_aws")
def test_what_an_index_showed_too_late_is_moved_by_a_late_look() -> None:
    owners = made(0)
    run(owners)
    left = {"pk": "address-1", "sk": "address-1", "owner": SOURCE, "owner_sk": "address#1"}
    dynamo.write(dynamo.put("Commerce0", {**left, "record_type": "address"}))

    assert sweep(owners, LATER + timedelta(minutes=9)) == {"resumed": 0, "ended": 0}
    assert sweep(owners, LATER + timedelta(minutes=11)) == {"resumed": 1, "ended": 1}
    assert sweep(owners, LATER + timedelta(days=1)) == {"resumed": 0, "ended": 0}

    row = dynamo.get("Commerce0", {"pk": "address-1", "sk": "address-1"})
    assert row is not None
    assert row["owner"] == DESTINATION


@pytest.mark.usefixtures("fake_aws")
def test_announcements_that_were_left_are_made_by_the_sweep() -> None:
    owners = made(0)
    ownership = owners.ownership(DESTINATION)
    assert ownership is not None
    held = [one.id for one in ownership.held]
    owners.commit(
        Commit(
            ownership=ownership.model_copy(update={"unannounced": tuple(held)}),
            seen=ownership.owner.updated,
        )
    )
    before = len(told(0))

    assert sweep(owners, NOW + timedelta(seconds=30)) == {"resumed": 0, "ended": 0}
    assert sweep(owners, NOW + timedelta(minutes=2)) == {"resumed": 1, "ended": 1}

    assert len(told(0)) == before + len(held)
    after = owners.ownership(DESTINATION)
    assert after is not None
    assert after.unannounced == ()
    assert sweep(owners, NOW + timedelta(days=1)) == {"resumed": 0, "ended": 0}


@pytest.mark.usefixtures("fake_aws")
def test_one_turn_takes_an_owner_up_and_the_next_leaves_it_to_it() -> None:
    owners = made(0)
    owners.lives = 1
    with pytest.raises(Killed):
        run(owners)
    at = LATER + timedelta(minutes=2)
    (due,) = owners.due_owners(at)

    assert owners.take_up(due, at + timedelta(minutes=5))
    assert not owners.take_up(due, at + timedelta(minutes=5))
    assert list(owners.due_owners(at)) == []


class Memory:
    """Owners and what hangs from them, in memory, with the conditions of the table."""

    def __init__(self, *ownerships: Ownership, rows: dict[str, str], at_once: int) -> None:
        self.ownerships = {one.owner.id: one for one in ownerships}
        self.rows = rows
        self.identities = {one.id: one for o in ownerships for one in o.identities}
        self.events: list[Event] = []
        self.at_once = at_once
        self.writes_left = 1_000

    def ownership(self, owner: str) -> Ownership | None:
        return self.ownerships.get(owner)

    def belongings(self, owner: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        mine = [{"pk": id} for id, of in sorted(self.rows.items()) if of == owner]
        for start in range(0, len(mine), self.at_once):
            yield mine[start : start + self.at_once]

    def move(
        self, rows: Sequence[Mapping[str, Any]], *, source: str, to: str, at: datetime
    ) -> None:
        if any(self.rows[row["pk"]] != source for row in rows):
            raise Outdated
        self.rows |= {row["pk"]: to for row in rows}
        self._wrote()

    def commit(self, change: Commit) -> None:
        parts = [(change.ownership, change.seen), *([change.ceding] if change.ceding else [])]
        for ownership, seen in parts:
            there = self.ownerships[ownership.owner.id].owner
            if there.updated != seen or not (change.merges or there.status == "active"):
                raise Outdated
        writes = len(parts) + len(change.replaces) + len(change.events)
        assert writes <= TRANSACTION_LIMIT
        for ownership, _ in parts:
            self.ownerships[ownership.owner.id] = ownership
        self.identities |= {one.id: one for one in change.replaces if isinstance(one, Identity)}
        self.events += change.events
        self._wrote()

    def due_owners(self, now: datetime) -> Iterator[DueOwner]:
        for id, ownership in self.ownerships.items():
            at = due_at(ownership)
            if at is not None and at <= now:
                yield DueOwner(id, clock.instant(at))

    def take_up(self, due: DueOwner, until: datetime) -> bool:
        return True

    def _wrote(self) -> None:
        self.writes_left -= 1
        if self.writes_left == 0:
            raise Killed


def _owning(
    id: str, subscriptions: int, identities: int, sequence: int, updated: datetime = NOW
) -> Ownership:
    return Ownership(
        owner=Owner(id=id, created=NOW, updated=updated),
        sequence=sequence,
        identities=tuple(
            Identity(
                id=f"xid-{id}-{n}",
                owner=id,
                created=NOW,
                updated=NOW,
                data=IdentityData(iss="limio.us.auth0.com", sub=f"{id}-{n}"),
            )
            for n in range(identities)
        ),
        held=tuple(
            Held(
                id=f"sub-{id}-{n}",
                number=f"{id}-{n}",
                start=TODAY,
                spans=(Span(start=TODAY, codes=("W2",)),),
            )
            for n in range(subscriptions)
        ),
        customers=(OwnedCustomer(id=f"cus-{id}"),),
    )


@given(
    st.tuples(st.integers(0, 60), st.integers(0, 60)),
    st.tuples(st.integers(0, 25), st.integers(0, 25)),
    st.tuples(st.integers(1, 500), st.integers(1, 500)),
    st.tuples(st.integers(0, 120), st.integers(0, 120)),
    st.integers(1, 9),
    st.lists(st.integers(1, 12), max_size=4),
)
def test_however_often_it_dies_nothing_is_lost_and_nothing_doubled(
    subscriptions: tuple[int, int],
    identities: tuple[int, int],
    sequences: tuple[int, int],
    minutes: tuple[int, int],
    at_once: int,
    deaths: list[int],
) -> None:
    """Nor does a time go back, whoever's clock was ahead."""
    updated = [NOW + timedelta(minutes=one) for one in minutes]
    both = [
        _owning(id, subscriptions[n], identities[n], sequences[n], updated[n])
        for n, id in enumerate((SOURCE, DESTINATION))
    ]
    rows = {held.id: one.owner.id for one in both for held in one.held}
    rows |= {customer.id: one.owner.id for one in both for customer in one.customers}
    owners = Memory(*both, rows=dict(rows), at_once=at_once)
    at = LATER
    # A clock two hours ahead puts both off, the end of the merge and what is announced after it.
    for death in (*deaths, *[1_000] * 5):
        owners.writes_left = death
        try:
            if at == LATER:
                merge(
                    CHANGE,
                    owners=owners,
                    now=lambda: LATER,
                    today=TODAY,
                    may_go_on=lambda: True,
                )
            else:
                here = at
                resume_all(owners=owners, now=lambda: here, today=TODAY, may_go_on=lambda: True)  # noqa: B023
        except Killed:
            pass
        at += timedelta(hours=1)

    merged, joined = owners.ownerships[SOURCE], owners.ownerships[DESTINATION]
    assert (merged.owner.status, joined.owner.status) == ("merged", "active")
    assert set(owners.rows.values()) <= {DESTINATION}
    assert sorted(one.id for one in joined.held) == sorted(h.id for o in both for h in o.held)
    assert {one.owner for one in owners.identities.values()} <= {DESTINATION}
    assert set(joined.identities) == set(owners.identities.values())
    assert joined.unannounced == ()
    numbered = [event.sequence for event in owners.events]
    assert numbered == list(range(max(sequences) + 1, max(sequences) + 1 + len(numbered)))
    assert [event.type for event in owners.events].count("owner.merged") == 1
    last = {event.subscription: event for event in owners.events if event.subscription}
    assert len(last) == len(owners.events) - 1 == sum(subscriptions)
    for event in last.values():
        assert len(event.snapshot["identities"]) == sum(identities)
    instants = [event.created_at for event in owners.events[1:]]
    assert instants == sorted(set(instants))
    assert owners.events[0].created_at > max(updated)


@pytest.mark.parametrize(
    ("source", "destination", "field"),
    [(SOURCE, SOURCE, "destinationId"), ("gone", DESTINATION, "sourceId")],
    ids=["itself", "replaced"],
)
def test_what_cannot_be_merged_is_refused_and_the_field_named(
    source: str, destination: str, field: str
) -> None:
    gone = _owning("gone", 0, 0, 1)
    gone = gone.model_copy(
        update={
            "owner": gone.owner.model_copy(update={"status": "replaced", "replaced_by": "id-3"})
        }
    )
    owners = Memory(
        gone, _owning(SOURCE, 1, 1, 1), _owning(DESTINATION, 1, 1, 1), rows={}, at_once=1
    )
    change = OwnerChange(source_id=source, destination_id=destination)

    with pytest.raises(InvalidFields) as refused:
        merge(change, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: True)

    assert refused.value.errors[0].field == field


def test_what_the_source_had_for_longer_comes_first() -> None:
    earlier = timedelta(days=9)
    source, destination = _owning(SOURCE, 1, 1, 1), _owning(DESTINATION, 1, 1, 1)
    (held,), (login,) = source.held, source.identities
    longer = {
        "held": (held.model_copy(update={"start": TODAY - earlier}),),
        "identities": (login.model_copy(update={"created": NOW - earlier}),),
    }
    owners = Memory(source.model_copy(update=longer), destination, rows={}, at_once=1)

    merge(CHANGE, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: True)

    joined = owners.ownerships[DESTINATION]
    assert [one.id for one in joined.held] == [f"sub-{SOURCE}-0", f"sub-{DESTINATION}-0"]
    assert [one.id for one in joined.identities] == [f"xid-{SOURCE}-0", f"xid-{DESTINATION}-0"]


def test_more_identities_than_one_owner_may_have_are_refused_before_anything_is_written() -> None:
    owners = Memory(_owning(SOURCE, 1, 26, 1), _owning(DESTINATION, 1, 25, 1), rows={}, at_once=1)

    with pytest.raises(InvalidFields, match="more than 50 identities"):
        merge(CHANGE, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: True)

    assert {one.owner.status for one in owners.ownerships.values()} == {"active"}


def test_as_many_identities_as_one_owner_may_have_are_merged() -> None:
    owners = Memory(_owning(SOURCE, 1, 25, 1), _owning(DESTINATION, 1, 25, 1), rows={}, at_once=1)

    merge(CHANGE, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: True)

    assert len(owners.ownerships[DESTINATION].identities) == 50


def test_two_owners_that_no_row_could_hold_together_are_refused() -> None:
    owners = Memory(_owning(SOURCE, 900, 1, 1), _owning(DESTINATION, 900, 1, 1), rows={}, at_once=1)

    with pytest.raises(InvalidFields, match="more subscriptions than one owner can hold"):
        merge(CHANGE, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: True)


def test_an_unknown_owner_is_not_found() -> None:
    owners = Memory(_owning(SOURCE, 1, 1, 1), rows={}, at_once=1)

    with pytest.raises(NotFound):
        merge(CHANGE, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: True)


def test_a_merge_for_which_there_is_no_time_is_left_to_the_sweep() -> None:
    owners = Memory(
        _owning(SOURCE, 3, 1, 1),
        _owning(DESTINATION, 1, 1, 1),
        rows={"sub-1": SOURCE, "sub-2": SOURCE},
        at_once=1,
    )
    minutes = iter([True, False])

    done = merge(
        CHANGE, owners=owners, now=lambda: LATER, today=TODAY, may_go_on=lambda: next(minutes)
    )

    assert not done
    assert sorted(owners.rows.values()) == sorted([SOURCE, DESTINATION])
    assert owners.ownerships[SOURCE].owner.status == "merging"
    later = LATER + timedelta(minutes=2)
    resume_all(owners=owners, now=lambda: later, today=TODAY, may_go_on=lambda: True)
    assert set(owners.rows.values()) == {DESTINATION}
    assert owners.ownerships[SOURCE].owner.status == "merged"
