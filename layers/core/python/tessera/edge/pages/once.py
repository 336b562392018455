"""A form counts once: a double click, or sending it again, leads to what the first one did."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tessera.edge.idempotency import InProgress, Repeats
from tessera.edge.pages.visit import Answer, Moved
from tessera.errors import Conflict

_LOOKS, _EVERY_SECONDS = 40, 0.25
"""The second click of two waits for the first, up to ten seconds."""


class StillUnderWay(Conflict):
    """The first sending has not come to an end in all this time."""


class _NotDone(Exception):
    """The form is shown again: its key is free for the next try."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def once(
    repeats: Repeats,
    key: str,
    *,
    path: str,
    caller: str,
    now: datetime,
    act: Callable[[], Answer],
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """The answer of `act`, or where the first sending of this form led.

    Raises what `act` raises, and `StillUnderWay` when the first one takes too long.
    """
    event = {"requestContext": {"http": {"path": path}}, "headers": {"idempotency-key": key}}

    def kept() -> dict[str, Any]:
        answer = act()
        if not isinstance(answer, Moved):
            raise _NotDone(answer)
        moved.append(answer)
        return {"statusCode": 303, "location": answer.location}

    moved: list[Moved] = []
    for look in range(_LOOKS):
        try:
            found = repeats.once(event, "", caller=caller, now=now, act=kept)
        except _NotDone as not_done:
            return not_done.answer
        except InProgress:
            if look == _LOOKS - 1:
                raise StillUnderWay(
                    "What you sent first is still under way. See in a minute what became of it "
                    "before you send it again."
                ) from None
            sleep(_EVERY_SECONDS)
        else:
            return moved[0] if moved else Moved(found["location"])
    raise AssertionError("the last look answers or raises")
