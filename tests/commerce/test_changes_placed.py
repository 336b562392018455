"""Placing changes: one transaction, one of many at once, and repeats that change nothing."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock, get_ident
from typing import Any

import pytest

from tessera import aws
from tessera.catalog.models import Entitlement, Offer, Product
from tessera.catalog.store import CatalogTable
from tessera.commerce.acceptance import OrderExists, Placed
from tessera.commerce.callers import Caller
from tessera.commerce.changes import Owners, place_change
from tessera.commerce.commits import Commit, OwnerBusy, TooManyParts
from tessera.commerce.entitlements import Ownership, held
from tessera.commerce.models import Holding, Order, Owner, PendingChange
from tessera.commerce.order_bodies import read_order
from tessera.commerce.shelf import Shelf
from tessera.commerce.store import CommerceTable
from tessera.errors import InvalidFields, Refusal
from tests.builders import NOW, TODAY
from tests.commerce.counting import counted
from tests.commerce.selling import (
    CATALOG,
    CUSTOMER,
    MACHINE,
    MONTHLY,
    NUMBER,
    OWNER,
    PERIOD_END,
    SUBSCRIPTION,
    SUPPORT,
    Shop,
    body,
    moment,
    offer,
    offer_id,
    sold,
    subscription,
)
from tests.conftest import Told

Place = Callable[[dict[str, Any]], Placed]


def owning(holding: Holding, **detail: Any) -> Ownership:
    owner = Owner(id=OWNER, created=NOW, updated=NOW, **detail)
    return Ownership(owner=owner, held=(held(holding),))


def stored(owners: CommerceTable, holding: Holding, **detail: Any) -> None:
    hanging = (*holding.offers, *holding.add_ons, *holding.schedule)
    owners.commit(
        Commit(ownership=owning(holding, **detail), seen=None, creates=[holding, *hanging])
    )


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    return CommerceTable("Commerce", "Events")


def placing(owners: Owners, shop: Any = CATALOG, by: Caller = MACHINE) -> Place:
    def place(order: dict[str, Any]) -> Placed:
        request: Any = read_order(order)
        return place_change(request, order, caller=by, owners=owners, shop=shop, moment=moment())

    return place


def switch(to: str = "Digital Annual", **members: Any) -> dict[str, Any]:
    return body("change_offer", offer={"id": offer_id(to)}, **members)


class Kept:
    """Owners with one subscription, and what was to be written."""

    def __init__(self, holding: Holding) -> None:
        self.kept = holding
        self.commits: list[Commit] = []

    def order(self, id: str) -> Order | None:
        return None

    def holding(self, subscription: str) -> Holding | None:
        return self.kept if subscription == SUBSCRIPTION else None

    def ownership(self, owner: str) -> Ownership | None:
        return owning(self.kept)

    def commit(self, change: Commit) -> None:
        self.commits.append(change)


def everything() -> list[Any]:
    """All rows of orders, subscriptions and events there are."""
    rows: list[Any] = []
    for table in ("Commerce", "Events"):
        for page in aws.client("dynamodb").get_paginator("scan").paginate(TableName=table):
            rows += page["Items"]
    return sorted(rows, key=str)


def test_an_order_writes_what_it_does_and_announces_it(owners: CommerceTable, told: Told) -> None:
    stored(owners, subscription())

    placed = placing(owners)(switch(external_id="EXT-1", source="salesforce"))

    order = owners.order(placed.id)
    assert order is not None
    assert order.provisioning is not None
    assert (order.provisioning.attempt, order.provisioning.next_at) == (0, NOW)
    assert (order.owner, order.customer, order.subscriptions) == (OWNER, "cus-1", (SUBSCRIPTION,))
    assert order.alterations[0].day == PERIOD_END
    holding = owners.holding(SUBSCRIPTION)
    assert holding is not None
    assert holding.data.pending_change == PendingChange(
        order=placed.id, order_type="change_offer", effective_date=PERIOD_END
    )
    assert [one.data.name for one in holding.offers] == ["Digital Monthly", "Digital Annual"]
    changed, announced = told()
    assert (changed.type, announced.type) == ("order.offer_changed", "entitlements.updated")
    assert changed.snapshot["subscriptions"] == [SUBSCRIPTION]
    assert "alterations" not in changed.snapshot
    assert announced.snapshot["tracking"] == {
        "subscription": NUMBER,
        "source": "salesforce",
        "name": placed.order_reference,
        "orderReference": placed.order_reference,
    }
    assert announced.snapshot["effectiveDate"] == "2026-03-20T00:00:00.000"
    assert announced.snapshot["entitlements"] == [{"code": "SKU0010002"}]


def test_it_is_answered_with_the_subscriptions_number(owners: CommerceTable) -> None:
    stored(owners, subscription())

    placed = placing(owners)(switch(external_id="EXT-1"))

    assert (placed.status, placed.owner, placed.customer) == ("submitted", OWNER, "cus-1")
    assert (placed.subscriptionReference, placed.subscriptionReferences) == (NUMBER, (NUMBER,))


@pytest.mark.parametrize(
    ("order", "types"),
    [
        (switch(), ["order.offer_changed", "entitlements.updated"]),
        (
            switch("Print"),
            ["order.offer_changed", "subscription.updated", "entitlements.updated"],
        ),
        (
            body("add_offer", offer={"id": offer_id("Half price")}),
            ["order.offer_added", "entitlements.updated"],
        ),
        (
            body("cancel_subscription"),
            ["order.subscription_cancelled", "entitlements.updated"],
        ),
        (
            body("cancel_subscription", effectiveDate=TODAY.isoformat()),
            ["order.subscription_cancelled", "subscription.cancelled", "entitlements.updated"],
        ),
        (
            body("add_on", action="add", addOn={"id": SUPPORT[0].id}),
            ["order.subscription_updated", "subscription.updated", "entitlements.updated"],
        ),
        (body("renew"), ["order.renewed", "subscription.updated"]),
    ],
    ids=["switch", "switch-now", "save", "cancel", "cancel-now", "add-on", "renew"],
)
def test_each_type_is_announced_in_its_words(order: dict[str, Any], types: list[str]) -> None:
    owners = Kept(subscription())

    placing(owners)(order)

    assert [event.type for event in owners.commits[0].events] == types


def test_the_same_external_id_and_body_is_the_same_order(owners: CommerceTable) -> None:
    stored(owners, subscription())
    place = placing(owners)
    first = place(switch(external_id="EXT-1"))
    before = everything()

    again = place(switch(external_id="EXT-1", process_immediately=True))

    assert again == first
    assert everything() == before
    with pytest.raises(OrderExists):
        place(switch("Print", external_id="EXT-1"))


@pytest.mark.parametrize("external_id", [NUMBER, SUBSCRIPTION], ids=["name", "id"])
def test_an_external_id_that_is_the_subscriptions_identifies_nothing(
    owners: CommerceTable, external_id: str
) -> None:
    stored(owners, subscription())
    place = placing(owners)
    first = place(switch(external_id=external_id))
    assert first.external_id == external_id

    with pytest.raises(Refusal) as refusal:
        place(switch(external_id=external_id))

    assert refusal.value.status == 423, "it is another order, not a repeat"


def test_what_is_refused_writes_nothing(owners: CommerceTable) -> None:
    stored(owners, subscription())
    before = everything()

    for order in (switch("Half price"), switch("Nothing"), switch(effectiveDate="2026-03-09")):
        with pytest.raises(Refusal):
            placing(owners, by=CUSTOMER.model_copy(update={"owner": "id-0"}))(order)
    with pytest.raises(InvalidFields):
        placing(owners)(switch("Half price"))

    assert everything() == before


def test_an_owner_that_is_being_merged_is_busy() -> None:
    class Merging(Kept):
        def ownership(self, owner: str) -> Ownership | None:
            return owning(self.kept, status="merging")

    with pytest.raises(OwnerBusy):
        placing(Merging(subscription()))(switch())


class AtOnce:
    """Lets all callers decide from the same state before the first of them commits.

    DynamoDB serialises transactions; the lock stands for that.
    """

    def __init__(self, owners: CommerceTable, callers: int) -> None:
        self._owners = owners
        self._barrier = Barrier(callers)
        self._lock = Lock()
        self._decided: set[int] = set()

    def order(self, id: str) -> Order | None:
        with self._lock:
            return self._owners.order(id)

    def holding(self, subscription: str) -> Holding | None:
        with self._lock:
            return self._owners.holding(subscription)

    def ownership(self, owner: str) -> Ownership | None:
        with self._lock:
            return self._owners.ownership(owner)

    def commit(self, change: Commit) -> None:
        if get_ident() not in self._decided:
            self._decided.add(get_ident())
            self._barrier.wait(timeout=60)
        with self._lock:
            self._owners.commit(change)


def at_once(place: Place, orders: Sequence[dict[str, Any]]) -> tuple[list[Placed], list[Refusal]]:
    def one(order: dict[str, Any]) -> Placed | Refusal:
        try:
            return place(order)
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(orders)) as threads:
        answers = list(threads.map(one, orders))
    placed = [answer for answer in answers if isinstance(answer, Placed)]
    return placed, [answer for answer in answers if isinstance(answer, Refusal)]


UNPRICED = Shop(MONTHLY, offer("Digital Annual", "A", price=[]), offer("Print", "P", price=[]))
"""Without expected payments a transaction is a few writes: AWS's stand-in is slow at them."""


