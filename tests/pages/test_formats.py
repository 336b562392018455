"""Money, days and moments as people read them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tessera.edge.pages import formats
from tessera.edge.pages.formats import LOCALES

NOW = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "currency", "locale", "written"),
    [
        ("17.50", "GBP", "en", "£17.50"),
        ("1234.5", "EUR", "de", "1.234,50\u00a0€"),
        ("500", "JPY", "ja", "￥500"),
        ("1234.5", "EUR", "es", "1234,50\u00a0€"),
        ("12345.6", "EUR", "fr", "12\u202f345,60\u00a0€"),
        ("1234.5", "CHF", "de-CH", "CHF\u00a01’234.50"),
        ("-3", "USD", "en", "−$3.00"),
        ("-0.001", "USD", "en", "$0.00"),
        ("1.2345", "KWD", "en", "KWD\u00a01.235"),
        ("1234567.89", "GBP", "en", "£1,234,567.89"),
    ],
)
def test_money_is_written_as_the_locale_does(
    value: str, currency: str, locale: str, written: str
) -> None:
    assert formats.amount(Decimal(value), currency, LOCALES[locale]) == written


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (None, "en"),
        ("", "en"),
        ("xx", "en"),
        ("de-AT, en;q=0.5", "de"),
        ("en;q=0.5, ja", "ja"),
        ("pt-br", "pt-BR"),
        ("fr;q=0, de;q=0.1", "de"),
        ("de;q=many, it", "it"),
    ],
)
def test_the_best_offered_locale_is_taken(asked: str | None, code: str) -> None:
    assert formats.locale_of(asked).code == code


def test_a_day_is_never_shifted_and_a_moment_names_its_zone() -> None:
    assert formats.day(date(2026, 4, 2)) == "2 April 2026"
    assert formats.day(date(2026, 4, 2), LOCALES["en-US"]) == "April 2, 2026"
    assert formats.moment(NOW, "America/New_York") == "2 March 2026, 04:14 EST"


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=40), "40\u00a0s ago"),
        (timedelta(minutes=3, seconds=59), "3\u00a0min ago"),
        (timedelta(hours=30), "30\u00a0h ago"),
        (timedelta(days=3), "3\u00a0days ago"),
        (-timedelta(hours=2), "in 2\u00a0h"),
        (timedelta(days=90), "December 2025"),
    ],
)
def test_a_distance_in_time_is_said_in_words(distance: timedelta, words: str) -> None:
    assert formats.ago(NOW - distance, NOW) == words


def test_a_share_is_not_rounded_up_to_all() -> None:
    assert formats.percent(9999, 10000) == "99.9\u00a0%"
    assert formats.percent(10, 10) == "100.0\u00a0%"
    assert formats.percent(0, 0) == "–"
