"""How the Zuora stand-in says no: reasons whose codes end in the category of the refusal."""

from enum import IntEnum


class Category(IntEnum):
    """The last two digits of a reason's code; clients decide by them whether to try again."""

    PERMISSION = 10
    AUTHENTICATION = 11
    BAD_VALUE = 20
    UNKNOWN_FIELD = 21
    MISSING_FIELD = 22
    MISSING_PARAMETER = 23
    RULE = 30
    NOT_FOUND = 40
    UNSUPPORTED = 45
    LOCKED = 50
    INTERNAL = 60
    TEMPORARY = 61
    TOO_MANY = 70
    MALFORMED = 90
    OUTSIDE = 99


Reason = tuple[Category, str]


class Refusal(Exception):
    """A request that Zuora would not carry out, with one reason or several.

    `code` replaces the code that the route and the category would make.
    """

    def __init__(self, *reasons: Reason, code: int | None = None) -> None:
        super().__init__("; ".join(text for _, text in reasons))
        self.reasons = reasons
        self.code = code


def rule(message: str) -> Refusal:
    return Refusal((Category.RULE, message))


def bad_value(message: str) -> Refusal:
    return Refusal((Category.BAD_VALUE, message))


def missing(message: str) -> Refusal:
    return Refusal((Category.MISSING_FIELD, message))


def not_found(what: str, key: str) -> Refusal:
    return Refusal((Category.NOT_FOUND, f"Cannot find {what} by key: '{key}'."))
