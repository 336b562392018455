"""An order that a page waits for: done, still under way, or refused by the billing system."""

from collections.abc import Callable

from tessera.commerce.acceptance import Placed
from tessera.commerce.waiting import ProvisioningFailed


def carried_out(place: Callable[[], Placed]) -> Placed | None:
    """`None` when it was accepted here and refused there: the page says what that means."""
    try:
        return place()
    except ProvisioningFailed:
        return None
