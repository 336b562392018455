"""Whatever is ordered, and whatever becomes of it: what is asked, said and stored is the same."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from tessera.clock import after, zoneless
from tessera.commerce import billed_objects
from tessera.commerce.activation import Due, activate
from tessera.commerce.activation import written as written_of
from tessera.commerce.billed import Billed, Charge, RatePlan
from tessera.commerce.buyers import Moment
from tessera.commerce.calendar import Interval
from tessera.commerce.changes import place_change
from tessera.commerce.commits import Commit, Outdated
from tessera.commerce.entitlement_query import Code, entitlements_of
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import (
    Address,
    Customer,
    Holding,
    Order,
    Owner,
    Schedule,
    SubscriptionOffer,
)
from tessera.commerce.order_bodies import read_order
from tessera.commerce.purchased_objects import recurring_amount
from tessera.commerce.retrying import retry
from tessera.commerce.subscriptions import on_day, with_terms
from tessera.commerce.sync import taken_over
from tessera.commerce.undo import undone
from tessera.errors import Refusal
from tessera.objects import Record
from tests.builders import (
    NOW,
    TODAY,
    FakeCatalog,
    FakePartners,
    billed,
    candidate,
    charge,
    rate_plan,
)
from tests.commerce.receiving import Receiver
from tests.commerce.selling import (
    CATALOG,
    MACHINE,
    MONTHLY,
    NUMBER,
    OWNER,
    PRINT,
    SUBSCRIPTION,
    SUPPORT,
    add_on_id,
    body,
    held_id,
    offer_id,
    sold,
    subscription,
)

EARLIER = NOW - timedelta(days=1)


class Memory:
    """What is stored of one owner, with the conditions under which a commit is written."""

    def __init__(self, holding: Holding) -> None:
        self.records: dict[str, Record] = {}
        self.receiver = Receiver()
        self.owned = Ownership(
            owner=Owner(id=OWNER, created=EARLIER, updated=EARLIER), held=(held(holding),)
        )
        telling = Announcements(self.owned, now=NOW, today=TODAY)
        telling.entitlements_if_changed(holding.id)
        everything = (holding, *holding.all_offers, *holding.schedule)
        made = telling.ownership, telling.events
        self.commit(Commit(made[0], seen=EARLIER, creates=everything, events=made[1]))

    def order(self, id: str) -> Order | None:
        found = self.records.get(id)
        return found if isinstance(found, Order) else None

    def holding(self, subscription: str) -> Holding | None:
        found = self.records.get(subscription)
        if not isinstance(found, Holding):
            return None
        offers = [one for one in self.records.values() if isinstance(one, SubscriptionOffer)]
        rows = [one for one in self.records.values() if isinstance(one, Schedule)]
        in_order = sorted(offers, key=lambda one: one.place)
        return found.model_copy(
            update={
                "offers": tuple(o for o in in_order if o.data.record_subtype != "add_on"),
                "add_ons": tuple(o for o in in_order if o.data.record_subtype == "add_on"),
                "schedule": tuple(sorted(rows, key=lambda row: (row.data.date, row.id))),
            }
        )

    def ownership(self, owner: str) -> Ownership | None:
        return self.owned if owner == OWNER else None

    def commit(self, change: Commit) -> None:
        expected = {id: self.records[id].updated for id in change.expects}
        if change.seen != self.owned.owner.updated or expected != dict(change.expects):
            raise Outdated
        assert not {one.id for one in change.creates} & self.records.keys()
        assert change.ownership.owner.updated > self.owned.owner.updated
        for one in change.replaces:
            before = self.records.get(one.id)
            assert before is None or one.updated > before.updated, one.id
        self.records |= {one.id: one for one in (*change.creates, *change.replaces)}
        self.owned = change.ownership
        self.receiver.takes(change.events)

    def orders_since(self, owner: str, order: Order) -> list[Order]:
        orders = [one for one in self.records.values() if isinstance(one, Order)]
        return [one for one in orders if one.created > order.created]

    def customer(self, id: str) -> Customer | None:
        found = self.records.get(id)
        return found if isinstance(found, Customer) else None

    def address(self, id: str) -> Address | None:
        found = self.records.get(id)
        return found if isinstance(found, Address) else None

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]:
        found = {id: one for id in addresses if (one := self.address(id)) is not None}
        return self.customer(customer), found

    def due_days(self, today: date) -> Iterator[Due]:
        yield Due(SUBSCRIPTION, today.isoformat())

    def look_again(self, due: Due, day: date) -> None:
        """Every subscription is looked at each time."""

    def ask(self, number: str, *, now: datetime) -> None:
        """Nothing renews here but by order."""


ORDERS: list[dict[str, Any]] = [
    *(
        body("change_offer", offer={"id": offer_id(name)})
        for name in ("Digital Monthly", "Digital Annual", "Print", "Basic")
    ),
    body("change_offer", offer={"id": offer_id("Print")}, effectiveDate="2026-03-09"),
    body("add_offer", offer={"id": offer_id("Half price")}),
    body("cancel_subscription"),
    body("cancel_subscription", cancelDate=TODAY.isoformat()),
    body("renew"),
    *(
        body("add_on", action=action, addOn={"id": add_on_id(name)}, **more)
        for name in ("Support", "Crosswords")
        for action, more in (("add", {}), ("remove", {}), ("update", {"quantity": 3}))
    ),
    body(
        "update_subscription",
        offer={"id": offer_id("Print")},
        addOns=[{"action": "add", "id": add_on_id("Crosswords")}],
    ),
    body(
        "update_subscription",
        offer={"id": offer_id("Digital Annual")},
        effectiveDate="2026-03-20",
        addOns=[{"action": "update", "id": add_on_id("Support"), "quantity": 2}],
    ),
    {
        **body("change_offer", offer={"id": offer_id("Digital Annual")}),
        "forSubscription": {"id": SUBSCRIPTION, "subscription_offer": held_id("Digital Monthly")},
    },
    {
        **body("change_offer", offer={"id": offer_id("Digital Annual")}),
        "forSubscription": {"id": SUBSCRIPTION, "subscription_offer": held_id("Print")},
    },
]
Step: TypeAlias = dict[str, Any] | int | str
"""An order, days that go by, what becomes of the order that waits or is tried again, or a sync.

