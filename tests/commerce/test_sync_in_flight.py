"""Sync while an order is on its way: dates follow the billing system, the rest is the order's."""

from datetime import date, timedelta
from typing import Any

from tessera.commerce.billed import Billed
from tessera.commerce.models import Alteration, EndedOffer, Holding, Order
from tessera.commerce.sync import sync
from tests.builders import (
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
from tests.commerce.carrying import (
    ACCOUNT,
    NUMBER,
    OFFER,
    START,
    SUB,
    TODAY,
    MemoryStore,
    offer,
    order,
    pending,
    store_with,
    subscription,
)

DAY = TODAY + timedelta(days=30)
GOLD = "8ad0965d000000000000000000000102"
GOLD_OFFER = "offer-b7f683983309ac9bca2045778f70fc80"


def plan(id: str = "plan-1", **detail: Any) -> Any:
    start, end = detail.pop("start", TODAY), detail.pop("end", None)
    of = charge(start=start, end=end, charged_through=None)
    return rate_plan(id, start=start, end=end, charges=(of,), **detail)


def reading(*plans: Any, **detail: Any) -> Billed:
    return billed(
        NUMBER,
        start=TODAY,
        term_start=TODAY,
        account=account(ACCOUNT, id="8" * 32),
        plans=plans or (plan(),),
        **{"term_end": date(2027, 11, 21), **detail},
    )


def run(store: MemoryStore, read: Billed) -> Holding:
    gold = candidate(GOLD_OFFER, name="Gold", plans=frozenset({GOLD}), products=(product("SKU2"),))
    sync(
        NUMBER,
        billing=FakeBilling(read),
        catalog=FakeCatalog(candidate(OFFER), gold),
        partners=FakePartners(),
        owners=store,
        now=START + timedelta(minutes=5),
        today=TODAY,
        mode="test",
    )
    found = store.holding(SUB)
    assert found is not None
    return found


def switching(status: str = "processing") -> tuple[Holding, Order]:
    old, new = offer("old", end=DAY), offer("new", status="pending", start=DAY, codes=("SKU2",))
    new = new.model_copy(
        update={
            "data": new.data.model_copy(
                update={"offer": new.data.offer.model_copy(update={"id": GOLD_OFFER})}
            )
        }
    )
    altered = Alteration(subscription=SUB, day=DAY, adds=(new.id,), ends=(EndedOffer(id=old.id),))
    holding = subscription(old, new, pending_change=pending("change_offer", DAY))
    return holding, order("change_offer", altered, status=status)


def test_offers_and_entitlements_are_left_to_an_order_in_flight() -> None:
    holding, placed = switching()
    store = store_with(placed, holding)

    after = run(store, reading(version=4, auto_renew=False))

    assert after.offers == holding.offers
    assert after.data.pending_change == holding.data.pending_change
    assert (after.data.zuora.version, after.data.auto_renew) == (4, False)
    assert "entitlements.updated" not in store.told


def test_a_cancellation_that_zuora_has_not_heard_of_yet_stays() -> None:
    holding = subscription(cancel_date=DAY, pending_change=pending("cancel_subscription", DAY))
    altered = Alteration(subscription=SUB, day=DAY, after={"cancelDate": DAY.isoformat()})
    store = store_with(order("cancel_subscription", altered, status="processing"), holding)

    assert run(store, reading()).data.cancel_date == DAY


def test_a_new_subscription_is_not_read_apart_while_its_order_is_on_its_way() -> None:
    holding = subscription(pending_change=pending())
    store = store_with(order(status="processing"), holding)

    after = run(store, reading(plan(product_rate_plan="unknown")))

    assert [one.status for one in after.offers] == ["active"]
    assert after.data.mapping is None


def test_a_switch_ahead_stays_ahead_when_zuora_has_it() -> None:
    """Zuora calls the old plan removed at once; it serves until the day."""
    holding, placed = switching("complete")
    store = store_with(placed, holding)
    ends = plan(is_removed=True, end=DAY)
    begins = plan("plan-2", product_rate_plan=GOLD, start=DAY)

    after = run(store, reading(ends, begins, version=2))

    assert [(one.data.start, one.data.end, one.status) for one in after.offers] == [
        (TODAY, DAY, "active"),
        (DAY, None, "pending"),
    ]
    assert [one.id for one in after.offers] == [one.id for one in holding.offers]
    assert after.data.name == "Digital Monthly"
    assert after.data.pending_change is not None
    assert "entitlements.updated" not in store.told


def test_a_change_that_zuora_has_no_longer_is_released() -> None:
    holding, placed = switching("complete")
    store = store_with(placed, holding)

    after = run(store, reading(plan(), version=3))

    assert after.data.pending_change is None
    assert store.bodies("entitlements.updated")[0]["entitlements"] == [{"code": "W2"}]


def test_a_cancellation_taken_back_in_zuora_is_released() -> None:
    holding = subscription(cancel_date=DAY, pending_change=pending("cancel_subscription", DAY))
    store = store_with(order("cancel_subscription", status="complete"), holding)

    after = run(store, reading(version=3))

    assert (after.data.pending_change, after.data.cancel_date) == (None, None)


def test_a_quantity_that_changes_later_does_not_move_the_start() -> None:
    """Zuora begins the charge anew on that day."""
    store = store_with(order(status="complete"), subscription())

    after = run(store, reading(plan(start=DAY, quantity=7), version=2))

    assert [one.data.start for one in after.offers] == [TODAY]


def test_a_plan_that_is_removed_when_its_term_renews_ends_with_that_term() -> None:
    """Else a downgrade at the end of the term would leave both plans in force from then on."""
    holding, placed = switching("complete")
    store = store_with(placed, holding)
    ends = plan(is_removed=True, end=DAY)
    begins = plan("plan-2", product_rate_plan=GOLD, start=DAY, end=DAY)

    after = run(store, reading(ends, begins, version=2, term_end=DAY, auto_renew=True))

    assert [(one.data.start, one.data.end) for one in after.offers] == [(TODAY, DAY), (DAY, None)]
    assert "entitlements.updated" not in store.told
