"""The last 24 hours in hourly counters, as bars with their sentence."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tessera.edge.pages import formats
from tessera.edge.pages.charts import Chart, chart
from tessera.edge.pages.formats import Locale
from tessera.webhooks.models import HourCount

Hours = Callable[[date], list[HourCount]]
_HOUR = timedelta(hours=1)


class Hour(NamedTuple):
    begins: datetime
    delivered: dict[str, int]
    """By endpoint."""
    failed: dict[str, int]


def last_day(hours: Hours, now: datetime) -> list[Hour]:
    """24 hours, the current one last: two queries, whatever the number of endpoints."""
    this = now.replace(minute=0, second=0, microsecond=0)
    begins = [this - _HOUR * back for back in range(23, -1, -1)]
    counted: dict[tuple[date, int], list[HourCount]] = {}
    for day in dict.fromkeys(one.date() for one in begins):
        for count in hours(day):
            counted.setdefault((day, count.hour), []).append(count)
    found = []
    for at in begins:
        there = counted.get((at.date(), at.hour), [])
        found.append(
            Hour(
                at,
                {one.endpoint: one.delivered for one in there},
                {one.endpoint: one.failed for one in there},
            )
        )
    return found


def day_chart(hours: Hours, now: datetime, zone: str, locale: Locale, *, endpoint: str) -> Chart:
    """`412 delivered, 3 failed, 99.3 %`."""
    return chart_of(last_day(hours, now), zone, locale, endpoint)


def chart_of(day: list[Hour], zone: str, locale: Locale, endpoint: str) -> Chart:
    values = [
        (
            f"{one.begins.astimezone(ZoneInfo(zone)):%H:%M}",
            one.delivered.get(endpoint, 0),
            one.failed.get(endpoint, 0),
        )
        for one in day
    ]
    return chart(values, sentence(values, locale))


def sentence(values: list[tuple[str, int, int]], locale: Locale) -> str:
    delivered = sum(good for _, good, _ in values)
    failed = sum(bad for _, _, bad in values)
    counts = f"{formats.whole(delivered, locale)} delivered, {formats.whole(failed, locale)} failed"
    if not delivered + failed:
        return "Nothing was sent in the last 24 hours"
    return f"{counts}, {formats.percent(delivered, delivered + failed, locale)}"
