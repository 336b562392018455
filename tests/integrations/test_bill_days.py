"""What is expected to be paid falls on the days on which Zuora bills, at the ends of months too."""

from datetime import date, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.local.zuora_dates import MONTHS_IN, add_months, periods
from tessera.commerce.billed import Charge
from tessera.commerce.models import Period
from tessera.commerce.subscriptions import period_on
from tessera.integrations.zuora_models import ZuoraAccount, ZuoraSubscription
from tessera.integrations.zuora_reading import ZuoraBilling
from tests.commerce.selling import subscription

DAYS = st.dates(date(2026, 1, 1), date(2030, 1, 1))
FAR = date(2120, 1, 1)


class Tenant:
    """One subscription with one charge, on an account that is billed on `bill_cycle_day`."""

    def __init__(self, start: date, bill_cycle_day: int | None, **charge: Any) -> None:
        self._start = start
        self._billing = {"currency": "GBP", "billCycleDay": bill_cycle_day}
        self._charge = charge

    def subscription(self, key: str) -> ZuoraSubscription:
        number = {"id": "1", "subscriptionNumber": "A-S1", "version": 1, "status": "Active"}
        account = {"accountId": "2", "accountNumber": "A1", "subscriptionStartDate": self._start}
        named = {"number": "C-1", "name": "Fee", "productRatePlanChargeId": "3"}
        charge = {**named, "type": "Recurring", "model": "FlatFee", "price": 9, **self._charge}
        plan = {"id": "4", "productRatePlanId": "5", "ratePlanCharges": [charge]}
        return ZuoraSubscription.model_validate({**number, **account, "ratePlans": [plan]})

    def account(self, key: str) -> ZuoraAccount:
        basic = {"id": "2", "accountNumber": "A1", "name": "Conte"}
        read = {"basicInfo": basic, "billingAndPayment": self._billing, "billToContact": {}}
        return ZuoraAccount.model_validate(read)


def charge_of(tenant: Tenant) -> Charge:
    (plan,) = ZuoraBilling(tenant).read("A-S1").plans
    return plan.charges[0]


@example(start=date(2026, 12, 31), period="Month", added=1, billed=1)
@example(start=date(2027, 3, 31), period="Quarter", added=0, billed=1)
@example(start=date(2028, 2, 29), period="Annual", added=0, billed=2)
@given(
    start=DAYS,
    period=st.sampled_from(sorted(MONTHS_IN)),
    added=st.integers(0, 14),
    billed=st.integers(0, 30),
)
def test_the_days_expected_are_those_on_which_the_periods_that_follow_begin(
    start: date, period: str, added: int, billed: int
) -> None:
    """Of a charge added some periods after the subscription began, and billed some periods on."""
    months = MONTHS_IN[period]
    begins = add_months(start, added * months)
    days = [first for first, _, _ in islice(periods(start, months, begins, FAR), billed + 9)]
    through = {"chargedThroughDate": days[billed]} if billed else {}

    charge = charge_of(
        Tenant(start, start.day, billingPeriod=period, effectiveStartDate=begins, **through)
    )

    assert [*islice(charge.payments(), 9)] == days[billed:]


@pytest.mark.parametrize(
    ("bill_cycle_day", "start", "through", "expected"),
    [
        (31, date(2026, 1, 10), date(2026, 2, 28), [date(2026, 2, 28), date(2026, 3, 31)]),
        (30, date(2026, 1, 31), date(2026, 2, 28), [date(2026, 2, 28), date(2026, 3, 30)]),
        (28, date(2026, 1, 31), date(2026, 2, 28), [date(2026, 2, 28), date(2026, 3, 28)]),
        (31, date(2026, 1, 10), date(2026, 3, 10), [date(2026, 3, 10), date(2026, 4, 10)]),
        (0, date(2026, 1, 29), date(2026, 2, 28), [date(2026, 2, 28), date(2026, 3, 29)]),
        (None, date(2026, 1, 28), date(2026, 2, 28), [date(2026, 2, 28), date(2026, 3, 28)]),
        (15, date(2028, 2, 29), date(2029, 2, 28), [date(2029, 2, 28), date(2029, 3, 29)]),
    ],
)
def test_the_end_of_a_short_month_stands_for_the_day_that_is_meant(
    bill_cycle_day: int | None, start: date, through: date, expected: list[date]
) -> None:
    dates = {"effectiveStartDate": start, "chargedThroughDate": through}

    charge = charge_of(Tenant(start, bill_cycle_day, billingPeriod="Month", **dates))

    assert [*islice(charge.payments(), 2)] == expected


