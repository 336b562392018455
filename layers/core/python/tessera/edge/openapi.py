"""The API in its own words: OpenAPI 3.1, as `python -m infra.openapi` has written it."""

import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).with_name("openapi.json")


class Description:
    """The committed document."""

    def __init__(self, file: Path = DOCUMENT) -> None:
        self._file = file

    @cached_property
    def text(self) -> str:
        return self._file.read_text(encoding="utf-8")

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.text.encode()).hexdigest()[:32]}"'

    @cached_property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.text)
        return content

    def methods_at(self, path: str) -> list[str]:
        """What may be sent to an address; empty where there is nothing."""
        return [
            method.upper()
            for template, operations in self.content["paths"].items()
            if _pattern(template).fullmatch(path)
            for method in operations
        ]


def _pattern(template: str) -> re.Pattern[str]:
    """`/api/order/{id}` as a pattern in which a parameter is one segment."""
    parts = re.split(r"\{[^}]+\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
