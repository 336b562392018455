"""What an order would cost and when it would take hold: everything checked, nothing written.

Amounts come from the billing system where one is connected, else from the catalog. Source: README,
"Previews".
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from pydantic import Field

from tessera import ids, money
from tessera.clock import Day, ZonelessDay
from tessera.commerce import changes, purchase
from tessera.commerce.acceptance import Naming
from tessera.commerce.buyers import Moment
from tessera.commerce.callers import Caller
from tessera.commerce.change_requests import AnyChange
from tessera.commerce.entitlements import held
from tessera.commerce.models import Customer, Holding, Order, OrderWarning, Schedule
from tessera.commerce.periods import billing_period, next_payment
from tessera.commerce.subscriptions import interval_of
from tessera.money import Amount
from tessera.objects import Data, Model

_NONE = Decimal(0)


class Line(Data):
    description: str
    quantity: int = 1
    amount: Amount
    tax_amount: Amount


class Quote(NamedTuple):
    """What the billing system would ask for, credits taken off."""

    due: Decimal
    tax: Decimal
    lines: tuple[Line, ...]

    @property
    def net(self) -> Decimal:
        return self.due - self.tax


class Quotes(Protocol):
    def quote(
        self, order: Order, holdings: Sequence[Holding], customer: Customer, *, today: date
    ) -> Quote | None:
        """None where no billing system is connected. Raises what it raises when it fails."""


class NextPayment(Data):
    date: Day
    amount: Amount


class NamedEntitlement(Data):
    code: str


class RemovedAddOn(Data):
    """An add-on that does not go with the new offer."""

    id: str
    name: str


class Preview(Model):
    order_type: str
    effective_date: ZonelessDay = Field(alias="effectiveDate")
    currency: str | None = None
    due_now: Amount = Field(alias="dueNow")
    tax: Amount
    next: NextPayment | None = None
    lines: tuple[Line, ...] = ()
    removed_add_ons: tuple[RemovedAddOn, ...] = Field(default=(), alias="removedAddOns")
    entitlements: tuple[NamedEntitlement, ...] = ()
    """Of the subscriptions concerned, from that day on."""
    warnings: tuple[OrderWarning, ...] = ()


def unnamed() -> Naming:
    """A preview is no order: nothing of it could be found again."""
    return Naming(id=ids.random("order"), fingerprint="")


def of_purchase(
    prepared: purchase.Prepared, *, customer: Customer, quotes: Quotes, moment: Moment
) -> Preview:
    """`customer` is as stored, or the new one."""
    order, holdings = prepared.order, prepared.holdings
    start = holdings[0].data.start_date
    currency = holdings[0].data.currency or ""
    firsts = [row for holding in holdings for row in holding.schedule]
    shown = sum((row.data.amount for row in firsts), _NONE)
    quote = quotes.quote(order, holdings, customer, today=moment.today)
    lines = quote.lines if quote else tuple(line for row in firsts for line in _lines_of(row))
    total = quote.due if quote else shown
    is_later = start > moment.today
    later = NextPayment(date=start, amount=money.rounded(total, currency))
    codes = [code for one in holdings for code in held(one).on(start)]
    return Preview(
        order_type=order.order_type,
        effective_date=start,
        currency=currency,
        due_now=money.rounded(_NONE if is_later else total, currency),
        tax=money.rounded(_NONE if is_later or quote is None else quote.tax, currency),
        next=later if is_later else _renewal(holdings, currency),
        lines=lines,
        entitlements=_entitlements(codes),
        warnings=(*order.warnings, *_differing(quote, shown, currency)),
    )


def of_change(
    request: AnyChange,
    prepared: changes.Prepared,
    *,
    caller: Caller,
    customer: Customer,
    quotes: Quotes,
    moment: Moment,
) -> Preview:
    after, day = prepared.after, prepared.day
    currency = after.data.currency or ""
    is_later = day > moment.today
    lines = _priced(prepared, moment.today, currency)
    shown = sum((line.amount for line in lines), _NONE)
    order = _as_order(request, prepared, caller, moment)
    quote = quotes.quote(order, (after,), customer, today=moment.today)
    total = quote.due if quote else shown
    warnings = prepared.warnings
    if is_later and lines:
        # What begins in the middle of a period is prorated by the billing system: no comparison.
        warnings = (*warnings, *_differing(quote, shown, currency))
    return Preview(
        order_type=prepared.order_type,
        effective_date=day,
        currency=currency,
        due_now=money.rounded(_NONE if is_later else total, currency),
        tax=money.rounded(_NONE if is_later or quote is None else quote.tax, currency),
        next=_next(after, day, quote if lines else None, moment.today, currency),
        lines=quote.lines if quote else lines,
        removed_add_ons=tuple(
            RemovedAddOn(id=one.id, name=one.data.name) for one in prepared.removed_add_ons
        ),
        entitlements=_entitlements(prepared.entitlements),
        warnings=warnings,
    )


def of_account(order: Order, holding: Holding | None, *, moment: Moment) -> Preview:
    """An order about the customer's account; it costs what it pays."""
    invoice = order.data.get("invoice", {})
    currency = invoice.get("currency") or (holding.data.currency if holding else None) or ""
    codes = held(holding).on(moment.today) if holding else ()
    return Preview(
        order_type=order.order_type,
        effective_date=moment.today,
        currency=currency or None,
        due_now=money.rounded(Decimal(invoice.get("amount", "0")), currency),
        tax=money.rounded(_NONE, currency),
        entitlements=_entitlements(codes),
        warnings=order.warnings,
    )


