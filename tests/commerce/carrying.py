"""Orders on their way, for tests: a store in memory, a clock that is turned, a queue to be run."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from tessera import clock, ids
from tessera.commerce.activation import Due, due_day
from tessera.commerce.billed import Billed
from tessera.commerce.commits import Commit, Exists, Outdated
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import (
    Address,
    AddressData,
    Alteration,
    Customer,
    CustomerData,
    Holding,
    Identity,
    Order,
    Owner,
    PendingChange,
    PlacedBy,
    Price,
    ProcessEvent,
    Schedule,
    SoldOffer,
    StoredPaymentMethod,
    Subscription,
    SubscriptionData,
    SubscriptionOffer,
    SubscriptionOfferData,
    Tracking,
    ZuoraAccount,
    ZuoraSubscription,
)
from tessera.commerce.order_clock import clock_of
from tessera.commerce.provisioning import Policy, Provisioner
from tessera.commerce.steps import BillingVendor, Done, StepFailed, Vendor, Work
from tessera.events import Event
from tessera.objects import Record
from tests.builders import DIGITAL, FakeCatalog, candidate, product

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
TODAY = START.date()
ORDER = ids.derived("order", "order", "company", "EXT-ORD-12345")
REFERENCE = "C5PBH5JD6698"
NUMBER = "IDEQB58U8CQL"
SUB = ids.subscription_id(NUMBER)
ACCOUNT = f"T-{ids.reference(f'{ORDER}/account')}"
CUSTOMER = ids.customer_id(ACCOUNT)
OWNER = "id-8606b883875fe37f1beae43c676ebc60"
OFFER = "offer-b4dc66dde806261bdda8607d8707aa72"


Kept = TypeVar("Kept", bound=Record)


class Killed(Exception):
    """The worker died here."""


class Timer:
    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def turn(self, **by: float) -> None:
        self.at += timedelta(**by)


class MemoryStore:
    """What the Commerce table does for orders: one lock an owner, one lease an order."""

    def __init__(self, *records: Record) -> None:
        self.rows: dict[str, Record] = {}
        self.ownerships: dict[str, Ownership] = {}
        self.events: list[Event] = []
        self.after_write: Callable[[], None] = lambda: None
        self.looked_again: dict[str, date] = {}
        self.late: list[str] = []
        for one in records:
            self.keep(one)

    def keep(self, one: Record) -> None:
        if isinstance(one, Holding):
            for hanging in (*one.offers, *one.add_ons, *one.schedule):
                self.rows[hanging.id] = hanging
        self.rows[one.id] = one

    def ownership(self, owner: str) -> Ownership | None:
        return self.ownerships.get(owner)

    def order(self, id: str) -> Order | None:
        return self._of(Order, id)

    def customer(self, id: str) -> Customer | None:
        return self._of(Customer, id)

    def address(self, id: str) -> Address | None:
        return self._of(Address, id)

    def identity(self, id: str) -> Identity | None:
        return self._of(Identity, id)

    def process_event(self, id: str) -> ProcessEvent | None:
        return self._of(ProcessEvent, id)

    def payment_method(self, id: str) -> StoredPaymentMethod | None:
        return self._of(StoredPaymentMethod, id)

    def _of(self, kind: type[Kept], id: str) -> Kept | None:
        found = self.rows.get(id)
        return found if isinstance(found, kind) else None

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]:
        found = {id: self._of(Address, id) for id in addresses}
        return self.customer(customer), {id: one for id, one in found.items() if one is not None}

    def holding(self, subscription: str) -> Holding | None:
        found = self.rows.get(subscription)
        if not isinstance(found, Subscription):
            return None
        offers = sorted(
            (o for o in self.rows.values() if isinstance(o, SubscriptionOffer)),
            key=lambda offer: offer.place,
        )
        of_it = [one for one in offers if one.related == subscription]
        schedule = [
            one
            for one in self.rows.values()
            if isinstance(one, Schedule) and one.related == subscription
        ]
        members = {
            "offers": tuple(o for o in of_it if o.data.record_subtype != "add_on"),
            "add_ons": tuple(o for o in of_it if o.data.record_subtype == "add_on"),
            "schedule": tuple(sorted(schedule, key=lambda one: (one.data.date, one.id))),
        }
        return Holding.model_validate(found.model_dump()).model_copy(update=members)

    def orders_since(self, owner: str, order: Order) -> list[Order]:
        return [
            one
            for one in self.rows.values()
            if isinstance(one, Order) and one.id != order.id and one.created >= order.created
        ]

    def due_days(self, today: date) -> Iterator[Due]:
        for one in list(self.rows.values()):
            holding = self.holding(one.id)
            day = due_day(holding) if holding else None
            if day is not None and max(day, self.looked_again.get(one.id, day)) <= today:
                yield Due(one.id, f"{day}#{one.id}")

    def look_again(self, due: Due, day: date) -> None:
        self.looked_again[due.subscription] = day

    def due_orders(self, until: datetime) -> Iterator[str]:
        for one in list(self.rows.values()):
            timer = one.provisioning if isinstance(one, Order) else None
            at = (timer.lease_until or timer.next_at) if timer else None
            if at is not None and at <= until:
                yield one.id

    def note_late(self, ids: Sequence[str], *, at: datetime) -> None:
        self.late = list(ids)

    def lease(self, order: str, *, now: datetime, until: datetime) -> Order | None:
        found = self.order(order)
        assert found is not None
        assert found.provisioning is not None
        timer = found.provisioning
        if timer.lease_until is not None and timer.lease_until >= now:
            return None
        taken = timer.model_copy(update={"attempt": timer.attempt + 1, "lease_until": until})
        self.keep(found.model_copy(update={"status": "processing", "provisioning": taken}))
        self.after_write()
        return self.order(order)

    def save_steps(self, order: Order, steps: Sequence[ProcessEvent], *, attempt: int) -> None:
        self._check_lease(order.id, attempt)
        for one in (order, *steps):
            self.keep(one)
        self.after_write()

    def _check_lease(self, order: str, attempt: int | None) -> None:
        found = self.order(order)
        if attempt is None or found is None or found.provisioning is None:
            return
        if found.provisioning.attempt != attempt:
            raise Outdated

    def commit(self, change: Commit) -> None:
        id = change.ownership.owner.id
        known = self.ownerships.get(id)
        if (known.owner.updated if known else None) != change.seen:
            raise Outdated
        for one in change.creates:
            if one.id in self.rows:
                raise Exists(one.id)
        for one in change.replaces:
            if isinstance(one, Order):
                self._check_lease(one.id, change.attempt)
            if one.id in change.expects and self.rows[one.id].updated != change.expects[one.id]:
                raise Outdated
        self.ownerships[id] = change.ownership
        for one in (*change.creates, *change.replaces):
            self.keep(one)
        for one in change.removes:
            del self.rows[one.id]
        self.events += change.events
        self.after_write()

    @property
    def told(self) -> list[str]:
        return [event.type for event in self.events]

    def bodies(self, type: str) -> list[dict[str, Any]]:
        return [event.snapshot for event in self.events if event.type == type]


class Queue:
    """Messages by the time at which they are met; run until nothing is left."""

    def __init__(self, timer: Timer) -> None:
        self.timer = timer
        self.waiting: list[tuple[datetime, int, str]] = []
        self.delays: list[int] = []
        self._sent = 0

    def send(self, order: str, *, delay: int) -> None:
        assert 0 <= delay <= 900
        self.delays.append(delay)
        self._sent += 1
        message = (self.timer.at + timedelta(seconds=delay), self._sent, order)
        heapq.heappush(self.waiting, message)

    def run(
        self, provision: Callable[[str], Mapping[str, Any]], *, until: datetime | None = None
    ) -> list[str]:
        """The outcomes. A worker that dies leaves its message to be met again after 330 s."""
        outcomes: list[str] = []
        for _ in range(500):
            if not self.waiting or (until is not None and self.waiting[0][0] > until):
                return outcomes
            at, _, order = heapq.heappop(self.waiting)
            self.timer.at = max(self.timer.at, at)
            try:
                outcomes.append(str(provision(order)["outcome"]))
            except Killed:
                outcomes.append("killed")
                self.send(order, delay=330)
        raise AssertionError("the order is never done")


class Resyncs:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, number: str, *, now: datetime) -> None:
        self.asked.append(number)


class ScriptedVendor:
    """Does what each step is told to, a list of failures or answers; then it just succeeds."""

    is_configured = True

    def __init__(self, *reads: Billed) -> None:
        self.script: dict[str, list[StepFailed | Done]] = {}
        self.calls: list[Work] = []
        self.kinds: list[str] = []
        self.reads = {one.number: one for one in reads}

    def says(self, kind: str, *answers: StepFailed | Done) -> None:
        self.script.setdefault(kind, []).extend(answers)

    def carry_out(self, kind: str, work: Work) -> Done:
        self.calls.append(work)
        self.kinds.append(kind)
        return self._next(kind)

    def read(self, number: str) -> Billed:
        self.kinds.append("read")
        self._next("read")
        return self.reads[number]

    def _next(self, kind: str) -> Done:
        waiting = self.script.get(kind)
        answer = waiting.pop(0) if waiting else Done()
        if isinstance(answer, StepFailed):
            raise answer
        return answer


class Absent(ScriptedVendor):
    is_configured = False


@contextmanager
def nothing_heard() -> Iterator[list[Any]]:
    yield []


class Carrier:
    """A provisioner with all it needs, and what it left behind."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        crm: Vendor,
        billing: BillingVendor,
        timer: Timer | None = None,
        policy: Policy | None = None,
        catalog: Any = None,
        listening: Any = nothing_heard,
    ) -> None:
        self.store = store
        self.timer = timer or Timer()
        self.queue = Queue(self.timer)
        self.resyncs = Resyncs()
        self.counted: list[str] = []
        self.provisioner = Provisioner(
            orders=store,
            crm=crm,
            billing=billing,
            catalog=catalog or FakeCatalog(candidate()),
            queue=self.queue,
            resyncs=self.resyncs,
            policy=policy or Policy(zone="UTC", mode="test"),
            now=self.timer,
            random=lambda: 0.5,
            count=self.counted.append,
            listening=listening,
        )

    def run(self, order: str = ORDER, *, until: datetime | None = None) -> list[str]:
        self.queue.send(order, delay=0)
        return self.queue.run(self.provisioner.provision, until=until)

    @property
    def order(self) -> Order:
        found = self.store.order(ORDER)
        assert found is not None
        return found

    @property
    def holding(self) -> Holding:
        found = self.store.holding(SUB)
        assert found is not None
        return found

    def steps(self) -> dict[str, str]:
        return {step.step: step.status for step in self.order.process}


