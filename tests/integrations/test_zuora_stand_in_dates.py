"""Billing periods of the Zuora stand-in: whatever the dates, every day is billed once."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.zuora_countries import NAMES, country_name
from infra.local.zuora_dates import add_months, add_term, periods

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
MONTHS = st.sampled_from([1, 3, 6, 12])


@given(anchor=DAYS, months=MONTHS, wait=st.integers(0, 800), length=st.integers(1, 800))
def test_periods_cover_a_stretch_of_time_without_gap_or_overlap(
    anchor: date, months: int, wait: int, length: int
) -> None:
    begin = anchor + timedelta(days=wait)
    end = begin + timedelta(days=length)

    found = list(periods(anchor, months, begin, end))

    assert found[0][0] == begin
    assert found[-1][1] == end
    assert all(one[1] == other[0] for one, other in pairwise(found))
    assert all(0 < (after - first).days <= full for first, after, full in found)
    assert all(28 * months <= full <= 31 * months for _, _, full in found)


@given(anchor=DAYS, months=MONTHS, count=st.integers(1, 20))
def test_whole_periods_from_the_anchor_are_billed_whole(
    anchor: date, months: int, count: int
) -> None:
    end = add_months(anchor, months * count)

    found = list(periods(anchor, months, anchor, end))

    assert len(found) == count
    assert all((after - first).days == full for first, after, full in found)


@given(start=DAYS, months=st.integers(-60, 60))
def test_months_keep_the_day_or_the_last_one_there_is(start: date, months: int) -> None:
    moved = add_months(start, months)

    assert (moved.year * 12 + moved.month) - (start.year * 12 + start.month) == months
    assert moved.day == start.day or (
        moved.day < start.day and (moved + timedelta(days=1)).day == 1
    )


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        (10, "Day", date(2026, 2, 10)),
        (2, "Weeks", date(2026, 2, 14)),
        (1, "Months", date(2026, 2, 28)),
        (2, "Year", date(2028, 1, 31)),
    ],
)
def test_adds_terms_of_every_unit(count: int, unit: str, expected: date) -> None:
    assert add_term(date(2026, 1, 31), count, unit) == expected


def test_refuses_a_unit_that_is_none() -> None:
    with pytest.raises(ValueError, match="Fortnight"):
        add_term(date(2026, 1, 31), 1, "Fortnight")


@given(st.sampled_from(sorted(NAMES.items())))
def test_knows_a_country_by_its_code_and_its_name(country: tuple[str, str]) -> None:
    code, name = country

    assert country_name(code.lower()) == country_name(name.upper()) == name
    assert country_name(f"{name}x") is None
