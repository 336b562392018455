"""The conditions that senders, sweepers and operators meet on: each refuses on its own."""

from typing import Any

import pytest

from tessera import dynamo
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.models import Attempt, Delivery, Due, Last
from tessera.webhooks.outcome import Outcome
from tessera.webhooks.rows import endpoint_members
from tessera.webhooks.store import Endpoints
from tests.builders import NOW
from tests.webhooks.engine import Engine, endpoint, event

FIRST_DUE, CLAIM, EXPIRY = 1_000, 5_000, 1_772_442_847
LAST = Last(n=1, at=NOW, outcome=Outcome.HTTP_ERROR, status=503)


@pytest.fixture
def made(engine: Engine) -> Delivery:
    """A pending delivery that nobody has tried yet."""
    delivery = Delivery(
        event=event().id,
        endpoint="endpoint-" + "1" * 32,
        type="entitlements.updated",
        dialect=Dialect(),
        created_at=NOW,
        next_due=FIRST_DUE,
    )
    engine.deliveries.add(delivery)
    return delivery


@pytest.fixture
def claimed(engine: Engine, made: Delivery) -> Delivery:
    found = engine.deliveries.claim(made.event, made.endpoint, n=0, until_ms=CLAIM)
    assert found is not None
    return found


def attempt(of: Delivery, outcome: Outcome = Outcome.HTTP_ERROR, **detail: Any) -> Attempt:
    return Attempt(
        **{
            "event": of.event,
            "endpoint": of.endpoint,
            "n": 1,
            "why": "event",
            "started_at": NOW,
            "url": "https://hooks.example.com/in",
            "outcome": outcome,
            **detail,
        }
    )


def stored(engine: Engine, of: Delivery) -> Delivery:
    found = engine.deliveries.find(of.event, of.endpoint)
    assert found is not None
    return found


def cancel(engine: Engine, of: Delivery) -> Delivery | None:
    return engine.deliveries.end(
        of.event, of.endpoint, "cancelled", reason="operator", expires_at=EXPIRY
    )


def test_a_row_is_made_once(engine: Engine, made: Delivery) -> None:
    other = made.model_copy(update={"next_due": 9_999})

    assert engine.deliveries.add(other) == made

    assert stored(engine, made) == made


def test_a_claim_starts_the_next_attempt(engine: Engine, made: Delivery) -> None:
    claimed = engine.deliveries.claim(made.event, made.endpoint, n=0, until_ms=CLAIM)

    assert claimed == made.model_copy(update={"attempts": 1, "claimed_until": CLAIM})
    assert stored(engine, made) == claimed


@pytest.mark.parametrize("n", [0, 1])
def test_a_claimed_row_is_not_claimed_again(engine: Engine, claimed: Delivery, n: int) -> None:
    """Whatever a hint says: one written during the claim knows its number."""
    again = engine.deliveries.claim(claimed.event, claimed.endpoint, n=n, until_ms=CLAIM + 1)

    assert again is None
    assert stored(engine, claimed) == claimed


def test_a_row_that_has_moved_on_makes_a_hint_stale(engine: Engine, claimed: Delivery) -> None:
    engine.deliveries.postpone(claimed, LAST, next_due=2_000)

    assert engine.deliveries.claim(claimed.event, claimed.endpoint, n=0, until_ms=CLAIM) is None
    assert engine.deliveries.claim(claimed.event, claimed.endpoint, n=1, until_ms=CLAIM) is not None


def test_a_row_that_has_ended_is_not_claimed(engine: Engine, made: Delivery) -> None:
    cancel(engine, made)

    assert engine.deliveries.claim(made.event, made.endpoint, n=0, until_ms=CLAIM) is None


def test_a_row_that_is_not_there_is_not_made_by_a_claim(engine: Engine) -> None:
    assert engine.deliveries.claim("event-0", "endpoint-0", n=0, until_ms=CLAIM) is None

    assert engine.deliveries.find("event-0", "endpoint-0") is None


@pytest.mark.parametrize("finish", ["postpone", "exhaust"])
@pytest.mark.parametrize(
    "other", [{"attempts": 2}, {"claimed_until": CLAIM + 1}], ids=["attempt", "claim"]
)
def test_a_failure_is_written_only_under_its_own_claim(
    engine: Engine, claimed: Delivery, finish: str, other: dict[str, int]
) -> None:
    theirs = claimed.model_copy(update=other)

    assert not write(engine, finish, theirs)
    assert stored(engine, claimed) == claimed

    assert write(engine, finish, claimed)