@given(
    start=DAYS,
    period=st.sampled_from(sorted(MONTHS_IN)),
    billed=st.integers(1, 12),
    days=st.integers(0, 1500),
)
def test_the_period_that_holds_a_day_is_one_that_is_billed(
    start: date, period: str, billed: int, days: int
) -> None:
    """However far it was billed by then, ahead or behind."""
    months, today = MONTHS_IN[period], start + timedelta(days=days)
    found = [(first, after) for first, after, _ in islice(periods(start, months, start, FAR), 60)]

    charge = charge_of(
        Tenant(
            start,
            start.day,
            billingPeriod=period,
            effectiveStartDate=start,
            chargedThroughDate=found[billed][0],
        )
    )

    assert charge.period(today) == next(one for one in found if one[0] <= today < one[1])


@pytest.mark.parametrize(
    ("today", "through", "end", "expected"),
    [
        # Begun on 10 March, on an account that is billed on the first.
        (date(2026, 3, 12), date(2026, 4, 1), None, (date(2026, 3, 10), date(2026, 4, 1))),
        (date(2026, 3, 31), date(2026, 4, 1), None, (date(2026, 3, 10), date(2026, 4, 1))),
        (date(2026, 4, 1), date(2026, 4, 1), None, (date(2026, 4, 1), date(2026, 5, 1))),
        (date(2026, 6, 15), date(2026, 4, 1), None, (date(2026, 6, 1), date(2026, 7, 1))),
        (date(2026, 3, 1), date(2026, 4, 1), None, (date(2026, 3, 10), date(2026, 4, 1))),
        # Billed up to its end, which says nothing of the days before.
        (
            date(2026, 3, 12),
            date(2026, 4, 20),
            date(2026, 4, 20),
            (date(2026, 3, 10), date(2026, 4, 10)),
        ),
        (date(2026, 3, 12), None, None, (date(2026, 3, 10), date(2026, 4, 10))),
    ],
)
def test_a_period_ends_where_what_is_billed_ends(
    today: date, through: date | None, end: date | None, expected: tuple[date, date]
) -> None:
    start = date(2026, 3, 10)
    dates = {"effectiveStartDate": start, "chargedThroughDate": through, "effectiveEndDate": end}

    charge = charge_of(Tenant(start, 1, billingPeriod="Month", **dates))

    assert charge.period(today) == expected


@pytest.mark.parametrize(
    ("stored", "day", "expected"),
    [
        (
            (date(2026, 2, 20), date(2026, 3, 1)),
            date(2026, 3, 15),
            (date(2026, 3, 1), date(2026, 4, 1)),
        ),
        (
            (date(2026, 2, 20), date(2026, 3, 1)),
            date(2026, 5, 1),
            (date(2026, 5, 1), date(2026, 6, 1)),
        ),
        (
            (date(2027, 1, 31), date(2027, 2, 28)),
            date(2027, 3, 1),
            (date(2027, 2, 28), date(2027, 3, 31)),
        ),
        (
            (date(2027, 2, 28), date(2027, 3, 28)),
            date(2027, 3, 28),
            (date(2027, 3, 28), date(2027, 4, 28)),
        ),
    ],
)
def test_the_periods_that_follow_the_one_last_read_go_on_from_its_end(
    stored: tuple[date, date], day: date, expected: tuple[date, date]
) -> None:
    held = subscription(current_period=Period(start=stored[0], end=stored[1]))

    assert period_on(held, day) == Period(start=expected[0], end=expected[1])
