"""An order of a partner user's organisation, as far as it has come."""

from typing import Any, Protocol

from tessera import ids
from tessera.commerce.models import Order
from tessera.identity.principal import Partner
from tessera.partners.isolation import own

_STEP = ("id", "step", "status", "at", "attempts")
"""Of a step of carrying it out; what outside systems said is for operators."""


class Orders(Protocol):
    def order(self, id: str) -> Order | None: ...


def read(id: str, *, by: Partner, orders: Orders) -> dict[str, Any]:
    """Raises `NotFound`."""
    found = orders.order(id) if ids.is_id(id, Order.prefix) else None
    shown = own(found, "order", by=by).wire()
    shown.pop("provisioning", None)
    steps = shown.get("process", ())
    shown["process"] = [{name: step[name] for name in _STEP if name in step} for step in steps]
    return shown
