"""A subscription that Zuora has given to another account: its access goes with it, at once."""

from datetime import date, timedelta

import pytest

from tessera import dynamo, ids
from tessera.commerce.billed import Billed
from tessera.commerce.billed_objects import Moment
from tessera.commerce.commits import Busy, Commit, OwnerBusy, TooManyParts
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import Holding, Order, PendingChange
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import Synced, sync, taken_over
from tessera.commerce.transferring import TransferPending
from tessera.tables import COMMERCE
from tests.builders import (
    NOW,
    TODAY,
    FakeBilling,
    FakeCatalog,
    FakePartners,
    account,
    billed,
    candidate,
)
from tests.commerce.carrying import order
from tests.conftest import Told

SUB = "sub-ac3a12b67e833080e10b13ca25b84017"
FORMER = ids.owner_id_of_account("A00000042")
NEW = ids.owner_id_of_account("A00000077")
LATER = timedelta(days=40)
MOVED = billed(version=2, account=account("A00000077"))


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    return CommerceTable(tables["Commerce"], tables["Events"])


def run(owners: CommerceTable, known: Billed, later: timedelta = timedelta(0)) -> Synced:
    return sync(
        known.number,
        billing=FakeBilling(known),
        catalog=FakeCatalog(candidate()),
        partners=FakePartners(),
        owners=owners,
        now=NOW + later,
        today=TODAY + later,
        mode="test",
    )


def holding_in(owners: CommerceTable) -> Holding:
    found = owners.holding(SUB)
    assert found is not None
    return found


def ownership_in(owners: CommerceTable, owner: str) -> Ownership:
    found = owners.ownership(owner)
    assert found is not None
    return found


def change_of(owners: CommerceTable, status: str) -> Order:
    """A change of the subscription's former owner, under way or done, to take effect in June."""
    placed = order("cancel_subscription").model_copy(
        update={"owner": FORMER, "status": status, "subscriptions": (SUB,)}
    )
    pending = PendingChange(
        order=placed.id, order_type="cancel_subscription", effective_date=date(2026, 6, 2)
    )
    before = holding_in(owners)
    data = before.data.model_copy(
        update={"pending_change": pending, "cancel_date": date(2026, 6, 2)}
    )
    ownership = ownership_in(owners, FORMER)
    owners.commit(
        Commit(
            ownership=ownership,
            seen=ownership.owner.updated,
            creates=[placed],
            replaces=[before.model_copy(update={"data": data})],
        )
    )
    return placed


def test_everything_that_hangs_from_it_is_the_new_owners(owners: CommerceTable) -> None:
    run(owners, billed())

    assert run(owners, MOVED, LATER) == Synced(id=SUB, owner=NEW)

    rows = dynamo.query("Commerce", COMMERCE, SUB).rows
    assert len(rows) > 10
    assert {(row["owner"], row["customer"]) for row in rows} == {
        (NEW, ids.customer_id("A00000077"))
    }
    assert [one.id for one in owners.holdings_of(NEW)] == [SUB]
    assert owners.holdings_of(FORMER) == []


def test_access_is_taken_from_one_and_given_to_the_other(owners: CommerceTable, told: Told) -> None:
    run(owners, billed())
    before = len(told())

    run(owners, MOVED, LATER)

    said = {
        event.owner: event.snapshot["entitlements"]
        for event in told("entitlements.updated")
        if event.created_at >= NOW + LATER
    }
    assert said == {FORMER: [], NEW: [{"code": "W2"}]}
    assert len(told()) == before + 5
    assert "subscription.updated" in [event.type for event in told() if event.owner == NEW]
    assert ownership_in(owners, FORMER).held == ()
    assert [one.id for one in ownership_in(owners, NEW).held] == [SUB]


def test_a_repeat_changes_nothing_more(owners: CommerceTable, told: Told) -> None:
    run(owners, billed())
    run(owners, MOVED, LATER)
    before = (holding_in(owners), ownership_in(owners, FORMER), len(told()))

    run(owners, MOVED, LATER + timedelta(hours=1))

    assert (holding_in(owners), ownership_in(owners, FORMER), len(told())) == before


def test_it_can_be_given_back(owners: CommerceTable) -> None:
    run(owners, billed())
    run(owners, MOVED, LATER)

    run(owners, billed(version=3), LATER + timedelta(days=1))

    assert holding_in(owners).owner == FORMER
    assert ownership_in(owners, NEW).held == ()
    assert [one.said.codes for one in ownership_in(owners, FORMER).held] == [("W2",)]


