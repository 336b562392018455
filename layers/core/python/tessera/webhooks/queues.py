"""The fast and slow queues that hints travel on."""

from collections.abc import Iterator, Sequence
from typing import Any

from tessera import clock
from tessera.aws import client
from tessera.objects import compact_json
from tessera.webhooks.models import Hint, Lane, Now

_ENTRIES = 10
"""What one call takes (SendMessageBatch)."""
_TRIES = 3


class HintQueues:
    """Fair queues: the group is the endpoint, so that a busy one is served after quieter ones."""

    def __init__(self, *, slow: str, fast: str | None = None, now: Now = clock.now) -> None:
        self._urls: dict[Lane, str | None] = {"fast": fast, "slow": slow}
        self._now = now

    def send(self, hints: Sequence[Hint], *, delay: int = 0) -> None:
        """Puts each on its lane, `delay` seconds held back.

        One that SQS does not take after three tries is left to the sweep, which finds the row.
        """
        at = clock.epoch_ms(self._now()) + delay * 1000
        for lane in ("fast", "slow"):
            entries = [
                {
                    "Id": str(position),
                    "MessageBody": compact_json({**hint.wire(), "at": at}),
                    "MessageGroupId": hint.endpoint,
                    **({"DelaySeconds": delay} if delay else {}),
                }
                for position, hint in enumerate(hints)
                if hint.lane == lane
            ]
            for call in _calls(entries):
                self._send(str(self._urls[lane]), call)

    def _send(self, url: str, entries: list[dict[str, Any]]) -> None:
        for _ in range(_TRIES):
            answer = client("sqs").send_message_batch(
                QueueUrl=url,
                Entries=entries,  # type: ignore[arg-type]  # built above
            )
            refused = {failure["Id"] for failure in answer.get("Failed", ())}
            entries = [entry for entry in entries if entry["Id"] in refused]
            if not entries:
                return


def _calls(entries: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(entries), _ENTRIES):
        yield list(entries[start : start + _ENTRIES])
