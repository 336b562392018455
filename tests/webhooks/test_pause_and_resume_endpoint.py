"""Pausing an endpoint and resuming it, with what was held back or without."""

import pytest

from tessera import clock
from tessera.webhooks.health import Health
from tests.handlers import body
from tests.webhooks.asking import ENDPOINT, Asks
from tests.webhooks.engine import Engine, event


@pytest.fixture
def pause(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("pause_endpoint", "POST", ENDPOINT + "/pause")


@pytest.fixture
def resume(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("resume_endpoint", "POST", ENDPOINT + "/resume")


def test_a_pause_holds_back_what_waits_and_what_comes(pause: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    before, after = event(at=clock.now()), event(at=clock.now())
    hints = engine.fans_out(before)

    answer = pause(id=id)

    assert answer["statusCode"] == 200
    shown = body(answer)
    assert (shown["status"], shown["status_reason"], shown["version"]) == ("paused", "operator", 2)
    assert engine.sends(hints) == ["dropped"]
    assert engine.fans_out(after) == []
    engine.clock.turn(minutes=10)
    assert engine.sweeps() == []
    assert engine.receiver.received == []
    assert [engine.delivery(one, id).state for one in (before, after)] == ["pending"] * 2


def test_what_was_held_goes_out_slowly_after_a_resume(
    pause: Asks, resume: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint(health=Health(streak=3, failures=3, failing_since=clock.now()))
    pause(id=id)
    held = event(at=clock.now())
    engine.fans_out(held)
    engine.clock.turn(minutes=10)

    answer = resume(id=id)

    shown = body(answer)
    assert (shown["status"], shown["health"], shown["version"]) == ("active", "slow", 3)
    assert "status_reason" not in shown
    assert "job" not in shown
    assert engine.health(id) == Health(state="slow", drain=60)
    assert engine.sends(engine.sweeps()) == ["delivered"]


def test_a_disabled_endpoint_is_resumed_but_not_paused(
    pause: Asks, resume: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint(status="disabled", status_reason="gone")

    refused, resumed = pause(id=id), resume(id=id)

    assert (refused["statusCode"], body(refused)["code"]) == (409, "not_pausable")
    assert (resumed["statusCode"], body(resumed)["status"]) == (200, "active")


def test_repeats_change_nothing(pause: Asks, resume: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(health=Health(state="slow", streak=6))

    active = resume(id=id)
    paused = [pause(id=id) for _ in range(2)]

    assert (active["statusCode"], body(active)["version"]) == (200, 1)
    assert [body(answer)["version"] for answer in paused] == [2, 2]
    assert engine.health(id) == Health(state="slow", streak=6)


def test_a_resume_can_let_go_what_was_held(pause: Asks, resume: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    pause(id=id)
    held = event(at=clock.now())
    engine.fans_out(held)

    answer = resume(id=id, body={"discard": True})

    job = engine.jobs.job(body(answer)["job"])
    assert job is not None
    assert (job.endpoint, job.kind, job.state) == (id, "discard", "running")
    assert job.filter.states == ("pending",)
    assert job.by == "machine/3k9q5v0tq1machineclient"
    engine.clock.at = clock.now()
    engine.sweeps()
    assert engine.delivery(held, id).state == "cancelled"


def test_nothing_is_discarded_at_an_active_endpoint(resume: Asks, engine: Engine) -> None:
    answer = resume(id=engine.has_endpoint(), body={"discard": True})

    assert (answer["statusCode"], body(answer)["code"]) == (409, "not_paused")
    assert engine.jobs.running() == []


def test_who_was_overtaken_by_the_engine_is_told(engine: Engine) -> None:
    id = engine.has_endpoint()
    seen = engine.endpoints.find(id)
    assert seen is not None
    engine.change_endpoint(id, status="disabled")

    assert not engine.endpoints.switch(seen.endpoint, "paused", by="machine/m", at=clock.now())

    found = engine.endpoints.find(id)
    assert found is not None
    assert found.endpoint.status == "disabled"


def test_a_deleted_endpoint_is_neither_paused_nor_resumed(
    pause: Asks, resume: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint(status="deleted")

    for answer in (pause(id=id), resume(id=id)):
        assert (answer["statusCode"], body(answer)["code"]) == (409, "endpoint_deleted")
