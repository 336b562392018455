"""An operator's retry: checked again, granted again, carried on at the step that failed."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import clock
from tessera.catalog.models import Offer
from tessera.catalog.store import CatalogTable
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.changes import place_change
from tessera.commerce.commits import Commit, OwnerBusy
from tessera.commerce.eligibility import OfferChanged
from tessera.commerce.entitlements import Ownership
from tessera.commerce.models import Alteration, Holding, PlacedBy
from tessera.commerce.order_bodies import read_order
from tessera.commerce.order_clock import clock_of
from tessera.commerce.retrying import OrderNotFailed, OrderOvertaken, retry
from tessera.commerce.steps import StepFailed, Trouble
from tessera.commerce.store import CommerceTable
from tessera.commerce.undo import undone
from tessera.errors import ChangePending, InvalidFields, NotFound
from tests.builders import api_event, operator
from tests.commerce.carrying import (
    CUSTOMER,
    ORDER,
    OWNER,
    START,
    SUB,
    TODAY,
    Absent,
    Carrier,
    MemoryStore,
    ScriptedVendor,
    order,
    pending,
    store_with,
    subscription,
)
from tests.commerce.carrying import offer as order_offer
from tests.commerce.selling import (
    ACME,
    CATALOG,
    CROSSWORDS,
    MACHINE,
    MONTHLY,
    PARTNER,
    Shop,
    add_on_id,
    offer,
    offer_id,
    sold,
)
from tests.commerce.selling import CUSTOMER as BUYER
from tests.commerce.test_provision_order import commit
from tests.handlers import body, load

MOMENT = Moment(START + timedelta(hours=2), TODAY, "test")


BOUGHT = {"order_type": "new", "orderItems": [{"offer": {"id": offer_id("Digital Monthly")}}]}


def failure(verdict: Any = "refused") -> StepFailed:
    return StepFailed(verdict, Trouble("zuora", "zuora_failed", "Zuora refused it.", (), "r-1"))


def failed(*failures: StepFailed, **detail: Any) -> tuple[Carrier, ScriptedVendor]:
    zuora = ScriptedVendor()
    zuora.says("zuora_order", *(failures or (failure(),)))
    zuora.says("read", *(failure() for _ in range(2)))
    placed = order(data=BOUGHT)
    carrier = Carrier(store_with(placed, **detail), crm=Absent(), billing=zuora)
    carrier.run()
    assert carrier.order.status == "failed"
    return carrier, zuora


def again(carrier: Carrier, shop: Shop = CATALOG) -> Any:
    carrier.timer.at = max(carrier.timer.at, MOMENT.now)
    moment = MOMENT._replace(now=carrier.timer.at)
    return retry(ORDER, owners=carrier.store, shop=shop, moment=moment)


def test_grants_again_and_carries_on_at_the_failed_step() -> None:
    carrier, zuora = failed()
    carrier.store.events.clear()

    placed = again(carrier)

    assert placed.status == "processing"
    assert carrier.order.error is None
    assert carrier.order.provisioning is not None
    assert carrier.order.provisioning.attempt == 1
    assert carrier.order.provisioning.give_up_at == carrier.timer.at + timedelta(hours=24)
    assert carrier.holding.status == "active"
    assert carrier.holding.data.cancel_reason is None
    assert carrier.holding.data.pending_change is not None
    assert carrier.store.told == [
        "order.retry_requested",
        "subscription.updated",
        "entitlements.updated",
    ]
    assert carrier.store.bodies("entitlements.updated")[0]["entitlements"] == [{"code": "W2"}]
    assert [one.webhook for one in carrier.store.events] == [False, True, True]

    calls = len(zuora.calls)
    carrier.run()

    (work,) = zuora.calls[calls:]
    assert (work.step.step, work.is_repeat, work.step.generation) == ("zuora_order", True, 1)
    assert carrier.order.status == "complete"


def test_an_unknown_outcome_is_looked_up_under_the_same_key() -> None:
    carrier, zuora = failed(*(failure("ambiguous") for _ in range(60)))
    assert carrier.order.error is not None
    assert carrier.order.error.code == "outcome_unknown"

    again(carrier)
    calls = len(zuora.calls)
    zuora.script["zuora_order"] = []
    carrier.run()

    assert [work.step.generation for work in zuora.calls[calls:]] == [0]


def test_two_retries_at_the_same_moment_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of an order that locks no subscription."""
    tried = clock_of("pay_invoice", START).model_copy(update={"attempt": 1})
    placed = order("pay_invoice", status="failed", subscriptions=(), provisioning=tried)
    carrier = Carrier(store_with(placed), crm=Absent(), billing=Absent())
    ownership = carrier.store.ownership

    def overtaken(owner: str) -> Ownership | None:
        """The other one comes after this one has read the order."""
        monkeypatch.setattr(carrier.store, "ownership", ownership)
        again(carrier)
        return ownership(owner)

    monkeypatch.setattr(carrier.store, "ownership", overtaken)

    with pytest.raises(OrderNotFailed):
        again(carrier)

    assert carrier.store.told.count("order.retry_requested") == 1


