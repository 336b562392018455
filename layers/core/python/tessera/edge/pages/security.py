"""What every page's answer carries to keep the browser from harm."""

from collections.abc import Iterable
from typing import NamedTuple

FIXED = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


class Widened(NamedTuple):
    """The two things that a page may allow beyond its own origin, by one origin each."""

    images: str = ""
    """Where a partner's logo lies."""
    card_page: str = ""
    """The billing provider's host, on the page with its hosted card form."""


NARROW = Widened()


def headers(form_targets: Iterable[str], widened: Widened = NARROW) -> dict[str, str]:
    """`form_targets` are origins that a form may be sent on to, as a sign-out is."""
    return {**FIXED, "Content-Security-Policy": _policy(form_targets, widened)}


def _policy(form_targets: Iterable[str], widened: Widened) -> str:
    card = widened.card_page
    rules = {
        "default-src": ["'none'"],
        "script-src": ["'self'", card],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", widened.images],
        "connect-src": ["'self'", card],
        "frame-src": [card],
        "form-action": ["'self'", *form_targets],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
    written = {name: " ".join(dict.fromkeys(filter(None, all))) for name, all in rules.items()}
    return "; ".join(f"{name} {sources}" for name, sources in written.items() if sources)
