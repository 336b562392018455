"""Addresses: only a path of ours is ever followed, and absolute ones begin with the base URL."""

import re
from collections.abc import Iterable
from urllib.parse import urlencode, urlsplit

_OWN_PATH = re.compile(r"/(?![/\\])[\w\-.~!$&'()*+,;=:@%/?\[\]{}|]*")
_LONGEST = 4096
_PLAIN_ORIGIN = re.compile(r"(https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?:[/?#]|$)")


def own_path(text: str | None, otherwise: str = "/") -> str:
    """`text` when it leads to a page of ours and nowhere else, with its query but no fragment."""
    if not text or len(text) > _LONGEST or not text.isascii() or not _OWN_PATH.fullmatch(text):
        return otherwise
    # A sign-in that leads to a sign-in would go round in circles.
    return otherwise if text.startswith("/auth/") else text


def origin_of(url: str) -> str:
    """`https://example.com` of `https://example.com/a?b`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def image_origins(addresses: Iterable[str]) -> str:
    """Of pictures, each once, as a page's policy names them.

    An address whose host would say something else there is left out: its picture is not shown.
    """
    found = (_PLAIN_ORIGIN.match(one) for one in addresses)
    return " ".join(dict.fromkeys(one[1] for one in found if one is not None))


def with_query(path: str, /, **values: str | None) -> str:
    """The path with these values, those without a value left out."""
    given = {name: value for name, value in values.items() if value}
    if not given:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(given)}"
