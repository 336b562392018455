"""Lets programs sleep whose clock libfaketime has moved; Python loads it by its name.

Their monotonic clock is left alone, since a wait with a time-out ends by the real one: moved, it
would not end before the moved clock is reached. But `time.sleep` names an absolute moment of that
clock, from which libfaketime 0.9.10 takes the offset all the same, and the kernel refuses it
(EINVAL). `select` is given a duration.
"""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex) -> None:
    duration = float(seconds)
    if duration < 0:
        raise ValueError("sleep length must be non-negative")
    select.select((), (), (), duration)


time.sleep = _sleep
