"""Accepting an order once: the same order sent again is answered again, never placed again.

Source: README, "Orders". What an order does is the business of the rules beside this one.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tessera import ids
from tessera.commerce.commits import decided
from tessera.commerce.models import Order
from tessera.errors import Conflict
from tessera.objects import Model, canonical_json


class OrderExists(Conflict):
    title = "The external id names another order"


class Orders(Protocol):
    def order(self, id: str) -> Order | None: ...


class Placed(Model):
    """The answer to whoever placed the order."""

    id: str
    order_reference: str
    status: str
    external_id: str | None = None
    subscriptionReference: str | None = None
    subscriptionReferences: tuple[str, ...] | None = None
    owner: str | None = None
    customer: str | None = None
    warnings: tuple[dict[str, str], ...] = ()


class Naming(Model):
    """How the order to be written is known."""

    id: str
    fingerprint: str

    @property
    def reference(self) -> str:
        return ids.reference(self.id)


def once(
    commit: Callable[[Naming], Order],
    *,
    external_id: str | None,
    scope: str,
    submitted: Mapping[str, Any],
    orders: Orders,
) -> Order:
    """What `commit` makes of it, or the earlier order of the same `external_id`.

    `commit` is called again when another commit came between. `submitted` is the body as sent: a
    repeat is recognised by it. `scope` keeps the external ids of callers apart: `company` for
    middleware and staff, the organisation's id for partners, the owner's for customers.
    Raises `OrderExists`, and `Busy` when others were faster each time.
    """
    id = _id_of(external_id, scope) if external_id else ids.random("order")
    naming = Naming(id=id, fingerprint=fingerprint(submitted))

    def decide() -> Order:
        earlier = orders.order(id) if external_id else None
        if earlier is None:
            return commit(naming)
        if earlier.fingerprint != naming.fingerprint:
            raise OrderExists(
                f"external_id {external_id} belongs to order {id} with another body."
                " Use a new external_id for a new order.",
                id=id,
            )
        return earlier

    return decided(decide)


def remembered(
    external_id: str | None, *, scope: str, submitted: Mapping[str, Any], orders: Orders
) -> Order | None:
    """The order that this very body was placed as, whatever has become of what it refers to."""
    earlier = orders.order(_id_of(external_id, scope)) if external_id else None
    is_same = earlier is not None and earlier.fingerprint == fingerprint(submitted)
    return earlier if is_same else None


def identifying(external_id: str | None, subscription: str | None) -> str | None:
    """The external id, unless it is that of the subscription concerned: its id or its number.

    Existing components send the subscription there with every change, and a second change would
    be swallowed as a repeat of the first.
    """
    if external_id is None or subscription is None:
        return external_id
    is_subscription = subscription in (external_id, ids.subscription_id(external_id))
    return None if is_subscription else external_id


def answer(order: Order) -> Placed:
    """The order as far as it has come, to whoever placed it."""
    references = _references(order)
    return Placed(
        id=order.id,
        order_reference=ids.reference(order.id),
        status=order.status,
        external_id=order.external_id,
        subscriptionReference=references[0] if references else None,
        subscriptionReferences=references or None,
        owner=order.owner,
        customer=order.customer,
        warnings=tuple(warning.wire() for warning in order.warnings),
    )


def _id_of(external_id: str, scope: str) -> str:
    return ids.derived("order", "order", scope, external_id)


def _references(order: Order) -> tuple[str, ...]:
    """A new subscription's derives from the order and its position, others were noted with it."""
    if order.order_type == "new":
        return tuple(ids.reference(f"{order.id}/{n}") for n, _ in enumerate(order.subscriptions))
    noted = order.data.get("forSubscription", {}).get("name")
    return (noted,) if noted is not None and order.subscriptions else ()


def fingerprint(submitted: Mapping[str, Any]) -> str:
    content = {name: v for name, v in submitted.items() if name != "process_immediately"}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
