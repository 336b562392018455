"""Placing an order that changes a subscription: checked, written and announced in one transaction.

Entitlements follow at once; the billing system follows behind. Source: README, "Changing a
subscription"; `001_2d86728002fa75f1.txt` of the seeds (Switch, Cancel, Save).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, Protocol

from tessera import ids
from tessera.commerce.acceptance import Naming, Placed, answer, identifying, once
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import AnyChange
from tessera.commerce.change_rules import Shop, decide, reached, subscription_named
from tessera.commerce.changed_objects import Ordered, changed, written
from tessera.commerce.commits import Commit, OwnerBusy, TooManyParts
from tessera.commerce.entitlements import ALWAYS_ANNOUNCED, Announcements, Ownership, as_told, held
from tessera.commerce.models import (
    Alteration,
    Holding,
    Order,
    OrderWarning,
    SubscriptionOffer,
)
from tessera.commerce.order_clock import clock_of
from tessera.commerce.owners import present
from tessera.commerce.subscriptions import on_day
from tessera.errors import invalid
from tessera.events import LARGEST_BODY, LARGEST_SYNCED_BODY, Event, size_of
from tessera.tables import TRANSACTION_LIMIT

_EVENTS = {
    "change_offer": "order.offer_changed",
    "add_offer": "order.offer_added",
    "cancel_subscription": "order.subscription_cancelled",
    "add_on": "order.subscription_updated",
    "update_subscription": "order.subscription_updated",
    "renew": "order.renewed",
}


class Owners(Protocol):
    def order(self, id: str) -> Order | None: ...

    def holding(self, subscription: str) -> Holding | None: ...

    def ownership(self, owner: str) -> Ownership | None: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


class Prepared(NamedTuple):
    """What an order would do, all rules checked: shown by a preview, written by the order."""

    order_type: str
    before: Holding
    after: Holding
    alteration: Alteration
    day: date
    """When it takes hold."""
    removed_add_ons: tuple[SubscriptionOffer, ...]
    """They end because they do not go with the new offer."""
    warnings: tuple[OrderWarning, ...]
    event: str
    """As which the order is announced."""
    announces: Literal["always", "if_changed", "never"]
    """Are its entitlements?"""

    @property
    def entitlements(self) -> tuple[str, ...]:
        """The set of the subscription from that day on."""
        return held(self.after).on(self.day)


def prepare(
    request: AnyChange,
    caller: Caller,
    holding: Holding | None,
    shelf: Shop,
    moment: Moment,
    naming: Naming | None = None,
) -> Prepared:
    """Raises `NotFound` for a subscription that is not the caller's, and what `decide` raises.

    `naming` is the order's; a preview has none and names nothing that could be found again.
    """
    reachable = reached(holding, caller)
    decision = decide(request, caller, reachable, shelf, moment.today)
    id = naming.id if naming else ids.random("order")
    ordered = Ordered(
        id=id,
        reference=ids.reference(id),
        order_type=request.order_type,
        source=request.source or caller.source,
        now=moment.now,
        today=moment.today,
    )
    after, alteration = changed(reachable, decision, ordered)
    return Prepared(
        order_type=request.order_type,
        before=reachable,
        after=after,
        alteration=alteration,
        day=decision.day,
        removed_add_ons=decision.removed_add_ons,
        warnings=decision.warnings,
        event=_EVENTS[request.order_type],
        announces=_announces(request.order_type),
    )


def place_change(
    request: AnyChange,
    submitted: Mapping[str, Any],
    *,
    caller: Caller,
    owners: Owners,
    shop: Shop,
    moment: Moment,
) -> Placed:
    """The order as accepted, or the earlier one of the same `external_id`.

    `submitted` is the body as sent. An `external_id` equal to the subscription's id or name is
    stored but identifies nothing. Raises what `prepare` raises, `OrderExists`, `OwnerMerged`,
    `OwnerBusy`, `Busy`, `TooManyParts`.
    """
    subscription = subscription_named(request)
    order = once(
        lambda naming: _commit(naming, request, subscription, caller, owners, shop, moment),
        external_id=identifying(request.external_id, subscription),
        scope=caller.scope,
        submitted=submitted,
        orders=owners,
    )
    return answer(order)


def _commit(
    naming: Naming,
    request: AnyChange,
    subscription: str,
    caller: Caller,
    owners: Owners,
    shop: Shop,
    moment: Moment,
) -> Order:
    holding = reached(owners.holding(subscription), caller)
    owner = holding.owner or ""
    ownership = present(owners.ownership(owner), owner)
    if ownership.owner.status == "merging":
        raise OwnerBusy("The owner is being merged. Try again in a minute.")
    prepared = prepare(request, caller, holding, shop, moment, naming)
    order = _order(naming, request, prepared, caller, moment)
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    _tell(telling, prepared, order, moment.today)
    _check_size(telling.events, holding, moment.today)
    owners.commit(_write(telling, prepared, order, ownership))
    return order


def _check_size(events: Sequence[Event], before: Holding, today: date) -> None:
    """What Zuora sells may be larger than all else, and can be cancelled all the same."""
    largest = max(event.size for event in events)
    if largest <= LARGEST_BODY:
        return
    was_larger = size_of(as_told(on_day(before, today).wire())) > LARGEST_BODY
    most = LARGEST_SYNCED_BODY if was_larger else LARGEST_BODY
    if largest > most:
        text = f"With this change it is larger than webhooks can be ({most // 1024} KB)."
        raise invalid("forSubscription", text, "too_long")


def _announces(order_type: str) -> Literal["always", "if_changed", "never"]:
    if order_type in ALWAYS_ANNOUNCED:
        return "always"
    return "never" if order_type == "renew" else "if_changed"


def _order(
    naming: Naming, request: AnyChange, prepared: Prepared, caller: Caller, moment: Moment
) -> Order:
    holding = prepared.after
    data = request.accepted()
    # By its number it is answered, and told in outside systems.
    data["forSubscription"] |= {"id": holding.id, "name": holding.name}
    return Order(
        id=naming.id,
        mode=moment.mode,
        name=naming.reference,
        reference=naming.reference,
        owner=holding.owner,
        customer=holding.customer,
        partner_org=holding.partner_org,
        created=moment.now,
        updated=moment.now,
        order_type=request.order_type,
        external_id=request.external_id,
        source=request.source or caller.source,
        order_date=request.order_date or moment.now,
        subscriptions=(holding.id,),
        placed_by=caller.placed_by,
        data=data,
        warnings=prepared.warnings,
        fingerprint=naming.fingerprint,
        provisioning=clock_of(request.order_type, moment.now),
        alterations=(prepared.alteration,),
    )


def _tell(telling: Announcements, prepared: Prepared, order: Order, today: date) -> None:
    before, after = prepared.before, prepared.after
    state = telling.ownership
    telling.becomes(state.holding(held(after, state.find(after.id)), today))
    telling.tell(prepared.event, order.wire())
    shown = on_day(after, today).wire()
    if after.status == "cancelled":
        telling.tell("subscription.cancelled", shown, subscription=after.id)
    elif prepared.alteration.day <= today:
        telling.tell("subscription.updated", shown, subscription=after.id)
    if prepared.announces == "always":
        telling.entitlements(before.id, day=prepared.day)
    elif prepared.announces == "if_changed":
        telling.entitlements_if_changed(before.id)


def _write(
    telling: Announcements, prepared: Prepared, order: Order, ownership: Ownership
) -> Commit:
    """All in one transaction. Expected payments fill what room is left: the rest comes with sync,
    which reads them from the billing system.
    """
    records, rows = written(prepared.before, prepared.after)
    room = TRANSACTION_LIMIT - 2 - len(records) - len(telling.events)
    if room < 0:
        raise TooManyParts("Too many offers and add-ons change at once. Change some of them first.")
    return Commit(
        ownership=telling.ownership,
        seen=ownership.owner.updated,
        creates=[order],
        replaces=[*records, *rows[:room]],
        events=telling.events,
        expects={prepared.before.id: prepared.before.updated},
    )