Negative days: the run of the last of them is late, and something else comes first.
"""

_STEPS = st.lists(
    st.one_of(
        st.sampled_from(ORDERS),
        st.sampled_from([1, 9, 20, 40, 200, 400]),
        st.sampled_from([-1, -20, -30]),
        st.sampled_from(["complete", "complete", "failed", "retry", "sync", "sync"]),
    ),
    min_size=1,
    max_size=12,
)
# As a sync finds it: it ends by itself, and nothing waits for that.
_ENDING_SUPPORT = subscription(sold(MONTHLY), sold(SUPPORT, end=date(2026, 3, 12)))
_BEGINNINGS = st.sampled_from(
    [
        subscription(),
        subscription(sold(MONTHLY), sold(SUPPORT)),
        subscription(sold(MONTHLY), sold(PRINT)),
        _ENDING_SUPPORT,
        subscription(auto_renew=False),
        subscription(term_type="EVERGREEN"),
        subscription(cancel_date=date(2026, 4, 20)),
    ]
)


class World:
    def __init__(self, holding: Holding) -> None:
        self.memory = Memory(holding)
        self.now, self.today = NOW, TODAY
        self.placed = 0
        self.undisturbed = held(holding)
        """As it was before the order that waits."""
        self.billed = holding
        """As the billing system has it: with orders that are complete, and no others."""
        self.version = 0

    def takes(self, step: Step) -> None:
        self.now += timedelta(seconds=1)
        match step:
            case int():
                self.now += timedelta(days=abs(step))
                self.today += timedelta(days=abs(step))
            case "sync":
                self._syncs()
            case "retry":
                self._retries()
            case str():
                self._ends(step == "failed")
            case _:
                self._orders(step)

    def settles(self) -> None:
        """The night's run."""
        activate(
            subscriptions=self.memory,
            resyncs=self.memory,
            now=lambda: self.now,
            zone="UTC",
            time_left=lambda: 900,
        )

    def _orders(self, order: dict[str, Any]) -> None:
        self.placed += 1
        holding = self.memory.holding(SUBSCRIPTION)
        assert holding is not None
        sent = {**order, "external_id": f"EXT-{self.placed}"}
        try:
            first = self._place(sent)
        except Refusal:
            return
        self.undisturbed = held(holding)
        before = {**self.memory.records}, self.memory.owned
        assert self._place(sent) == first
        assert (self.memory.records, self.memory.owned) == before, "a repeat changes nothing"

    def _place(self, sent: dict[str, Any]) -> Any:
        request: Any = read_order(sent)
        return place_change(
            request,
            sent,
            caller=MACHINE,
            owners=self.memory,
            shop=CATALOG,
            moment=Moment(self.now, self.today, "test"),
        )

    def _ends(self, fails: bool) -> None:
        holding = self.memory.holding(SUBSCRIPTION)
        assert holding is not None
        change = holding.data.pending_change
        order = self.memory.order(change.order) if change else None
        if order is None or order.status not in ("submitted", "processing"):
            return
        telling = Announcements(self.memory.owned, now=self.now, today=self.today)
        status = "failed" if fails else "complete"
        at = after(order.updated, self.now)
        records: list[Record] = [order.model_copy(update={"status": status, "updated": at})]
        if fails:
            without = undone(holding, order, today=self.today, now=self.now)
            state = telling.ownership
            telling.becomes(state.holding(held(without, state.find(without.id)), self.today))
            for ahead in (0, 1, 30, 400, 800):
                day = self.today + timedelta(days=ahead)
                assert held(without).on(day) == self.undisturbed.on(day)
            telling.tell("order.failed", {})
            telling.entitlements(without.id)
            records += written_of(holding, without)
        else:
            self.billed = holding
            self.version += 1
            telling.tell("order.completed", {})
        self.memory.commit(
            Commit(
                ownership=telling.ownership,
                seen=self.memory.owned.owner.updated,
                replaces=records,
                events=telling.events,
            )
        )

    def _retries(self) -> None:
        """The last order that failed, if no other has come since."""
        holding = self.memory.holding(SUBSCRIPTION)
        assert holding is not None
        orders = [one for one in self.memory.records.values() if isinstance(one, Order)]
        failed = next((one for one in reversed(orders) if one.status == "failed"), None)
        if failed is None:
            return
        try:
            retry(
                failed.id,
                owners=self.memory,
                shop=CATALOG,
                moment=Moment(self.now, self.today, "test"),
            )
        except Refusal:
            return
        self.undisturbed = held(holding)

    def _syncs(self) -> None:
        """What the billing system knows already gives nothing and takes nothing."""
        before = self.memory.holding(SUBSCRIPTION)
        assert before is not None
        taken = taken_over(
            self._picture(),
            catalog=FakeCatalog(*_CANDIDATES),
            partners=FakePartners(),
            owners=self.memory,
            moment=billed_objects.Moment(self.now, self.today, "test"),
        )
        assert taken.after is not None
        for ahead in (0, 1, 10, 30, 400):
            day = self.today + timedelta(days=ahead)
            assert held(taken.after).on(day) == held(before).on(day), f"{ahead} days ahead"
        if taken.telling is not None:
            assert taken.seen is not None
            self.memory.commit(
                Commit(
                    ownership=taken.telling.ownership,
                    seen=taken.seen,
                    replaces=taken.replaces,
                    events=taken.telling.events,
                    expects=taken.expects,
                )
            )

    def _picture(self) -> Billed:
        """The subscription as the billing system tells it."""
        data = on_day(self.billed, self.today).data
        # Of a change to come it tells the last terms, save when the present term ends.
        renews = with_terms(self.billed.data, date.max).auto_renew
        begun = data.term_start_date
        end = data.term_end_date if data.term_type == "TERMED" else None
        while renews and end is not None and end <= self.today:
            if data.cancel_date is not None and data.cancel_date <= end:
                break
            begun, end = end, Interval(1, "years").after(end)
        is_over = data.cancel_date is not None and data.cancel_date <= self.today
        ends = [day for day in (data.cancel_date, end) if day is not None]
        last = min(ends, default=None)
        change = self.billed.data.pending_change
        order = self.memory.order(change.order) if change else None
        resized = {
            one.id: (one.after, alteration.day)
            for alteration in (order.alterations if order else ())
            for one in alteration.resizes
        }
        return billed(
            NUMBER,
            version=self.version,
            status="cancelled" if is_over else "active",
            raw_status="Cancelled" if is_over else "Active",
            start=data.start_date,
            term_start=begun,
            term_end=end,
            term_type=data.term_type,
            auto_renew=renews,
            cancel_date=data.cancel_date,
            plans=tuple(
                _plan(one, last, resized.get(one.id))
                for one in self.billed.all_offers
                if one.status != "cancelled"
            ),
        )


