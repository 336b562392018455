"""Payment methods that orders named, kept as objects: what may be shown of a card, and no more."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from tessera import clock, ids
from tessera.commerce.models import Customer, MethodData, StoredPaymentMethod, ZuoraMethod

_SHOWN_DIGITS = 4


class Paying(NamedTuple):
    """By what an account pays from now on."""

    method: StoredPaymentMethod
    is_added: bool
    """It was not kept before, or had been removed."""
    changed: tuple[StoredPaymentMethod, ...]
    """All that is written: nothing when all of it is known."""
    expects: Mapping[str, datetime]
    """`updated` of those that were read: a removal locks no owner."""


def method_id(ref_id: str) -> str:
    return ids.derived("pm", "pm", ref_id)


def paying_by(
    billed: ZuoraMethod,
    customer: Customer,
    *,
    known: StoredPaymentMethod | None,
    before: StoredPaymentMethod | None,
    now: datetime,
) -> Paying:
    """`known` is this method as it was kept, `before` the one by which the account paid."""
    data = MethodData(default=True, zuora=_shown(billed))
    is_added = known is None or known.status == "removed"
    if known is None:
        method = StoredPaymentMethod(
            id=method_id(billed.ref_id),
            mode=customer.mode,
            owner=customer.owner,
            customer=customer.id,
            partner_org=customer.partner_org,
            related=customer.id,
            created=now,
            updated=now,
            data=data,
        )
    else:
        method = _becoming(known, now, status="active", data=data)
    changed = () if method == known else (method,)
    if before is not None and before.id != method.id and before.data.default:
        one = before.data.model_copy(update={"default": False})
        changed = (*changed, _becoming(before, now, data=one))
    read = {one.id: one.updated for one in (known, before) if one is not None}
    return Paying(method, is_added, changed, read)


def method_on(method: StoredPaymentMethod, today: date) -> StoredPaymentMethod:
    """With the status that its card's last month gives it on that day."""
    if method.status == "active" and method.data.zuora.result.is_over(today):
        return method.model_copy(update={"status": "expired"})
    return method


def _becoming(method: StoredPaymentMethod, now: datetime, **members: object) -> StoredPaymentMethod:
    after = method.model_copy(update=members)
    if after == method:
        return method
    return after.model_copy(update={"updated": clock.after(method.updated, now)})


def _shown(billed: ZuoraMethod) -> ZuoraMethod:
    """Of a number the last digits alone, should billing ever send more of them."""
    mask = billed.result.mask
    if mask is None:
        return billed
    hidden = re.sub(r"[0-9]", "*", mask[:-_SHOWN_DIGITS]) + mask[-_SHOWN_DIGITS:]
    return billed.model_copy(update={"result": billed.result.model_copy(update={"mask": hidden})})
