"""A subscription and its account as the billing system has them, in this subject's own words.

The billing system is the truth for money, terms and billing dates.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

from tessera.commerce.calendar import Interval, is_last_of_month
from tessera.commerce.models import AddressData

BilledStatus = Literal["pending", "active", "suspended", "cancelled"]


class Charge(NamedTuple):
    """A recurring charge in force or to come."""

    name: str
    product: str
    plan: str
    price: Decimal | None
    """Per unit and period; none for models without one price (tiers)."""
    quantity: int
    currency: str
    every: Interval | None
    """None when the billing period is not one that a calendar knows."""
    start: date
    end: date | None
    """The first day not covered."""
    charged_through: date | None
    bill_days: tuple[int, ...] = ()
    """Days of the month on which it may be billed, the likeliest first: the end of a short month
    does not tell whether the 28th is meant or the 31st."""

    @property
    def amount(self) -> Decimal:
        return (self.price or Decimal(0)) * self.quantity

    def ending(self, day: date | None) -> "Charge":
        """The same charge, over on that day at the latest."""
        ends = [end for end in (self.end, day) if end is not None]
        return self._replace(end=min(ends, default=None))

    def payments(self) -> Iterator[date]:
        """The days on which it will be billed, from the first that was not yet."""
        if self.every is None:
            return
        first = self.charged_through or self.start
        for day in self.every.days_from(first, on=self._bill_day(first)):
            if self.end is not None and day >= self.end:
                return
            yield day

    def period(self, today: date) -> tuple[date, date] | None:
        """The billing period that holds today, of a charge to come the first one.

        An account may be billed on another day of the month than its subscription began on: then
        the first period is shorter, and those that follow end where what is billed ends.
        """
        if self.every is None:
            return None
        through, day = self.charged_through, max(today, self.start)
        if through is None or through == self.end:
            # Nothing tells the day on which it is billed: an end may lie anywhere.
            return self.every.around(self.start, day)
        on, times = self._bill_day(through), 0
        while self.every.after(through, times, on=on) > day:
            times -= 1
        while self.every.after(through, times + 1, on=on) <= day:
            times += 1
        begin, end = (self.every.after(through, n, on=on) for n in (times, times + 1))
        return max(begin, self.start), end

    def _bill_day(self, first: date) -> int:
        """The day of the month that is meant by the day on which it is billed next."""
        if not is_last_of_month(first):
            return first.day
        return next((day for day in self.bill_days if day >= first.day), first.day)


class RatePlan(NamedTuple):
    id: str
    product_rate_plan: str
    name: str
    is_removed: bool
    start: date | None
    """Of its earliest charge; none without charges."""
    end: date | None
    """Of its latest charge, the first day not covered; none while one goes on."""
    quantity: int
    """The last one: of a quantity that changes later, the one to come."""
    charges: tuple[Charge, ...]
    quantity_from: date | None = None
    """The day from which there are so many; none where nothing is counted."""

    def is_live(self, today: date) -> bool:
        """Is it in force today or later? One that is to be removed is, until its day."""
        if self.start is None:
            return False
        if self.end is None:
            return not self.is_removed
        return self.end > today and self.end > self.start

    @property
    def days(self) -> set[date]:
        """On which something begins or ends."""
        ends = [charge.end for charge in self.charges]
        days = (self.start, self.end, *(charge.start for charge in self.charges), *ends)
        return {day for day in days if day is not None}


class Account(NamedTuple):
    id: str
    number: str
    name: str
    currency: str
    parent_id: str | None
    crm_id: str | None
    """The Salesforce account, 18 characters."""
    billing: AddressData
    delivery: AddressData | None


class Billed(NamedTuple):
    number: str
    id: str
    """Of this version: it changes with every amendment."""
    version: int
    status: BilledStatus
    raw_status: str
    """As the billing system calls it."""
    start: date
    term_start: date | None
    term_end: date | None
    term_type: Literal["TERMED", "EVERGREEN"]
    auto_renew: bool
    cancel_date: date | None
    """The first day not covered, of a cancellation done or booked."""
    currency: str
    invoice_owner_id: str | None
    plans: tuple[RatePlan, ...]
    account: Account

    def live_plans(self, today: date) -> list[RatePlan]:
        """In force today, or to come: with the next term too, where the term renews by itself.

        Zuora gives a plan that begins on the day a term ends no length until that term is renewed.
        """
        renews_on = self.term_end if self.auto_renew and self.cancel_date is None else None
        return [
            plan
            for plan in self.plans
            if plan.is_live(today)
            or (
                renews_on is not None
                and not plan.is_removed
                and plan.start == plan.end == renews_on >= today
            )
        ]


class Billing(Protocol):
    def read(self, key: str) -> Billed:
        """By number or by the id of any version; the latest version is answered.

        Raises `ZuoraSubscriptionNotFound`, `ZuoraDraft`, `ZuoraUnusable`, `ZuoraNotConfigured`,
        `ZuoraFailed`.
        """
