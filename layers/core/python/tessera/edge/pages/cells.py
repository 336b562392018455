"""Tables and lists of facts as view models: finished values, which `ui.table` and `ui.facts` draw.

    table = Table("Partners", (Column("Name"), Column("Users", numeric=True)), rows, paging)

where a row is a tuple of cells: `link("Acme", "/settings/…")`, `badge("active", GOOD)`, and so on.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeAlias

from tessera.edge.pages.charts import Chart
from tessera.edge.pages.tables import Paging

Tone: TypeAlias = Literal["good", "wait", "bad", "off", "info"]
GOOD: Tone = "good"
WAIT: Tone = "wait"
BAD: Tone = "bad"
OFF: Tone = "off"
INFO: Tone = "info"
"""Each has a colour and a shape; the word says the same."""


class Cell(NamedTuple):
    kind: str
    """Which macro draws it."""
    value: Any
    more: Any = ""
    """The address of a link, the tone of a badge, the currency of an amount."""


class Column(NamedTuple):
    name: str
    numeric: bool = False
    """Right-aligned, in figures of one width."""
    sort: Literal["", "ascending", "descending"] = ""
    short: bool = False
    """A word or two, on one line where there is room for a table."""

    @property
    def look(self) -> str:
        """Classes of its cells."""
        return " ".join(name for name in ("numeric", "short") if getattr(self, name))


class Table(NamedTuple):
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    paging: Paging | None = None
    sorted_by: str = ""
    """How the rows are ordered, in words: `newest first`."""


def text(value: object) -> Cell:
    return Cell("text", str(value)) if value not in (None, "") else Cell("nothing", "–")


def link(value: str, href: str) -> Cell:
    return Cell("link", value, href)


def badge(word: str, tone: Tone) -> Cell:
    return Cell("badge", word, tone)


def id_(value: str | None) -> Cell:
    """In monospace, with a button that copies it."""
    return Cell("id", value) if value else Cell("nothing", "–")


def amount(value: Decimal | None, currency: str) -> Cell:
    return Cell("amount", value, currency) if value is not None else Cell("nothing", "–")


def number(value: int) -> Cell:
    return Cell("number", value)


def day(value: date | None) -> Cell:
    return Cell("day", value) if value is not None else Cell("nothing", "–")


def moment(value: datetime | None) -> Cell:
    return Cell("moment", value) if value is not None else Cell("nothing", "–")


def ago(value: datetime | None) -> Cell:
    """For the console: `3 min ago`."""
    return Cell("ago", value) if value is not None else Cell("nothing", "–")


def logo(name: str, href: str, image: str) -> Cell:
    """A name that is a link, with its picture before it."""
    return Cell("logo", (name, image), href)


def tick(value: str, words: str) -> Cell:
    """A box by which a row is chosen, for the page's form with the id `selection`."""
    return Cell("tick", value, words)


def chart(bars: Chart) -> Cell:
    """Small, for a row; its sentence is what a screen reader says."""
    return Cell("chart", bars)


def several(*cells: Cell) -> Cell:
    """One below the other."""
    return Cell("several", cells)
