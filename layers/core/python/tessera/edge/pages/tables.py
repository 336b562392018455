"""A page of a list: cursors and filters live in the query string, so that any view can be linked.

"Previous" needs no cursor of its own: the cursors that led here travel along, newest last.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from tessera import clock
from tessera.errors import invalid

ROWS = 40
_MOST_STEPS = 24
"""Cursors that travel along: more would not fit into an address."""
_YEARS = 1970, 2999
"""In which days are looked for."""


class Paging(NamedTuple):
    """Addresses of the pages before and after; empty where there is none."""

    next: str
    previous: str
    is_filtered: bool
    unfiltered: str
    """The same list without filters."""


def cursor(query: Mapping[str, str]) -> str | None:
    """Where this page begins."""
    return (query.get("at", "").split(".") or [""])[-1] or None


def paging(
    path: str,
    query: Mapping[str, str],
    next_cursor: str | None,
    *,
    filters: tuple[str, ...] = (),
    keep: tuple[str, ...] = (),
) -> Paging:
    """`filters` are the names in the query that narrow the list, `keep` those that name it."""
    kept = {name: query[name] for name in (*keep, *filters) if query.get(name)}
    steps = [one for one in query.get("at", "").split(".") if one]
    on = ".".join([*steps, next_cursor][-_MOST_STEPS:]) if next_cursor else ""
    return Paging(
        next=_address(path, kept, on) if on else "",
        previous=_address(path, kept, ".".join(steps[:-1])) if steps else "",
        is_filtered=any(name in filters for name in kept),
        unfiltered=_address(path, {name: kept[name] for name in keep if name in kept}, ""),
    )


def from_day(query: Mapping[str, str], name: str, zone: str) -> datetime | None:
    """The begin of the day that the filter names, if any. Raises `InvalidFields`."""
    day = _day(query, name)
    return clock.midnight(day, zone) if day else None


def to_day(query: Mapping[str, str], name: str, zone: str) -> datetime | None:
    """The end of the day that the filter names, if any. Raises `InvalidFields`."""
    day = _day(query, name)
    return clock.midnight(day + timedelta(days=1), zone) - clock.MILLISECOND if day else None


def _day(query: Mapping[str, str], name: str) -> date | None:
    typed = query.get(name, "").strip()
    if not typed:
        return None
    try:
        day = datetime.fromisoformat(typed).date()
    except ValueError:
        day = date.min
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise invalid(name, f"{typed[:20]} is no day. Give it as 2026-03-02.")
    return day


def _address(path: str, kept: Mapping[str, str], at: str) -> str:
    values = {**kept, **({"at": at} if at else {})}
    return f"{path}?{urlencode(values)}" if values else path