def _plan(one: SubscriptionOffer, last: date | None, resized: tuple[int, date] | None) -> RatePlan:
    """Charges end with the term; of a quantity the last one is told, and since when."""
    ends = [day for day in (one.data.end, last) if day is not None]
    end = min(ends, default=None)
    quantity, since = resized or (one.data.quantity, one.data.start)
    is_discount = one.data.record_subtype == "discount"
    price = one.data.price
    charges: tuple[Charge, ...] = ()
    if price is not None:
        fee = charge(price=price.amount, start=one.data.start, end=end, quantity=quantity)
        charges = (fee._replace(charged_through=None),)
    return rate_plan(
        f"plan-{one.id}",
        product_rate_plan=one.data.offer.id,
        name=one.data.name,
        is_removed=one.data.end is not None and not is_discount,
        start=one.data.start,
        end=end,
        quantity=quantity,
        quantity_from=since,
        charges=charges,
    )


_CANDIDATES = [
    candidate(
        item.id,
        version=item.version,
        path=item.path,
        name=item.name,
        kind=sold((item, products)).data.record_subtype,
        plans=frozenset({item.id}),
        amount=recurring_amount(item),
        products=products,
        attributes=item.data.attributes.wire(),
    )
    for item, products in CATALOG.items.values()
]


