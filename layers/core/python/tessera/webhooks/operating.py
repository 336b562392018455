"""What a person does to one delivery: send it again, now, or cancel it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from tessera import clock
from tessera.errors import Conflict, Gone
from tessera.webhooks.deliveries import found, may_exist
from tessera.webhooks.endpoints import Finds, live
from tessera.webhooks.jobs import REPLAYABLE
from tessera.webhooks.listing import DeliverySummary, summary
from tessera.webhooks.models import Delivery, Hint, State, Target
from tessera.webhooks.recording import DELIVERY_KEPT, expiry

_TRIES = 3


class EventExpired(Gone):
    title = "The event is too old"

    def __init__(self) -> None:
        super().__init__(f"Events can be sent again for {REPLAYABLE.days} days; this one is older.")


class BeingSent(Conflict):
    title = "It is being sent at this moment"

    def __init__(self) -> None:
        super().__init__("This delivery is being sent at this moment. Look again in a minute.")


class NotPending(Conflict):
    title = "The delivery has ended"


class Deliveries(Protocol):
    def find(self, event: str, endpoint: str) -> Delivery | None: ...

    def again(self, of: Delivery, *, next_due: int) -> Delivery | None:
        """Another round for one that has ended; for a pending one the end of its wait.

        None where it was claimed, or is in another state or round than it was seen in.
        """

    def end(
        self, event: str, endpoint: str, state: State, *, reason: str, expires_at: int
    ) -> Delivery | None:
        """Ends a pending delivery for a reason that is no attempt."""


class Queues(Protocol):
    def send(self, hints: Sequence[Hint]) -> None: ...


def replay(
    event: str,
    endpoint: str,
    *,
    deliveries: Deliveries,
    endpoints: Finds,
    queues: Queues,
    now: datetime,
) -> DeliverySummary:
    """Under the same id and with the same bytes, past an open circuit, but not past a pause.

    Raises `NotFound`, `EndpointDeleted`, `EventExpired` and `BeingSent`.
    """
    for _ in range(_TRIES):
        seen = found(event, endpoint, deliveries=deliveries, now=now)
        target = live(endpoint, endpoints)
        if now - seen.created_at > REPLAYABLE:
            raise EventExpired
        if seen.claimed_until is not None:
            raise BeingSent
        again = deliveries.again(seen, next_due=clock.epoch_ms(now))
        if again is not None:
            _hint(again, target, queues)
            return summary(again, target.endpoint)
    raise BeingSent  # whoever moved it on each time is at work on it


def cancel(
    event: str, endpoint: str, *, deliveries: Deliveries, endpoints: Finds, now: datetime
) -> DeliverySummary:
    """An answer still on its way is kept as an attempt, the state stays. A repeat changes nothing.

    Raises `NotFound` and `NotPending`.
    """
    expires_at = expiry(now, DELIVERY_KEPT)
    ended = may_exist(event, endpoint) and deliveries.end(
        event, endpoint, "cancelled", reason="operator", expires_at=expires_at
    )
    delivery = ended or found(event, endpoint, deliveries=deliveries, now=now)
    if delivery.state != "cancelled":
        raise NotPending(f"This delivery is {delivery.state}: there is nothing to cancel.")
    target = endpoints.find(endpoint)
    return summary(delivery, target and target.endpoint)


def _hint(again: Delivery, target: Target, queues: Queues) -> None:
    """None for a paused endpoint: the sweep takes up what waits when it resumes."""
    if target.endpoint.status == "active":
        hint = Hint(
            event=again.event,
            endpoint=again.endpoint,
            n=again.attempts,
            lane="slow",
            why="manual",
        )
        queues.send([hint])