def sold(codes: Sequence[str] = ("W2",), plan: str = DIGITAL, **detail: Any) -> dict[str, Any]:
    return {
        "name": "Digital Monthly",
        "start": TODAY,
        "price": Price(amount=Decimal("17.50"), currency="GBP"),
        "offer": SoldOffer(
            id=OFFER,
            version="7a38d8cbd20d9932ba948efaa364bb62651d5ad4",
            path="/offers2/Digital Monthly",
            name="Digital Monthly",
            attributes={"term__limio": {"length": 12, "type": "months"}, "autoRenew__limio": True},
        ),
        "products": (product(*codes).model_copy(update={"rate_plan": plan}),),
        **detail,
    }


def offer(id: str = "a", status: Any = "active", **data: Any) -> SubscriptionOffer:
    return SubscriptionOffer(
        id=ids.derived("subscription_offer", id),
        status=status,
        owner=OWNER,
        customer=CUSTOMER,
        related=SUB,
        created=START,
        updated=START,
        data=SubscriptionOfferData(**sold(**data)),
    )


def subscription(*offers: SubscriptionOffer, **data: Any) -> Holding:
    detail = {"status": data.pop("status", "active"), "partner_org": data.pop("partner_org", None)}
    hanging = offers or (offer(),)
    return Holding(
        id=SUB,
        name=NUMBER,
        reference=NUMBER,
        owner=OWNER,
        customer=CUSTOMER,
        ref=f"{ORDER}/{ids.order_item(ORDER, 0)}",
        start=START,
        created=START,
        updated=START,
        data=SubscriptionData(
            **{
                "name": "Digital Monthly",
                "start_date": TODAY,
                "term_start_date": TODAY,
                "term_end_date": date(2027, 11, 21),
                "auto_renew": True,
                "currency": "GBP",
                "tracking": Tracking(source="shop", name=REFERENCE, order_reference=REFERENCE),
                "zuora": ZuoraSubscription(number=NUMBER, account_number=ACCOUNT),
                **data,
            }
        ),
        offers=tuple(o for o in hanging if o.data.record_subtype != "add_on"),
        add_ons=tuple(o for o in hanging if o.data.record_subtype == "add_on"),
        **detail,
    )