def test_only_a_failed_order_is_tried_again() -> None:
    carrier = Carrier(store_with(order()), crm=Absent(), billing=Absent())
    with pytest.raises(OrderNotFailed):
        again(carrier)
    with pytest.raises(NotFound):
        retry("order-" + "0" * 32, owners=carrier.store, shop=CATALOG, moment=MOMENT)


def test_a_subscription_that_a_later_order_has_changed_is_left_as_it_is() -> None:
    carrier, _ = failed()
    later = order("renew", id="order-" + "1" * 32, created=START + timedelta(hours=1))
    carrier.store.keep(later)

    with pytest.raises(OrderOvertaken) as refused:
        again(carrier)

    assert refused.value.members["order"] == later.id


@pytest.mark.parametrize(
    ("seen", "status", "refusal"),
    [({}, "archived", InvalidFields), ({"version": "0" * 40}, "active", OfferChanged)],
    ids=["no longer sold", "changed since"],
)
def test_a_purchase_is_checked_by_its_rules(
    seen: dict[str, str], status: str, refusal: type[Exception]
) -> None:
    carrier, _ = failed()
    item = {"offer": {"id": offer_id("Digital Monthly"), **seen}}
    named = carrier.order.model_copy(update={"data": {**BOUGHT, "orderItems": [item]}})
    carrier.store.keep(named)

    with pytest.raises(refusal):
        again(carrier, Shop(offer("Digital Monthly", "W2", status=status)))

    assert carrier.order.status == "failed"
    assert carrier.holding.status == "cancelled"


def test_a_pending_change_is_waited_for() -> None:
    carrier, _ = failed()
    locked = carrier.holding.data.model_copy(
        update={"pending_change": pending("add_on").model_copy(update={"order": "order-x"})}
    )
    carrier.store.keep(carrier.holding.model_copy(update={"data": locked}))

    with pytest.raises(ChangePending):
        again(carrier)


def test_a_change_is_checked_by_its_rules_and_dated_anew() -> None:
    altered = Alteration(
        subscription=SUB,
        day=TODAY + timedelta(days=30),
        after={"cancelDate": str(TODAY + timedelta(days=30))},
    )
    data = {"order_type": "cancel_subscription", "forSubscription": {"id": SUB}}
    placed = order("cancel_subscription", altered, data=data)
    day = TODAY + timedelta(days=30)
    holding = subscription(cancel_date=day, pending_change=pending("cancel_subscription", day))
    zuora = ScriptedVendor()
    zuora.says("zuora_order", failure())
    carrier = Carrier(store_with(placed, holding), crm=Absent(), billing=zuora)
    carrier.run()
    assert carrier.holding.data.cancel_date is None
    carrier.store.events.clear()

    again(carrier)

    cancelled = carrier.holding.data.cancel_date
    assert cancelled is not None
    assert carrier.order.alterations[0].day == cancelled
    ahead = carrier.store.bodies("entitlements.updated")[-1]
    assert (ahead["effectiveDate"][:10], ahead["entitlements"]) == (str(cancelled), [])


def test_is_answered_as_an_order_is(tables: dict[str, str]) -> None:
    store = CommerceTable("Commerce", "Events")
    bought, _ = MONTHLY
    assert isinstance(bought, Offer)
    CatalogTable("Catalog").add(bought)
    made = commit(store, data=BOUGHT)
    ownership = store.ownership(made.owner or "")
    assert ownership is not None
    broken = made.model_copy(update={"status": "failed"})
    store.commit(Commit(ownership=ownership, seen=ownership.owner.updated, replaces=[broken]))
    holding = store.holding(SUB)
    assert holding is not None
    freed = holding.model_copy(
        update={"data": holding.data.model_copy(update={"pending_change": None})}
    )
    store.commit(Commit(ownership=ownership, seen=ownership.owner.updated, replaces=[freed]))
    path = f"/api/admin/order/{ORDER}/retry"
    route = "/api/admin/order/{id}/retry"
    handler = load("commerce/retry_order", {f"POST {route}": {"operator": ["admin", "support"]}})

    answer = handler(api_event("POST", path, route=route, caller=operator("support")))

    assert answer["statusCode"] == 202, answer["body"]
    assert body(answer)["status"] == "processing"
    assert list(store.due_orders(clock.now() + timedelta(seconds=1))) == [ORDER]
    second = handler(api_event("POST", path, route=route, caller=operator("support")))
    assert second["statusCode"] == 409
    assert body(second)["code"] == "order_not_failed"
    assert made.customer == CUSTOMER


