"""What a person does to one delivery: send it again, now, or let it go."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera import clock
from tessera.webhooks.health import Health
from tessera.webhooks.models import Delivery, Hint
from tests.builders import operator
from tests.handlers import body
from tests.webhooks.asking import DELIVERY, Asks
from tests.webhooks.engine import ACCEPTED, REFUSED, Engine, event, row


@pytest.fixture
def slow_queue(engine: Engine) -> str:
    return boto3.client("sqs").create_queue(QueueName="slow")["QueueUrl"]


@pytest.fixture
def replay(engine: Engine, slow_queue: str) -> Asks:
    engine.clock.at = clock.now()
    return Asks("replay_delivery", "POST", DELIVERY + "/replay", SLOW_QUEUE_URL=slow_queue)


@pytest.fixture
def cancel(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("cancel_delivery", "POST", DELIVERY + "/cancel")


def hints(queue: str) -> list[Hint]:
    answer = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [Hint(**json.loads(one["Body"])) for one in answer.get("Messages", [])]


def claimed(engine: Engine, one: Any, id: str) -> Delivery:
    until = clock.epoch_ms(clock.now() + timedelta(seconds=35))
    found = engine.deliveries.claim(one.id, id, n=0, until_ms=until)
    assert found is not None
    return found


@pytest.mark.parametrize("before", ["delivered", "exhausted", "cancelled"])
def test_what_has_ended_is_sent_again_in_a_new_round_under_the_same_id(
    replay: Asks, engine: Engine, slow_queue: str, before: str
) -> None:
    id = engine.has_endpoint(waits=())
    announced = event(at=clock.now())
    sent = engine.fans_out(announced)
    engine.receiver.answers = [ACCEPTED if before == "delivered" else REFUSED, ACCEPTED]
    if before == "cancelled":
        engine.deliveries.end(announced.id, id, "cancelled", reason="operator", expires_at=2**31)
        engine.receiver.answers = [ACCEPTED]
    else:
        engine.sends(sent)
    assert engine.delivery(announced, id).state == before

    answer = replay(event=announced.id, endpoint=id)

    assert answer["statusCode"] == 202
    shown = body(answer)
    assert (shown["state"], shown["word"], shown["round"], shown["failures"]) == (
        "pending",
        "waiting",
        1,
        0,
    )
    stored = row("Webhooks", announced.id, f"D#{id}")
    assert stored is not None
    assert stored["due_pk"].startswith(id + "#")
    assert not stored.keys() & {"expires_at", "reason", "delivered_at", "claimed_until"}
    assert abs(stored["next_due"] - clock.epoch_ms(clock.now())) < 60_000
    (hint,) = hints(slow_queue)
    assert (hint.event, hint.endpoint, hint.lane, hint.why) == (announced.id, id, "slow", "manual")
    assert engine.sends([hint]) == ["delivered"]
    first_and_last = engine.receiver.received[0], engine.receiver.received[-1]
    assert len({one.body for one in first_and_last}) == 1
    again = engine.receiver.received[-1].headers
    assert (again["webhook-id"], again["tessera-replay"]) == (announced.id, "1")


def test_a_waiting_one_is_sent_now_instead_of_later(
    replay: Asks, engine: Engine, slow_queue: str
) -> None:
    id = engine.has_endpoint(waits=(7_200, 7_200))
    announced = event(at=clock.now())
    engine.receiver.answers = [REFUSED, ACCEPTED]
    engine.delivers(announced)
    waiting = engine.delivery(announced, id)

    answer = replay(event=announced.id, endpoint=id)

    assert answer["statusCode"] == 202
    now = engine.delivery(announced, id)
    assert now.next_due is not None
    assert now == waiting.model_copy(update={"next_due": now.next_due})
    assert now.next_due <= clock.epoch_ms(clock.now())
    assert engine.sends(hints(slow_queue)) == ["delivered"]


def test_passes_an_open_circuit(replay: Asks, engine: Engine, slow_queue: str) -> None:
    id = engine.has_endpoint(health=Health(state="open", probe_at=clock.now() + timedelta(hours=1)))
    announced = event(at=clock.now())
    engine.fans_out(announced)

    replay(event=announced.id, endpoint=id)

    assert engine.sends(hints(slow_queue)) == ["delivered"]


def test_on_a_paused_endpoint_it_waits_for_the_resume(
    replay: Asks, engine: Engine, slow_queue: str
) -> None:
    id = engine.has_endpoint()
    announced = event(at=clock.now())
    engine.delivers(announced)
    engine.change_endpoint(id, status="paused")

    answer = replay(event=announced.id, endpoint=id)

    assert (answer["statusCode"], body(answer)["word"]) == (202, "paused")
    assert hints(slow_queue) == []
    engine.change_endpoint(id, status="active")
    engine.clock.turn(minutes=1)
    assert engine.sends(engine.sweeps()) == ["delivered"]


def test_one_that_is_being_sent_is_left_alone(
    replay: Asks, engine: Engine, slow_queue: str
) -> None:
    id = engine.has_endpoint()
    announced = event(at=clock.now())
    engine.fans_out(announced)
    before = claimed(engine, announced, id)

    answer = replay(event=announced.id, endpoint=id)

    assert (answer["statusCode"], body(answer)["code"]) == (409, "being_sent")
    assert engine.delivery(announced, id) == before
    assert hints(slow_queue) == []


def test_of_two_replays_at_once_one_begins_a_round(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.delivers(announced)
    seen = engine.delivery(announced, id)

    first, second = (engine.deliveries.again(seen, next_due=n) for n in (1, 2))

    assert first is not None
    assert first.round == 1
    assert second is None
    assert engine.delivery(announced, id) == first


def test_a_replay_that_comes_late_does_not_begin_the_same_round_again(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.delivers(announced)
    seen = engine.delivery(announced, id)
    engine.deliveries.again(seen, next_due=clock.epoch_ms(engine.clock()))
    engine.sends(engine.sweeps())
    after = engine.delivery(announced, id)

    assert engine.deliveries.again(seen, next_due=1) is None

    assert (after.state, after.round) == ("delivered", 1)
    assert engine.delivery(announced, id) == after


def test_a_claim_that_came_between_stands(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.fans_out(announced)
    seen = engine.delivery(announced, id)
    before = claimed(engine, announced, id)

    assert engine.deliveries.again(seen, next_due=1) is None

    assert engine.delivery(announced, id) == before


def test_a_deleted_endpoint_gets_nothing_again(replay: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event(at=clock.now())
    engine.delivers(announced)
    engine.endpoints.delete(id, by="machine/m", at=clock.now())

    answer = replay(event=announced.id, endpoint=id)

    assert (answer["statusCode"], body(answer)["code"]) == (409, "endpoint_deleted")
    assert engine.delivery(announced, id).state == "delivered"


@pytest.mark.parametrize(("days", "status"), [(59, 202), (61, 410)])
def test_an_event_of_more_than_sixty_days_is_too_old(
    replay: Asks, engine: Engine, days: int, status: int
) -> None:
    id = engine.has_endpoint(created_at=clock.now() - timedelta(days=80))
    announced = event(at=clock.now() - timedelta(days=days))
    engine.delivers(announced)

    answer = replay(event=announced.id, endpoint=id)

    assert answer["statusCode"] == status
    assert status == 202 or body(answer)["code"] == "event_expired"


def test_cancels_what_is_pending(cancel: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event(at=clock.now())
    engine.receiver.answers = [REFUSED]
    engine.delivers(announced)
    engine.queues.take()

    answer = cancel(event=announced.id, endpoint=id, caller=operator("support"))

    assert answer["statusCode"] == 200
    assert (body(answer)["state"], body(answer)["reason"]) == ("cancelled", "operator")
    stored = row("Webhooks", announced.id, f"D#{id}")
    assert stored is not None
    assert not stored.keys() & {"due_pk", "next_due", "claimed_until", "failed_pk"}
    month = clock.now().timestamp() + 30 * 86_400
    assert stored["expires_at"] == pytest.approx(month, abs=60)
    engine.clock.turn(hours=3)
    assert engine.sweeps() == []


def test_a_late_answer_is_kept_but_the_delivery_stays_cancelled(
    cancel: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint()
    announced = event(at=clock.now())
    sent = engine.fans_out(announced)

    def meanwhile() -> None:
        cancel(event=announced.id, endpoint=id)

    engine.receiver.during = meanwhile

    assert engine.sends(sent) == ["superseded"]

    assert engine.delivery(announced, id).state == "cancelled"
    assert [one.outcome for one in engine.attempts(announced, id)] == ["delivered"]


def test_a_repeat_changes_nothing_and_what_has_ended_otherwise_is_not_cancelled(
    cancel: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint()
    waiting, ended = event(at=clock.now()), event(at=clock.now())
    engine.fans_out(waiting)
    engine.delivers(ended)
    cancel(event=waiting.id, endpoint=id)
    before = engine.delivery(waiting, id)

    repeat = cancel(event=waiting.id, endpoint=id)
    refused = cancel(event=ended.id, endpoint=id)

    assert (repeat["statusCode"], engine.delivery(waiting, id)) == (200, before)
    assert (refused["statusCode"], body(refused)["code"]) == (409, "not_pending")
    assert engine.delivery(ended, id).state == "delivered"


def test_neither_knows_a_delivery_that_is_not_there_or_has_expired(
    replay: Asks, cancel: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint()
    expired = event(at=clock.now())
    engine.fans_out(expired)
    engine.deliveries.end(expired.id, id, "cancelled", reason="operator", expires_at=1)

    for act in (replay, cancel):
        for named, at in (
            *((expired.id, id), ("event-" + "0" * 32, id)),
            *(("x" * 3_000, id), (expired.id, "x" * 2_000)),  # longer than a key may be
        ):
            answer = act(event=named, endpoint=at)
            assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")