def test_what_was_announced_for_a_day_to_come_is_taken_back(
    owners: CommerceTable, told: Told
) -> None:
    ahead = billed(start=TODAY + LATER, version=1)
    run(owners, ahead)
    run(owners, ahead._replace(version=2, account=account("A00000077")), timedelta(days=1))

    bodies = [one.snapshot for one in told("entitlements.updated") if one.owner == FORMER]
    assert bodies[-1]["entitlements"] == []
    assert "effectiveDate" not in bodies[-1]


@pytest.mark.parametrize("status", ["submitted", "processing"])
def test_waits_for_an_order_of_the_former_owner(
    owners: CommerceTable, status: str, told: Told
) -> None:
    run(owners, billed())
    placed = change_of(owners, status)
    before = len(told())

    with pytest.raises(TransferPending, match=placed.id):
        run(owners, MOVED, LATER)

    assert holding_in(owners).owner == FORMER
    assert len(told()) == before


def test_an_order_that_ends_hands_nothing_over_whatever_is_pending(owners: CommerceTable) -> None:
    run(owners, billed())

    with pytest.raises(TransferPending, match="order-of-another"):
        taken_over(
            MOVED,
            catalog=FakeCatalog(candidate()),
            partners=FakePartners(),
            owners=owners,
            moment=Moment(NOW + LATER, TODAY + LATER, "test"),
            finishing="order-of-another",
        )


def test_an_older_reading_is_passed_over_also_while_an_order_is_carried_out(
    owners: CommerceTable,
) -> None:
    run(owners, billed(version=3))
    change_of(owners, "processing")
    before = holding_in(owners)

    assert run(owners, MOVED, LATER) == Synced(id=SUB, owner=FORMER)

    assert holding_in(owners) == before


def test_a_change_that_is_complete_goes_with_it(owners: CommerceTable) -> None:
    run(owners, billed())
    change_of(owners, "complete")

    run(owners, MOVED._replace(cancel_date=date(2026, 6, 2)), LATER)

    holding = holding_in(owners)
    assert holding.owner == NEW
    assert holding.data.pending_change is not None
    assert holding.data.cancel_date == date(2026, 6, 2)


def test_an_owner_that_is_being_merged_is_waited_for(owners: CommerceTable) -> None:
    run(owners, billed())
    former = ownership_in(owners, FORMER)
    owner = former.owner.model_copy(
        update={"status": "merging", "updated": NOW + timedelta(minutes=1)}
    )
    merging = former.model_copy(update={"owner": owner})
    owners.commit(Commit(ownership=merging, seen=former.owner.updated))

    with pytest.raises(OwnerBusy):
        run(owners, MOVED, LATER)


def test_what_another_writes_meanwhile_is_never_overwritten(owners: CommerceTable) -> None:
    class Overtaken:
        """Each time the subscription was read, somebody writes it for its former owner."""

        def __getattr__(self, name: str) -> object:
            return getattr(owners, name)

        def holding(self, subscription: str) -> Holding | None:
            found = owners.holding(subscription)
            assert found is not None
            former = ownership_in(owners, FORMER)
            later = {"updated": former.owner.updated + timedelta(seconds=1)}
            owner = former.owner.model_copy(update=later)
            owners.commit(
                Commit(
                    ownership=former.model_copy(update={"owner": owner}),
                    seen=former.owner.updated,
                    replaces=[found.model_copy(update=later)],
                )
            )
            return found

    run(owners, billed())

    with pytest.raises(Busy):
        run(Overtaken(), MOVED, LATER)  # type: ignore[arg-type]

    assert holding_in(owners).owner == FORMER


def test_nothing_stays_behind_when_it_is_too_much_for_one_transaction(
    owners: CommerceTable,
) -> None:
    run(owners, billed())
    (row, *_) = dynamo.query("Commerce", COMMERCE, SUB, begins="schedule-").rows
    for n in range(90):
        more = {"id": f"schedule-{n:032x}", "sk": f"schedule-{n:032x}"}
        dynamo.write(dynamo.put("Commerce", {**row, **more}))

    with pytest.raises(TooManyParts):
        run(owners, MOVED, LATER)

    assert {row["owner"] for row in dynamo.query("Commerce", COMMERCE, SUB).rows} == {FORMER}
