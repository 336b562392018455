"""What a hint makes of its delivery: gates, claims, requests, results, retries, health."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from standardwebhooks import Webhook

from tessera import clock, dynamo
from tessera.webhooks import credentials
from tessera.webhooks.credentials import SigningKey
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.egress import Call
from tessera.webhooks.health import Change, Health
from tessera.webhooks.models import Delivery, Hint, Last, NotRecorded
from tessera.webhooks.operators_store import Deliveries, Endpoints
from tessera.webhooks.outcome import Answer, Outcome
from tessera.webhooks.sending import Limits
from tests.builders import NOW
from tests.webhooks.conftest import Overhear
from tests.webhooks.engine import ACCEPTED, KEY, REFUSED, Engine, endpoint, event, row

NOW_MS = clock.epoch_ms(NOW)


def hint_at(delivery: Delivery, **detail: Any) -> Hint:
    return Hint(
        **{
            "event": delivery.event,
            "endpoint": delivery.endpoint,
            "n": delivery.attempts,
            "lane": "slow",
            "why": "sweep",
            **detail,
        }
    )


def test_delivers_signed_with_everything_a_receiver_needs(engine: Engine) -> None:
    id = engine.has_endpoint(headers={"x-shop": "de"})
    announced = event()

    assert engine.delivers(announced) == ["delivered"]

    (sent,) = engine.receiver.received
    assert sent.url == "https://hooks.example.com/in"
    signature = Webhook(KEY).sign(announced.id, NOW, sent.body.decode())
    assert sent.headers["webhook-signature"] == signature
    assert {name: value for name, value in sent.headers.items() if name != "webhook-signature"} == {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "Tessera-Webhooks/1",
        "webhook-id": announced.id,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "tessera-event-type": "entitlements.updated",
        "tessera-attempt": "1",
        "tessera-sequence": "42",
        "x-shop": "de",
    }
    assert sent.body.startswith(b'{"tracking":{"subscription":"32439PDFQPA0","source":"shop"')
    assert engine.delivery(announced, id).state == "delivered"


def test_keeps_what_happened_and_leaves_no_due_row(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()

    engine.delivers(announced)

    stored = row("Webhooks", announced.id, f"D#{id}")
    assert stored is not None
    assert stored["delivered_at"] == "2026-03-02T09:14:07.512Z"
    assert stored["expires_at"] == int((NOW + timedelta(days=30)).timestamp())
    assert stored["success"] == {
        "n": 1,
        "why": "event",
        "started_at": "2026-03-02T09:14:07.512Z",
        "ms": 42,
        "url": "https://hooks.example.com/in",
        "status": 200,
        "headers": {"content-type": "text/plain"},
        "excerpt": "ok",
    }
    assert engine.delivery(announced, id).last == Last(
        n=1, at=NOW, outcome=Outcome.DELIVERED, status=200
    )
    assert row("Webhooks", announced.id, f"A#{id}#00001") is None
    assert stored.keys().isdisjoint({"due_pk", "next_due", "claimed_until", "failed_pk"})


def test_a_later_rounds_success_has_a_row_of_its_own(engine: Engine) -> None:
    """Else a delivery that is replayed each day would outgrow what a row can hold."""
    id = engine.has_endpoint()
    announced = event()
    engine.delivers(announced)
    for round in (1, 2):
        engine.deliveries.again(engine.delivery(announced, id), next_due=NOW_MS)
        hint = Hint(event=announced.id, endpoint=id, n=round, lane="slow", why="manual")
        assert engine.sends([hint]) == ["delivered"]

    delivery = engine.delivery(announced, id)
    assert delivery.success is not None
    assert (delivery.success.n, delivery.last and delivery.last.n) == (1, 3)
    assert [(one.n, one.round) for one in engine.attempts(announced, id)] == [
        (1, 0),
        (2, 1),
        (3, 2),
    ]
    attempt = row("Webhooks", announced.id, f"A#{id}#00003")
    assert attempt == {
        "pk": announced.id,
        "sk": f"A#{id}#00003",
        "shape": 1,
        "n": 3,
        "round": 2,
        "why": "manual",
        "started_at": "2026-03-02T09:14:07.512Z",
        "ms": 42,
        "url": "https://hooks.example.com/in",
        "outcome": "delivered",
        "status": 200,
        "headers": {"content-type": "text/plain"},
        "excerpt": "ok",
        "expires_at": int((NOW + timedelta(days=60)).timestamp()),
    }


def test_a_success_whose_one_write_is_refused_is_kept_by_itself_and_never_sent_again(
    engine: Engine,
) -> None:
    id = engine.has_endpoint()
    announced = event()
    hints = engine.fans_out(announced)

    class Refusing(Deliveries):
        def deliver(self, *_: Any, **__: Any) -> bool:
            raise NotRecorded

    engine.new_sender(deliveries=Refusing("Webhooks")).batch(hints, engine.each)
    assert engine.lines[-1]["outcome"] == "record_failed"
    engine.clock.turn(minutes=3)

    assert engine.sweeps() == []
    assert engine.delivery(announced, id).state == "delivered"
    assert [one.outcome for one in engine.attempts(announced, id)] == ["delivered"]
    assert len(engine.receiver.received) == 1


def test_a_failure_moves_the_due_time_and_sends_a_delayed_hint(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.receiver.answers = [REFUSED]

    assert engine.delivers(announced) == ["retrying"]

    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.failures, delivery.attempts) == ("pending", 1, 1)
    assert delivery.claimed_until is None
    # 5 s of wait, 60 s more because the hint is on its way
    assert delivery.next_due == NOW_MS + 65_000
    assert engine.attempts(announced, id)[0].next_due == NOW_MS + 5_000
    stored = row("Webhooks", announced.id, f"D#{id}")
    assert stored is not None
    assert stored["failed_pk"] == id
    ((hint, delay),) = engine.queues.sent
    assert delay == 5
    assert hint.wire() == {
        "event": announced.id,
        "endpoint": id,
        "n": 1,
        "lane": "slow",
        "why": "retry",
    }


def test_a_long_wait_is_left_to_the_sweep(engine: Engine) -> None:
    id = engine.has_endpoint(waits=(1_800,))
    announced = event()
    engine.receiver.answers = [REFUSED]

    engine.delivers(announced)

    assert engine.queues.sent == []
    assert engine.delivery(announced, id).next_due == NOW_MS + 1_800_000


def test_retry_after_postpones(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.receiver.answers = [Answer(Outcome.HTTP_ERROR, 3, 429, {"retry-after": "7200"})]

    engine.delivers(announced)

    assert engine.delivery(announced, id).next_due == NOW_MS + 7_200_000


def test_gives_up_after_ten_attempts_over_three_days(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.receiver.answers = [REFUSED]

    outcomes = engine.delivers(announced)
    while (delivery := engine.delivery(announced, id)).state == "pending":
        assert delivery.next_due is not None
        engine.clock.at = clock.from_epoch_ms(delivery.next_due)
        outcomes += engine.sends([hint_at(delivery, why="manual")])

    assert outcomes == ["retrying"] * 9 + ["gave_up"]
    # The short waits carry the minute that the sweep leaves to the hint.
    waited = engine.clock.at - NOW - timedelta(minutes=2)
    assert waited == timedelta(hours=75, minutes=35, seconds=5)
    assert [one.n for one in engine.attempts(announced, id)] == list(range(1, 11))
    assert delivery.reason == "attempts_used_up"
    assert delivery.failures == 10
    stored = row("Webhooks", announced.id, f"D#{id}")
    assert stored is not None
    assert stored["failed_pk"] == id
    assert "due_pk" not in stored
    assert stored["expires_at"] == int((engine.clock.at + timedelta(days=30)).timestamp())
    assert engine.counted["Exhausted"] == 1


def test_a_later_success_clears_the_failure(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.receiver.answers = [REFUSED, ACCEPTED]
    engine.delivers(announced)

    assert engine.sends(engine.queues.take()) == ["delivered"]

    stored = row("Webhooks", announced.id, f"D#{id}")
    assert stored is not None
    assert "failed_pk" not in stored
    assert [sent.headers["webhook-id"] for sent in engine.receiver.received] == [announced.id] * 2
    assert [sent.headers["tessera-attempt"] for sent in engine.receiver.received] == ["1", "2"]
    assert engine.receiver.received[0].body == engine.receiver.received[1].body


def test_a_doubled_hint_loses_the_claim(engine: Engine) -> None:
    engine.has_endpoint()
    hints = engine.fans_out(event())

    assert engine.sends(hints * 2) == ["delivered", "stale"]

    assert len(engine.receiver.received) == 1
    assert engine.counted["StaleHints"] == 1


def test_a_hint_met_during_the_request_sends_nothing(engine: Engine) -> None:
    engine.has_endpoint()
    hints = engine.fans_out(event())
    other = engine.new_sender()
    met: list[Any] = []

    def meanwhile() -> None:
        engine.receiver.during = lambda: None
        other.batch(hints, lambda hint, step: met.append(step(hint)))

    engine.receiver.during = meanwhile
    assert engine.sends(hints) == ["delivered"]

    assert [line["outcome"] for line in met] == ["stale"]
    assert len(engine.receiver.received) == 1


def test_the_claim_outlives_the_function(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    claims: list[Any] = []
    engine.receiver.during = lambda: claims.append(engine.delivery(announced, id).claimed_until)

    engine.delivers(announced)

    assert claims == [NOW_MS + 35_000]


@pytest.mark.parametrize(
    ("status", "state", "lane", "why", "outcome"),
    [
        ("active", "ok", "fast", "event", "delivered"),
        ("active", "slow", "slow", "retry", "delivered"),
        ("active", "slow", "fast", "event", "moved"),
        ("active", "open", "slow", "retry", "dropped"),
        ("active", "open", "slow", "sweep", "dropped"),
        ("active", "open", "fast", "event", "dropped"),
        ("active", "open", "slow", "probe", "delivered"),
        ("active", "open", "slow", "manual", "delivered"),
        ("active", "open", "fast", "test", "delivered"),
        ("paused", "ok", "fast", "test", "delivered"),
        ("paused", "ok", "slow", "manual", "dropped"),
        ("disabled", "ok", "fast", "event", "dropped"),
        ("deleted", "ok", "fast", "event", "cancelled"),
    ],
)
def test_the_gate(
    engine: Engine, status: str, state: str, lane: str, why: str, outcome: str
) -> None:
    id = engine.has_endpoint(health=Health.model_validate({"state": state}))
    announced = event()
    engine.fans_out(announced)
    engine.change_endpoint(id, status=status)
    before = engine.delivery(announced, id)

    assert engine.sends([hint_at(before, lane=lane, why=why)]) == [outcome]

    assert len(engine.receiver.received) == (outcome == "delivered")
    if outcome == "dropped":
        assert engine.delivery(announced, id) == before
    if outcome == "moved":
        assert [hint.lane for hint in engine.queues.take()] == ["slow"]
    if outcome == "cancelled":
        assert engine.delivery(announced, id).reason == "endpoint_deleted"
        assert engine.delivery(announced, id).expires_at


def test_an_endpoint_that_is_gone_altogether_cancels(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    hints = engine.fans_out(announced)
    for key in (("ENDPOINTS", id), ("ENDPOINTS", f"{id}#HEALTH"), ("SECRETS", id)):
        dynamo.write(dynamo.delete("Webhooks", {"pk": key[0], "sk": key[1]}))

    assert engine.sends(hints) == ["cancelled"]

    assert engine.delivery(announced, id).state == "cancelled"


def test_an_expired_event_ends_its_delivery(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.fans_out(announced)
    engine.clock.turn(days=90, seconds=1)

    assert engine.sends([hint_at(engine.delivery(announced, id))]) == ["gave_up"]

    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.reason) == ("exhausted", "event_expired")
    assert delivery.next_due is None
    # The next sweep tells of it, as of any delivery that was given up.
    noted = engine.health(id)
    assert (noted.exhausted_count, noted.exhausted_first) == (1, announced.id)
    assert engine.counted["Exhausted"] == 1


def test_an_expired_test_event_is_told_to_nobody(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event(only_endpoint=id)
    engine.fans_out(announced)
    engine.clock.turn(days=90, seconds=1)

    assert engine.sends([hint_at(engine.delivery(announced, id))]) == ["gave_up"]

    assert not engine.health(id).exhausted_count


def test_what_we_cannot_sign_is_our_fault_and_claims_nothing(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    hints = engine.fans_out(announced)
    key = {"pk": "SECRETS", "sk": id}
    dynamo.write(dynamo.update("Webhooks", key, "SET #keys = :none", none=b"not a ciphertext"))
    before = engine.delivery(announced, id)

    with pytest.raises(ClientError):
        engine.sends(hints)

    assert engine.delivery(announced, id) == before
    assert engine.counted["SenderFaults"] == 1


def test_the_frozen_dialect_stands_when_the_endpoints_changes(engine: Engine) -> None:
    id = engine.has_endpoint(dialect=Dialect(release="86"))
    hints = engine.fans_out(event())
    engine.change_endpoint(id, dialect=Dialect(release="89").wire())

    engine.sends(hints)

    assert b'"source"' not in engine.receiver.received[0].body


def test_signs_with_both_keys_while_they_overlap(engine: Engine) -> None:
    old = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    made = endpoint()
    keys = [SigningKey(key=KEY), SigningKey(key=old, until=NOW + timedelta(minutes=1))]
    sealed = credentials.sealed(made.id, keys, {"authorization": "Bearer t"}, engine.seal)
    engine.endpoints.add(made, Health(), sealed, limit=200)
    engine.delivers(event())
    engine.clock.turn(minutes=2)

    engine.delivers(event(at=engine.clock.at))

    first, second = (sent.headers for sent in engine.receiver.received)
    assert first["authorization"] == "Bearer t"
    assert [len(sent["webhook-signature"].split()) for sent in (first, second)] == [2, 1]


def test_an_endpoint_without_its_own_credential_uses_that_of_its_host(engine: Engine) -> None:
    engine.has_endpoint()
    auth = engine.seal.close('{"authorization":"Basic b2s6b2s="}', host="hooks.example.com")
    dynamo.write(dynamo.put("Webhooks", {"pk": "HOSTS", "sk": "hooks.example.com", "auth": auth}))

    engine.delivers(event())

    assert engine.receiver.received[0].headers["authorization"] == "Basic b2s6b2s="


def test_fast_hints_go_by_memory_for_five_seconds_and_slow_ones_never(engine: Engine) -> None:
    id = engine.has_endpoint()
    hints = engine.fans_out(*(event() for _ in range(4)))
    outcomes = engine.sends(hints[:1])
    engine.change_endpoint(id, status="paused")

    outcomes += engine.sends(hints[1:2])
    outcomes += engine.sends([hints[2].model_copy(update={"lane": "slow"})])
    engine.clock.turn(seconds=5, milliseconds=1)
    outcomes += engine.sends(hints[3:])

    assert outcomes == ["delivered", "delivered", "dropped", "dropped"]


def test_news_of_an_endpoints_health_makes_its_settings_no_younger(engine: Engine) -> None:
    """Else whoever fails every few seconds would be sent to under its old URL and keys for ever."""
    id = engine.has_endpoint()
    engine.receiver.answers = [REFUSED]
    hints = engine.fans_out(*(event() for _ in range(3)))
    engine.sends(hints[:1])
    engine.change_endpoint(id, url="https://new.example.com/in")
    for hint in hints[1:]:
        engine.clock.turn(seconds=4)
        engine.sends([hint])

    urls = [sent.url for sent in engine.receiver.received]

    assert urls == ["https://hooks.example.com/in"] * 2 + ["https://new.example.com/in"]


def test_a_result_that_cannot_be_kept_is_let_go_and_stays_claimed(
    engine: Engine, overhear: Overhear
) -> None:
    id = engine.has_endpoint()
    announced = event()
    hints = engine.fans_out(announced)

    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    def during() -> None:
        overhear("dynamodb", "before-call.dynamodb.PutItem", refuse)
        overhear("dynamodb", "before-call.dynamodb.UpdateItem", refuse)

    engine.receiver.during = during
    assert engine.sends(hints) == ["record_failed"]

    assert engine.counted["RecordFailed"] == 1
    assert engine.delivery(announced, id).claimed_until == NOW_MS + 35_000
    assert engine.queues.sent == []


@pytest.mark.parametrize("answer", [ACCEPTED, REFUSED])
def test_an_answer_in_flight_is_kept_but_does_not_undo_a_cancellation(
    engine: Engine, answer: Answer
) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.receiver.answers = [answer]
    engine.receiver.during = lambda: end(engine, announced.id, id, "cancelled")

    assert engine.delivers(announced) == ["superseded"]

    assert engine.delivery(announced, id).state == "cancelled"
    assert [one.outcome for one in engine.attempts(announced, id)] == [answer.outcome]
    assert engine.queues.sent == []


def test_a_late_success_wins_over_exhaustion(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event()
    engine.receiver.during = lambda: end(engine, announced.id, id, "exhausted")

    assert engine.delivers(announced) == ["delivered"]

    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.reason) == ("delivered", None)


def test_five_failures_in_a_row_make_an_endpoint_slow_and_ten_open_its_circuit(
    engine: Engine,
) -> None:
    id = engine.has_endpoint()
    engine.receiver.answers = [REFUSED]

    states = []
    for _ in range(10):
        engine.delivers(event())
        engine.queues.take()  # the retries
        states.append(engine.health(id).state)

    assert states == ["ok"] * 4 + ["slow"] * 5 + ["open"]
    health = engine.health(id)
    assert (health.streak, health.failures, health.last_failure) == (10, 10, "http_error")
    assert health.failing_since == NOW
    assert health.probe_at == NOW + timedelta(seconds=60)
    assert health.drain == 60


def test_a_successful_probe_closes_the_circuit_and_three_quick_answers_make_it_ok(
    engine: Engine,
) -> None:
    opened = Health(
        state="open", streak=10, failures=10, failing_since=NOW, probe_at=NOW, interval=60
    )
    id = engine.has_endpoint(health=opened)
    announced = event()
    engine.fans_out(announced)

    engine.sends([hint_at(engine.delivery(announced, id), why="probe")])
    states = [engine.health(id).state]
    for _ in range(3):
        engine.delivers(event())
        states.append(engine.health(id).state)

    assert states == ["slow", "slow", "ok", "ok"]
    assert engine.health(id).is_clean


def test_a_failed_probe_doubles_the_interval(engine: Engine) -> None:
    id = engine.has_endpoint(health=Health(state="open", streak=10, probe_at=NOW, interval=60))
    announced = event()
    engine.fans_out(announced)
    engine.receiver.answers = [REFUSED]

    engine.sends([hint_at(engine.delivery(announced, id), why="probe")])

    health = engine.health(id)
    assert (health.interval, health.probe_at) == (120, NOW + timedelta(seconds=120))


def test_exhaustion_is_noted_for_the_announcement(engine: Engine) -> None:
    id = engine.has_endpoint(waits=())
    engine.receiver.answers = [REFUSED]
    first, second = event(), event()

    assert engine.delivers(first) + engine.delivers(second) == ["gave_up", "gave_up"]

    health = engine.health(id)
    assert health.exhausted_count == 2
    assert (health.exhausted_first, health.exhausted_last) == (first.id, second.id)


def test_exhaustion_of_an_operational_delivery_is_not_announced(engine: Engine) -> None:
    id = engine.has_endpoint(waits=(), types=("endpoint.*",))
    engine.receiver.answers = [REFUSED]

    engine.delivers(event("endpoint.failing", about_endpoint="endpoint-other"))

    assert engine.health(id).exhausted_count == 0


def test_a_test_is_tried_once_and_counts_nowhere(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event(only_endpoint=id)
    engine.receiver.answers = [REFUSED]

    assert engine.delivers(announced) == ["gave_up"]

    assert engine.receiver.received[0].headers["tessera-test"] == "true"
    assert engine.health(id) == Health()
    assert row("Webhooks", "HOURS#2026-03-02", f"09#{id}") is None
    assert engine.counted["Exhausted"] == 0


def test_a_successful_test_lets_an_open_circuit_probe_at_once(engine: Engine) -> None:
    later = NOW + timedelta(minutes=15)
    id = engine.has_endpoint(health=Health(state="open", streak=10, probe_at=later, interval=900))

    engine.delivers(event(only_endpoint=id))

    health = engine.health(id)
    assert (health.state, health.probe_at, health.streak) == ("open", NOW, 10)


def test_counts_each_batch_once_into_the_hour_of_its_endpoint(engine: Engine) -> None:
    id = engine.has_endpoint()
    engine.receiver.answers = [ACCEPTED, REFUSED, ACCEPTED]

    engine.sends(engine.fans_out(event(), event(), event()))

    assert row("Webhooks", "HOURS#2026-03-02", f"09#{id}") == {
        "pk": "HOURS#2026-03-02",
        "sk": f"09#{id}",
        "delivered": 2,
        "failed": 1,
        "expires_at": int((NOW + timedelta(days=40)).timestamp()),
    }


def test_five_requests_without_an_answer_make_an_endpoint_slow_before_any_has_failed(
    engine: Engine,
) -> None:
    id = engine.has_endpoint()
    hints = engine.fans_out(*(event() for _ in range(5)))
    marked = threading.Event()
    seen: list[tuple[int, str]] = []

    def hang(*_: Any, call: Call, **__: Any) -> Answer:
        call.begin(time.monotonic(), 15)
        assert marked.wait(10)
        call.end()
        return ACCEPTED

    class Watched(Endpoints):
        def change_health(self, id: str, change: Change) -> Health | None:
            health = super().change_health(id, change)
            if health is not None and health.state == "slow" and not marked.is_set():
                seen.append((health.late, health.state))
                marked.set()
            return health

    with ThreadPoolExecutor(10) as pool:
        sender = engine.new_sender(
            post=hang, pool=pool, endpoints=Watched("Webhooks"), limits=Limits(late=0.05)
        )
        sender.batch(hints, engine.each)

    assert seen == [(5, "slow")]
    assert [line["outcome"] for line in engine.lines[-5:]] == ["delivered"] * 5
    assert engine.health(id).state == "slow"


def test_a_batch_whose_late_mark_failed_still_ends_with_its_last_request(engine: Engine) -> None:
    id = engine.has_endpoint()
    (hint,) = engine.fans_out(announced := event())
    marked = threading.Event()

    def hang(*_: Any, call: Call, **__: Any) -> Answer:
        call.begin(time.monotonic(), 15)
        assert marked.wait(10)
        threading.Event().wait(0.05)  # the batch has failed by now
        call.end()
        return ACCEPTED

    class Refusing(Endpoints):
        def change_health(self, id: str, change: Change) -> Health | None:
            marked.set()
            raise EndpointConnectionError(endpoint_url="https://dynamodb")

    with ThreadPoolExecutor(10) as pool:
        sender = engine.new_sender(
            post=hang, pool=pool, endpoints=Refusing("Webhooks"), limits=Limits(late=0.05)
        )
        with pytest.raises(EndpointConnectionError):
            sender.batch([hint], engine.each)

        assert engine.delivery(announced, id).state == "delivered"


def test_a_hang_holds_back_nobody_elses_result(engine: Engine) -> None:
    engine.has_endpoint(url="https://hangs.example.com/in")
    engine.has_endpoint(url="https://quick.example.com/in")
    hints = engine.fans_out(event())
    recorded = threading.Event()

    def post(url: str, *_: Any, call: Call, **__: Any) -> Answer:
        if "hangs" in url:
            assert recorded.wait(10)
        return ACCEPTED

    class Watched(Deliveries):
        def deliver(self, *arguments: Any, **named: Any) -> bool:
            done = super().deliver(*arguments, **named)
            recorded.set()
            return done

    with ThreadPoolExecutor(10) as pool:
        sender = engine.new_sender(post=post, pool=pool, deliveries=Watched("Webhooks"))
        sender.batch(hints, engine.each)

    assert [line["outcome"] for line in engine.lines[-2:]] == ["delivered"] * 2


def test_says_what_was_decided_without_any_secret(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event(correlation_id="JKJaXmPLvHcESHA=")
    engine.receiver.answers = [
        Answer(Outcome.ADDRESS_REFUSED, 1, refused_address="169.254.169.254")
    ]

    engine.delivers(announced)

    assert engine.lines[-1] == {
        "webhook_event": announced.id,
        "endpoint": id,
        "n": 1,
        "lane": "fast",
        "why": "event",
        "type": "entitlements.updated",
        "correlation_id": "JKJaXmPLvHcESHA=",
        "result": "address_refused",
        "status": None,
        "receiver_ms": 1,
        "refused_address": "169.254.169.254",
        "next_due": NOW_MS + 5_000,
        "outcome": "retrying",
    }
    (attempt,) = engine.attempts(announced, id)
    assert "169.254" not in repr(attempt)
    assert engine.counted["EgressRefused"] == 1


def end(engine: Engine, event: str, endpoint: str, state: Any) -> None:
    engine.deliveries.end(event, endpoint, state, reason="operator", expires_at=NOW_MS // 1000)


def test_measures_how_long_a_hint_waited_in_its_queue(engine: Engine) -> None:
    engine.has_endpoint()
    (hint,) = engine.fans_out(event())
    engine.clock.turn(seconds=2)

    engine.sends([hint.model_copy(update={"at": NOW_MS + 500})])
    engine.sends([hint.model_copy(update={"at": NOW_MS + 9_000})])

    assert engine.counted["QueueWaitMs"] == 1_500
