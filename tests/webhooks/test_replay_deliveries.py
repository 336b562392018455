"""Many deliveries sent again as a job: by filter, or all that were given up since a time."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import clock
from tessera.events import Event
from tessera.webhooks import jobs, replays
from tests.builders import operator
from tests.handlers import body
from tests.webhooks.asking import ENDPOINT, Asks
from tests.webhooks.engine import ACCEPTED, REFUSED, Engine, event

EXHAUSTED = {"states": ["exhausted"]}


@pytest.fixture
def replay(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("replay_deliveries", "POST", ENDPOINT + "/replays")


@pytest.fixture
def recover(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("recover_deliveries", "POST", ENDPOINT + "/recover")


@pytest.fixture
def read(engine: Engine) -> Asks:
    return Asks("read_replay", "GET", ENDPOINT + "/replays/{job}")


def gives_up(engine: Engine, number: int, **detail: Any) -> list[Event]:
    """So many events, a second between them, that the receiver refused to the end."""
    engine.receiver.answers = [REFUSED]
    made = []
    for _ in range(number):
        engine.clock.turn(seconds=1)
        made.append(event(at=engine.clock.at, **detail))
        engine.delivers(made[-1])
    engine.receiver.answers = [ACCEPTED]
    return made


def test_sends_what_the_filter_names_again_and_tells_how_far_it_is(
    replay: Asks, read: Asks, engine: Engine
) -> None:
    id = engine.has_endpoint(waits=())
    chosen = gives_up(engine, 2, type="order.submitted")
    others = gives_up(engine, 2)

    answer = replay(id=id, body=EXHAUSTED | {"types": ["order.*"]}, caller=operator("support"))

    assert answer["statusCode"] == 202
    begun = body(answer)
    assert begun == {
        "id": begun["id"],
        "endpoint": id,
        "kind": "replay",
        "state": "running",
        "states": ["exhausted"],
        "types": ["order.*"],
        "from": begun["from"],
        "matched": 0,
        "done": 0,
        "created_at": begun["created_at"],
        "by": "operator/operator-1",
    }
    assert engine.sends(engine.sweeps()) == ["delivered"] * 2
    assert [engine.delivery(one, id).state for one in chosen] == ["delivered"] * 2
    assert [engine.delivery(one, id).state for one in others] == ["exhausted"] * 2
    done = body(read(id=id, job=begun["id"]))
    assert (done["state"], done["matched"], done["done"]) == ("finished", 2, 2)
    assert done["from"] == begun["from"]


def test_recovers_all_that_was_given_up_since_a_time(recover: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(waits=())
    early, late = gives_up(engine, 2), gives_up(engine, 3)
    engine.delivers(event(at=engine.clock.at))

    answer = recover(id=id, body={"since": clock.instant(late[0].created_at)})

    assert (answer["statusCode"], body(answer)["kind"]) == (202, "recover")
    engine.sends(engine.sweeps())
    assert {engine.delivery(one, id).state for one in late} == {"delivered"}
    assert {engine.delivery(one, id).state for one in early} == {"exhausted"}


def test_a_trial_run_only_counts(replay: Asks, recover: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(waits=())
    made = gives_up(engine, 3)
    engine.delivers(event(at=engine.clock.at))
    since = clock.instant(made[1].created_at)
    asked = {"states": ["exhausted", "delivered"], "dry_run": True, "to": since}

    by_filter = replay(id=id, body=asked)
    since_then = recover(id=id, body={"since": since, "dry_run": True})

    assert [one["statusCode"] for one in (by_filter, since_then)] == [200, 200]
    assert [body(one) for one in (by_filter, since_then)] == [{"matched": 2, "more": False}] * 2
    assert engine.jobs.running() == []


def test_a_trial_run_stops_counting(
    replay: Asks, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "COUNTED_AT_MOST", 3)
    id = engine.has_endpoint(waits=())
    gives_up(engine, 3)
    exact = body(replay(id=id, body=EXHAUSTED | {"dry_run": True}))
    gives_up(engine, 1)

    capped = body(replay(id=id, body=EXHAUSTED | {"dry_run": True}))

    assert exact == {"matched": 3, "more": False}
    assert capped == {"matched": 3, "more": True}


def test_a_trial_run_looks_at_so_many_only(
    replay: Asks, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "_LOOKED_AT_ONCE", 2)
    monkeypatch.setattr(replays, "_LOOKS", 2)
    id = engine.has_endpoint(waits=())
    gives_up(engine, 5)

    assert body(replay(id=id, body=EXHAUSTED | {"dry_run": True})) == {"matched": 4, "more": True}


def test_never_reaches_back_to_events_that_are_too_old(recover: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    day = clock.now() - timedelta(days=400)

    begun = body(recover(id=id, body={"since": clock.instant(day)}))

    assert begun["from"][:10] == clock.instant(clock.now() - jobs.REPLAYABLE)[:10]


def test_an_endpoint_runs_ten_jobs_at_once(replay: Asks, engine: Engine) -> None:
    id, other = engine.has_endpoint(), engine.has_endpoint()
    begun = [replay(id=id, body=EXHAUSTED) for _ in range(10)]

    refused, elsewhere = replay(id=id, body=EXHAUSTED), replay(id=other, body=EXHAUSTED)

    assert {one["statusCode"] for one in (*begun, elsewhere)} == {202}
    assert (refused["statusCode"], body(refused)["code"]) == (409, "too_many_jobs")
    assert len(engine.jobs.running()) == 11


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({}, "states"),
        ({"states": []}, "states"),
        ({"states": ["lost"]}, "states[0]"),
        ({**EXHAUSTED, "types": ["orders"]}, "types[0]"),
        ({**EXHAUSTED, "from": "yesterday"}, "from"),
    ],
)
def test_refuses_a_filter_that_means_nothing(
    replay: Asks, engine: Engine, members: dict[str, Any], field: str
) -> None:
    answer = replay(id=engine.has_endpoint(), body=members)

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == [field]
    assert engine.jobs.running() == []


def test_a_deleted_endpoint_gets_nothing_again(replay: Asks, recover: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(status="deleted")

    for answer in (
        replay(id=id, body=EXHAUSTED),
        recover(id=id, body={"since": clock.instant(clock.now())}),
    ):
        assert (answer["statusCode"], body(answer)["code"]) == (409, "endpoint_deleted")


def test_knows_a_job_at_its_own_endpoint_alone(replay: Asks, read: Asks, engine: Engine) -> None:
    id, other = engine.has_endpoint(), engine.has_endpoint()
    job = body(replay(id=id, body=EXHAUSTED))["id"]

    assert read(id=id, job=job)["statusCode"] == 200
    for endpoint, named in ((other, job), (id, "job-" + "0" * 32), (id, "x")):
        answer = read(id=endpoint, job=named)
        assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")
