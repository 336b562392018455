"""Holding an answer until the order has ended, for those who ask for it.

Source: README, "Orders": `process_immediately`.
"""

from collections.abc import Callable
from typing import Protocol

from tessera.commerce.acceptance import Placed
from tessera.commerce.models import Order
from tessera.errors import Refusal

AT_MOST = 20.0
"""Seconds. The gateway gives up after 30."""

_FIRST, _LONGEST = 0.2, 2.0

Wait = Callable[[float], None]
"""Lets so many seconds pass: `time.sleep`."""


class ProvisioningFailed(Refusal):
    status = 502
    title = "The order could not be carried out"


class Orders(Protocol):
    def order(self, id: str) -> Order | None: ...


def ended(placed: Placed, *, orders: Orders, wait: Wait) -> Placed:
    """The order as it ended, or as far as it is after 20 seconds. Raises `ProvisioningFailed`."""
    pause, waited = _FIRST, 0.0
    while placed.status in ("submitted", "processing") and waited < AT_MOST:
        pause = min(pause, AT_MOST - waited)
        wait(pause)
        waited += pause
        pause = min(pause * 1.5, _LONGEST)
        order = orders.order(placed.id)
        if order is not None:
            warnings = tuple(warning.wire() for warning in order.warnings)
            placed = placed.model_copy(update={"status": order.status, "warnings": warnings})
    if placed.status == "failed":
        raise _failure(placed, orders.order(placed.id))
    return placed


def _failure(placed: Placed, order: Order | None) -> ProvisioningFailed:
    error = order.error if order else None
    upstream = {"system": error.system, "requestId": error.request_id} if error else {}
    return ProvisioningFailed(
        f"Order {placed.order_reference} was refused, and what it had granted is taken back."
        " Read the order to see at which step.",
        id=placed.id,
        upstream={name: value for name, value in upstream.items() if value is not None},
    )
