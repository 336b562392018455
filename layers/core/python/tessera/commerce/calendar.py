"""Periods of days, weeks, months and years: billing periods, terms, the days of payments."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

Unit = Literal["days", "weeks", "months", "years"]


class Interval(NamedTuple):
    length: int
    unit: Unit

    def after(self, start: date, times: int = 1, *, on: int | None = None) -> date:
        """`times` intervals after a day; a month too short for it gives its last day.

        Always counted from `start`, so that 31 January, 28 February, 31 March does not drift. `on`
        is the day of the month that is meant, where `start` itself is such a last day. What no
        calendar reaches is its last day.
        """
        amount = self.length * times
        try:
            match self.unit:
                case "days":
                    return start + timedelta(days=amount)
                case "weeks":
                    return start + timedelta(weeks=amount)
                case "months":
                    return _months_after(start, amount, on or start.day)
                case "years":
                    return _months_after(start, amount * 12, on or start.day)
        except (OverflowError, ValueError):
            return date.max

    def days_from(self, start: date, *, on: int | None = None) -> Iterator[date]:
        """`start` and each day an interval later, without end."""
        times = 0
        while True:
            yield self.after(start, times, on=on)
            times += 1

    def around(self, start: date, day: date, *, on: int | None = None) -> tuple[date, date]:
        """The period that holds `day`, counted from `start`; the first one for an earlier day."""
        begin = start
        for end in self.days_from(start, on=on):
            if end > day and end > start:
                return begin, end
            begin = end
        raise AssertionError("days_from ends never")

    @property
    def words(self) -> str:
        """`month`, `3 months`."""
        singular = self.unit.removesuffix("s")
        return singular if self.length == 1 else f"{self.length} {self.unit}"


def is_last_of_month(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


def _months_after(start: date, months: int, on: int) -> date:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(on, monthrange(year, month + 1)[1]))