NOW_SOLD = {"forSubscription": {"id": SUB}}
CHANGES: dict[str, dict[str, Any]] = {
    "add_on": {"action": "add", "addOn": {"id": add_on_id("Support")}, "quantity": 2},
    "change_offer": {"offer": {"id": offer_id("Digital Annual")}},
    "add_offer": {"offer": {"id": offer_id("Half price")}},
    "cancel_subscription": {},
}


def changed(order_type: str, by: Caller) -> tuple[MemoryStore, str, Holding]:
    """A change as it was placed, and refused by the billing system: the order and what it made."""
    held = [
        sold(one, start=TODAY).model_copy(
            update={"customer": CUSTOMER, "partner_org": by.partner_org}
        )
        for one in (MONTHLY, CROSSWORDS)
    ]
    bare = subscription(partner_org=by.partner_org)
    holding = bare.model_copy(update={"offers": (held[0],), "add_ons": (held[1],)})
    bought = order(status="complete", created=START - timedelta(days=1))
    store = store_with(bought, holding)
    body = {"order_type": order_type, **NOW_SOLD, **CHANGES[order_type]}
    request: Any = read_order(body)
    moment = Moment(START, TODAY, "test")
    id = place_change(request, body, caller=by, owners=store, shop=CATALOG, moment=moment).id
    placed, made = store.order(id), store.holding(SUB)
    assert placed is not None
    assert made is not None
    store.keep(undone(made, placed, today=TODAY, now=START + timedelta(hours=1)))
    store.keep(placed.model_copy(update={"status": "failed"}))
    store.events.clear()
    return store, id, made


@pytest.mark.parametrize("order_type", list(CHANGES))
@pytest.mark.parametrize("by", [MACHINE, BUYER], ids=["middleware", "customer"])
def test_a_change_is_there_again_as_it_was_when_it_was_placed(order_type: str, by: Caller) -> None:
    store, id, made = changed(order_type, by)

    retry(id, owners=store, shop=CATALOG, moment=MOMENT)

    again = store.holding(SUB)
    assert again is not None
    assert again.data.pending_change == made.data.pending_change
    assert {one.id: (one.status, one.data) for one in again.all_offers} == {
        one.id: (one.status, one.data) for one in made.all_offers
    }
    assert (again.status, again.data.cancel_date) == (made.status, made.data.cancel_date)
    placed = store.order(id)
    assert placed is not None
    assert placed.alterations[0].subscription == SUB


def test_a_partners_order_is_tried_again_in_its_name() -> None:
    store, id, made = changed("cancel_subscription", PARTNER)

    retry(id, owners=store, shop=CATALOG, moment=MOMENT)

    again = store.holding(SUB)
    assert again is not None
    assert again.data.cancel_date == made.data.cancel_date


@pytest.mark.parametrize(
    "later",
    [{"status": "failed"}, {"status": "complete", "subscriptions": ("sub-" + "0" * 32,)}],
    ids=["that-failed-too", "of-another-subscription"],
)
def test_a_later_order_that_changed_nothing_of_it_is_in_nobodys_way(later: dict[str, Any]) -> None:
    carrier, _ = failed()
    at = START + timedelta(hours=1)
    carrier.store.keep(order("renew", id="order-" + "1" * 32, created=at, **later))

    assert again(carrier).status == "processing"


def test_an_owner_that_is_being_merged_is_waited_for() -> None:
    carrier, _ = failed()
    ownership = carrier.store.ownerships[OWNER]
    merging = ownership.owner.model_copy(update={"status": "merging"})
    carrier.store.ownerships[OWNER] = ownership.model_copy(update={"owner": merging})

    with pytest.raises(OwnerBusy):
        again(carrier)


def test_a_partners_order_is_held_to_the_partners_rules_again() -> None:
    store, id, _ = changed("cancel_subscription", MACHINE)
    placed = store.order(id)
    assert placed is not None
    by_partner = PlacedBy(kind="partner", id="partner_user-1")
    store.keep(placed.model_copy(update={"placed_by": by_partner, "partner_org": ACME}))

    with pytest.raises(NotFound):
        retry(id, owners=store, shop=CATALOG, moment=MOMENT)


@pytest.mark.parametrize("ahead", [0, 9], ids=["today", "to-come"])
def test_what_begins_later_is_announced_with_its_day(ahead: int) -> None:
    day = TODAY + timedelta(days=ahead)
    altered = Alteration(subscription=SUB, day=day, is_new=True)
    placed = order("new", altered, data=BOUGHT, status="failed")
    later = order_offer(status="pending" if ahead else "active", start=day)
    new = subscription(
        later, status="pending" if ahead else "active", start_date=day, term_start_date=day
    )
    gone = undone(new, placed, today=TODAY, now=START)
    store = store_with(placed, gone)
    store.events.clear()

    retry(ORDER, owners=store, shop=CATALOG, moment=MOMENT)

    (told,) = store.bodies("entitlements.updated")
    assert told["entitlements"] == [{"code": "W2"}]
    assert told.get("effectiveDate", "")[:10] == (str(day) if ahead else "")
