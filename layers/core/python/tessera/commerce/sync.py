"""Subscription sync: what the billing system knows of a subscription becomes Tessera's objects.

Source: `000_277bab192cd07c3f.txt` of the seeds, its first call; README, "Subscription sync".
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import Literal, NamedTuple, Protocol

from tessera import ids
from tessera.commerce import mapping
from tessera.commerce.activation import written
from tessera.commerce.billed import Billed, Billing
from tessera.commerce.billed_objects import (
    Moment,
    address_id,
    addresses_of,
    customer_of,
    holding_of,
    live_plan,
    with_order_in_flight,
    without_lost_change,
)
from tessera.commerce.commits import Commit, OwnerBusy, TooManyParts, decided
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.mapping import Candidate
from tessera.commerce.models import Address, Customer, Holding, Mapping, Order, Owner, Schedule
from tessera.commerce.subscriptions import on_day
from tessera.commerce.transferring import handed_over, left, refuse_in_flight
from tessera.errors import InvalidRequest, invalid
from tessera.events import LARGEST_SYNCED_BODY, Event
from tessera.objects import Model, Record
from tessera.tables import TRANSACTION_LIMIT

_BESIDE = 5
"""The owner's row, and the four names by which partners find a customer."""


class Catalog(Protocol):
    def candidates(self, plans: Collection[str], *, partner_org: str | None) -> list[Candidate]:
        """Offers and add-ons that hold any of these product rate plans, with what is in them."""


class Partners(Protocol):
    def of_zuora_account(self, account_id: str) -> Sequence[str]:
        """Ids of the active organisations that have this Zuora account."""


class Owners(Protocol):
    def ownership(self, owner: str) -> Ownership | None: ...

    def holding(self, subscription: str) -> Holding | None: ...

    def order(self, id: str) -> Order | None: ...

    def customer_with_addresses(
        self, customer: str, addresses: Sequence[str]
    ) -> tuple[Customer | None, dict[str, Address]]: ...

    def commit(self, change: Commit) -> None:
        """Raises `Outdated` or `Exists`."""


class Synced(Model):
    """The answer: `{"success": true, "id": "sub-…", "owner": "id-…"}`."""

    success: Literal[True] = True
    id: str
    owner: str
    mapping: Mapping | None = None


class Taken(NamedTuple):
    """What a reading makes of Tessera's objects, before it is written."""

    synced: Synced
    before: Holding | None
    after: Holding | None
    """None when the reading is older than what is stored."""
    telling: Announcements | None = None
    """With the events of the change; none when nothing has changed."""
    events: Sequence[Event] = ()
    """These, and those of the owner that it has left."""
    ceding: tuple[Ownership, datetime] | None = None
    """As `Commit.ceding`: the owner that had the subscription so far, when it is another."""
    replaces: Sequence[Record] = ()
    seen: datetime | None = None
    """`updated` of the owner as it was read; none for a new owner."""
    read_first: Sequence[Record] = ()
    """What is replaced and was read before the owner was, as it was read."""

    @property
    def expects(self) -> dict[str, datetime]:
        return {one.id: one.updated for one in self.read_first}


class _Known(NamedTuple):
    """What Tessera had of the subscription when it was decided."""

    ownership: Ownership | None
    customer: Customer | None
    addresses: dict[str, Address]
    holding: Holding | None
    order: Order | None
    """Of the pending change."""
    former: Ownership | None
    """The owner that has the subscription so far, if that is another."""


