"""When a failed delivery is tried again: the waits of an endpoint, jitter, and `Retry-After`."""

import math
from collections.abc import Callable, Sequence

from tessera.webhooks.unacceptable import Unacceptable

MINUTE, HOUR, DAY = 60, 3_600, 86_400
DEFAULT_WAITS = (
    5,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Seconds before each further attempt: 10 attempts over 75 h 35 m 05 s before jitter."""

JITTER = 0.2
LONGEST_QUEUE_DELAY = 15 * MINUTE
"""SQS holds a message back no longer; the sweep looks after longer waits."""
_MOST_WAITS = 19
_SHORTEST_WAIT, _LONGEST_WAIT = 5, DAY
_LONGEST_SCHEDULE = 7 * DAY


class WaitsRefused(Unacceptable):
    """These waits cannot be an endpoint's schedule."""


def checked_waits(waits: Sequence[int]) -> tuple[int, ...]:
    """An endpoint's own waits in seconds; none at all means a single attempt."""
    if len(waits) > _MOST_WAITS:
        raise WaitsRefused(f"Give at most {_MOST_WAITS} waits.", code="too_long")
    for position, wait in enumerate(waits):
        if not isinstance(wait, int) or not _SHORTEST_WAIT <= wait <= _LONGEST_WAIT:
            raise WaitsRefused(
                f"Each wait is a whole number of seconds from {_SHORTEST_WAIT} to {_LONGEST_WAIT}.",
                at=f"[{position}]",
            )
    if sum(waits) > _LONGEST_SCHEDULE:
        raise WaitsRefused("All waits together are at most 7 days, which is 604800 seconds.")
    return tuple(waits)


def wait_after(
    failures: int,
    waits: Sequence[int],
    *,
    random: Callable[[], float],
    retry_after: float | None = None,
) -> float | None:
    """Seconds until the next attempt after the round's failure number `failures`, from 1.

    None when the waits are used up. Jitter only lengthens, so that receivers that came back are not
    met by everybody at once; `Retry-After` only postpones. `random` returns a number in [0, 1).
    """
    if failures > len(waits):
        return None
    wait = waits[failures - 1] * (1 + JITTER * random())
    return max(wait, min(retry_after or 0.0, DAY))


def queue_delay(wait: float) -> int | None:
    """`DelaySeconds` of the hint for this wait, never early; None when the wait is too long."""
    return math.ceil(wait) if wait <= LONGEST_QUEUE_DELAY else None