def test_of_twenty_switches_at_once_one_wins(owners: CommerceTable, told: Told) -> None:
    stored(owners, subscription())
    orders = [switch("Digital Annual" if n % 2 else "Print") for n in range(20)]

    placed, refusals = at_once(placing(AtOnce(owners, 20), UNPRICED), orders)

    assert len(placed) == 1
    assert {(one.status, one.wire_code) for one in refusals} <= {
        (423, "change_pending"),
        (409, "busy"),
    }
    assert len(told("order.offer_changed")) == 1
    assert len(told("entitlements.updated")) == 1
    holding, order = owners.holding(SUBSCRIPTION), owners.order(placed[0].id)
    assert holding is not None
    assert order is not None
    assert holding.data.pending_change is not None
    assert holding.data.pending_change.order == order.id
    assert {one.id for one in holding.offers} == {
        *order.alterations[0].adds,
        *(one.id for one in order.alterations[0].ends),
    }
    rows = [row["pk"]["S"] for row in everything() if row["pk"]["S"].startswith("order-")]
    assert rows == [order.id]


def test_the_same_external_id_twenty_times_at_once_is_one_order(
    owners: CommerceTable, told: Told
) -> None:
    stored(owners, subscription())

    placed, refusals = at_once(
        placing(AtOnce(owners, 20), UNPRICED), [switch(external_id="EXT-1")] * 20
    )

    assert refusals == []
    assert len({one.id for one in placed}) == 1
    assert len(told("order.offer_changed")) == 1


