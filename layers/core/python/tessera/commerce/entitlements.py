"""What an owner is entitled to on any day, and what is said of it when it changes.

The set of a subscription on a day is what the offers and add-ons in force that day were sold with;
it is empty unless the subscription is active. Source: README, "Entitlements".
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from tessera import clock
from tessera.clock import Day, Instant
from tessera.commerce.models import Customer, Holding, Identity, Owner, PendingChange, Tracking
from tessera.commerce.subscriptions import is_on_hold, with_terms
from tessera.events import LARGEST_BODY, Event, event, size_of
from tessera.objects import Data, Model

ALWAYS_ANNOUNCED = ("change_offer", "add_offer", "cancel_subscription")
"""Orders whose day and set are told at commit, whether the set changes or not."""


class Span(Data):
    """The effective codes of one offer or add-on while it is in force."""

    start: Day
    end: Day | None = None
    codes: tuple[str, ...]


class Announced(Data):
    """What the last body said: the set, and for a change ahead its day."""

    codes: tuple[str, ...] = ()
    day: Day | None = None


class Held(Data):
    """One subscription as its owner's entitlements see it."""

    id: str
    number: str
    partner_org: str | None = None
    """Whose customer's it is; the owner may have others that are nobody's."""
    start: Day
    end: Day | None = None
    """The first day not covered: cancelled, or the term is over and does not renew."""
    suspended: bool = False
    """Or not activated yet: nothing is granted, whatever the dates say."""
    awaits_activation: bool = False
    """Of the two it is the latter."""
    cancels: bool = False
    """Does it end because it was cancelled? The mere end of a term is not announced ahead."""
    change_day: Day | None = None
    """The day of a pending change."""
    spans: tuple[Span, ...] = ()
    tracking: Tracking = Tracking()
    updated: Instant | None = None
    """Of the last body sent."""
    said: Announced = Announced()
    said_ahead: Announced | None = None

    def on(self, day: date) -> tuple[str, ...]:
        """The set of that day, in order, each code once."""
        if self.suspended or day < self.start or (self.end is not None and day >= self.end):
            return ()
        in_force = (
            span.codes
            for span in self.spans
            if span.start <= day and (span.end is None or day < span.end)
        )
        return tuple(dict.fromkeys(code for codes in in_force for code in codes))

    def ahead(self, today: date) -> date | None:
        """The day of the earliest change to be announced that has not come yet."""
        end = self.end if self.cancels else None
        days = [day for day in (self.start, self.change_day, end) if day is not None]
        # What was to change after the end does not come any more.
        return min((day for day in days if day > today and (not end or day <= end)), default=None)

    def is_kept(self, today: date) -> bool:
        """Is there a set today or to come, or one that was announced and must be taken back?"""
        return bool(self.said.codes) or self.said_ahead is not None or self.gives_from(today)

    def gives_from(self, today: date) -> bool:
        """Is there a set today or on any day to come?"""
        if self.suspended:
            return bool(self.spans) and (self.end is None or self.end > today)
        days = {today, self.start, *(span.start for span in self.spans)}
        return any(self.on(day) for day in days if day >= today)


class OwnedCustomer(Data):
    """What a new order needs to know of a customer that the owner has already."""

    id: str
    partner_org: str | None = None
    currency: str | None = None
    default_method: str | None = None
    """The payment method that an order made its account pay by, if one did."""


class Merge(Model):
    """One owner on its way into another; kept by both until it is over, then by the source."""

    source: str
    destination: str
    message: str | None = None
    """Why, as whoever asked for it said."""
    is_settled: bool = False
    """Nothing of the source was left behind, by a late look at it."""


class Ownership(Model):
    """An owner with its identities and all it is entitled to: the row that every commit locks."""

    owner: Owner
    sequence: int = 0
    """Of the owner's last event."""
    version: int = 0
    """The sequence of the last `entitlements.updated`."""
    announced: Instant | None = None
    """When that was sent; none before the first one."""
    identities: tuple[Identity, ...] = ()
    """Oldest attachment first."""
    held: tuple[Held, ...] = ()
    """Oldest subscription first; without those that give nothing and have nothing to take back."""
    customers: tuple[OwnedCustomer, ...] = ()
    unannounced: tuple[str, ...] = ()
    """Subscriptions whose owner's identities changed and were not announced yet."""
    merge: Merge | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing but one identity: a login before anything was bought."""
        return not self.customers and not self.held and len(self.identities) <= 1

    def holding(self, held: Held, today: date) -> "Ownership":
        """With this subscription's entitlements in place of what was known of it."""
        others = [one for one in self.held if one.id != held.id and one.is_kept(today)]
        place = next((n for n, one in enumerate(others) if one.start > held.start), len(others))
        return self.model_copy(update={"held": (*others[:place], held, *others[place:])})

    def owning(self, customer: Customer) -> "Ownership":
        """With this customer among the owner's; all else that an owner has hangs from one."""
        owned = OwnedCustomer(
            id=customer.id,
            partner_org=customer.partner_org,
            currency=customer.data.currency,
            default_method=self.default_method(customer.id),
        )
        others = tuple(one for one in self.customers if one.id != customer.id)
        return self.model_copy(update={"customers": (*others, owned)})

    def default_method(self, customer: str) -> str | None:
        return next((one.default_method for one in self.customers if one.id == customer), None)

    def paying_by(self, customer: str, method: str) -> "Ownership":
        """With that customer's account paid by this method."""
        paid = {"default_method": method}
        customers = (
            one.model_copy(update=paid) if one.id == customer else one for one in self.customers
        )
        return self.model_copy(update={"customers": tuple(customers)})

    def find(self, subscription: str) -> Held | None:
        return next((one for one in self.held if one.id == subscription), None)


