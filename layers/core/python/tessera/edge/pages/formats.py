"""Money, numbers, days and moments as people read them.

The language of the pages is English; how money is written follows the browser's locale. Days carry
no zone and are never shifted; moments are shown in the business time zone, with its name.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tessera import money

NO_BREAK = "\N{NO-BREAK SPACE}"


class Locale(NamedTuple):
    """How money is written: `£17.50`, `1.234,50 €`, `￥500`."""

    code: str
    group: str
    point: str
    symbol_first: bool
    space: str = ""
    groups_from: int = 4
    """Digits from which on they are grouped: Spanish and Portuguese leave four together."""
    month_first: bool = False
    symbols: tuple[tuple[str, str], ...] = ()


_NARROW = "\N{NARROW NO-BREAK SPACE}"

LOCALES = {
    locale.code: locale
    for locale in (
        Locale("en", ",", ".", True),
        Locale("en-US", ",", ".", True, month_first=True),
        Locale("de", ".", ",", False, NO_BREAK),
        Locale("de-CH", "’", ".", True, NO_BREAK),
        Locale("fr", _NARROW, ",", False, NO_BREAK),
        Locale("es", ".", ",", False, NO_BREAK, groups_from=5),
        Locale("it", ".", ",", False, NO_BREAK),
        Locale("nl", ".", ",", True, NO_BREAK),
        Locale("pt", ".", ",", False, NO_BREAK, groups_from=5),
        Locale("pt-BR", ".", ",", True, NO_BREAK),
        Locale("sv", NO_BREAK, ",", False, NO_BREAK),
        Locale("nb", NO_BREAK, ",", False, NO_BREAK),
        Locale("da", ".", ",", False, NO_BREAK),
        Locale("fi", NO_BREAK, ",", False, NO_BREAK),
        Locale("pl", NO_BREAK, ",", False, NO_BREAK, groups_from=5),
        Locale("ja", ",", ".", True, symbols=(("JPY", "￥"), ("CNY", "元"))),
    )
}
DEFAULT = LOCALES["en"]

_SYMBOLS = {
    "GBP": "£",
    "EUR": "€",
    "USD": "$",
    "JPY": "¥",
    "CNY": "CN¥",
    "INR": "₹",
    "KRW": "₩",
    "BRL": "R$",
    "AUD": "A$",
    "CAD": "CA$",
    "NZD": "NZ$",
    "PLN": "zł",
}
_MOST_LANGUAGES = 20


def locale_of(accept_language: str | None) -> Locale:
    """The first offered of those that the browser asks for, by its weights; else English."""
    wanted: list[tuple[float, int, str]] = []
    for position, part in enumerate((accept_language or "").split(",")[:_MOST_LANGUAGES]):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if 0 < weight <= 1:
            wanted.append((-weight, position, tag.strip()))
    for _, _, tag in sorted(wanted):
        language, _, region = tag.partition("-")
        exact = f"{language.lower()}-{region.upper()}"
        for code in (exact, language.lower()):
            if code in LOCALES:
                return LOCALES[code]
    return DEFAULT


def amount(value: Decimal, currency: str, locale: Locale = DEFAULT) -> str:
    """With the currency's decimals and symbol; a currency without a known symbol keeps its code."""
    text = money.text(abs(value), currency)
    whole, _, fraction = text.partition(".")
    number = _grouped(whole, locale) + (locale.point + fraction if fraction else "")
    symbol = dict(locale.symbols).get(currency) or _SYMBOLS.get(currency)
    sign = "−" if value < 0 and number.strip("0.,") else ""
    if symbol is None:
        return f"{sign}{currency}{NO_BREAK}{number}"
    if locale.symbol_first:
        return f"{sign}{symbol}{locale.space}{number}"
    return f"{sign}{number}{locale.space}{symbol}"


def whole(value: int, locale: Locale = DEFAULT) -> str:
    """A count: `1,234`."""
    return ("−" if value < 0 else "") + _grouped(str(abs(value)), locale)


def percent(part: int, of: int, locale: Locale = DEFAULT) -> str:
    """`99.3 %`; a dash when there is nothing to compare."""
    if of == 0:
        return "–"
    tenths = part * 1000 // of  # never rounded up: 100 % means all
    return f"{tenths // 10}{locale.point}{tenths % 10}{NO_BREAK}%"


def day(value: date, locale: Locale = DEFAULT) -> str:
    """`2 April 2026`: never shifted into a zone."""
    if locale.month_first:
        return f"{value:%B} {value.day}, {value.year}"
    return f"{value.day} {value:%B} {value.year}"


def moment(at: datetime, zone: str, locale: Locale = DEFAULT) -> str:
    """`2 March 2026, 09:14 UTC`."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{day(there.date(), locale)}, {there:%H:%M} {there.tzname()}"


def utc(at: datetime) -> str:
    """What `<time datetime>` holds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rhythm(every: int | None, unit: str | None) -> str:
    """How often something is charged: `per month`, `every 3 months`, `once` without a unit."""
    if not unit:
        return "once"
    return f"per {unit.removesuffix('s')}" if every in (None, 1) else f"every {every} {unit}"


_STEPS = (
    (timedelta(minutes=1), timedelta(seconds=1), "s"),
    (timedelta(hours=1), timedelta(minutes=1), "min"),
    (timedelta(hours=36), timedelta(hours=1), "h"),
    (timedelta(days=60), timedelta(days=1), "days"),
)


def ago(at: datetime, now: datetime) -> str:
    """`3 min ago`, `in 2 h`, `just now`; the month and year when that is long ago."""
    distance = abs(now - at)
    if distance < timedelta(seconds=5):
        return "just now"
    for below, unit, name in _STEPS:
        if distance < below:
            text = f"{distance // unit}{NO_BREAK}{name}"
            return f"in {text}" if at > now else f"{text} ago"
    return f"{at:%B %Y}"


def _grouped(digits: str, locale: Locale) -> str:
    if len(digits) < locale.groups_from:
        return digits
    groups = []
    while digits:
        digits, last = digits[:-3], digits[-3:]
        groups.append(last)
    return locale.group.join(reversed(groups))


def short_id(id: str) -> str:
    """As much of an id as tells it from others nearby."""
    return f"{id[:11]}…"


def words(code: str) -> str:
    """`add_offer` as `Add offer`."""
    return code.replace("_", " ").capitalize()