def from_scratch(holding: Holding, today: date) -> list[str]:
    """The set as the statuses of the day give it."""
    shown = on_day(holding, today)
    if shown.status != "active":
        return []
    granted = [
        entitlement.effective_code
        for one in shown.all_offers
        if one.status == "active"
        for product in one.data.products
        for entitlement in product.entitlements
    ]
    return list(dict.fromkeys(granted))


def _codes(codes: tuple[Code, ...]) -> list[str]:
    return [one.code for one in codes]


def asked(memory: Memory, today: date) -> tuple[list[str], tuple[str, list[str]] | None]:
    """The set of today, and the change ahead."""
    for one in entitlements_of(memory.owned, today).subscriptions:
        change = one.next
        ahead = change and (zoneless(change.effective_date), _codes(change.entitlements))
        return _codes(one.entitlements), ahead or None
    return [], None


@given(_BEGINNINGS, _STEPS)
@example(subscription(auto_renew=False), [ORDERS[3], "complete", 400])
@example(subscription(), [ORDERS[1], "failed", 20])
@example(subscription(), [ORDERS[6], "failed"])
@example(subscription(auto_renew=False), [ORDERS[8], "failed"])
@example(subscription(cancel_date=date(2026, 4, 20)), [ORDERS[5], 20])
@example(_ENDING_SUPPORT, [-20, ORDERS[1]])
@example(subscription(), [ORDERS[3], "complete", "sync", 400])
@example(subscription(auto_renew=False), ["sync", ORDERS[8], "complete", 400])
@example(subscription(auto_renew=False), ["sync", ORDERS[8], "failed", "retry", 400])
def test_what_is_asked_said_and_stored_is_the_same(holding: Holding, steps: list[Step]) -> None:
    world = World(holding)
    memory = world.memory
    for step in steps:
        world.takes(step)
        stored = memory.holding(SUBSCRIPTION)
        assert stored is not None
        assert asked(memory, world.today)[0] == from_scratch(stored, world.today), "before the run"
        if isinstance(step, int) and step < 0:
            continue
        world.settles()

        now_set, ahead = asked(memory, world.today)

        stored = memory.holding(SUBSCRIPTION)
        assert stored is not None
        assert now_set == from_scratch(stored, world.today)
        assert now_set == memory.receiver.in_force(SUBSCRIPTION, world.today)
        announced = memory.receiver.announced(SUBSCRIPTION, world.today)
        if entitlements_of(memory.owned, world.today).subscriptions:
            assert ahead == announced
        else:
            assert (announced or ("", []))[1] == []
        assert memory.owned.version == memory.receiver.version
        again = memory.owned
        world.settles()
        assert memory.owned == again, "the run changes nothing the second time"