class Announcements:
    """The events of one commit: numbers them per owner and keeps their times strictly increasing.

    When all are made, `ownership` is what belongs into the owner's row.
    """

    def __init__(
        self, ownership: Ownership, *, now: datetime, today: date, correlation_id: str | None = None
    ) -> None:
        is_new = ownership.sequence == 0 and ownership.owner.updated == now
        self.now = now if is_new else clock.after(ownership.owner.updated, now)
        self._today = today
        self._last_body: datetime | None = None
        self._correlation_id = correlation_id
        self._ownership = ownership
        self.events: list[Event] = []

    @property
    def ownership(self) -> Ownership:
        """With the sequence and the time of the last event made here."""
        owner = self._ownership.owner.model_copy(update={"updated": self._last_body or self.now})
        return self._ownership.model_copy(update={"owner": owner})

    def becomes(self, ownership: Ownership) -> None:
        """The owner's state that the events to come speak of."""
        self._ownership = ownership

    def tell(
        self,
        type: str,
        body: dict[str, Any],
        *,
        subscription: str | None = None,
        partner_org: str | None = None,
    ) -> None:
        """An event whose body is an object as its GET returns it, which names its own partner.

        Of a subscription that is too large for receivers it tells less about payments to come.
        """
        partner = partner_org or body.get("partner_org")
        self._event(type, as_told(body), partner, subscription=subscription)

    def happened(
        self, type: str, *, mode: str, partner_org: str | None, subscription: str | None = None
    ) -> None:
        """An event whose body is the event itself: no object tells of it."""
        self._event(type, {}, partner_org, subscription=subscription)
        made = self.events[-1]
        body: dict[str, Any] = {
            "id": made.id,
            "record_type": "event",
            "service": "limio",
            "mode": mode,
            "name": type,
            "owner": made.owner,
            "partner_org": made.partner_org,
            "subscription": subscription,
            "created": clock.instant(made.created_at),
            "data": {},
        }
        shown = {name: value for name, value in body.items() if value is not None}
        self.events[-1] = made.model_copy(update={"snapshot": shown})

    def entitlements(self, subscription: str, *, day: date | None = None) -> None:
        """The set of one subscription: in force now, or from `day` on.

        A body without date replaces earlier announcements, so while a change lies ahead its
        announcement is sent again after it; likewise after one whose day has come already. An
        announcement for another day is taken back first: its day may come before this one. Those
        for several days go in their order, as the greatest whose day has come is in force.
        """
        held = self._held(subscription)
        if day is None or (held.said_ahead is not None and held.said_ahead.day != day):
            self._entitlement_body(subscription, None)
        days = {one for one in (day, held.ahead(self._today)) if one is not None}
        for one in sorted(days):
            self._entitlement_body(subscription, one)

    def entitlements_if_changed(self, subscription: str) -> None:
        """As sync tells it: what differs from the last bodies sent, today's and the one ahead.

        An announcement that no longer holds is taken back by a body without date: its day may come
        before that of the one that takes its place. Of what neither gives nor gave anything there
        is nothing to announce.
        """
        held = self._held(subscription)
        day = held.ahead(self._today)
        ahead = None if day is None else Announced(codes=held.on(day), day=day)
        is_withdrawn = held.said_ahead is not None and held.said_ahead != ahead
        if held.on(self._today) != held.said.codes or is_withdrawn:
            self.entitlements(subscription)
        elif ahead is not None and held.said_ahead is None and held.is_kept(self._today):
            self._entitlement_body(subscription, ahead.day)

    def _entitlement_body(self, subscription: str, day: date | None) -> None:
        held = self._held(subscription)
        codes = held.on(day or self._today)
        lies_ahead = day is not None and day > self._today
        at = self.now if self._last_body is None else clock.after(self._last_body, self.now)
        self._last_body = at
        body = {
            "tracking": {"subscription": held.number, **held.tracking.wire()},
            "effectiveDate": None if day is None else clock.zoneless(day),
            "updated": clock.instant(at),
            "owner": self._ownership.owner.id,
            "identities": [identity_members(one) for one in self._ownership.identities],
            "entitlements": [{"code": code} for code in codes],
        }
        self._event(
            "entitlements.updated",
            {name: value for name, value in body.items() if value is not None},
            held.partner_org,
            subscription=subscription,
            ahead=lies_ahead,
        )
        said = Announced(codes=codes, day=day if lies_ahead else None)
        news: dict[str, Any] = {"updated": at}
        news |= {"said_ahead": said} if lies_ahead else {"said": said, "said_ahead": None}
        self._ownership = self._ownership.model_copy(
            update={
                "version": self._ownership.sequence,
                "announced": at,
                "held": tuple(
                    one.model_copy(update=news) if one.id == subscription else one
                    for one in self._ownership.held
                ),
            }
        )

    def _event(
        self,
        type: str,
        body: dict[str, Any],
        partner_org: str | None,
        *,
        subscription: str | None,
        ahead: bool = False,
    ) -> None:
        sequence = self._ownership.sequence + 1
        self.events.append(
            event(
                type,
                body,
                at=self._last_body or self.now,
                owner=self._ownership.owner.id,
                subscription=subscription,
                partner_org=partner_org,
                sequence=sequence,
                ahead=ahead,
                correlation_id=self._correlation_id,
            )
        )
        self._ownership = self._ownership.model_copy(update={"sequence": sequence})

    def _held(self, subscription: str) -> Held:
        held = self._ownership.find(subscription)
        if held is None:
            raise KeyError(f"{subscription} is not among what {self._ownership.owner.id} holds")
        return held


