"""A function's settings, read from its environment when it starts."""

import os
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError


class Environment(BaseModel):
    """Subclasses declare what a function needs: field `commerce_table` is `COMMERCE_TABLE`.

    Fields stay plain `str` or `int`: at synthesis their values are CDK tokens.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @classmethod
    def load(cls) -> Self:
        """Raises `RuntimeError` naming each variable that is missing or unfit."""
        found = {
            name: os.environ[name.upper()]
            for name in cls.model_fields
            if name.upper() in os.environ
        }
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            names = ", ".join(str(e["loc"][0]).upper() for e in error.errors())
            raise RuntimeError(f"environment variables missing or unfit: {names}") from None
