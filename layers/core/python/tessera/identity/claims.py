"""The two members of a token that name a person."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, StringConstraints

from tessera.objects import Model


def _printable(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("control characters are not allowed")
    return text


Issuer = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=512),
    AfterValidator(_printable),
]
Subject = Annotated[
    str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)
]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)]


class IdToken(Model):
    """What else a token carries is neither used nor stored."""

    model_config = ConfigDict(extra="ignore")

    iss: Issuer
    sub: Subject
