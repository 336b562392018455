"""A change of quantity beside a switch: before it, in one order with it, and while it is booked."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera.commerce.activation import advanced
from tessera.commerce.billed import Billed
from tessera.commerce.models import Alteration, EndedOffer, Holding, Order, ResizedOffer
from tessera.commerce.sync import sync
from tessera.commerce.undo import undone
from tests.builders import (
    SUPPORT,
    FakeBilling,
    FakeCatalog,
    FakePartners,
    account,
    billed,
    candidate,
    charge,
    product,
    rate_plan,
)
from tests.commerce import selling
from tests.commerce.carrying import (
    ACCOUNT,
    NUMBER,
    OFFER,
    START,
    SUB,
    TODAY,
    Carrier,
    MemoryStore,
    ScriptedVendor,
    later,
    offer,
    order,
    pending,
    store_with,
    subscription,
)

DAY = TODAY + timedelta(days=30)
GOLD = "8ad0965d000000000000000000000102"
GOLD_OFFER = "offer-b7f683983309ac9bca2045778f70fc80"
SUPPORT_ADD_ON = "addon-7e9e5ac30f2216fd0fd6f5faed316f2d"
CATALOG = FakeCatalog(
    candidate(OFFER),
    candidate(GOLD_OFFER, name="Gold", plans=frozenset({GOLD}), products=(product("SKU2"),)),
    candidate(
        SUPPORT_ADD_ON,
        kind="add_on",
        name="Support",
        plans=frozenset({SUPPORT}),
        products=(product("HELP"),),
    ),
)


def of(id: str, item: str, plan: str, **data: Any) -> Any:
    """A subscription offer of that item of the catalog."""
    one = offer(id, plan=plan, **data)
    item_sold = one.data.offer.model_copy(update={"id": item})
    return one.model_copy(update={"data": one.data.model_copy(update={"offer": item_sold})})


def switched_and_resized() -> tuple[Holding, Order]:
    """One order: a switch booked for a later day, and with it five of an add-on in place of two."""
    old = offer("old", end=DAY)
    new = of("new", GOLD_OFFER, GOLD, status="pending", start=DAY, codes=("SKU2",))
    support = of(
        "support", SUPPORT_ADD_ON, SUPPORT, record_subtype="add_on", quantity=2, codes=("HELP",)
    )
    altered = Alteration(
        subscription=SUB,
        day=DAY,
        adds=(new.id,),
        ends=(EndedOffer(id=old.id),),
        resizes=(ResizedOffer(id=support.id, before=2, after=5),),
    )
    change = pending("update_subscription", DAY)
    return (
        subscription(old, new, support, pending_change=change),
        order("update_subscription", altered),
    )


def plan(id: str, of_plan: str, *, quantity: int = 1, start: date, end: date | None = None) -> Any:
    paid = charge(start=start, end=end, charged_through=None, quantity=quantity)
    return rate_plan(
        id,
        product_rate_plan=of_plan,
        start=start,
        end=end,
        quantity=quantity,
        quantity_from=start,
        charges=(paid,),
    )


def reading(resized_on: date = DAY) -> Billed:
    """Zuora has the order: of a charge that changes it tells the last part only."""
    return billed(
        NUMBER,
        start=TODAY,
        term_start=TODAY,
        term_end=date(2027, 11, 21),
        account=account(ACCOUNT, id="8" * 32),
        plans=(
            plan("plan-1", "8ad0965d000000000000000000000101", start=TODAY, end=DAY),
            plan("plan-2", GOLD, start=DAY),
            plan("plan-3", SUPPORT, quantity=5, start=resized_on),
        ),
    )


def synced(store: MemoryStore, read: Billed, day: date) -> Holding:
    sync(
        NUMBER,
        billing=FakeBilling(read),
        catalog=CATALOG,
        partners=FakePartners(),
        owners=store,
        now=later(day, hours=12),
        today=day,
        mode="test",
    )
    found = store.holding(SUB)
    assert found is not None
    return found


def completed() -> MemoryStore:
    """Zuora has taken it, the subscription was read from there; the day is still to come."""
    holding, placed = switched_and_resized()
    store = store_with(placed, holding)
    zuora = ScriptedVendor(reading())
    carrier = Carrier(store, crm=ScriptedVendor(), billing=zuora, catalog=CATALOG)
    assert carrier.run() == ["completed"]
    return store


def held(store: MemoryStore) -> Holding:
    found = store.holding(SUB)
    assert found is not None
    return found


def test_until_the_day_of_the_switch_there_are_as_many_as_before() -> None:
    store = completed()

    (support,) = held(store).add_ons
    assert (support.data.quantity, support.data.start) == (2, TODAY)
    assert held(store).data.pending_change == pending("update_subscription", DAY)
    again = synced(store, reading(), TODAY)
    assert again.add_ons[0].data.quantity == 2


def test_on_the_day_both_have_happened_and_stay() -> None:
    store = completed()
    placed = store.order(order().id)

    there = advanced(held(store), placed, today=DAY, now=later(DAY, seconds=5))

    assert there.add_ons[0].data.quantity == 5
    assert {one.data.name: one.status for one in there.offers} == {
        "Digital Monthly": "ended",
        "Gold": "active",
    }
    assert there.data.pending_change is None
    store.keep(there)
    assert synced(store, reading(), DAY).add_ons[0].data.quantity == 5


def test_payments_before_the_day_are_those_expected_before() -> None:
    day = TODAY + timedelta(days=100)
    support = of(
        "support", SUPPORT_ADD_ON, SUPPORT, record_subtype="add_on", quantity=2, codes=("HELP",)
    )
    store = store_with(order(status="complete"), subscription(offer("old"), support))
    before = synced(store, reading(resized_on=TODAY), TODAY)
    expected = {row.data.date: row.data.amount for row in before.schedule}

    after = synced(store, reading(resized_on=day), TODAY)

    kept = {row.data.date: row.data.amount for row in after.schedule if row.status != "cancelled"}
    assert any(TODAY <= one < day for one in kept)
    assert {one: paid for one, paid in kept.items() if one < day} == {
        one: paid for one, paid in expected.items() if TODAY <= one < day
    }
    assert any(one >= day for one in kept)


def test_a_quantity_that_changed_in_zuora_today_is_taken_over() -> None:
    support = of(
        "support", SUPPORT_ADD_ON, SUPPORT, record_subtype="add_on", quantity=9, codes=("HELP",)
    )
    store = store_with(order(status="complete"), subscription(offer("old"), support))

    after = synced(store, reading(resized_on=TODAY), TODAY)

    assert after.add_ons[0].data.quantity == 5


def test_if_it_fails_neither_has_happened() -> None:
    holding, placed = switched_and_resized()

    back = undone(holding, placed, today=TODAY, now=START)

    assert back.add_ons[0].data.quantity == 2
    assert [one.status for one in back.offers] == ["active", "cancelled"]
    assert back.offers[0].data.end is None


UPDATE = {"action": "update", "subscription_offer": selling.held_id("Support"), "quantity": 7}
HELD = selling.subscription(
    selling.sold(selling.MONTHLY), selling.sold(selling.SUPPORT, quantity=2)
)


@pytest.mark.parametrize(
    "who", [selling.MACHINE, selling.OPERATOR, selling.CUSTOMER], ids=["machine", "staff", "owner"]
)
def test_while_a_switch_is_booked_a_quantity_waits_for_its_day(who: Any) -> None:
    booked = HELD.model_copy(
        update={
            "data": HELD.data.model_copy(
                update={"pending_change": selling.pending(selling.PERIOD_END)}
            )
        }
    )

    for wanted in (
        selling.body("update_subscription", addOns=[UPDATE]),
        selling.body("add_on", action="update", addOn=UPDATE, quantity=7),
    ):
        assert selling.status_of(wanted, booked, by=who) == (423, "change_pending")


def test_a_switch_that_is_booked_after_it_keeps_the_quantity() -> None:
    resized = selling.prepared(selling.body("update_subscription", addOns=[UPDATE]), HELD).after
    free = resized.model_copy(
        update={"data": resized.data.model_copy(update={"pending_change": None})}
    )
    annual = selling.body("change_offer", offer={"id": selling.offer_id("Digital Annual")})

    switch = selling.prepared(annual, free)

    (support,) = switch.after.add_ons
    assert (support.data.quantity, support.data.end) == (7, None)
    assert switch.alteration.resizes == ()


def test_both_in_one_order_happen_on_the_day_of_the_switch() -> None:
    wanted = selling.body(
        "update_subscription",
        offer={"id": selling.offer_id("Digital Annual")},
        addOns=[UPDATE],
    )

    both = selling.prepared(wanted, HELD)

    assert both.day == selling.PERIOD_END
    assert both.after.add_ons[0].data.quantity == 2
    (resized,) = both.alteration.resizes
    assert (resized.before, resized.after) == (2, 7)


def test_a_quantity_of_nothing_is_refused_and_not_passed_over() -> None:
    of_no_offer = selling.body("update_subscription", addOns=[UPDATE], quantity=3)

    assert selling.refused(of_no_offer, HELD) == ("quantity", "invalid_value")
