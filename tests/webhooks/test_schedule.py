"""When a failed delivery is tried again."""

import email.utils
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tessera.waits import retry_after
from tessera.webhooks.schedule import (
    DEFAULT_WAITS,
    WaitsRefused,
    checked_waits,
    queue_delay,
    wait_after,
)

NOW = datetime(2026, 3, 2, 9, 14, 7, 512000, UTC)
CHANCE = st.floats(0, 1, exclude_max=True)
WAITS = st.lists(st.integers(5, 86_400), max_size=19).filter(lambda waits: sum(waits) <= 604_800)


def test_ten_attempts_take_three_days_by_default() -> None:
    assert len(DEFAULT_WAITS) + 1 == 10
    assert sum(DEFAULT_WAITS) == timedelta(hours=75, minutes=35, seconds=5).total_seconds()
    assert checked_waits(DEFAULT_WAITS) == DEFAULT_WAITS


@given(WAITS, st.integers(1, 25), CHANCE)
def test_jitter_only_lengthens_and_by_a_fifth_at_most(
    waits: list[int], failures: int, chance: float
) -> None:
    wait = wait_after(failures, waits, random=lambda: chance)

    if failures > len(waits):
        assert wait is None
    else:
        assert wait is not None
        assert waits[failures - 1] <= wait <= 1.2 * waits[failures - 1]


@given(WAITS, st.integers(1, 25), CHANCE, st.floats(0, 1e9))
def test_retry_after_only_postpones_and_never_changes_the_number_of_attempts(
    waits: list[int], failures: int, chance: float, asked: float
) -> None:
    without = wait_after(failures, waits, random=lambda: chance)
    wait = wait_after(failures, waits, random=lambda: chance, retry_after=asked)

    assert (wait is None) == (without is None)
    if wait is not None and without is not None:
        assert wait == max(without, min(asked, 86_400))


def test_an_endpoint_without_waits_gets_one_attempt() -> None:
    assert wait_after(1, (), random=lambda: 0.0) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("99999999999999999999", 86_400),
        ("9" * 5_000, 86_400),
        ("Mon, 02 Mar 2026 09:15:07 GMT", 59.488),
        ("Monday, 02-Mar-26 09:15:07 GMT", 59.488),
        ("Mon Mar  2 09:15:07 2026", 59.488),
        ("Mon, 02 Mar 2026 10:15:07 +0100", 59.488),
        ("Mon, 02 Mar 2026 09:15:07 -0000", 59.488),
        ("Sun, 01 Mar 2026 09:15:07 GMT", 0),
    ],
)
def test_reads_retry_after_as_seconds_or_date(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", " ", "soon", "-5", "1.5", "5, 10", "١٢", "0x10"),
        *("Mon, 99 Mar 2026 09:15:07 GMT", "Mon, 02 Mar 9" + "9" * 30 + " 09:15:07 GMT"),
        *("Mon, 02 Mar 2026 09:15:07 +" + "9" * 30, "Mon, 02 Mar 2026 " + "9" * 30 + ":15:07 GMT"),
    ],
)
def test_ignores_a_retry_after_that_is_nonsense(header: str | None) -> None:
    assert retry_after(header, NOW) is None


@given(st.text())
@example("Mon, 02 Mar 99999 09:15:07 GMT")
@example("Mon, 02 Mar 2026 09:15:07 +9999")
@example("Mon, 02 Mar 99999999999999999999 09:15:07 GMT")
def test_no_retry_after_breaks_the_sender(header: str) -> None:
    asked = retry_after(header, NOW)

    assert asked is None or (asked >= 0 and math.isfinite(asked))


@given(st.integers(631_152_000, 3_786_912_000))
def test_a_date_asks_to_wait_until_it_has_come(epoch: int) -> None:
    date = datetime.fromtimestamp(epoch, UTC)

    asked = retry_after(email.utils.format_datetime(date, usegmt=True), NOW)

    assert asked == min(max((date - NOW).total_seconds(), 0), 86_400)


@given(WAITS)
def test_accepts_every_schedule_within_the_bounds(waits: list[int]) -> None:
    assert checked_waits(waits) == tuple(waits)


@pytest.mark.parametrize(
    ("waits", "code", "at"),
    [
        ([5] * 20, "too_long", ""),
        ([4], "invalid_value", "[0]"),
        ([5, 86_401], "invalid_value", "[1]"),
        ([86_400] * 8, "invalid_value", ""),
        ([True], "invalid_value", "[0]"),
        ([30.5], "invalid_value", "[0]"),
        (["30"], "invalid_value", "[0]"),
    ],
)
def test_refuses_a_schedule_outside_the_bounds(waits: list[int], code: str, at: str) -> None:
    with pytest.raises(WaitsRefused) as refused:
        checked_waits(waits)

    assert (refused.value.code, refused.value.at) == (code, at)


@given(st.floats(0, 2_000))
def test_a_hint_is_never_early_and_never_longer_than_a_queue_holds_it(wait: float) -> None:
    delay = queue_delay(wait)

    if wait > 900:
        assert delay is None
    else:
        assert delay is not None
        assert wait <= delay <= min(wait + 1, 900)
