"""Text as callers send it, without characters that no reader shows."""

import unicodedata

_BREAKS = "\n\r\t"
_UNFIT = ("Cc", "Cs")
"""Control characters, and halves of pairs, which cannot be written down."""
_SEPARATORS = ("Zl", "Zp")


def line(text: str) -> str:
    if any(unicodedata.category(one) in (*_UNFIT, *_SEPARATORS) for one in text):
        raise ValueError("line breaks and control characters are not allowed")
    return text


def paragraphs(text: str) -> str:
    if any(unicodedata.category(one) in _UNFIT and one not in _BREAKS for one in text):
        raise ValueError("control characters other than line breaks are not allowed")
    return text