def customer(**detail: Any) -> Customer:
    return Customer(
        id=CUSTOMER,
        owner=OWNER,
        partner_org=detail.pop("partner_org", None),
        created=START,
        updated=START,
        data=CustomerData(
            **{
                "first_name": "Carla",
                "last_name": "Conte",
                "email": "carla@conte.example",
                "company_name": "Conte Ltd",
                "phone": "+44 20 7946 0000",
                "currency": "GBP",
                "zuora": ZuoraAccount(account_number=ACCOUNT),
                **detail,
            }
        ),
    )


def address() -> Address:
    return Address(
        id=ids.derived("address", "address", CUSTOMER, "billing"),
        owner=OWNER,
        customer=CUSTOMER,
        relationship_type="billing",
        related=CUSTOMER,
        created=START,
        updated=START,
        data=AddressData(
            address1="1 Quay Street", city="Bristol", postal_code="BS1 4RB", country="GB"
        ),
    )


def order(order_type: str = "new", *alterations: Alteration, **detail: Any) -> Order:
    new = Alteration(subscription=SUB, day=TODAY, is_new=True)
    altered = alterations or ((new,) if order_type == "new" else ())
    return Order(
        **{
            "id": ORDER,
            "name": REFERENCE,
            "reference": REFERENCE,
            "owner": OWNER,
            "customer": CUSTOMER,
            "created": START,
            "updated": START,
            "order_type": order_type,
            "source": "shop",
            "order_date": START,
            "subscriptions": (SUB,),
            "placed_by": PlacedBy(kind="machine", id="client"),
            "data": {"order_type": order_type},
            "provisioning": clock_of(order_type, START),
            "alterations": altered,
            **detail,
        }
    )


def pending(order_type: str = "new", day: date = TODAY) -> PendingChange:
    return PendingChange(order=ORDER, order_type=order_type, effective_date=day)


def store_with(
    order: Order, holding: Holding | None = None, *more: Record, today: date = TODAY
) -> MemoryStore:
    """Everything as it is after the commit of the order, its entitlements announced."""
    holding = holding or subscription(pending_change=pending())
    buyer = next((one for one in more if isinstance(one, Customer)), customer())
    owner = Owner(id=OWNER, created=START, updated=START)
    state = Ownership(owner=owner).owning(buyer).holding(held(holding), today)
    telling = Announcements(state, now=START, today=today)
    telling.becomes(state)
    telling.entitlements(holding.id)
    store = MemoryStore(order, holding, buyer, address(), *more)
    store.ownerships[OWNER] = telling.ownership
    return store


def later(day: date, **by: float) -> datetime:
    return clock.to_millisecond(datetime(day.year, day.month, day.day, tzinfo=UTC)) + timedelta(
        **by
    )
