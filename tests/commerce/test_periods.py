"""Next payment, billing period and term: the days that a change may take hold on."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera.commerce.calendar import Interval
from tessera.commerce.models import Holding, Period, Schedule
from tessera.commerce.periods import billing_period, next_payment, term_end, term_of
from tests.builders import TODAY
from tests.commerce.selling import MONTHLY, offer, sold, subscription

DAY = timedelta(days=1)
BEGUN, TERM_END = date(2026, 2, 20), date(2027, 2, 20)
UNKNOWN: dict[str, Any] = {"current_period": None}
"""Of what nothing is sold here, and whose billing period the billing system has not told."""


def paid_on(holding: Holding, *days: date, **detail: Any) -> Holding:
    """Expecting payments on these days, in this order."""
    model = holding.schedule[0]

    def row(day: date) -> Schedule:
        data = model.data.model_copy(update={"date": day})
        return model.model_copy(update={"data": data, **detail})

    return holding.model_copy(update={"schedule": tuple(row(day) for day in days)})


def without_plans(holding: Holding) -> Holding:
    return holding.model_copy(update={"offers": ()})


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("active", True),
        ("pending", True),
        ("pending-external", True),
        ("cancelled", False),
    ],
)
def test_only_a_payment_still_expected_is_the_next_one(status: str, counts: bool) -> None:
    holding = paid_on(subscription(), TODAY + DAY, status=status)

    assert (next_payment(holding, TODAY) is not None) == counts


def test_the_next_payment_is_the_earliest_from_today_on() -> None:
    holding = paid_on(subscription(), TODAY + 9 * DAY, TODAY - DAY, TODAY, TODAY + DAY)

    found = next_payment(holding, TODAY)

    assert found is not None
    assert found.data.date == TODAY


def test_the_period_of_an_unknown_plan_lasts_from_the_last_payment_to_the_next() -> None:
    days = (TODAY - 40 * DAY, TODAY - 9 * DAY, TODAY + 21 * DAY, TODAY + 50 * DAY)
    holding = paid_on(without_plans(subscription(**UNKNOWN)), *days)

    assert billing_period(holding, TODAY) == Period(start=days[1], end=days[2])


def test_a_payment_of_today_begins_the_period() -> None:
    holding = paid_on(without_plans(subscription(**UNKNOWN)), TODAY, TODAY + 30 * DAY)

    assert billing_period(holding, TODAY) == Period(start=TODAY, end=TODAY + 30 * DAY)


def test_without_another_payment_the_period_ends_with_the_term() -> None:
    holding = paid_on(without_plans(subscription(**UNKNOWN)))

    assert billing_period(holding, TODAY) == Period(start=BEGUN, end=TERM_END)


def test_without_any_sign_of_the_next_period_this_one_ends_today() -> None:
    endless: dict[str, Any] = {"term_type": "EVERGREEN", "term_end_date": None}
    holding = paid_on(without_plans(subscription(**UNKNOWN, **endless)))

    assert billing_period(holding, TODAY) == Period(start=BEGUN, end=TODAY)


@pytest.mark.parametrize("day", [BEGUN, date(2026, 3, 19)], ids=["first-day", "last-day"])
def test_the_period_that_the_billing_system_told_holds_until_it_is_over(day: date) -> None:
    told = Period(start=BEGUN, end=date(2026, 3, 20))
    holding = without_plans(paid_on(subscription(current_period=told), date(2026, 3, 5)))

    assert billing_period(holding, day) == told


def test_a_period_that_is_over_is_not_taken_for_todays() -> None:
    told = Period(start=BEGUN, end=date(2026, 3, 20))
    holding = without_plans(paid_on(subscription(current_period=told), date(2026, 4, 20)))

    assert billing_period(holding, told.end) == Period(start=BEGUN, end=date(2026, 4, 20))


@pytest.mark.parametrize("renews", [True, False])
def test_a_period_ends_with_the_term_at_the_latest(renews: bool) -> None:
    over = date(2026, 3, 10)
    holding = subscription(term_end_date=over, auto_renew=renews)

    assert billing_period(holding, TODAY) == Period(start=BEGUN, end=over)


def test_a_term_ends_on_its_day_whether_it_renews_or_not() -> None:
    for renews in (True, False):
        holding = subscription(auto_renew=renews)
        assert term_end(holding, TERM_END - DAY) == TERM_END


def test_a_term_that_does_not_renew_has_no_other() -> None:
    assert term_end(subscription(auto_renew=False), TERM_END + DAY) == TERM_END


def test_a_term_that_renews_has_the_next_one_from_its_end_on() -> None:
    holding = subscription()

    assert term_end(holding, TERM_END) == date(2028, 2, 20)
    assert term_end(holding, date(2028, 2, 20)) == date(2029, 2, 20)


@pytest.mark.parametrize(
    "data",
    [{"term_type": "EVERGREEN"}, {"term_end_date": None}],
    ids=["evergreen", "unknown"],
)
def test_what_runs_until_it_is_cancelled_has_no_end_of_term(data: dict[str, Any]) -> None:
    assert term_end(subscription(**data), TODAY) is None


def test_a_term_is_as_long_as_it_was_sold() -> None:
    half = offer("Half a year", "W2", term={"length": 6, "type": "months"})

    assert term_of(sold(half)) == Interval(6, "months")
    holding = subscription(sold(half))
    assert term_end(holding, TERM_END) == date(2027, 8, 20)


def test_a_term_of_which_nothing_is_known_is_a_year() -> None:
    assert term_of(None) == Interval(12, "months")
    assert term_of(sold(MONTHLY)) == Interval(12, "months")
    assert term_of(sold(offer("Years", "W2", term={"length": 2, "type": "years"}))) == Interval(
        2, "years"
    )
