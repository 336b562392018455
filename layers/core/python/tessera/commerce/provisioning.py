"""Carrying a committed order out: in the CRM first, then in the billing system, step by step.

Access was granted at commit; this runs behind it, as often as it takes. A crash between a call and
its record is covered by looking back before doing it again, two messages at once by the lease, a
lost lease by numbers that the billing system takes once, a lost message by the sweep.
Source: README, "How an order is carried out".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from tessera import clock, ids
from tessera.commerce.activation import advanced, told, written
from tessera.commerce.altered_details import KINDS, Details, of_customer, redone
from tessera.commerce.altered_details import undone as details_undone
from tessera.commerce.billed import Billed
from tessera.commerce.billed_objects import Moment, address_id
from tessera.commerce.commits import Busy, Commit, Outdated, OwnerBusy, decided
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.method_records import Paying, method_id, paying_by
from tessera.commerce.models import (
    Address,
    AddressKind,
    Customer,
    Holding,
    Order,
    OrderError,
    OrderWarning,
    ProcessEvent,
    ProcessEventData,
    ProcessStep,
    SalesforceAccount,
    Schedule,
    StepError,
    StepStatus,
    StoredPaymentMethod,
    Try,
    ZuoraMethod,
)
from tessera.commerce.steps import (
    CRM_STEP,
    ENDED,
    REFRESH,
    BillingVendor,
    Done,
    PlannedStep,
    StepFailed,
    Trouble,
    Vendor,
    Work,
    planned,
)
from tessera.commerce.subscriptions import on_day
from tessera.commerce.sync import Catalog, Taken, taken_over
from tessera.commerce.transferring import TransferPending
from tessera.commerce.undo import undone
from tessera.objects import Record
from tessera.tables import TRANSACTION_LIMIT

_LEASE = timedelta(seconds=310)
"""Longer than the function may run (300 s), shorter than the queue hides its message (330 s)."""
_WHILE_HELD_SECONDS = 60
_LONGEST_DELAY_SECONDS = 900
"""What SQS can hold a message back."""
_WAITS = (10, 30, 60, 120, 300, 900, 1800, 3600)
"""Seconds before the next try; the last one from then on."""
_SPREAD = 0.2
_LOST_AFTER = timedelta(minutes=10)
_NOTED = 40
"""Late orders that a turn of the sweep names to the console."""
_CRM_TRIES = 6
_REFRESH_TRIES = 10
_STRIKES = 3
_TRIES_KEPT = 10
_BESIDE = 10
"""Rows that a commit writes beside its objects: the owner, and names to find a customer by."""
_TELL_NO_ENTITLEMENTS = ("change_address", "change_payment", "pay_invoice", "renew")


class Orders(Protocol):
    def order(self, id: str) -> Order | None: ...

    def lease(self, order: str, *, now: datetime, until: datetime) -> Order | None:
        """The order with one attempt more; None while somebody else carries it out."""

    def save_steps(self, order: Order, steps: Sequence[ProcessEvent], *, attempt: int) -> None:
        """Raises `Outdated` when somebody else carries it out by now."""

    def process_event(self, id: str) -> ProcessEvent | None: ...

    def payment_method(self, id: str) -> StoredPaymentMethod | None: ...

    def ownership(self, owner: str) -> Ownership | None: ...

    def holding(self, subscription: str) -> Holding | None: ...

    def customer(self, id: str) -> Customer | None: ...

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]: ...

    def commit(self, change: Commit) -> None: ...


class Queue(Protocol):
    def send(self, order: str, *, delay: int) -> None:
        """Puts the order on the queue again, to be met after `delay` seconds, 900 at most."""


class Resyncs(Protocol):
    def ask(self, number: str, *, now: datetime) -> None:
        """Has the subscription read from the billing system again."""


class Exchanged(Protocol):
    """One exchange with an outside system, as its client tells of it."""

    @property
    def method(self) -> str: ...
    @property
    def route(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def generation(self) -> int | None: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def codes(self) -> tuple[int | str, ...]: ...


Listening = Callable[[], AbstractContextManager[Sequence[Exchanged]]]
"""Collects the exchanges that take place inside it."""


class LostLease(Exception):
    """Somebody else carries the order out by now."""


class _Ended(Exception):
    """Nothing more is to be done in this run; `outcome` says why."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class _NoPartners:
    """The customer of an order is known already: whose it is does not follow from the reading."""

    def of_zuora_account(self, account_id: str) -> Sequence[str]:
        return ()