def sync(
    key: str,
    *,
    billing: Billing,
    catalog: Catalog,
    partners: Partners,
    owners: Owners,
    now: datetime,
    today: date,
    mode: str,
    refresh: bool = False,
    detail: bool = False,
) -> Synced:
    """Creates or updates everything that hangs from the subscription; a repeat changes nothing.

    `refresh` copies entitlements anew from the catalog, which otherwise stay as they were sold.
    Raises `InvalidRequest`, `InvalidFields`, what `Billing.read` raises, `TransferPending`,
    `OwnerBusy` and `Busy`.
    """
    if not 1 <= len(key) <= 100 or not key.isprintable():
        raise InvalidRequest(
            "Name the subscription by its Zuora number or id, at most 100 characters.",
            code="invalid_request",
        )
    billed = billing.read(key)
    moment = Moment(now, today, mode)

    def decide() -> Synced:
        taken = taken_over(
            billed,
            catalog=catalog,
            partners=partners,
            owners=owners,
            moment=moment,
            refresh=refresh,
        )
        if any(event.size > LARGEST_SYNCED_BODY for event in taken.events):
            text = "More hangs from this subscription than an event can tell of (200 KB)."
            raise invalid("id", text, "too_long")
        if taken.telling is not None:
            owners.commit(
                Commit(
                    ownership=taken.telling.ownership,
                    seen=taken.seen,
                    replaces=taken.replaces,
                    events=taken.events,
                    ceding=taken.ceding,
                    expects=taken.expects,
                )
            )
        return taken.synced

    synced = decided(decide)
    return synced if detail else synced.model_copy(update={"mapping": None})


def taken_over(
    billed: Billed,
    *,
    catalog: Catalog,
    partners: Partners,
    owners: Owners,
    moment: Moment,
    refresh: bool = False,
    finishing: str | None = None,
    finish: Callable[[Holding], Holding] = lambda holding: holding,
) -> Taken:
    """What the reading changes, still to be committed.

    An order in flight keeps what is its own, except that named by `finishing`, which the billing
    system has by now; `finish` is what its end makes of the subscription.
    Raises `OwnerBusy` and, also while its own order is `finishing`, `TransferPending`.
    """
    known = _read(billed, owners)
    before = known.holding
    if before is not None and (before.data.zuora.version or 0) > billed.version:
        # An older reading, overtaken on the way: what is stored is newer.
        mapped = before.data.mapping
        synced = Synced(id=before.id, owner=before.owner or "", mapping=mapped)
        return Taken(synced, before, None)
    if known.former is not None:
        refuse_in_flight(known.order, finishing)
    warning = _warned_of(known)
    partner_org = known.customer.partner_org if known.customer else None
    if known.customer is None and billed.account.parent_id is not None:
        organisations = partners.of_zuora_account(billed.account.parent_id)
        partner_org = organisations[0] if len(organisations) == 1 else None
        warning = "several_organisations" if len(organisations) > 1 else None
    ownership = known.ownership or _new_ownership(billed, moment, partner_org)
    customer = customer_of(billed.account, known.customer, ownership, partner_org, moment)
    addresses = addresses_of(billed.account, customer, known.addresses, moment)
    live = [live_plan(plan, billed) for plan in billed.live_plans(moment.today)]
    offered = catalog.candidates([p.product_rate_plan for p in live], partner_org=partner_org)
    held_ids = {o.data.offer.id for o in before.all_offers if o.status != "ended"} if before else ()
    matches = mapping.recognise(live, offered, present=held_ids)
    mapped = mapping.summary(live, matches, warning)
    if before is not None and known.former is not None:
        before = handed_over(before, customer, moment.now)
    holding = holding_of(billed, customer, matches, mapped, before, moment, refresh)
    if before is not None and known.order is not None and known.order.id != finishing:
        if known.order.status == "complete":
            holding = without_lost_change(holding, billed, known.order, moment)
        elif known.order.status in ("submitted", "processing"):
            holding = with_order_in_flight(holding, before, known.order, moment)
    holding = finish(holding)
    return _taken(known, ownership, customer, addresses, holding, moment)


def _read(billed: Billed, owners: Owners) -> _Known:
    customer_id = ids.customer_id(billed.account.number)
    address_ids = [address_id(customer_id, kind) for kind in ("billing", "delivery")]
    customer, addresses = owners.customer_with_addresses(customer_id, address_ids)
    owner = customer.owner if customer else None
    ownership = owners.ownership(owner or _owner_id(billed))
    if ownership is not None and ownership.owner.status == "merging":
        raise OwnerBusy("The owner of this subscription is being merged. Try again in a minute.")
    holding = owners.holding(ids.subscription_id(billed.number))
    change = holding.data.pending_change if holding else None
    order = owners.order(change.order) if change else None
    former = None
    if holding is not None and holding.owner not in (None, owner or _owner_id(billed)):
        former = _former(holding, owners)
    return _Known(ownership, customer, addresses, holding, order, former)


