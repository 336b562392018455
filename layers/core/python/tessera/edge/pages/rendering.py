"""Jinja2, set up once: everything escaped, nothing undefined, and the formats of `formats.py`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import ChoiceLoader, FileSystemLoader
from markupsafe import Markup

from tessera.edge.pages import formats
from tessera.edge.pages.compiling import FILTERS, Compiled, environment

_SHARED = Path(__file__).parent / "templates"
_COMPILED = Path(__file__).parent / "compiled"
"""In the layer as it ships; where functions run from their sources it is missing."""


class Reader(NamedTuple):
    """For whom a page is rendered, as far as formats go."""

    locale: formats.Locale
    zone: str
    now: datetime


# Macros are called without the page's values, and formats are wanted in them most of all.
_reader: ContextVar[Reader] = ContextVar("reader")


class Templates:
    """The templates of a page family beside the shared ones; loaded when the function starts."""

    def __init__(self, folder: Path | None = None, *, compiled: Path = _COMPILED) -> None:
        folders = [_SHARED] if folder is None else [folder, _SHARED]
        loader = ChoiceLoader([FileSystemLoader(one) for one in folders])
        self._environment = environment(loader, Compiled(compiled))
        ours = (_amount, _whole, _day, _moment, _ago)
        self._environment.filters |= dict(zip(FILTERS, ours, strict=True))
        for name in ("ui", "parts"):
            # As globals, so that a block rendered by itself has the macros too.
            macros = self._environment.get_template(f"{name}.html").module
            self._environment.globals[name] = macros
        for name in self._environment.list_templates(extensions=["html"]):
            if sum((one / name).is_file() for one in folders) > 1:
                raise ValueError(f"{name} is the name of a shared template")
            self._environment.get_template(name)

    def page(self, name: str, values: Mapping[str, Any], reader: Reader) -> str:
        with _reading(reader):
            return self._environment.get_template(name).render(values)

    def block(self, name: str, block: str, values: Mapping[str, Any], reader: Reader) -> str:
        """One block of a page, as htmx asks for it. Raises `KeyError` when it has no such block."""
        template = self._environment.get_template(name)
        with _reading(reader):
            return "".join(template.blocks[block](template.new_context(dict(values))))


@contextmanager
def _reading(reader: Reader) -> Iterator[None]:
    before = _reader.set(reader)
    try:
        yield
    finally:
        _reader.reset(before)


def _amount(value: Decimal, currency: str) -> str:
    return formats.amount(value, currency, _reader.get().locale)


def _whole(value: int) -> str:
    return formats.whole(value, _reader.get().locale)


def _day(value: date) -> Markup:
    return _time(value.isoformat(), formats.day(value, _reader.get().locale))


def _moment(value: datetime) -> Markup:
    """In the business time zone, with its name."""
    reader = _reader.get()
    return _time(formats.utc(value), formats.moment(value, reader.zone, reader.locale))


def _ago(value: datetime) -> Markup:
    """`3 min ago`, with the moment beside it for who points at it."""
    reader = _reader.get()
    text = formats.moment(value, reader.zone, reader.locale)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        formats.utc(value), text, formats.ago(value, reader.now)
    )


def _time(machine: str, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(machine, text)