class Policy(NamedTuple):
    """The settings that decide how orders are carried out."""

    zone: str
    mode: str
    account_per_item: bool = False
    crm_is_critical: bool = False


class _Run:
    """The order while it is leased, and what has to be written of its steps."""

    def __init__(self, order: Order) -> None:
        assert order.provisioning is not None  # noqa: S101  # only such an order can be leased
        self.order = order
        self.clock = order.provisioning
        self.attempt = order.provisioning.attempt
        self.unwritten: dict[str, ProcessEvent] = {}
        self._written = order

    def step(self, name: str, now: datetime) -> ProcessStep:
        found = (one for one in self.order.process if one.step == name)
        return next(found, None) or ProcessStep(
            id=ids.derived("process_event", "process_event", self.order.id, name),
            step=name,
            status="pending",
            at=now,
        )

    def note(self, step: ProcessStep, event: ProcessEvent) -> None:
        kept = self.order.process
        if any(one.step == step.step for one in kept):
            process = tuple(step if one.step == step.step else one for one in kept)
        else:
            process = (*kept, step)
        self.order = self.order.model_copy(update={"process": process})
        self.unwritten[step.id] = event

    def was_written(self) -> None:
        self.unwritten.clear()
        self._written = self.order

    def forget(self) -> None:
        """All that was not written, which will be found out again."""
        self.unwritten.clear()
        self.order = self._written

    def becomes(self, now: datetime, **members: Any) -> None:
        updated = clock.after(self.order.updated, now)
        self.order = self.order.model_copy(update={**members, "updated": updated})


