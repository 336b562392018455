"""What is told about endpoints, once each, and what switches one off."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import dynamo
from tessera.events import EVENT_TYPES
from tessera.webhooks.health import Health, after_failure, after_success, fresh_start
from tessera.webhooks.models import Endpoint
from tessera.webhooks.outcome import Answer, Outcome
from tests.builders import NOW
from tests.conftest import Told
from tests.webhooks.engine import REFUSED, Engine, event

HOUR = timedelta(hours=1)
GONE = Answer(Outcome.GONE, 3, 410)
DOOMED = {
    "state": "open",
    "failing_since": NOW - 120 * HOUR,
    "last_failure_at": NOW - HOUR,
    "last_failure": "timeout",
    "failures": 20,
    "streak": 20,
    "told_failing": NOW - 119 * HOUR,
    "probe_at": NOW + HOUR,
}


def stored(engine: Engine, id: str) -> Endpoint:
    found = engine.endpoints.find(id)
    assert found is not None
    return found.endpoint


def test_a_410_switches_the_endpoint_off_at_once_and_keeps_the_delivery(
    engine: Engine, told: Told
) -> None:
    id = engine.has_endpoint(headers={"x-secret": "s3cret"})
    announced, later = event(), event()
    engine.receiver.answers = [GONE]

    outcomes = engine.delivers(announced)

    off = stored(engine, id)
    assert outcomes == ["retrying"]
    assert (off.status, off.status_reason, off.version) == ("disabled", "gone", 2)
    assert (off.updated_at, off.updated_by) == (NOW, "tessera/webhooks")
    (disabled,) = told("endpoint.disabled")
    assert disabled.snapshot == {
        "id": id,
        "record_type": "webhook_endpoint",
        "service": "limio",
        "url": "https://hooks.example.com/in",
        "status": "disabled",
        "health": "ok",
        "reason": "gone",
        "since": "2026-03-02T09:14:07.512Z",
        "failures": 1,
        "resume": f"POST /api/webhooks/endpoints/{id}/resume",
    }
    assert (disabled.about_endpoint, disabled.owner) == (id, None)
    assert engine.delivery(announced, id).state == "pending"
    assert engine.sends(engine.queues.take()) == ["dropped"]
    assert engine.delivers(later) == []
    assert engine.delivery(later, id).state == "pending"


def test_a_sender_that_switched_an_endpoint_off_sends_nothing_more_from_memory(
    engine: Engine,
) -> None:
    engine.has_endpoint()
    engine.receiver.answers = [GONE]
    first, second = engine.fans_out(event(), event())

    assert engine.sends([first]) == ["retrying"]
    assert engine.sends([second]) == ["dropped"]

    assert len(engine.receiver.received) == 1


def test_a_410_to_a_test_disables_nothing(engine: Engine, told: Told) -> None:
    id = engine.has_endpoint()
    engine.receiver.answers = [GONE]

    assert engine.delivers(event(only_endpoint=id)) == ["gave_up"]

    assert stored(engine, id).status == "active"
    assert told("endpoint.disabled") == []


@pytest.mark.parametrize("meanwhile", [{"status": "paused"}, {"url": "https://new.example.com/"}])
def test_a_410_changes_nothing_that_a_person_changed_meanwhile(
    engine: Engine, told: Told, meanwhile: dict[str, str]
) -> None:
    id = engine.has_endpoint()
    hints = engine.fans_out(event())
    engine.receiver.answers = [GONE]
    engine.receiver.during = lambda: engine.change_endpoint(id, **meanwhile)

    assert engine.sends(hints) == ["retrying"]

    assert stored(engine, id).status == meanwhile.get("status", "active")
    assert told("endpoint.disabled") == []


def test_five_days_without_a_success_switch_an_endpoint_off_once(
    engine: Engine, told: Told
) -> None:
    id = engine.has_endpoint(health=Health(**DOOMED))

    engine.sweeps()
    engine.sweeps()

    off = stored(engine, id)
    assert (off.status, off.status_reason) == ("disabled", "no_success")
    (disabled,) = told("endpoint.disabled")
    assert disabled.snapshot["reason"] == "no_success"
    assert disabled.snapshot["since"] == "2026-02-25T09:14:07.512Z"
    assert disabled.snapshot["failures"] == 20


def test_a_success_seen_in_the_last_moment_keeps_the_endpoint_on(
    engine: Engine, told: Told
) -> None:
    id = engine.has_endpoint(health=Health(**DOOMED))
    read = engine.endpoints.all

    def then_it_recovers() -> Any:
        found = read()
        recovered = after_success(found[0].health, NOW, seconds=0.1)
        assert recovered is not None
        engine.endpoints.change_health(id, recovered)
        return found

    engine.endpoints.all = then_it_recovers  # type: ignore[method-assign]
    engine.sweeps()

    assert stored(engine, id).status == "active"
    assert told("endpoint.disabled") == []


def test_a_failing_endpoint_and_its_recovery_are_told_once_each(engine: Engine, told: Told) -> None:
    id = engine.has_endpoint()
    for _ in range(4):
        engine.endpoints.change_health(id, after_failure("timeout", NOW))
    engine.clock.turn(hours=1)
    engine.sweeps()
    engine.sweeps()
    failing = told("endpoint.failing")
    engine.clock.turn(hours=1)
    recovered = after_success(engine.health(id), engine.clock.at, seconds=0.1)
    assert recovered is not None
    engine.endpoints.change_health(id, recovered)
    engine.sweeps()
    engine.sweeps()

    (one,) = failing
    assert one.snapshot == {
        "id": id,
        "record_type": "webhook_endpoint",
        "service": "limio",
        "url": "https://hooks.example.com/in",
        "status": "active",
        "health": "ok",
        "reason": "timeout",
        "since": "2026-03-02T09:14:07.512Z",
        "failures": 4,
    }
    (other,) = told("endpoint.recovered")
    assert other.snapshot["since"] == "2026-03-02T11:14:07.512Z"
    assert "reason" not in other.snapshot
    assert [EVENT_TYPES[one.type].operational for one in told()] == [True, True]


def test_used_up_deliveries_are_told_at_most_once_an_hour(engine: Engine, told: Told) -> None:
    id = engine.has_endpoint(waits=())
    first, last, later = event(), event(), event()
    engine.receiver.answers = [REFUSED]
    engine.delivers(first)
    engine.delivers(last)
    engine.sweeps()
    engine.delivers(later)
    engine.clock.turn(minutes=59)
    engine.sweeps()
    early = told("delivery.exhausted")
    engine.clock.turn(minutes=1)
    engine.sweeps()

    (one,) = early
    assert one.snapshot["exhausted"] == {"count": 2, "first": first.id, "last": last.id}
    assert one.about_endpoint == id
    others = [event.snapshot["exhausted"] for event in told("delivery.exhausted")]
    assert {"count": 1, "first": later.id, "last": later.id} in others
    assert len(others) == 2


def test_nothing_is_told_about_an_endpoint_that_was_deleted(engine: Engine, told: Told) -> None:
    engine.has_endpoint(health=Health(**(DOOMED | {"told_failing": None})), status="deleted")

    engine.sweeps()

    assert told() == []


def test_what_is_told_and_the_mark_that_it_was_are_one_write(engine: Engine, told: Told) -> None:
    """A second sweep that read the same health tells nothing."""
    engine.has_endpoint(health=Health(**(DOOMED | {"told_failing": None})))
    before = engine.endpoints.all()
    engine.sweeps()
    engine.endpoints.all = lambda: before  # type: ignore[method-assign]

    engine.sweeps()

    assert [one.type for one in told()] in (
        ["endpoint.failing", "endpoint.disabled"],
        ["endpoint.disabled", "endpoint.failing"],
    )


def test_a_resumed_endpoint_is_not_switched_off_again_for_its_past(
    engine: Engine, told: Told
) -> None:
    id = engine.has_endpoint(health=Health(**DOOMED))
    engine.sweeps()
    engine.endpoints.change_health(id, fresh_start())
    engine.change_endpoint(id, status="active")

    engine.sweeps()

    assert stored(engine, id).status == "active"
    assert dynamo.get("Webhooks", {"pk": "COUNT", "sk": "ENDPOINTS"}) is not None
    assert len(told("endpoint.disabled")) == 1
