"""Jinja2, set up once: everything escaped, nothing undefined, and the formats of `formats.py`."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from tessera.edge.pages import formats

_SHARED = Path(__file__).parent / "templates"


class Templates:
    """The templates of a page family, over the shared ones; loaded when the function starts."""

    def __init__(self, folder: Path | None = None) -> None:
        folders = [_SHARED] if folder is None else [folder, _SHARED]
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(one) for one in folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {
            "amount": _amount,
            "whole": _whole,
            "day": _day,
            "moment": _moment,
            "ago": _ago,
        }
        for name in ("ui", "parts"):
            # As globals, so that a block rendered by itself has the macros too.
            macros = self._environment.get_template(f"{name}.html").module
            self._environment.globals[name] = macros
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def page(self, name: str, values: Mapping[str, Any]) -> str:
        return self._environment.get_template(name).render(values)

    def block(self, name: str, block: str, values: Mapping[str, Any]) -> str:
        """One block of a page, as htmx asks for it. Raises `KeyError` when it has no such block."""
        template = self._environment.get_template(name)
        return "".join(template.blocks[block](template.new_context(dict(values))))


@pass_context
def _amount(context: Context, value: Decimal, currency: str) -> str:
    return formats.amount(value, currency, context["locale"])


@pass_context
def _whole(context: Context, value: int) -> str:
    return formats.whole(value, context["locale"])


@pass_context
def _day(context: Context, value: date) -> Markup:
    return _time(value.isoformat(), formats.day(value, context["locale"]))


@pass_context
def _moment(context: Context, value: datetime) -> Markup:
    """In the business time zone, with its name."""
    text = formats.moment(value, context["zone"], context["locale"])
    return _time(formats.utc(value), text)


@pass_context
def _ago(context: Context, value: datetime) -> Markup:
    """`3 min ago`, with the moment beside it for who points at it and who prints it."""
    text = formats.moment(value, context["zone"], context["locale"])
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        formats.utc(value), text, formats.ago(value, context["now"])
    )


def _time(machine: str, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(machine, text)
