"""Expected payments: one row a day, the next 24 of a subscription's recurring charges."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Literal, NamedTuple

from tessera import clock, ids, money
from tessera.commerce.billed import Charge
from tessera.commerce.models import LineItem, Schedule, ScheduleData, Subscription

MOST_AHEAD = 24


class Payment(NamedTuple):
    day: date
    charges: tuple[Charge, ...]


def schedule_id(subscription: str, day: date) -> str:
    return ids.derived("schedule", "schedule", subscription, "payment", day.isoformat())


def payments(charges: Iterable[Charge], *, today: date) -> list[Payment]:
    """The next payments, oldest first, charges of one day together.

    A charge that was never billed counts from today: what lies before is the billing system's.
    """
    days: dict[date, list[Charge]] = {}
    for charge in charges:
        first = charge.charged_through or today
        due = (day for day in charge.payments() if day >= first)
        for day in islice(due, MOST_AHEAD):
            days.setdefault(day, []).append(charge)
    return [Payment(day, tuple(days[day])) for day in sorted(days)[:MOST_AHEAD]]


def expected(
    subscription: Subscription,
    due: Sequence[Payment],
    *,
    status: Literal["pending", "pending-external"],
    now: datetime,
) -> list[Schedule]:
    return [_schedule(subscription, payment, status, now) for payment in due]


def merged(
    before: Sequence[Schedule], expected: Sequence[Schedule], *, today: date, now: datetime
) -> list[Schedule]:
    """Old and new rows together: unchanged ones as they were, those that no longer apply cancelled.

    What lies in the past stays as it is.
    """
    rows = {row.id: row for row in before}
    wanted = {row.id: row for row in expected}
    result = []
    for id, row in rows.items():
        if id in wanted:
            continue
        if row.data.date >= today and row.status != "cancelled":
            row = row.model_copy(
                update={"status": "cancelled", "updated": clock.after(row.updated, now)}
            )
        result.append(row)
    for id, row in wanted.items():
        known = rows.get(id)
        if known is None:
            result.append(row)
        elif (known.status, known.data) == (row.status, row.data):
            result.append(known)
        else:
            changed = {"created": known.created, "updated": clock.after(known.updated, now)}
            result.append(row.model_copy(update=changed))
    return sorted(result, key=lambda row: (row.data.date, row.id))


def _schedule(
    subscription: Subscription,
    payment: Payment,
    status: Literal["pending", "pending-external"],
    now: datetime,
) -> Schedule:
    first = payment.charges[0]
    currency = first.currency
    amount = money.rounded(sum((c.amount for c in payment.charges), Decimal(0)), currency)
    unit = sum((c.price or Decimal(0) for c in payment.charges), Decimal(0))
    quantities = {charge.quantity for charge in payment.charges}
    nothing = money.rounded(Decimal(0), currency)
    return Schedule(
        id=schedule_id(subscription.id, payment.day),
        mode=subscription.mode,
        status=status,
        reference=subscription.name,
        owner=subscription.owner,
        customer=subscription.customer,
        partner_org=subscription.partner_org,
        related=subscription.id,
        created=now,
        updated=now,
        data=ScheduleData(
            date=payment.day,
            schedule_date=payment.day,
            amount=amount,
            amount_without_tax=amount,
            unit_amount=money.rounded(unit, currency),
            tax_amount=nothing,
            currency=currency,
            quantity=quantities.pop() if len(quantities) == 1 else 1,
            description=", ".join(dict.fromkeys(charge.plan for charge in payment.charges)),
            line_items=tuple(_line(charge, nothing) for charge in payment.charges),
        ),
    )


def _line(charge: Charge, nothing: Decimal) -> LineItem:
    return LineItem(
        charge_name=charge.name,
        product_name=charge.product,
        quantity=charge.quantity,
        amount_without_tax=money.rounded(charge.amount, charge.currency),
        tax_amount=nothing,
    )
