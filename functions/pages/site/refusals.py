"""A change that was accepted here and refused afterwards, as the subscription tells of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from tessera.commerce.models import Holding, Order
from tessera.commerce.store import CommerceTable

_LATEST = 20
"""Of an owner's orders: who changes more than that has seen it."""

_WORDS: Mapping[str, str] = {
    "change_offer": "change",
    "update_subscription": "change",
    "add_on": "change",
    "add_offer": "change",
    "cancel_subscription": "cancellation",
    "renew": "renewal",
}


class Refused(NamedTuple):
    what: str
    """`change`, `cancellation`, `renewal`."""
    at: datetime
    reference: str


def latest(owner: str, owners: CommerceTable) -> list[Order]:
    """Of an owner, newest first: one query."""
    return owners.newest_orders_by(owner, limit=_LATEST)


def refused(holding: Holding, orders: Sequence[Order]) -> Refused | None:
    """The last change of the subscription when it failed; nothing while another is under way."""
    changes = (
        one for one in orders if holding.id in one.subscriptions and one.order_type in _WORDS
    )
    last = next(changes, None)
    if last is None or last.status != "failed" or holding.data.pending_change is not None:
        return None
    return Refused(_WORDS[last.order_type], last.order_date, last.reference or last.id)
