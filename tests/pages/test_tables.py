"""The filters of lists: whole days of the business time zone, whatever clocks do that day."""

from datetime import UTC, datetime

import pytest

from tessera.edge.pages.tables import from_day, to_day
from tessera.errors import InvalidFields

_NEW_YORK, _TOKYO = "America/New_York", "Asia/Tokyo"


@pytest.mark.parametrize(
    ("day", "zone", "begin", "end"),
    [
        ("2026-03-02", "UTC", "2026-03-02T00:00:00.000", "2026-03-02T23:59:59.999"),
        (" 2026-03-02T10:00 ", "UTC", "2026-03-02T00:00:00.000", "2026-03-02T23:59:59.999"),
        ("2028-02-29", _TOKYO, "2028-02-28T15:00:00.000", "2028-02-29T14:59:59.999"),
        ("2026-12-31", _NEW_YORK, "2026-12-31T05:00:00.000", "2027-01-01T04:59:59.999"),
        # Clocks are put forward and back: days of 23 and of 25 hours.
        ("2027-03-14", _NEW_YORK, "2027-03-14T05:00:00.000", "2027-03-15T03:59:59.999"),
        ("2027-11-07", _NEW_YORK, "2027-11-07T04:00:00.000", "2027-11-08T04:59:59.999"),
    ],
)
def test_a_day_is_from_midnight_to_midnight(day: str, zone: str, begin: str, end: str) -> None:
    query = {"from": day, "to": day}

    assert from_day(query, "from", zone) == datetime.fromisoformat(begin).replace(tzinfo=UTC)
    assert to_day(query, "to", zone) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_an_empty_filter_is_none() -> None:
    assert from_day({"from": " "}, "from", "UTC") is None
    assert to_day({}, "to", "UTC") is None


@pytest.mark.parametrize("typed", ["soon", "2026-02-29", "2026-13-01", "0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("zone", ["UTC", _TOKYO, _NEW_YORK])
def test_what_is_no_day_is_said_at_its_filter(typed: str, zone: str) -> None:
    for name, read in (("from", from_day), ("to", to_day)):
        with pytest.raises(InvalidFields) as refused:
            read({name: typed}, name, zone)

        assert [error.field for error in refused.value.errors] == [name]
