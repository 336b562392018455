"""Deliveries as people see them: one event's way to one endpoint, attempt by attempt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from tessera import clock, ids
from tessera.clock import Instant
from tessera.errors import NotFound
from tessera.events import Event
from tessera.objects import Model
from tessera.webhooks.dialects import Dialect, render
from tessera.webhooks.headers import of_request
from tessera.webhooks.models import Attempt, Count, Delivery, Endpoint, State, Target, Why
from tessera.webhooks.outcome import Answer, Outcome, redirect_origin

_ATTEMPTS_SHOWN = 100

Word: TypeAlias = Literal["waiting", "retrying", "paused", "delivered", "gave up", "cancelled"]


class RequestView(Model):
    method: str = "POST"
    url: str
    headers: dict[str, str]
    """Without credentials and signature."""


class ResponseView(Model):
    status: int
    headers: dict[str, str]
    body: str
    """Its beginning."""


class AttemptView(Model):
    n: int
    round: int
    why: Why
    started_at: Instant
    ms: int
    outcome: Outcome
    message: str
    request: RequestView
    response: ResponseView | None = None
    redirected_to: str | None = None
    """Origin only, so that the endpoint's URL can be changed."""
    next_due: Instant | None = None


class DeliveryFacts(Model):
    event: str
    endpoint: str
    type: str
    owner: str | None = None
    subscription: str | None = None
    sequence: int | None = None
    dialect: Dialect
    state: State
    word: Word
    """The state as people say it."""
    reason: str | None = None
    test: bool
    created_at: Instant
    delivered_at: Instant | None = None
    round: int
    failures: int


class DeliveryView(DeliveryFacts):
    next_due: Instant | None = None
    body: str | None = None
    """As sent each time; absent once the event has expired."""
    attempts: list[AttemptView]
    """Newest first, at most 100."""


class Finds(Protocol):
    def find(self, event: str, endpoint: str) -> Delivery | None: ...


class Deliveries(Finds, Protocol):
    def attempts(self, event: str, endpoint: str, *, at_most: int) -> list[Attempt]: ...


class Endpoints(Protocol):
    def find(self, id: str) -> Target | None: ...


class Outbox(Protocol):
    def find(self, event: str, *, now: datetime) -> Event | None: ...


def read(
    event: str,
    endpoint: str,
    *,
    deliveries: Deliveries,
    endpoints: Endpoints,
    outbox: Outbox,
    count: Count,
    now: datetime,
) -> DeliveryView:
    """Raises `NotFound`, also for a delivery that has expired."""
    delivery = found(event, endpoint, deliveries=deliveries, now=now)
    if not delivery.is_consistent:
        count("I1Violations")
    attempts = made(delivery, deliveries.attempts(event, endpoint, at_most=_ATTEMPTS_SHOWN))
    target = endpoints.find(endpoint)
    return view(
        delivery,
        attempts,
        endpoint=target.endpoint if target else None,
        event=outbox.find(event, now=now),
    )


def made(delivery: Delivery, kept: Sequence[Attempt]) -> list[Attempt]:
    """Its attempts, newest first: those that have rows of their own, and its success."""
    success = delivery.success
    if success is None:
        return [*kept]
    inside = Attempt(
        event=delivery.event,
        endpoint=delivery.endpoint,
        outcome=Outcome.DELIVERED,
        **dict(success),
    )
    others = [one for one in kept if one.n != success.n]  # a loss that was noted before it came
    return sorted([inside, *others], key=lambda one: one.n, reverse=True)


def found(event: str, endpoint: str, *, deliveries: Finds, now: datetime) -> Delivery:
    """Raises `NotFound`, also for a delivery that has expired: deletion lags."""
    delivery = deliveries.find(event, endpoint) if may_exist(event, endpoint) else None
    if delivery is None or has_expired(delivery, now):
        raise NotFound("There is no such delivery.", code="not_found")
    return delivery


def may_exist(event: str, endpoint: str) -> bool:
    """Else DynamoDB might refuse to look for it, as a key has a length."""
    return ids.is_id(event, "event") and ids.is_id(endpoint, "endpoint")


def has_expired(delivery: Delivery, now: datetime) -> bool:
    return delivery.expires_at is not None and delivery.expires_at < now.timestamp()


def view(
    delivery: Delivery,
    attempts: Sequence[Attempt],
    *,
    endpoint: Endpoint | None,
    event: Event | None,
) -> DeliveryView:
    members = delivery.model_dump(include=set(DeliveryView.model_fields) - {"attempts", "next_due"})
    body = event and render(event.type, event.snapshot, delivery.dialect).decode()
    return DeliveryView(
        **members,
        word=word(delivery, endpoint),
        next_due=_instant(delivery.next_due),
        body=body,
        attempts=[_attempt(one, delivery, endpoint) for one in attempts[:_ATTEMPTS_SHOWN]],
    )


def word(delivery: Delivery, endpoint: Endpoint | None) -> Word:
    match delivery.state:
        case "exhausted":
            return "gave up"
        case "pending":
            if endpoint is not None and endpoint.status in ("paused", "disabled"):
                return "paused"
            return "retrying" if delivery.failures else "waiting"
    return delivery.state


def _attempt(attempt: Attempt, delivery: Delivery, endpoint: Endpoint | None) -> AttemptView:
    sent = of_request(
        event=delivery.event,
        type=delivery.type,
        timestamp=int(attempt.started_at.timestamp()),
        signatures="",
        attempt=attempt.n,
        sequence=delivery.sequence,
        round=attempt.round,
        test=delivery.test,
        own=endpoint.headers if endpoint else None,
    )
    del sent["webhook-signature"]
    answer = Answer(attempt.outcome, attempt.ms, attempt.status, attempt.headers)
    response = attempt.status and ResponseView(
        status=attempt.status, headers=attempt.headers, body=attempt.excerpt
    )
    return AttemptView(
        n=attempt.n,
        round=attempt.round,
        why=attempt.why,
        started_at=attempt.started_at,
        ms=attempt.ms,
        outcome=attempt.outcome,
        message=" ".join(filter(None, (attempt.outcome.sentence, attempt.detail))),
        request=RequestView(url=attempt.url, headers=sent),
        response=response or None,
        redirected_to=redirect_origin(answer, attempt.url),
        next_due=_instant(attempt.next_due),
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else clock.from_epoch_ms(ms)
