"""Days, weeks, months and years counted from a day, however short the months between."""

from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.commerce.calendar import Interval, Unit, is_last_of_month

MONTH = Interval(1, "months")
intervals = st.builds(
    Interval, st.integers(1, 24), st.sampled_from(["days", "weeks", "months", "years"])
)
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("unit", "after"),
    [
        ("days", date(2026, 2, 2)),
        ("weeks", date(2026, 2, 14)),
        ("months", date(2026, 3, 31)),
        ("years", date(2028, 1, 31)),
    ],
)
def test_two_of_each_unit_after_a_day(unit: Unit, after: date) -> None:
    assert Interval(2, unit).after(date(2026, 1, 31)) == after


def test_a_month_too_short_gives_its_last_day_and_the_next_ones_do_not_drift() -> None:
    found = list(islice(MONTH.days_from(date(2026, 1, 31)), 5))

    assert found == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]


def test_the_day_that_is_meant_comes_back_after_a_short_month() -> None:
    assert MONTH.after(date(2026, 2, 28), on=31) == date(2026, 3, 31)


def test_the_29th_of_february_comes_back_with_the_leap_year() -> None:
    year = Interval(1, "years")

    assert [year.after(date(2024, 2, 29), n) for n in (1, 4)] == [
        date(2025, 2, 28),
        date(2028, 2, 29),
    ]
    assert year.after(date(2025, 2, 28), 3, on=29) == date(2028, 2, 29)


def test_intervals_are_counted_backwards_too() -> None:
    assert MONTH.after(date(2026, 3, 31), -1) == date(2026, 2, 28)
    assert MONTH.after(date(2026, 1, 15), -1) == date(2025, 12, 15)


@pytest.mark.parametrize("interval", [Interval(10_000, "years"), Interval(10**12, "days")])
def test_what_no_calendar_reaches_is_its_last_day(interval: Interval) -> None:
    assert interval.after(date(2026, 1, 1)) == date.max


@given(interval=intervals, start=days, later=st.integers(0, 2_000))
def test_a_day_lies_in_the_period_around_it(interval: Interval, start: date, later: int) -> None:
    day = start + timedelta(days=later)

    begin, end = interval.around(start, day)

    assert begin <= day < end
    following, _ = interval.around(start, end)
    assert following == end


def test_before_the_first_period_there_is_the_first() -> None:
    start = date(2026, 3, 2)

    first = (start, date(2026, 4, 2))
    assert MONTH.around(start, date(2025, 12, 24)) == first
    assert MONTH.around(start, date(2026, 4, 1)) == first


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Interval(1, "months"), "month"),
        (Interval(2, "months"), "2 months"),
        (Interval(3, "years"), "3 years"),
    ],
)
def test_an_interval_in_words(interval: Interval, words: str) -> None:
    assert interval.words == words


@given(day=days)
def test_the_last_of_a_month_is_followed_by_a_first(day: date) -> None:
    assert is_last_of_month(day) == ((day + timedelta(days=1)).day == 1)