@pytest.mark.parametrize("finish", ["postpone", "exhaust", "deliver"])
def test_what_a_person_cancelled_stays_cancelled(
    engine: Engine, claimed: Delivery, finish: str
) -> None:
    cancelled = cancel(engine, claimed)

    assert not write(engine, finish, claimed)

    assert stored(engine, claimed) == cancelled


def test_a_success_needs_no_claim_and_wins_over_exhaustion(
    engine: Engine, claimed: Delivery
) -> None:
    engine.deliveries.exhaust(claimed, LAST, reason="attempts_used_up", expires_at=EXPIRY)

    assert write(engine, "deliver", claimed)

    assert stored(engine, claimed).state == "delivered"


def test_a_result_is_kept_once_and_takes_the_place_of_a_loss(
    engine: Engine, made: Delivery
) -> None:
    lost, result = attempt(made, Outcome.LOST), attempt(made)
    assert engine.deliveries.note_lost(lost) is None
    engine.deliveries.record(result)
    engine.deliveries.record(attempt(made, Outcome.DELIVERED))

    assert engine.deliveries.note_lost(lost) == result

    assert engine.deliveries.attempt(made.event, made.endpoint, 1) == result


def test_a_due_row_is_leased_once(engine: Engine, made: Delivery) -> None:
    due = Due(made.event, made.endpoint, FIRST_DUE)
    shard = int(made.event[-1], 16) % 4
    found = engine.deliveries.due(made.endpoint, shard, until_ms=FIRST_DUE, at_most=10)

    first, second = (engine.deliveries.lease(due, until_ms=2_000 + n) for n in range(2))

    assert found == [due]
    assert first == made.model_copy(update={"next_due": 2_000})
    assert second is None
    assert stored(engine, made) == first


def test_a_row_that_has_ended_is_not_leased(engine: Engine, made: Delivery) -> None:
    cancel(engine, made)

    assert engine.deliveries.lease(Due(made.event, made.endpoint, FIRST_DUE), until_ms=1) is None


@pytest.mark.parametrize(
    "other", [{"attempts": 2}, {"claimed_until": CLAIM + 1}], ids=["attempt", "claim"]
)
def test_a_claim_is_released_only_as_it_was_seen(
    engine: Engine, claimed: Delivery, other: dict[str, int]
) -> None:
    assert not engine.deliveries.release(claimed.model_copy(update=other))
    assert stored(engine, claimed) == claimed

    assert engine.deliveries.release(claimed)
    assert stored(engine, claimed).claimed_until is None


def test_only_what_is_pending_can_be_ended(engine: Engine, claimed: Delivery) -> None:
    write(engine, "deliver", claimed)

    assert cancel(engine, claimed) is None

    assert stored(engine, claimed).state == "delivered"


@pytest.mark.parametrize("finish", ["postpone", "exhaust", "deliver"])
def test_a_row_is_in_the_due_index_exactly_while_it_is_pending(
    engine: Engine, claimed: Delivery, finish: str
) -> None:
    write(engine, finish, claimed)

    shard = int(claimed.event[-1], 16) % 4
    due = engine.deliveries.due(claimed.endpoint, shard, until_ms=10**15, at_most=10)
    delivery = stored(engine, claimed)
    assert bool(due) == (delivery.state == "pending") == (finish == "postpone")
    assert delivery.is_consistent
    assert delivery.claimed_until is None


def write(engine: Engine, finish: str, claimed: Delivery) -> bool:
    if finish == "postpone":
        return engine.deliveries.postpone(claimed, LAST, next_due=2_000)
    if finish == "exhaust":
        return engine.deliveries.exhaust(claimed, LAST, reason="used_up", expires_at=EXPIRY)
    return engine.deliveries.deliver(claimed, LAST, at=NOW, expires_at=EXPIRY)


def test_no_endpoint_is_passed_over_however_many_were_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    members = endpoint_members(endpoint())
    rows = [{"pk": "ENDPOINTS", "sk": f"endpoint-{n:032x}", **members} for n in range(10_001)]
    # Pages as DynamoDB gives them: to write so many rows would take minutes.
    pages = iter([dynamo.Page(rows[:6_000], {"sk": "5999"}), dynamo.Page(rows[6_000:], None)])
    monkeypatch.setattr(dynamo, "query", lambda *_, **__: next(pages))

    assert len(Endpoints("Webhooks").all()) == 10_001
