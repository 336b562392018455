"""How long somebody asks to be left alone: the header `Retry-After` (RFC 9110 10.2.3)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 24 * 3600
"""Seconds: nobody is left alone for longer than a day, whatever is asked."""


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds from 0 to `LONGEST`, as it says them or up to its date; None for nonsense."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        # int() refuses thousands of digits, which are longer than the cap whatever they are.
        return float(min(int(text[:10]), LONGEST))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of twenty digits overflows
        return None
    if at.tzinfo is None:  # written with the zone "-0000"
        at = at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), LONGEST)