def _warned_of(known: _Known) -> str | None:
    """By the first import, which alone looks for the partner: a repeat has nothing else to say."""
    customer, holding = known.customer, known.holding
    if customer is None or customer.partner_org is not None or holding is None:
        return None
    if holding.customer != customer.id or holding.data.mapping is None:
        return None
    return holding.data.mapping.warning


def _former(holding: Holding, owners: Owners) -> Ownership:
    former = owners.ownership(holding.owner or "")
    if former is None or former.owner.status != "active":
        raise OwnerBusy("The owner of this subscription is being merged. Try again in a minute.")
    return former


def _owner_id(billed: Billed) -> str:
    return ids.owner_id_of_account(billed.account.number)


def _new_ownership(billed: Billed, moment: Moment, partner_org: str | None) -> Ownership:
    owner = Owner(
        id=_owner_id(billed),
        mode=moment.mode,
        partner_org=partner_org,
        created=moment.now,
        updated=moment.now,
    )
    return Ownership(owner=owner)


def _taken(
    known: _Known,
    ownership: Ownership,
    customer: Customer,
    addresses: Sequence[Address],
    holding: Holding,
    moment: Moment,
) -> Taken:
    before = known.holding
    synced = Synced(id=holding.id, owner=ownership.owner.id, mapping=holding.data.mapping)
    changed: list[Record] = [one for one in addresses if known.addresses.get(one.id) != one]
    new_customer = known.customer is None or known.customer != customer
    new_holding = before is None or before != holding
    if not changed and not new_customer and not new_holding:
        return Taken(synced, before, holding)
    telling = Announcements(ownership, now=moment.now, today=moment.today)
    state = ownership.owning(customer)
    if new_holding:
        state = state.holding(held(holding, ownership.find(holding.id)), moment.today)
    telling.becomes(state)
    if new_customer:
        name = "customer.created" if known.customer is None else "customer.updated"
        telling.tell(name, customer.wire())
        changed.append(customer)
    for address in addresses:
        if address.id not in known.addresses:
            telling.happened("address.added", mode=moment.mode, partner_org=address.partner_org)
    if new_holding:
        name = _event(before, holding)
        telling.tell(name, on_day(holding, moment.today).wire(), subscription=holding.id)
        telling.entitlements_if_changed(holding.id)
    former = known.former
    leaving = former and left(former, holding.id, now=moment.now, today=moment.today)
    events = [*(leaving.events if leaving else ()), *telling.events]
    if new_holding:
        hanging = written(before, holding)
        changed = _fitting(changed, hanging, len(events), changes_hands=former is not None)
    replaced = {one.id for one in changed}
    first: list[Record | None] = [known.customer, *known.addresses.values()]
    if former is not None:
        # Another owner's commits do not lock what the subscription itself has become.
        first.append(before)
    return Taken(
        synced,
        before,
        holding,
        telling,
        events,
        ceding=(leaving.ownership, former.owner.updated) if leaving and former else None,
        replaces=changed,
        seen=known.ownership.owner.updated if known.ownership else None,
        read_first=[one for one in first if one is not None and one.id in replaced],
    )


def _fitting(
    changed: Sequence[Record], hanging: Sequence[Record], events: int, *, changes_hands: bool
) -> list[Record]:
    """What one transaction holds: expected payments fill what room is left, and the next sync
    writes the rest of them; nothing stays behind when the subscription changes hands.
    Raises `TooManyParts`.
    """
    rows = [one for one in hanging if isinstance(one, Schedule)]
    records = [*changed, *(one for one in hanging if not isinstance(one, Schedule))]
    owners = 1 if changes_hands else 0
    room = TRANSACTION_LIMIT - _BESIDE - owners - len(records) - events
    if room < (len(rows) if changes_hands else 0):
        raise TooManyParts("More hangs from this subscription than can be written at once.")
    return [*records, *rows[:room]]


def _event(before: Holding | None, after: Holding) -> str:
    if before is None:
        return "subscription.created"
    ended = after.status == "cancelled" and before.status != "cancelled"
    return "subscription.cancelled" if ended else "subscription.updated"