def _as_order(
    request: AnyChange, prepared: changes.Prepared, caller: Caller, moment: Moment
) -> Order:
    """What the billing system is asked about: the order as it would be placed."""
    after, id = prepared.after, prepared.after.data.pending_change
    order = id.order if id else ids.random("order")
    return Order(
        id=order,
        mode=moment.mode,
        name=ids.reference(order),
        reference=ids.reference(order),
        owner=after.owner,
        customer=after.customer,
        partner_org=after.partner_org,
        created=moment.now,
        updated=moment.now,
        order_type=prepared.order_type,
        source=caller.source,
        order_date=moment.now,
        subscriptions=(after.id,),
        placed_by=caller.placed_by,
        data=request.accepted(),
        alterations=(prepared.alteration,),
    )


def _priced(prepared: changes.Prepared, today: date, currency: str) -> tuple[Line, ...]:
    """What comes with the change at the catalog's prices, prorated where a period has begun."""
    alteration, lines = prepared.alteration, []
    more = {one.id: one.after - one.before for one in alteration.resizes}
    for one in prepared.after.all_offers:
        quantity = one.data.quantity if one.id in alteration.adds else more.get(one.id, 0)
        if quantity <= 0 or one.data.price is None:
            continue
        amount = one.data.price.amount * quantity
        if one.data.record_subtype == "discount":
            # How much it takes off is the billing system's to say.
            continue
        is_plan = one.data.record_subtype == "standard"
        if not is_plan and prepared.day <= today:
            amount *= _rest_of_period(prepared.before, today)
        lines.append(
            Line(
                description=one.data.name,
                quantity=quantity,
                amount=money.rounded(amount, currency),
                tax_amount=money.rounded(_NONE, currency),
            )
        )
    return tuple(lines)


def _rest_of_period(holding: Holding, today: date) -> Decimal:
    """The share of the present billing period that is left."""
    period = billing_period(holding, today)
    days = (period.end - period.start).days
    return Decimal((period.end - today).days) / days if days > 0 else Decimal(1)


def _next(
    after: Holding, day: date, quote: Quote | None, today: date, currency: str
) -> NextPayment | None:
    """The next payment after what is due now."""
    if day > today and quote is not None:
        return NextPayment(date=day, amount=money.rounded(quote.due, currency))
    row = next_payment(after, today if day > today else today + timedelta(days=1))
    return NextPayment(date=row.data.date, amount=row.data.amount) if row else None


def _renewal(holdings: Sequence[Holding], currency: str) -> NextPayment | None:
    """What recurs after the first payments, on the first day on which anything does."""
    due: dict[date, Decimal] = {}
    for holding in holdings:
        for one in holding.all_offers:
            every, price = interval_of(one), one.data.price
            if every is not None and price is not None:
                day = every.after(one.data.start)
                due[day] = due.get(day, _NONE) + price.amount * one.data.quantity
    if not due:
        return None
    first = min(due)
    return NextPayment(date=first, amount=money.rounded(due[first], currency))


def _lines_of(row: Schedule) -> Iterator[Line]:
    for item in row.data.line_items:
        yield Line(
            description=item.product_name,
            quantity=item.quantity,
            amount=item.amount_without_tax,
            tax_amount=item.tax_amount,
        )


def _differing(quote: Quote | None, shown: Decimal, currency: str) -> tuple[OrderWarning, ...]:
    """A price of ours that is not the billing system's: somebody was shown another one."""
    if quote is None or money.rounded(quote.net, currency) == money.rounded(shown, currency):
        return ()
    text = (
        f"The billing system asks for {money.text(quote.net, currency)} {currency} before tax;"
        f" the catalog shows {money.text(shown, currency)}."
    )
    return (OrderWarning(code="price_differs", message=text),)


def _entitlements(codes: Iterable[str]) -> tuple[NamedEntitlement, ...]:
    return tuple(NamedEntitlement(code=code) for code in dict.fromkeys(codes))
