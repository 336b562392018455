"""Events: what is announced of a committed change, and the list of everything announced.

An event is written into the `Events` table in the transaction that commits the change, published to
the bus from there, and delivered to webhook endpoints. Its name is stable: the bus `detail-type`
and the header `tessera-event-type`. Its snapshot is complete: nobody has to ask again, but for the
payments to come of a very large subscription.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tessera import ids
from tessera.clock import Instant
from tessera.objects import Model, compact_json

BUS_SOURCE = "tessera"
OPEN_SHARDS = 4
LARGEST_BODY = 64 * 1024
"""Bytes of a webhook body in any dialect, of all that is ordered here."""
LARGEST_SYNCED_BODY = 200 * 1024
"""Bytes. What Zuora sells on one subscription is not for Tessera to say, but an event has to fit
into an entry of EventBridge, 256 KB, with all around it."""
_LONG_KEYS = 2 * len("https://limio.com/")


class EventType(NamedTuple):
    name: str
    label: str | None
    """The name under which existing users know it."""
    body: str
    """What the webhook body is: the object as its GET returns it, unless said."""
    version: int = 1
    webhook: bool = True
    """Is it for webhook endpoints? The others are for the bus only."""
    operational: bool = False
    """About delivery itself: goes only to endpoints that name it."""


EVENT_TYPES: dict[str, EventType] = {
    kind.name: kind
    for kind in (
        EventType("customer.created", "Customer Created", "customer"),
        EventType("customer.updated", "Customer Updated", "customer"),
        EventType("subscription.created", "Subscription Created", "subscription"),
        EventType("subscription.updated", None, "subscription"),
        EventType("subscription.cancelled", None, "subscription"),
        EventType("order.submitted", "Order Submitted", "order"),
        EventType("order.retry_requested", None, "order", webhook=False),
        EventType("order.offer_changed", "Subscription Offer Change", "order"),
        EventType("order.offer_added", "Subscription Offer Addition", "order"),
        EventType("order.subscription_cancelled", "Subscription Cancellation", "order"),
        EventType("order.subscription_updated", "Update Subscription", "order"),
        EventType("order.address_changed", "Address Change", "order"),
        EventType("order.payment_method_changed", "Payment Method Change", "order"),
        EventType("order.renewed", None, "order"),
        EventType("order.payment_submitted", None, "order"),
        EventType("order.completed", None, "order"),
        EventType("order.customer_updated", "Update Customer Details", "order"),
        EventType("order.failed", "Error", "error body"),
        EventType("entitlements.updated", "Entitlements Updated", "entitlement body"),
        EventType("checkout.initiated", "Checkout Initiated", "event body"),
        EventType("cancel.attempted", "Cancel Attempted", "event body"),
        EventType("payment_method.added", "Payment Method Added", "event body"),
        EventType("address.added", "Address Added", "event body"),
        EventType("identity.attached", None, "external identity"),
        EventType("identity.detached", None, "external identity"),
        EventType("owner.merged", None, "source owner"),
        EventType("partner_org.created", None, "partner organisation"),
        EventType("partner_org.updated", None, "partner organisation"),
        EventType("partner_org.archived", None, "partner organisation"),
        EventType("partner_user.created", None, "partner user"),
        EventType("partner_user.removed", None, "partner user"),
        EventType("endpoint.failing", None, "endpoint and reason", operational=True),
        EventType("endpoint.recovered", None, "endpoint and reason", operational=True),
        EventType("endpoint.disabled", None, "endpoint and reason", operational=True),
        EventType("delivery.exhausted", None, "endpoint and reason", operational=True),
    )
}


ORDER_EVENTS = tuple(
    name
    for name in EVENT_TYPES
    if name.startswith("order.") and name not in ("order.completed", "order.failed")
)
"""Raised when an order is committed or retried: each has it carried out."""


class Event(Model):
    """One row of `Events`, and the `detail` on the bus."""

    id: str
    type: str
    version: int = 1
    created_at: Instant
    owner: str | None = None
    subscription: str | None = None
    partner_org: str | None = None
    """The partner that sold what it tells of, or to whom it happened."""
    sequence: int | None = None
    """Per owner, only grows; absent where there is no owner."""
    webhook: bool = True
    only_endpoint: str | None = None
    about_endpoint: str | None = None
    ahead: bool = False
    """Its effective date lies ahead: endpoints without `announce_ahead` are left out."""
    correlation_id: str | None = None
    snapshot: dict[str, Any]
    """The webhook body before its dialect; member order is what receivers get."""

    @property
    def size(self) -> int:
        """Bytes of the webhook body."""
        return size_of(self.snapshot)

    def body(self) -> str:
        """As JSON text: the bus detail."""
        return compact_json(self.wire())


def event(
    type: str,
    snapshot: dict[str, Any],
    *,
    at: datetime,
    owner: str | None = None,
    subscription: str | None = None,
    sequence: int | None = None,
    **more: Any,
) -> Event:
    """A new event of a listed type. Raises `KeyError` for a type that is not listed."""
    kind = EVENT_TYPES[type]
    return Event(
        id=ids.random("event"),
        type=type,
        version=kind.version,
        created_at=at,
        owner=owner,
        subscription=subscription,
        sequence=sequence,
        webhook=kind.webhook,
        snapshot=snapshot,
        **more,
    )


def size_of(body: Mapping[str, Any]) -> int:
    """Bytes as a webhook, in the dialect that makes the most of it: with long keys."""
    logins = len(body.get("identities", ()))
    return len(compact_json(body).encode()) + _LONG_KEYS * logins


def shard_of(id: str) -> int:
    return int(id[-1], 16) % OPEN_SHARDS
