"""CDK context values read by kind, each refused with a sentence when it cannot be used."""

import re
from json import JSONDecodeError, loads
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from constructs import Node


class BadSetting(ValueError):
    """A context value that cannot be used; the text says which one and what would do."""


class Context:
    """Context values by kind. `cdk.json` gives them as JSON, `-c key=value` always as text."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.keys: set[str] = set()
        """All that were looked for, given or not."""

    def text(self, key: str, *, default: str = "", pattern: str | None = None) -> str:
        value = self._given(key)
        if value is None or value == "":
            return default
        if not isinstance(value, str) or (pattern and not re.fullmatch(pattern, value)):
            raise unfit(key, value, "text" if pattern is None else f"text that fits {pattern}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._given(key)
        if value is None or value == "":
            return default
        if value in (True, "true"):
            return True
        if value in (False, "false"):
            return False
        raise unfit(key, value, "true or false")

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        value = self._given(key)
        if value is None or value == "":
            return default
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}(\.0)?", str(value)):
            raise unfit(key, value, f"a whole number from {least} to {most}")
        number = int(float(value))
        if not least <= number <= most:
            raise unfit(key, value, f"a whole number from {least} to {most}")
        return number

    def url(self, key: str, *, http: bool) -> str:
        """An origin, with a path where the system needs one, without a slash at the end."""
        value = self.text(key).rstrip("/")
        if not value:
            return ""
        parts = urlsplit(value)
        schemes = ("https", "http") if http else ("https",)
        if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
            raise unfit(key, value, f"an address that begins with {' or '.join(schemes)}://")
        return value

    def time_zone(self, key: str) -> str:
        value = self.text(key, default="UTC")
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError):
            raise unfit(key, value, "a time zone by its IANA name, like Europe/London") from None

    def items(self, key: str) -> list[Any]:
        value = self.json(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise unfit(key, value, "a list")
        return value

    def json(self, key: str) -> Any:
        """Text is JSON, or names separated by commas where it begins with no bracket."""
        value = self._given(key)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        if value[0] not in "[{":
            return [part.strip() for part in value.split(",")]
        try:
            return loads(value)
        except JSONDecodeError as error:
            raise BadSetting(f"Context {key} is not JSON: {error}.") from None

    def _given(self, key: str) -> Any:
        self.keys.add(key)
        return self._node.try_get_context(key)


def unfit(key: str, value: Any, wanted: str) -> BadSetting:
    return BadSetting(f"Context {key} is {value!r}. Give {wanted}.")