def as_told(body: dict[str, Any]) -> dict[str, Any]:
    """An object as events have it: whole, unless it is a subscription too large for receivers.

    Its payments to come go without their line items then, or not at all.
    """
    if "schedule" not in body or size_of(body) <= LARGEST_BODY:
        return body
    terse = {**body, "schedule": [_without_line_items(one) for one in body["schedule"]]}
    if size_of(terse) <= LARGEST_BODY:
        return terse
    return {name: value for name, value in body.items() if name != "schedule"}


def _without_line_items(schedule: dict[str, Any]) -> dict[str, Any]:
    data = {name: value for name, value in schedule["data"].items() if name != "lineItems"}
    return {**schedule, "data": data}


def held(holding: Holding, before: Held | None = None) -> Held:
    """What the owner's entitlements keep of a subscription.

    `before` is what was kept so far: what was said of it is remembered.
    """
    # With the terms as they will be: until the day of their change none of them ends anything.
    data = with_terms(holding.data, date.max)
    ends_with_term = data.term_type == "TERMED" and not data.auto_renew
    ends = [data.cancel_date, data.term_end_date if ends_with_term else None]
    end = min((day for day in ends if day is not None), default=None)
    new = Held(
        id=holding.id,
        number=holding.name or "",
        partner_org=holding.partner_org,
        start=data.start_date,
        end=end,
        cancels=data.cancel_date is not None and end == data.cancel_date,
        suspended=is_on_hold(holding),
        awaits_activation=is_on_hold(holding) and holding.status != "suspended",
        spans=tuple(_spans(holding)),
        tracking=data.tracking,
        updated=before.updated if before else None,
        said=before.said if before else Announced(),
        said_ahead=before.said_ahead if before else None,
    )
    return new.model_copy(update={"change_day": _change_day(new, data.pending_change)})


def _change_day(held: Held, change: PendingChange | None) -> date | None:
    """The day of a pending change that is announced: always, or because the set changes."""
    if change is None:
        return None
    day = change.effective_date
    is_told = change.order_type in ALWAYS_ANNOUNCED
    return day if is_told or held.on(day) != held.on(day - timedelta(days=1)) else None


def _spans(holding: Holding) -> Iterable[Span]:
    for offer in holding.all_offers:
        granted = [g.effective_code for p in offer.data.products for g in p.entitlements]
        codes = tuple(dict.fromkeys(granted))
        if codes and offer.status != "cancelled":
            yield Span(start=offer.data.start, end=offer.data.end, codes=codes)


def identity_members(identity: Identity) -> dict[str, str]:
    """Under the short keys; service and type where they are known."""
    data = identity.data
    members = {"sub": data.sub, "iss": data.iss, "service": data.service, "type": data.type}
    return {name: value for name, value in members.items() if value is not None}
