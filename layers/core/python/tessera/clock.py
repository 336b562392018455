"""The one place that asks what time it is, and how times are written.

Three formats: an *instant* `2026-03-02T09:14:07.512Z` (UTC, three decimals), a *zoneless day*
`2026-04-02T00:00:00.000` (always midnight) and a *date* `2027-03-02`.
Source: README, "Objects, ids, times".
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

MILLISECOND = timedelta(milliseconds=1)


def now() -> datetime:
    """This moment in UTC, cut to the millisecond so that it equals what is written of it."""
    return to_millisecond(datetime.now(UTC))


def to_millisecond(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def today(at: datetime, zone: str) -> date:
    """The calendar day of an instant in the business time zone (an IANA name)."""
    try:
        return at.astimezone(ZoneInfo(zone)).date()
    except OverflowError:  # the first and the last day that there are have no neighbours
        return at.date()


def midnight(day: date, zone: str) -> datetime:
    """The instant at which a day begins in the business time zone. Raises `ValueError`.

    The next day's is not always 24 hours later: clocks are put forward and back.
    """
    try:
        return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{day} is out of range") from None


def after(previous: datetime, at: datetime) -> datetime:
    """`at`, or one millisecond past `previous`: `updated` strictly increases per object."""
    return max(at, previous + MILLISECOND)


def instant(at: datetime) -> str:
    """`2026-03-02T09:14:07.512Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def zoneless(day: date) -> str:
    """`2026-04-02T00:00:00.000`: a day as schedules and effective dates are written."""
    return f"{day.isoformat()}T00:00:00.000"


def epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def from_epoch_ms(ms: int) -> datetime:
    return to_millisecond(datetime.fromtimestamp(ms / 1000, UTC))


def _day(value: object) -> object:
    """Any of the three formats is a day: the date part counts. A number is none of them."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _WRITTEN.match(value):
        raise ValueError("give the day as 2026-04-02")
    if len(value) > 10:
        datetime.fromisoformat(value)
    return value[:10]


def _written(value: object) -> object:
    """By itself pydantic takes numbers too, and texts of digits, as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _WRITTEN.match(value)):
        return value
    raise ValueError(_AS_INSTANT)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(_AS_INSTANT)
    try:
        return to_millisecond(at.astimezone(UTC))
    except OverflowError:
        raise ValueError("give an instant that is in the calendar also in UTC") from None


_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AS_INSTANT = "give the instant with its zone, as 2026-03-02T09:14:07.512Z"

Instant = Annotated[
    datetime,
    BeforeValidator(_written),
    AfterValidator(_aware),
    PlainSerializer(instant, return_type=str),
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(lambda day: day.isoformat(), return_type=str),
]
ZonelessDay = Annotated[date, BeforeValidator(_day), PlainSerializer(zoneless, return_type=str)]
