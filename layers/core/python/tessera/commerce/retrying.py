"""An operator's retry of a failed order: checked again, granted again, carried on where it stopped.

Source: README, "How an order is carried out".
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from tessera import clock
from tessera.commerce.acceptance import Naming, Placed, answer
from tessera.commerce.activation import written
from tessera.commerce.altered_details import KINDS, Details, of_customer
from tessera.commerce.altered_details import redone as details_redone
from tessera.commerce.billed_objects import address_id
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import AnyChange, Change
from tessera.commerce.change_rules import Shop
from tessera.commerce.changes import prepare
from tessera.commerce.commits import Commit, OwnerBusy, decided
from tessera.commerce.eligibility import check_items, chosen
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import (
    Address,
    Alteration,
    Customer,
    Holding,
    Order,
    ProcessStep,
)
from tessera.commerce.order_bodies import read_order
from tessera.commerce.order_clock import clock_of
from tessera.commerce.order_requests import NewOrder
from tessera.commerce.owners import present
from tessera.commerce.subscriptions import on_day
from tessera.commerce.undo import redone
from tessera.errors import ChangePending, Conflict, NotFound
from tessera.objects import Record


class OrderNotFailed(Conflict):
    title = "Only an order that failed can be tried again"


class OrderOvertaken(Conflict):
    title = "A later order has changed the subscription"


class Owners(Protocol):
    def order(self, id: str) -> Order | None: ...

    def orders_since(self, owner: str, order: Order) -> Iterable[Order]:
        """The owner's orders placed after this one."""

    def holding(self, subscription: str) -> Holding | None: ...

    def customer(self, id: str) -> Customer | None: ...

    def address(self, id: str) -> Address | None: ...

    def ownership(self, owner: str) -> Ownership | None: ...

    def commit(self, change: Commit) -> None: ...


class _Granted(NamedTuple):
    """A subscription without the order and with it again."""

    before: Holding
    after: Holding
    alteration: Alteration | None
    announces: str


def retry(id: str, *, owners: Owners, shop: Shop, moment: Moment) -> Placed:
    """The order as it is carried out again.

    Raises `NotFound`, `OrderNotFailed`, `OrderOvertaken`, `ChangePending`, and whatever the rules
    of the order say by now.
    """
    return answer(decided(lambda: _retry_once(id, owners, shop, moment)))


def _retry_once(id: str, owners: Owners, shop: Shop, moment: Moment) -> Order:
    order = owners.order(id)
    if order is None or order.owner is None:
        raise NotFound(f"There is no order {id[:60]}.", code="not_found")
    if order.status != "failed":
        raise OrderNotFailed(f"This order is {order.status}. Only one that failed is tried again.")
    ownership = present(owners.ownership(order.owner), order.owner)
    if ownership.owner.status == "merging":
        raise OwnerBusy("The owner is being merged. Try again in a minute.")
    _check_is_latest(order, owners.orders_since(order.owner, order))
    _check_is_sold(order, shop)
    granted = [_granted(order, one, shop, moment) for one in _holdings(order, owners)]
    again = _again(order, granted, moment)
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    state = telling.ownership
    for one in granted:
        state = state.holding(held(one.after, state.find(one.after.id)), moment.today)
    telling.becomes(state)
    telling.tell("order.retry_requested", again.wire())
    for one in granted:
        body = on_day(one.after, moment.today).wire()
        telling.tell("subscription.updated", body, subscription=one.after.id)
    for one in granted:
        _announce(telling, one, moment)
    changed: list[Record] = [row for one in granted for row in written(one.before, one.after)]
    if order.altered_details and (details := _details(order, owners)) is not None:
        again_changed = details_redone(order, details, telling.now)
        changed += again_changed.differing_from(details)
        if again_changed.customer != details.customer:
            telling.tell("customer.updated", again_changed.customer.wire())
    owners.commit(
        Commit(
            ownership=telling.ownership,
            seen=ownership.owner.updated,
            replaces=[again, *changed],
            events=telling.events,
            attempt=order.provisioning.attempt if order.provisioning else None,
            expects={order.id: order.updated},
        )
    )
    return again


