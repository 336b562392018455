"""The two members of a token that name a person."""

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, StringConstraints

from tessera import text
from tessera.objects import Model

Issuer = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=512),
    AfterValidator(text.line),
]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(text.line)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(text.line)]


class IdToken(Model):
    """What else a token carries is neither used nor stored."""

    model_config = ConfigDict(extra="ignore")

    iss: Issuer
    sub: Subject
