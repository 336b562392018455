"""`Retry-After`, as seconds or as a date, up to a day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.waits import LONGEST, retry_after

NOW = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("86400", LONGEST),
        ("86401", LONGEST),
        ("9" * 5000, LONGEST),
        ("Mon, 02 Mar 2026 09:15:07 GMT", 60),
        ("Mon, 02 Mar 2026 09:15:07 -0000", 60),
        ("Mon, 02 Mar 2026 10:15:07 +0100", 60),
        ("Mon, 02 Mar 2026 09:00:00 GMT", 0),
        ("Mon, 02 Mar 2099 09:00:00 GMT", LONGEST),
    ],
)
def test_a_wait_is_given_in_seconds_or_up_to_a_date(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "soon",
        "-1",
        "1.5",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "\N{SUPERSCRIPT TWO}",
        f"Mon, 02 Mar {'9' * 20} 09:00:00 GMT",
    ],
)
def test_nonsense_asks_for_nothing(header: str | None) -> None:
    assert retry_after(header, NOW) is None


@given(header=st.text(max_size=60))
def test_whatever_is_sent_the_wait_is_bounded(header: str) -> None:
    found = retry_after(header, NOW)

    assert found is None or 0 <= found <= LONGEST