@pytest.fixture
def shelf(tables: dict[str, str]) -> Shelf:
    catalog = CatalogTable("Catalog")
    stamp = {"status": "active", "created": NOW, "updated": NOW}
    access = {"id": "ent-" + "0" * 32, "name": "Web", "label": "Web", "path": "/entitlements/Web"}
    catalog.add(Entitlement.model_validate({**access, **stamp, "code": "SKU0010002"}))
    digital = {"id": "prod-" + "1" * 32, "name": "Digital", "path": "/products/Digital"}
    granted = {"id": access["id"], "$ref": access["path"]}
    catalog.add(Product.model_validate({**digital, **stamp, "entitlements": [granted]}))
    bundle = {"product": {"id": digital["id"], "$ref": digital["path"]}, "rate_plan": "8ad0" * 8}
    for item, _ in (MONTHLY, offer("Digital Annual")):
        assert isinstance(item, Offer)
        content = item.wire()
        content["data"]["productBundles"] = [bundle]
        catalog.add(Offer.model_validate(content))
    return Shelf(catalog)


@pytest.mark.parametrize(
    ("order", "reads"),
    [
        (switch(), {"Query": 1, "GetItem": 1, "BatchGetItem": 3}),
        (body("cancel_subscription"), {"Query": 1, "GetItem": 1}),
        (body("renew"), {"Query": 1, "GetItem": 1}),
    ],
    ids=["switch", "cancel", "renew"],
)
def test_a_change_is_one_transaction_and_few_reads(
    owners: CommerceTable, shelf: Shelf, order: dict[str, Any], reads: dict[str, int]
) -> None:
    stored(owners, subscription())

    with counted() as requests:
        placing(owners, shelf)(order)

    assert requests == {"TransactWriteItems": 1, **reads}


def test_a_change_fits_into_one_transaction_however_much_is_held() -> None:
    many = [sold(SUPPORT, id=f"subscription_offer-{n:032x}") for n in range(70)]
    owners = Kept(subscription(sold(MONTHLY), *many))

    placing(owners)(body("cancel_subscription"))

    (commit,) = owners.commits
    size = 1 + sum(map(len, (commit.creates, commit.replaces, commit.events)))
    assert size <= 100

    more = [sold(SUPPORT, id=f"subscription_offer-{n:032x}") for n in range(100)]
    with pytest.raises(TooManyParts):
        placing(Kept(subscription(sold(MONTHLY), *more)))(body("cancel_subscription"))


def wordy(name: str) -> Any:
    """An offer of more than 4 KB."""
    return offer(name, "P", offer_features="x" * 4000, price=[])


def holding_wordy(number: int) -> Holding:
    print_offer = wordy("Print")
    more = [sold(print_offer, id=f"subscription_offer-{n:032x}") for n in range(number)]
    return subscription(sold(MONTHLY), *more)


def test_a_change_that_receivers_of_webhooks_could_not_take_is_refused() -> None:
    owners = Kept(holding_wordy(11))
    catalog = Shop(MONTHLY, wordy("Paper"))
    which = {"id": SUBSCRIPTION, "subscription_offer": owners.kept.offers[0].id}
    to_paper = switch("Paper", forSubscription=which, effectiveDate=TODAY.isoformat())

    with pytest.raises(InvalidFields) as refusal:
        placing(owners, catalog)(to_paper)

    assert refusal.value.errors[0].code == "too_long"
    assert owners.commits == []


def test_what_zuora_sold_beyond_what_webhooks_should_carry_can_be_cancelled() -> None:
    owners = Kept(holding_wordy(20))

    placed = placing(owners)(body("cancel_subscription", effectiveDate=TODAY.isoformat()))

    assert placed.status == "submitted"
    (commit,) = owners.commits
    assert max(event.size for event in commit.events) > 64 * 1024


def test_what_is_larger_already_is_not_made_larger_than_an_event_can_be() -> None:
    owners = Kept(holding_wordy(38))
    catalog = Shop(MONTHLY, wordy("Paper"))
    which = {"id": SUBSCRIPTION, "subscription_offer": owners.kept.offers[0].id}
    to_paper = switch("Paper", forSubscription=which, effectiveDate=TODAY.isoformat())

    with pytest.raises(InvalidFields, match="200 KB"):
        placing(owners, catalog)(to_paper)

    assert owners.commits == []
