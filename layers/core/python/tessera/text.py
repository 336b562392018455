"""Text as callers send it, without characters that no reader shows."""

import unicodedata

_BREAKS = "\n\r\t"


def line(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("line breaks and control characters are not allowed")
    return text


def paragraphs(text: str) -> str:
    if any(unicodedata.category(one) == "Cc" and one not in _BREAKS for one in text):
        raise ValueError("control characters other than line breaks are not allowed")
    return text
