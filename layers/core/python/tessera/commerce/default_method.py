"""Which payment method a customer's account pays by, changed by an order like all that bills."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tessera.commerce.acceptance import Placed
from tessera.commerce.models import Holding
from tessera.commerce.payment_methods import PaymentMethod
from tessera.errors import Conflict, NotFound


class NothingToPay(Conflict):
    title = "Nothing is paid by this account"


def make_default(
    id: str,
    *,
    methods: Iterable[PaymentMethod],
    holdings: Sequence[Holding],
    place: Callable[[dict[str, Any]], Placed],
) -> Placed:
    """The order that makes it so, as it ended; `id` is ours or billing's.

    `methods` and `holdings` are those of the caller's owner. Raises `NotFound`, `NothingToPay` for
    an account without a subscription, and what `place` raises.
    """
    wanted = next((one for one in methods if id in (one.id, one.data.zuora.ref_id)), None)
    if wanted is None:
        raise NotFound("There is no such payment method.", code="not_found")
    of_account = [one for one in holdings if one.customer == wanted.related]
    if not of_account:
        raise NothingToPay("No subscription is on the account of this payment method.")
    return place(
        {
            "order_type": "change_payment",
            "forSubscription": {"id": of_account[0].id},
            "payment": {"type": "zuora", "zuora": {"refId": wanted.data.zuora.ref_id}},
            "process_immediately": True,
        }
    )
