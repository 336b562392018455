"""`Idempotency-Key`: the same request sent twice is carried out once and answered twice."""

import hashlib
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from tessera import clock, dynamo
from tessera.aws import client
from tessera.edge.json_bodies import parsed_json
from tessera.errors import Conflict, InvalidRequest, invalid
from tessera.objects import canonical_json, compact_json

_KEPT = timedelta(hours=24)
_TAKES_AT_MOST = timedelta(seconds=35)
"""A function that has not answered by then is dead: the gateway gave up after 30 s."""


_PASSING = (409, 423, 429)
"""Refusals that time may change, as a pending change. Nothing was done: a client that asks again
under the same key, as it should, is answered by what is so then."""


class InProgress(Conflict):
    title: ClassVar[str] = "The first request is still running"

    def __init__(self) -> None:
        super().__init__("The first request with this key is still running. Ask again in a second.")
        self.headers["Retry-After"] = "1"


class Repeats:
    """Answers kept for 24 hours per caller and route, under the key that the caller chose."""

    def __init__(self, table: str, *, sealing_key: str | None = None) -> None:
        self._table = table
        self._sealing_key = sealing_key

    @classmethod
    def from_environment(cls, *, confidential: bool) -> Self | None:
        """None for functions without the table: those that answer no POST."""
        table = os.environ.get("IDEMPOTENCY_TABLE")
        if table is None:
            return None
        return cls(table, sealing_key=os.environ["SECRETS_KEY"] if confidential else None)

    def once(
        self,
        event: dict[str, Any],
        body: str,
        *,
        caller: str,
        now: datetime,
        act: Callable[[], dict[str, Any]],
    ) -> dict[str, Any]:
        """The answer of `act`, or the one that the first request with this key got.

        Raises `InProgress`, and `InvalidFields` when the key came with another body.
        """
        key = event.get("headers", {}).get("idempotency-key")
        if key is None:
            return act()
        if not 1 <= len(key) <= 255:
            raise InvalidRequest("Idempotency-Key has 1 to 255 characters.", code="invalid_request")
        name = self._name(event, caller, key)
        body_hash = _hash(body)
        kept = self._begin(name, body_hash, now)
        if kept is not None:
            return self._repeated(name, kept, body_hash)
        try:
            answer = act()
        except BaseException:
            self._forget(name)
            raise
        status = int(answer["statusCode"])
        if status >= 500 or status in _PASSING:
            self._forget(name)
        else:
            self._keep(name, answer, body_hash, now)
        return answer

    def _begin(self, name: str, body_hash: str, now: datetime) -> dynamo.Row | None:
        """Marks the request as running; the row of an earlier one where there is one."""
        seconds = clock.epoch_ms(now) // 1000
        row = {
            "pk": name,
            "shape": 1,
            "body_hash": body_hash,
            "running_until": seconds + int(_TAKES_AT_MOST.total_seconds()),
            "expires_at": seconds + int(_KEPT.total_seconds()),
        }
        # Deletion by TTL lags: what has expired counts as absent, and so does a dead request.
        condition = (
            "attribute_not_exists(pk) OR expires_at < :seconds"
            " OR (attribute_not_exists(answer) AND running_until < :seconds)"
        )
        try:
            dynamo.write(
                dynamo.put(self._table, row, condition=condition, returning=True, seconds=seconds)
            )
        except dynamo.ConditionFailed as failed:
            return failed.rows[0]
        return None

    def _repeated(self, name: str, kept: dynamo.Row, body_hash: str) -> dict[str, Any]:
        if kept["body_hash"] != body_hash:
            raise invalid(
                "Idempotency-Key",
                "This key was used for another body. Choose a new key for a new request.",
                "idempotency_key_reused",
            )
        if "answer" not in kept:
            raise InProgress
        text = kept["answer"]
        if self._sealing_key is not None:
            text = client("kms").decrypt(
                CiphertextBlob=text, EncryptionContext={"idempotency": name}
            )["Plaintext"]
        answer: dict[str, Any] = json.loads(text)
        answer["headers"] = {**answer.get("headers", {}), "Idempotent-Replayed": "true"}
        return answer

    def _keep(self, name: str, answer: dict[str, Any], body_hash: str, now: datetime) -> None:
        text: str | bytes = compact_json(answer)
        if self._sealing_key is not None:
            text = client("kms").encrypt(
                KeyId=self._sealing_key,
                Plaintext=str(text).encode(),
                EncryptionContext={"idempotency": name},
            )["CiphertextBlob"]
        dynamo.write(
            dynamo.update(
                self._table,
                {"pk": name},
                "SET answer = :answer",
                condition="body_hash = :body_hash",
                answer=text,
                body_hash=body_hash,
            )
        )

    def _forget(self, name: str) -> None:
        dynamo.write(dynamo.delete(self._table, {"pk": name}))

    def _name(self, event: dict[str, Any], caller: str, key: str) -> str:
        path = event["requestContext"]["http"]["path"]
        return "REQUEST#" + hashlib.sha256(f"{caller}\n{path}\n{key}".encode()).hexdigest()


def _hash(body: str) -> str:
    content = canonical_json(parsed_json(body)) if body else ""
    return hashlib.sha256(content.encode()).hexdigest()