class Provisioner:
    def __init__(
        self,
        *,
        orders: Orders,
        crm: Vendor,
        billing: BillingVendor,
        catalog: Catalog,
        queue: Queue,
        resyncs: Resyncs,
        policy: Policy,
        now: Callable[[], datetime],
        random: Callable[[], float],
        count: Callable[[str], None],
        listening: Listening,
    ) -> None:
        self._orders = orders
        self._crm = crm
        self._billing = billing
        self._catalog = catalog
        self._queue = queue
        self._resyncs = resyncs
        self._policy = policy
        self._now = now
        self._random = random
        self._count = count
        self._listening = listening

    def provision(self, id: str) -> Mapping[str, Any]:
        """Carries the order on as far as it gets; the outcome, for the log."""
        order = self._orders.order(id)
        if order is None:
            return {"outcome": "unknown", "order": id}
        return {"order": id, "type": order.order_type, "outcome": self._carry_on(order)}

    def _carry_on(self, order: Order) -> str:
        if order.status in ("complete", "failed"):
            return "ended"
        now = self._now()
        timer = order.provisioning
        if timer is None:
            return "without_clock"
        if timer.next_at is not None and timer.next_at > now:
            self._send(order.id, timer.next_at - now)
            return "waiting"
        leased = self._orders.lease(order.id, now=now, until=now + _LEASE)
        if leased is None:
            self._queue.send(order.id, delay=_WHILE_HELD_SECONDS)
            return "held"
        run = _Run(leased)
        try:
            return self._take_steps(run)
        except _Ended as ended:
            return ended.outcome
        except (LostLease, Outdated):
            return "lost_lease"
        except (Busy, OwnerBusy):
            run.forget()
            return self._put_off(run, timedelta(seconds=_WHILE_HELD_SECONDS))

    def _take_steps(self, run: _Run) -> str:
        for step in planned(run.order, account_per_item=self._policy.account_per_item):
            if run.step(step.name, self._now()).status in ENDED:
                continue
            vendor: Vendor = self._crm if step.kind == CRM_STEP else self._billing
            if not vendor.is_configured:
                self._note(run, step, status="skipped")
            elif step.kind == REFRESH:
                self._refresh(run, step)
                return "completed"
            else:
                self._take(run, step, vendor)
        self._complete(run, {})
        return "completed"

    def _take(self, run: _Run, step: PlannedStep, vendor: Vendor) -> None:
        work = self._work(run, step)
        with self._listening() as heard:
            try:
                done = vendor.carry_out(step.kind, work)
            except StepFailed as failure:
                self._failed(run, step, failure, heard)
                return
        self._note(run, step, done=done, heard=heard)
        customer = work.customer
        if customer is None or not (done.account or done.crm_account or done.method):
            self._save(run)
            return
        self._save_with_customer(run, customer.id, done)

    def _work(self, run: _Run, step: PlannedStep) -> Work:
        order, now = run.order, self._now()
        of_step = order.subscriptions
        if step.item is not None:
            of_step = (order.subscriptions[step.item],)
        holdings = tuple(self._holdings(of_step))
        customer: Customer | None = None
        addresses: Mapping[AddressKind, Address] = {}
        id = holdings[0].customer if holdings else order.customer
        if id is not None:
            details = self._details(id)
            if details is not None:
                customer, addresses = redone(order, details, now, only_lost=True)
        return Work(
            order=order,
            step=run.step(step.name, now),
            item=step.item,
            holdings=holdings,
            customer=customer,
            addresses=addresses,
            is_repeat=run.attempt > 1,
            today=clock.today(now, self._policy.zone),
        )

    def _details(self, customer: str) -> Details | None:
        """The customer with its addresses."""
        keys = [address_id(customer, kind) for kind in KINDS]
        known, found = self._orders.customer_with_addresses(customer, keys)
        return None if known is None else of_customer(known, found.values())

    def _holdings(self, subscriptions: Iterable[str]) -> Iterator[Holding]:
        for id in subscriptions:
            holding = self._orders.holding(id)
            if holding is not None:
                yield holding

    def _note(
        self,
        run: _Run,
        step: PlannedStep,
        *,
        status: StepStatus | None = None,
        done: Done | None = None,
        failure: StepFailed | None = None,
        heard: Sequence[Exchanged] = (),
    ) -> ProcessStep:
        """Writes nothing yet: the step as it is now, in the order and as an object of its own."""
        now = self._now()
        before = run.step(step.name, now)
        tried = done is not None or failure is not None
        definite = failure is not None and not failure.same_key
        strike = 1 if failure is not None and failure.is_strike else 0
        learned = failure.learned if failure is not None else done.result if done else None
        trouble = failure.trouble if failure is not None else None
        request_id = trouble.request_id if trouble else done.request_id if done else None
        after = before.model_copy(
            update={
                "status": status or ("complete" if done is not None else "pending"),
                "at": now,
                "attempts": before.attempts + tried,
                "generation": before.generation + definite,
                "strikes": (before.strikes or 0) + strike or None,
                "result": {**(before.result or {}), **(learned or {})} or None,
                "request_id": request_id or before.request_id,
                "error": _error(trouble) if done is None else None,
            }
        )
        run.note(after, self._event(run, before, after, trouble, heard, now))
        if done is not None and done.warnings:
            run.becomes(now, warnings=(*run.order.warnings, *done.warnings))
        return after

    def _event(
        self,
        run: _Run,
        before: ProcessStep,
        after: ProcessStep,
        trouble: Trouble | None,
        heard: Sequence[Exchanged],
        now: datetime,
    ) -> ProcessEvent:
        known = run.unwritten.get(after.id)
        if known is None and before.attempts:
            known = self._orders.process_event(after.id)
        tries = known.data.tries if known else ()
        order = run.order
        return ProcessEvent(
            id=after.id,
            mode=order.mode,
            status=after.status,
            name=after.step,
            owner=order.owner,
            customer=order.customer,
            partner_org=order.partner_org,
            created=known.created if known else now,
            updated=clock.after(known.updated, now) if known else now,
            data=ProcessEventData(
                order=order.id,
                step=after.step,
                attempts=after.attempts,
                generation=after.generation,
                result=after.result,
                error=after.error,
                text=trouble.text if trouble else None,
                tries=(*tries, *(_try(one, before, now) for one in heard))[-_TRIES_KEPT:],
            ),
        )

    def _failed(
        self, run: _Run, step: PlannedStep, failure: StepFailed, heard: Sequence[Exchanged]
    ) -> None:
        """Returns when the order goes on without the step; else the run has ended."""
        after = self._note(run, step, failure=failure, heard=heard)
        is_over = (
            failure.verdict == "refused"
            or (after.strikes or 0) >= _STRIKES
            or self._now() >= run.clock.give_up_at
        )
        if step.kind == CRM_STEP and not self._policy.crm_is_critical:
            if is_over or after.attempts >= _CRM_TRIES:
                self._go_on_without(run, step, failure.trouble)
                return
        elif is_over:
            self._fail(run, step, failure)
            raise _Ended("failed")
        raise _Ended(self._put_off(run, self._wait(after, failure)))

    def _go_on_without(self, run: _Run, step: PlannedStep, trouble: Trouble) -> None:
        event = run.unwritten[run.step(step.name, self._now()).id]
        warned = run.step(step.name, self._now()).model_copy(update={"status": "warning"})
        run.note(warned, event.model_copy(update={"status": "warning"}))
        warning = OrderWarning(code=trouble.code, message=trouble.message)
        run.becomes(self._now(), warnings=(*run.order.warnings, warning))
        self._save(run)

    def _wait(self, step: ProcessStep, failure: StepFailed) -> timedelta:
        planned_wait = _WAITS[min(step.attempts, len(_WAITS)) - 1]
        spread = 1 + _SPREAD * (2 * self._random() - 1)
        return timedelta(seconds=max(planned_wait * spread, failure.retry_after or 0))

    def _put_off(self, run: _Run, wait: timedelta) -> str:
        """No longer than to the end of its time, which must not be passed over in a long wait."""
        now = self._now()
        next_at, ends = clock.to_millisecond(now + wait), run.clock.give_up_at
        if now < ends < next_at:
            next_at = ends
        self._time(run, now, next_at=next_at, lease_until=None)
        self._save(run)
        self._send(run.order.id, next_at - now)
        return "put_off"

    def _send(self, order: str, wait: timedelta) -> None:
        seconds = max(1, -(-wait // timedelta(seconds=1)))
        self._queue.send(order, delay=min(_LONGEST_DELAY_SECONDS, seconds))

    def _time(self, run: _Run, now: datetime, **members: Any) -> None:
        run.clock = run.clock.model_copy(update=members)
        run.becomes(now, provisioning=run.clock)

    def _save(self, run: _Run) -> None:
        run.becomes(self._now())
        self._orders.save_steps(run.order, [*run.unwritten.values()], attempt=run.attempt)
        run.was_written()

    def _save_with_customer(self, run: _Run, customer: str, done: Done) -> None:
        """The step, and on the customer what is known of it by now: in one transaction."""

        def decide() -> None:
            ownership = self._leased(run)
            known = self._orders.customer(customer)
            if known is None:
                raise LostLease
            after = _with_accounts(known, done, self._now())
            telling = self._announcements(ownership)
            changed: list[Record] = []
            if after != known:
                telling.tell("customer.updated", after.wire())
                changed.append(after)
            paying = None
            if done.method is not None:
                paying = self._methods_kept(done.method, after, telling)
            changed += paying.changed if paying else ()
            expects = paying.expects if paying else {}
            run.becomes(self._now())
            self._commit(run, ownership, telling, changed, expects=expects)

        decided(decide)
        run.was_written()

    def _methods_kept(
        self, method: ZuoraMethod, customer: Customer, telling: Announcements
    ) -> Paying | None:
        """By what the account pays from now on, told of when it is new, and by what no longer."""
        state = telling.ownership
        before = state.default_method(customer.id)
        known = self._orders.payment_method(method_id(method.ref_id))
        if known is not None and known.related != customer.id:
            # It came from another account, whose record of it stays.
            return None
        paying = paying_by(
            method,
            customer,
            known=known,
            before=self._orders.payment_method(before) if before is not None else None,
            now=self._now(),
        )
        telling.becomes(state.paying_by(customer.id, paying.method.id))
        if paying.is_added:
            partner = customer.partner_org
            telling.happened("payment_method.added", mode=customer.mode, partner_org=partner)
        return paying

    def _leased(self, run: _Run) -> Ownership:
        """The owner as it is now. Raises `LostLease`, and `OwnerBusy` while it is merged."""
        fresh = self._orders.order(run.order.id)
        if fresh is None or fresh.provisioning is None or fresh.owner is None:
            raise LostLease
        if fresh.provisioning.attempt != run.attempt or fresh.status != "processing":
            raise LostLease
        # A merge may have given it another owner since it was read.
        belongs = {"owner": fresh.owner, "customer": fresh.customer}
        run.order = run.order.model_copy(update=belongs)
        ownership = self._orders.ownership(fresh.owner)
        if ownership is None:
            raise LostLease
        if ownership.owner.status == "merging":
            raise OwnerBusy("The owner is being merged. Try again in a minute.")
        return ownership

    def _announcements(self, ownership: Ownership) -> Announcements:
        now = self._now()
        return Announcements(ownership, now=now, today=clock.today(now, self._policy.zone))

    def _commit(
        self,
        run: _Run,
        ownership: Ownership,
        telling: Announcements,
        changed: Sequence[Record],
        removed: Sequence[Record] = (),
        expects: Mapping[str, datetime] = MappingProxyType({}),
    ) -> None:
        steps = [
            event.model_copy(update={"owner": run.order.owner}) for event in run.unwritten.values()
        ]
        # Expected payments fill what room is left: the next sync writes the rest of them.
        records = [run.order, *steps, *(one for one in changed if not isinstance(one, Schedule))]
        rows = [one for one in changed if isinstance(one, Schedule)]
        room = TRANSACTION_LIMIT - _BESIDE - len(records) - len(telling.events)
        self._orders.commit(
            Commit(
                ownership=telling.ownership,
                seen=ownership.owner.updated,
                replaces=[*records, *rows[: max(0, room)]],
                removes=removed,
                events=telling.events,
                expects=expects,
                attempt=run.attempt,
            )
        )

    def _refresh(self, run: _Run, step: PlannedStep) -> None:
        """Reads the subscriptions as they are billed now, and ends the order with the last."""
        read: dict[str, Billed] = {}
        with self._listening() as heard:
            try:
                for holding in self._holdings(run.order.subscriptions):
                    read[holding.id] = self._billing.read(holding.name or "")
            except StepFailed as failure:
                after = self._note(run, step, failure=failure, heard=heard)
                if failure.verdict != "refused" and after.attempts < _REFRESH_TRIES:
                    raise _Ended(self._put_off(run, self._wait(after, failure))) from failure
                self._go_on_without(run, step, failure.trouble)
                self._complete_unread(run)
                return
        self._note(run, step, done=Done(), heard=heard)
        try:
            for id in [*read][:-1]:
                # One transaction holds what hangs from one subscription.
                self._take_over(run, read[id])
            self._complete(run, dict([*read.items()][-1:]))
        except TransferPending:
            self._complete_unread(run)

    def _complete_unread(self, run: _Run) -> None:
        """What the billing system has by now is taken over by syncs of their own."""
        self._complete(run, {})
        for holding in self._holdings(run.order.subscriptions):
            self._resyncs.ask(holding.name or "", now=self._now())

    def _take_over(self, run: _Run, billed: Billed) -> None:
        def decide() -> None:
            self._leased(run)
            taken = self._taken(run, billed)
            if taken.telling is not None:
                self._orders.commit(
                    Commit(
                        ownership=taken.telling.ownership,
                        seen=taken.seen,
                        replaces=taken.replaces,
                        events=taken.telling.events,
                        expects=taken.expects,
                    )
                )

        decided(decide)

    def _taken(self, run: _Run, billed: Billed) -> Taken:
        now = self._now()
        today = clock.today(now, self._policy.zone)
        return taken_over(
            billed,
            catalog=self._catalog,
            partners=_NoPartners(),
            owners=self._orders,
            moment=Moment(now, today, self._policy.mode),
            finishing=run.order.id,
            finish=lambda holding: self._finished(run, holding),
        )

    def _finished(self, run: _Run, holding: Holding) -> Holding:
        """The subscription without the lock of this order, if its day has come."""
        change = holding.data.pending_change
        if change is None or change.order != run.order.id:
            return holding
        now = self._now()
        complete = run.order.model_copy(update={"status": "complete"})
        return advanced(holding, complete, today=clock.today(now, self._policy.zone), now=now)

    def _complete(self, run: _Run, read: Mapping[str, Billed]) -> None:
        """One transaction: the order is complete, and so is what was read of its subscription."""
        before = run.order

        def decide() -> None:
            run.order = before
            ownership = self._leased(run)
            telling = self._announcements(ownership)
            changed: list[Record] = []
            for billed in read.values():
                taken = self._taken(run, billed)
                if taken.telling is not None:
                    telling = taken.telling
                    changed += taken.replaces
            for holding in self._holdings(run.order.subscriptions):
                if holding.id in read:
                    continue
                after = self._finished(run, holding)
                if after is not holding:
                    told(telling, holding, after, clock.today(self._now(), self._policy.zone))
                    changed += written(holding, after)
            if (details := self._altered(run)) is not None:
                now = self._now()
                changed += redone(run.order, details, now, only_lost=True).differing_from(details)
            self._end(run, status="complete")
            telling.tell("order.completed", run.order.wire())
            self._commit(run, ownership, telling, changed)

        decided(decide)
        run.was_written()
        self._count("OrdersCompleted")

    def _end(self, run: _Run, **members: Any) -> None:
        timer = run.clock.model_copy(update={"next_at": None, "lease_until": None})
        run.becomes(self._now(), provisioning=timer, **members)

    def _fail(self, run: _Run, step: PlannedStep, failure: StepFailed) -> None:
        """One transaction: the order is failed, and all is as it is without it."""
        trouble = failure.trouble
        code = "outcome_unknown" if failure.verdict == "ambiguous" else trouble.code
        noted = run.step(step.name, self._now())
        ended = noted.model_copy(update={"status": "failed", "error": _error(trouble, code)})
        event = run.unwritten[noted.id]
        run.note(
            ended,
            event.model_copy(
                update={
                    "status": "failed",
                    "data": event.data.model_copy(update={"error": ended.error}),
                }
            ),
        )
        error = OrderError(
            step=step.name, system=trouble.system, code=code, request_id=trouble.request_id
        )
        before = run.order

        def decide() -> None:
            run.order = before
            ownership = self._leased(run)
            telling = self._announcements(ownership)
            self._end(run, status="failed", error=error)
            changed = self._taken_back(run, telling)
            error_body = _error_body(run.order, ended, trouble)
            telling.tell("order.failed", error_body, partner_org=run.order.partner_org)
            made = telling.events[-1]
            named = {"eventId": made.id, **made.snapshot}
            telling.events[-1] = made.model_copy(update={"snapshot": named})
            self._announce(run, telling, changed)
            rows = [row for pair in changed for row in written(*pair)]
            removed: list[Address] = []
            if (details := self._altered(run)) is not None:
                without = details_undone(run.order, details, self._now())
                rows += without.differing_from(details)
                removed += without.missing_of(details)
                if without.customer != details.customer:
                    telling.tell("customer.updated", without.customer.wire())
            self._commit(run, ownership, telling, rows, removed)

        decided(decide)
        run.was_written()
        self._count("OrdersFailed")
        if self._billing.is_configured:
            # What is expected to be paid follows from what is billed.
            for holding in self._holdings(run.order.subscriptions):
                if not _creates(run.order, holding):
                    self._resyncs.ask(holding.name or "", now=self._now())

    def _altered(self, run: _Run) -> Details | None:
        """The customer with its addresses, if the order changes any of them."""
        if not run.order.altered_details or run.order.customer is None:
            return None
        return self._details(run.order.customer)

    def _taken_back(self, run: _Run, telling: Announcements) -> list[tuple[Holding, Holding]]:
        """Each subscription with and without the order, made known to the announcements."""
        now = self._now()
        today = clock.today(now, self._policy.zone)
        pairs = []
        for holding in self._holdings(run.order.subscriptions):
            after = undone(holding, run.order, today=today, now=now)
            if after == holding:
                continue
            pairs.append((holding, after))
            state = telling.ownership
            telling.becomes(state.holding(held(after, state.find(after.id)), today))
        return pairs

    def _announce(
        self, run: _Run, telling: Announcements, changed: Sequence[tuple[Holding, Holding]]
    ) -> None:
        today = clock.today(self._now(), self._policy.zone)
        for before, after in changed:
            gone = after.status == "cancelled" and before.status != "cancelled"
            name = "subscription.cancelled" if gone else "subscription.updated"
            telling.tell(name, on_day(after, today).wire(), subscription=after.id)
        if run.order.order_type in _TELL_NO_ENTITLEMENTS:
            return
        for _, after in changed:
            telling.entitlements(after.id)


class DueOrders(Protocol):
    def due_orders(self, until: datetime) -> Iterator[str]:
        """Ids of orders whose next try, or lease, is due until then."""

    def note_late(self, ids: Sequence[str], *, at: datetime) -> None:
        """Keeps what a turn found in place of what the one before it did."""


def sweep(
    *,
    orders: DueOrders,
    queue: Queue,
    now: Callable[[], datetime],
    time_left: Callable[[], float],
) -> dict[str, Any]:
    """Puts orders on the queue again whose message was lost: ten minutes late, or their lease."""
    late: list[str] = []
    ended: dict[str, Any] = {}
    for id in orders.due_orders(now() - _LOST_AFTER):
        if time_left() < 5:
            ended = {"outcome": "unfinished"}
            break
        queue.send(id, delay=0)
        late.append(id)
    orders.note_late(late[:_NOTED], at=now())
    return {**ended, "sent": len(late)}


def _creates(order: Order, holding: Holding) -> bool:
    return any(one.is_new for one in order.alterations if one.subscription == holding.id)


def _error(trouble: Trouble | None, code: str | None = None) -> StepError | None:
    if trouble is None:
        return None
    return StepError(code=code or trouble.code, codes=trouble.codes)


def _try(one: Exchanged, step: ProcessStep, now: datetime) -> Try:
    return Try(
        at=now,
        generation=step.generation if one.generation is None else one.generation,
        method=one.method,
        route=one.route,
        outcome=one.outcome,
        status=one.status,
        request_id=one.request_id,
        codes=one.codes,
    )


def _with_accounts(customer: Customer, done: Done, now: datetime) -> Customer:
    data = customer.data.model_copy(
        update={"zuora": customer.data.zuora.model_copy(update=dict(done.account))}
    )
    if done.crm_account:
        known = data.salesforce or SalesforceAccount()
        crm = known.model_copy(update=dict(done.crm_account))
        data = data.model_copy(update={"salesforce": crm})
    if data == customer.data:
        return customer
    updated = clock.after(customer.updated, now)
    return customer.model_copy(update={"data": data, "updated": updated})


def _error_body(order: Order, step: ProcessStep, trouble: Trouble) -> dict[str, Any]:
    """In the words of existing receivers; the message is ours, with the outside system's codes."""
    codes = f" ({', '.join(map(str, trouble.codes))})" if trouble.codes else ""
    request = f", request {trouble.request_id}" if trouble.request_id else ""
    message = f"{trouble.message.rstrip('.')}{codes}{request}"
    return {
        "processEventId": step.id,
        "event": {
            "message": "Order Received",
            "type": f"order.{order.order_type}",
            "event": {"id": order.id},
        },
        "pluginErrorOutput": [{"name": trouble.system, "message": message}],
    }
