"""Secrets, read from Secrets Manager on first use and kept for a quarter of an hour."""

import json
import time

from tessera.aws import client

_KEPT_SECONDS = 15 * 60


class Secret:
    """A JSON secret by its name: `Secret("tessera/dev/zuora").read()["client_id"]`.

    Empty members read as absent: the stack makes secrets empty and a person fills them.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._value: dict[str, str] | None = None
        self._read_at = 0.0

    def read(self, *, fresh: bool = False, within: float = _KEPT_SECONDS) -> dict[str, str]:
        """The members that have a value. `fresh` looks again: it may have been rotated.

        `within` is how many seconds ago it may have been read.
        """
        if fresh or self._value is None or time.monotonic() - self._read_at > within:
            answer = client("secretsmanager").get_secret_value(SecretId=self.name)
            stored = json.loads(answer.get("SecretString") or "{}")
            self._value = {name: value for name, value in stored.items() if value}
            self._read_at = time.monotonic()
        return self._value
