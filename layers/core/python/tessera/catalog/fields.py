"""What single members of catalog items may hold, as annotated types.

A value that does not fit raises `ValueError` with a sentence for the person who typed it.
"""

import re
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt

from tessera import ids
from tessera.money import Amount
from tessera.text import line, paragraphs

_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_SLUG = re.compile(r"/[a-z0-9][a-z0-9/-]{0,79}")
_OUR_OWN = ("/api", "/auth", "/objects", "/settings", "/assets")
"""Beginnings of addresses that are not for pages of the catalog."""

V = TypeVar("V", bound=Hashable)


def each_once(values: tuple[V, ...]) -> tuple[V, ...]:
    if len(set(values)) != len(values):
        raise ValueError("names one of its members twice")
    return values


def at_least_one(values: tuple[V, ...]) -> tuple[V, ...]:
    if not values:
        raise ValueError("is empty: leave it out if there is no restriction")
    return values


def _line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("use printable characters only, with no space at the ends")
    return text


def _shown(text: str) -> str:
    """For reading alone: joiners, which families of emoji and Persian words have, are welcome."""
    if text != text.strip():
        raise ValueError("leave out the spaces at the ends")
    return line(text)


def _name(text: str) -> str:
    if "/" in text:
        raise ValueError("a name has no / in it, as it is the last part of a path")
    return _line(text)


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise ValueError(
            "begins with / and a letter or digit and goes on with at most 79"
            " lower-case letters, digits, - and /"
        )
    for reserved in _OUR_OWN:
        if text.startswith(reserved):
            raise ValueError(f"addresses that begin with {reserved} are taken by the system")
    return text


def _destination(text: str) -> str:
    """A path of this site or an `https` address: never `//host`, which browsers take for one."""
    _line(text)
    if " " in text or "\\" in text:
        raise ValueError("an address has no spaces and no backslashes")
    if text.startswith("/") and not text.startswith("//"):
        return text
    if not _is_https(text):
        raise ValueError("give a path of this site with one leading /, or an https address")
    return text


def _is_https(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Reading the port checks it; user names before an @ only serve to mislead.
        has_host = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False
    return parts.scheme == "https" and has_host


def _matching(pattern: str, sentence: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(sentence)
        return text

    return check


def _organisation(text: str) -> str:
    if not ids.is_id(text, "partner_org"):
        raise ValueError("give the id of a partner organisation, partner_org-…")
    return text


def _decimal(value: Any) -> Decimal:
    """From a decimal string or a JSON number; never from a binary floating point number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise ValueError('give the amount as a decimal string, as "17.50"')
    text = value if isinstance(value, str) else format(value, "f")
    if not _DECIMAL.fullmatch(text):
        raise ValueError('give the amount as a decimal string without sign, as "17.50"')
    return Decimal(text)


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_name)]
Code = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_line)]
Label = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_line)]
Line = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_shown)]
Prose = Annotated[str, Field(max_length=5000), AfterValidator(paragraphs)]
Notice = Annotated[str, Field(max_length=1000), AfterValidator(paragraphs)]
Slug = Annotated[str, AfterValidator(_slug)]
Destination = Annotated[str, Field(max_length=2048), AfterValidator(_destination)]
ZuoraId = Annotated[
    str, AfterValidator(_matching("[0-9a-f]{32}", "an id of Zuora has 32 hexadecimal digits"))
]
Currency = Annotated[
    str, AfterValidator(_matching("[A-Z]{3}", "give the three letters of ISO 4217, as GBP"))
]
Country = Annotated[
    str, AfterValidator(_matching("[A-Z]{2}", "give the two letters of ISO 3166, as GB"))
]
Organisation = Annotated[str, AfterValidator(_organisation)]
DecimalText = Annotated[Amount, BeforeValidator(_decimal)]
Count = Annotated[StrictInt, Field(ge=1, le=3650)]
Unit: TypeAlias = Literal["days", "weeks", "months", "years"]
Status: TypeAlias = Literal["draft", "active", "archived"]
