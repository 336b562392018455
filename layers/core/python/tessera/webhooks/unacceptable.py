"""Why a setting of an endpoint is not acceptable: a sentence to put beside its field.

The pure modules raise it and know no field names; the endpoint rules translate it to a field error.
It is a `ValueError`, so it also serves inside pydantic validators.
"""


class Unacceptable(ValueError):
    def __init__(self, message: str, *, code: str = "invalid_value", at: str = "") -> None:
        """`at` leads from the field to the part at fault: a header's name, a position."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.at = at