def _check_is_latest(order: Order, later: Iterable[Order]) -> None:
    concerned = set(order.subscriptions)
    for one in later:
        if one.status != "failed" and concerned & set(one.subscriptions):
            raise OrderOvertaken(
                f"Order {one.id} has changed the subscription since. Place a new order instead.",
                order=one.id,
            )


def _check_is_sold(order: Order, shop: Shop) -> None:
    """What a purchase names must still be for sale, as it was seen."""
    request = read_order(order.data) if order.order_type == "new" else None
    if isinstance(request, NewOrder):
        check_items(request, shop.for_sale(chosen(request)), _caller(order), order.partner_org)


def _holdings(order: Order, owners: Owners) -> list[Holding]:
    altered = [one.subscription for one in order.alterations]
    found = (owners.holding(id) for id in altered)
    holdings = [one for one in found if one is not None]
    for one in holdings:
        change = one.data.pending_change
        if change is not None:
            raise ChangePending(
                "Another change of the subscription is pending.",
                code="change_pending",
                effectiveDate=clock.zoneless(change.effective_date),
            )
    return holdings


def _details(order: Order, owners: Owners) -> Details | None:
    customer = owners.customer(order.customer or "")
    if customer is None:
        return None
    found = (owners.address(address_id(customer.id, kind)) for kind in KINDS)
    return of_customer(customer, (one for one in found if one is not None))


def _granted(order: Order, holding: Holding, shop: Shop, moment: Moment) -> _Granted:
    request = read_order(order.data)
    if not isinstance(request, Change):
        after = redone(holding, order, today=moment.today, now=moment.now)
        return _Granted(holding, after, None, "set")
    made = {id for alteration in order.alterations for id in alteration.adds}
    # What it made is cancelled, and is made again under the same ids.
    bare = holding.model_copy(
        update={
            "offers": tuple(one for one in holding.offers if one.id not in made),
            "add_ons": tuple(one for one in holding.add_ons if one.id not in made),
        }
    )
    change: AnyChange = request  # type: ignore[assignment]  # every `Change` read is one of them
    naming = Naming(id=order.id, fingerprint=order.fingerprint or "")
    prepared = prepare(change, _caller(order), bare, shop, moment, naming)
    return _Granted(holding, prepared.after, prepared.alteration, prepared.announces)


def _caller(order: Order) -> Caller:
    """Whoever placed it: the rules are those that held for it."""
    kind = order.placed_by.kind
    return Caller(
        kind=kind,
        id=order.placed_by.id,
        owner=order.owner if kind == "customer" else None,
        partner_org=order.partner_org if kind == "partner" else None,
    )


def _again(order: Order, granted: Sequence[_Granted], moment: Moment) -> Order:
    timer = clock_of(order.order_type, moment.now)
    alterations = tuple(one.alteration for one in granted if one.alteration is not None)
    members: dict[str, Any] = {
        "status": "processing",
        # The next one is the second, and so looks back first.
        "provisioning": timer.model_copy(update={"attempt": 1}),
        "process": tuple(_open(step, moment) for step in order.process),
        "error": None,
        "alterations": alterations or order.alterations,
        "updated": clock.after(order.updated, moment.now),
    }
    return order.model_copy(update=members)


def _open(step: ProcessStep, moment: Moment) -> ProcessStep:
    """Under a new key, as the old one would bring the remembered failure again.

    What is unknown keeps its key: it is looked up first.
    """
    if step.status != "failed":
        return step
    unknown = step.error is not None and step.error.code == "outcome_unknown"
    return step.model_copy(
        update={
            "status": "pending",
            "at": moment.now,
            "generation": step.generation + (not unknown),
            "strikes": None,
        }
    )


def _announce(telling: Announcements, one: _Granted, moment: Moment) -> None:
    match one.announces:
        case "always":
            day = one.alteration.day if one.alteration else None
            telling.entitlements(one.after.id, day=day)
        case "if_changed":
            telling.entitlements_if_changed(one.after.id)
        case "set":
            start = one.after.data.start_date
            telling.entitlements(one.after.id, day=start if start > moment.today else None)
