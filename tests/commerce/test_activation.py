"""On the day: statuses, plans, locks and announcements follow the dates, once."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.commerce.activation import activate, advanced, due_day
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import (
    Alteration,
    EndedOffer,
    Holding,
    Order,
    Owner,
    PendingChange,
    ResizedOffer,
)
from tests.commerce.carrying import (
    NUMBER,
    ORDER,
    OWNER,
    START,
    SUB,
    TODAY,
    MemoryStore,
    Resyncs,
    customer,
    offer,
    order,
    pending,
    subscription,
)

DAY = TODAY + timedelta(days=30)


def stored(holding: Holding, *orders: Order, announced: date | None = None) -> MemoryStore:
    """As its order left it: the set of today told, and that of `announced` ahead."""
    owner = Owner(id=OWNER, created=START, updated=START)
    state = Ownership(owner=owner).owning(customer()).holding(held(holding), TODAY)
    telling = Announcements(state, now=START, today=TODAY)
    telling.becomes(state)
    if announced is None or announced != holding.data.start_date:
        telling.entitlements(SUB)
    if announced is not None:
        telling.entitlements(SUB, day=announced)
    store = MemoryStore(holding, *orders)
    store.ownerships[OWNER] = telling.ownership
    return store


def run(store: MemoryStore, day: date, resyncs: Resyncs | None = None) -> dict[str, Any]:
    now = datetime.fromisoformat(f"{day}T00:00:05+00:00")
    return activate(
        subscriptions=store,
        resyncs=resyncs or Resyncs(),
        now=lambda: now,
        zone="UTC",
        time_left=lambda: 300.0,
    )


def now_held(store: MemoryStore) -> Holding:
    found = store.holding(SUB)
    assert found is not None
    return found


def switch(order_type: str = "change_offer", status: str = "complete") -> tuple[Holding, Order]:
    """A switch ahead from W2 to SKU2, as its order committed it."""
    old = offer("old", end=DAY)
    new = offer("new", status="pending", start=DAY, codes=("SKU2",), name="Digital Annual")
    altered = Alteration(subscription=SUB, day=DAY, adds=(new.id,), ends=(EndedOffer(id=old.id),))
    holding = subscription(old, new, pending_change=pending(order_type, DAY))
    return holding, order(order_type, altered, status=status)


def test_a_switch_takes_effect_on_its_day_and_is_told_again_without_date() -> None:
    holding, placed = switch()
    store = stored(holding, placed, announced=DAY)

    assert run(store, DAY - timedelta(days=1))["activated"] == 0
    assert run(store, DAY)["activated"] == 1

    after = now_held(store)
    assert [(one.data.name, one.status) for one in after.offers] == [
        ("Digital Monthly", "ended"),
        ("Digital Annual", "active"),
    ]
    assert after.data.name == "Digital Annual"
    assert after.data.pending_change is None
    assert store.told == ["subscription.updated", "entitlements.updated"]
    (body,) = store.bodies("entitlements.updated")
    assert "effectiveDate" not in body
    assert body["entitlements"] == [{"code": "SKU2"}]
    assert store.ownerships[OWNER].version == store.events[-1].sequence


def test_what_another_writes_between_two_readings_is_kept() -> None:
    class Overtaken(MemoryStore):
        """Another commit comes after the subscription was read and before its owner is."""

        def ownership(self, owner: str) -> Ownership | None:
            known = self.ownerships[owner]
            if known.owner.updated == START:
                later = {"updated": START + timedelta(seconds=1)}
                now_named = held_now.data.model_copy(update={"cancel_reason": "moved"})
                self.keep(held_now.model_copy(update={"data": now_named, **later}))
                settled = known.owner.model_copy(update=later)
                self.ownerships[owner] = known.model_copy(update={"owner": settled})
            return self.ownerships[owner]

    held_now, placed = switch()
    before = stored(held_now, placed, announced=DAY)
    store = Overtaken(*before.rows.values())
    owner = before.ownerships[OWNER].owner.model_copy(update={"updated": START})
    store.ownerships[OWNER] = before.ownerships[OWNER].model_copy(update={"owner": owner})

    assert run(store, DAY)["activated"] == 1

    after = now_held(store)
    assert after.data.cancel_reason == "moved"
    assert [one.status for one in after.offers] == ["ended", "active"]


def test_running_twice_does_nothing() -> None:
    holding, placed = switch()
    store = stored(holding, placed, announced=DAY)
    run(store, DAY)
    rows, told = dict(store.rows), list(store.told)

    assert run(store, DAY) == {"activated": 0, "waiting": 0, "busy": 0}
    assert (store.rows, store.told) == (rows, told)


def test_a_change_takes_effect_although_its_order_is_still_on_its_way() -> None:
    holding, placed = switch(status="processing")
    store = stored(holding, placed, announced=DAY)

    run(store, DAY)

    after = now_held(store)
    assert [one.status for one in after.offers] == ["ended", "active"]
    assert after.data.pending_change is not None, "its order releases it"
    assert store.bodies("entitlements.updated")[-1]["entitlements"] == [{"code": "SKU2"}]

    assert run(store, DAY)["waiting"] == 1
    assert store.looked_again == {SUB: DAY + timedelta(days=1)}


def test_a_cancellation_ends_the_subscription_and_says_so() -> None:
    holding = subscription(cancel_date=DAY, pending_change=pending("cancel_subscription", DAY))
    store = stored(holding, order("cancel_subscription", status="complete"), announced=DAY)

    run(store, DAY)

    assert now_held(store).status == "cancelled"
    assert store.told == ["subscription.cancelled", "entitlements.updated"]
    assert store.bodies("entitlements.updated")[-1]["entitlements"] == []


def test_a_later_start_begins() -> None:
    new = offer(status="pending", start=DAY)
    holding = subscription(new, status="pending", start_date=DAY)
    store = stored(holding, announced=DAY)

    run(store, DAY)

    assert (now_held(store).status, now_held(store).offers[0].status) == ("active", "active")
    assert store.bodies("entitlements.updated")[-1]["entitlements"] == [{"code": "W2"}]


def test_the_end_of_a_term_that_does_not_renew_is_told_as_it_happens() -> None:
    store = stored(subscription(term_end_date=DAY, auto_renew=False))

    run(store, DAY)

    assert now_held(store).status == "expired"
    assert store.bodies("entitlements.updated")[-1]["entitlements"] == []


def test_the_end_of_a_term_that_renews_has_zuora_asked_and_access_goes_on() -> None:
    store, resyncs = stored(subscription(term_end_date=DAY)), Resyncs()

    assert run(store, DAY, resyncs)["waiting"] == 1

    assert resyncs.asked == [NUMBER]
    assert store.told == []
    assert now_held(store).status == "active"
    assert run(store, DAY, resyncs)["waiting"] == 0
    assert run(store, DAY + timedelta(days=1), resyncs)["waiting"] == 1


def test_a_discount_that_changes_no_set_is_not_told_again() -> None:
    save = offer("save", status="pending", start=DAY, codes=(), record_subtype="discount")
    holding = subscription(offer(), save, pending_change=pending("add_offer", DAY))
    store = stored(holding, order("add_offer", status="complete"), announced=DAY)

    run(store, DAY)

    assert store.told == ["subscription.updated"]
    assert store.ownerships[OWNER].held[0].said_ahead is None


def test_a_quantity_changes_on_its_day() -> None:
    held_offer = offer()
    sizes = (ResizedOffer(id=held_offer.id, before=1, after=7),)
    altered = Alteration(subscription=SUB, day=DAY, resizes=sizes)
    holding = subscription(held_offer, pending_change=pending("update_subscription", DAY))
    store = stored(holding, order("update_subscription", altered, status="complete"))

    run(store, DAY)

    assert now_held(store).offers[0].data.quantity == 7
    assert now_held(store).data.quantity == 7
    assert "entitlements.updated" not in store.told


def test_zuora_is_asked_for_a_renewal_on_the_day_of_another_change_as_well() -> None:
    holding, its_order = switch()
    data = holding.data.model_copy(update={"term_end_date": DAY})
    holding = holding.model_copy(update={"data": data})
    store, resyncs = stored(holding, its_order, announced=DAY), Resyncs()

    assert run(store, DAY, resyncs)["activated"] == 1

    assert resyncs.asked == [NUMBER]


@pytest.mark.parametrize("order_type", ["new", "renew"])
def test_what_locks_in_flight_only_is_free_with_its_order(order_type: str) -> None:
    holding = subscription(pending_change=pending(order_type, DAY))
    complete = order(order_type, status="complete")

    after = advanced(holding, complete, today=TODAY, now=START)

    assert after.data.pending_change is None


def test_a_run_without_time_leaves_the_rest_to_the_next() -> None:
    holding, placed = switch()
    store = stored(holding, placed, announced=DAY)

    done = activate(
        subscriptions=store,
        resyncs=Resyncs(),
        now=lambda: datetime.fromisoformat(f"{DAY}T00:00:05+00:00"),
        zone="UTC",
        time_left=lambda: 5.0,
    )

    assert done["outcome"] == "unfinished"
    assert store.told == []


def test_an_owner_who_is_being_merged_is_left_to_the_next_run() -> None:
    holding, placed = switch()
    store = stored(holding, placed, announced=DAY)
    state = store.ownerships[OWNER]
    merging = state.owner.model_copy(update={"status": "merging"})
    store.ownerships[OWNER] = state.model_copy(update={"owner": merging})

    assert run(store, DAY)["busy"] == 1
    assert store.told == []


def test_the_day_is_that_of_the_business() -> None:
    holding, placed = switch()
    store = stored(holding, placed, announced=DAY)
    evening = datetime.fromisoformat(f"{DAY - timedelta(days=1)}T23:00:05+00:00")

    done = activate(
        subscriptions=store,
        resyncs=Resyncs(),
        now=lambda: evening,
        zone="Europe/Berlin",
        time_left=lambda: 300.0,
    )

    assert done["activated"] == 1


@given(st.integers(min_value=-3, max_value=400), st.booleans(), st.booleans())
def test_what_has_taken_effect_is_due_no_more(after: int, cancels: bool, renews: bool) -> None:
    """Save for what waits for its order, or for the billing system."""
    holding, placed = switch()
    cancel = DAY + timedelta(days=60) if cancels else None
    data = holding.data.model_copy(update={"cancel_date": cancel, "auto_renew": renews})
    holding = holding.model_copy(update={"data": data})
    today = TODAY + timedelta(days=after)

    done = advanced(holding, placed, today=today, now=START)

    day = due_day(done)
    awaits = renews and not cancels and today >= date(2027, 11, 21)
    assert day is None or day > today or awaits
    assert advanced(done, placed, today=today, now=START) == done


def test_nothing_is_due_of_what_has_ended() -> None:
    assert due_day(subscription(offer(status="cancelled"), status="cancelled")) is None


def test_the_first_of_all_days_is_due() -> None:
    change = PendingChange(order=ORDER, order_type="change_offer", effective_date=DAY)
    early = offer("early", end=DAY - timedelta(days=3))

    assert due_day(subscription(early, pending_change=change)) == DAY - timedelta(days=3)
    assert due_day(subscription(pending_change=change)) == DAY
    assert due_day(subscription()) == date(2027, 11, 21)
    evergreen = subscription(term_type="EVERGREEN", term_end_date=None)
    assert due_day(evergreen) is None
    assert due_day(subscription(term_type="EVERGREEN")) is None


@pytest.mark.parametrize(
    ("in_zuora", "due"),
    [("Active", DAY), ("Pending Activation", None), ("Pending Acceptance", None)],
)
def test_one_that_begins_later_is_due_on_its_day_unless_it_awaits_somebody(
    in_zuora: str, due: date | None
) -> None:
    holding = subscription(status="pending", term_type="EVERGREEN", start_date=DAY)
    zuora = holding.data.zuora.model_copy(update={"status": in_zuora})
    data = holding.data.model_copy(update={"zuora": zuora})

    assert due_day(holding.model_copy(update={"data": data})) == due


def test_a_change_whose_order_is_not_there_any_more_takes_effect_and_locks_nothing() -> None:
    holding, _ = switch()

    done = advanced(holding, None, today=DAY, now=START)

    assert done.data.pending_change is None
    assert [one.status for one in done.offers] == ["ended", "active"]
