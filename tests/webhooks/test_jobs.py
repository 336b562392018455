"""Jobs over many deliveries: each row once, page after page, whatever stops a sweep."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import clock
from tessera.events import Event
from tessera.webhooks import jobs
from tessera.webhooks.health import Health
from tessera.webhooks.jobs import Filter, Job, Kind
from tessera.webhooks.models import Delivery, Due, Hint
from tests.builders import NOW
from tests.webhooks.engine import ACCEPTED, REFUSED, Engine, event

ENDED = ("delivered", "exhausted", "cancelled")


@pytest.fixture(autouse=True)
def pages_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small enough that a handful of deliveries fills several."""
    monkeypatch.setattr(jobs, "_ROWS_A_PAGE", 3)


def starts(
    engine: Engine, endpoint: str, kind: Kind = "replay", states: Any = ENDED, **filter: Any
) -> Job:
    job = jobs.start(
        kind, endpoint, Filter(states=states, **filter), by="operator/ann", now=engine.clock.at
    )
    engine.jobs.add_job(job)
    return job


def found(engine: Engine, job: Job) -> Job:
    one = engine.jobs.job(job.id)
    assert one is not None
    return one


def delivered(engine: Engine, number: int, **detail: Any) -> list[Event]:
    """So many events, each a second after the one before, all of them sent."""
    announced = []
    for _ in range(number):
        engine.clock.turn(seconds=1)
        announced.append(event(at=engine.clock.at, **detail))
        engine.delivers(announced[-1])
    return announced


def test_sends_all_that_matches_once_more_in_a_new_round(engine: Engine) -> None:
    id, other = engine.has_endpoint(), engine.has_endpoint()
    announced = delivered(engine, 7)
    job = starts(engine, id)

    hints = engine.sweeps()
    hints += engine.sweeps()

    assert {hint.event for hint in hints} == {one.id for one in announced}
    assert {(hint.endpoint, hint.why, hint.n) for hint in hints} == {(id, "sweep", 1)}
    assert engine.sends(hints) == ["delivered"] * 7
    assert engine.receiver.received[-1].headers["tessera-replay"] == "1"
    done = found(engine, job)
    assert (done.state, done.matched, done.done) == ("finished", 7, 7)
    assert done.expires_at == int((engine.clock.at + timedelta(days=7)).timestamp())
    again = engine.delivery(announced[0], id)
    assert (again.round, again.attempts, again.replayed_by) == (1, 2, job.id)
    assert engine.delivery(announced[0], other).round == 0


def test_a_row_begins_its_round_as_a_new_delivery_would(engine: Engine) -> None:
    id = engine.has_endpoint(waits=(5,))
    engine.receiver.answers = [REFUSED]
    (announced,) = delivered(engine, 1)
    engine.clock.turn(seconds=5)
    engine.sends(engine.queues.take())
    before = engine.delivery(announced, id)
    job = starts(engine, id)

    engine.sweeper.turn()

    after = engine.delivery(announced, id)
    assert before.state == "exhausted"
    assert after == before.model_copy(
        update={
            "state": "pending",
            "round": 1,
            "failures": 0,
            "next_due": after.next_due,
            "expires_at": None,
            "reason": None,
            "replayed_by": job.id,
        }
    )
    assert after.is_consistent


def test_recovers_what_failed_since_a_time_and_nothing_else(engine: Engine) -> None:
    id = engine.has_endpoint(waits=())
    engine.receiver.answers = [REFUSED]
    early, *late = delivered(engine, 3)
    engine.receiver.answers = [ACCEPTED]
    fine = delivered(engine, 1)
    job = starts(engine, id, "recover", ("exhausted",), since=late[0].created_at)

    hints = engine.sweeps() + engine.sweeps()

    assert job.index == "failed"
    assert {hint.event for hint in hints} == {one.id for one in late}
    assert engine.delivery(early, id).state == "exhausted"
    assert engine.delivery(fine[0], id).round == 0


def test_takes_only_the_types_states_and_times_asked_for(engine: Engine) -> None:
    id = engine.has_endpoint(waits=())
    wanted = delivered(engine, 2, type="order.completed")
    delivered(engine, 2)
    late = delivered(engine, 1, type="order.completed")
    until = wanted[-1].created_at
    engine.receiver.answers = [REFUSED]
    job = starts(engine, id, "replay", ("delivered",), types=("order.*",), until=until)

    hints = engine.sweeps() + engine.sweeps()

    assert {hint.event for hint in hints} == {one.id for one in wanted}
    assert found(engine, job).matched == 2
    assert engine.delivery(late[0], id).round == 0


def test_tests_and_events_that_are_too_old_stay_as_they_are(engine: Engine) -> None:
    id = engine.has_endpoint()
    old = delivered(engine, 1)
    engine.clock.turn(days=29)
    trial = event(at=engine.clock.at, only_endpoint=id)
    engine.delivers(trial)
    engine.clock.turn(days=31, seconds=1)
    job = starts(engine, id)

    hints = engine.sweeps() + engine.sweeps()

    assert hints == []
    assert found(engine, job).state == "finished"
    assert engine.delivery(old[0], id).state == "delivered"


def test_what_waits_is_sent_now_instead_of_later(engine: Engine) -> None:
    id = engine.has_endpoint()
    engine.receiver.answers = [REFUSED]
    (announced,) = delivered(engine, 1)
    engine.queues.take()
    starts(engine, id, "replay", ("pending",))

    hints = engine.sweeps() + engine.sweeps()

    (hint,) = hints
    assert (hint.event, hint.n) == (announced.id, 1)
    delivery = engine.delivery(announced, id)
    assert (delivery.round, delivery.failures) == (0, 1)


def test_a_delivery_under_way_is_left_to_its_sender(engine: Engine) -> None:
    id = engine.has_endpoint()
    hints = engine.fans_out(event())
    job = starts(engine, id, "replay", ("pending",))
    swept: list[list[Hint]] = []
    engine.receiver.during = lambda: swept.append(engine.sweeps())

    assert engine.sends(hints) == ["delivered"]

    done = found(engine, job)
    assert (done.matched, done.done) == (1, 0)
    assert swept == [[]]
    assert len(engine.receiver.received) == 1


def test_goes_on_after_a_crash_without_taking_a_row_twice(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = delivered(engine, 5)
    job = starts(engine, id)
    write = engine.jobs.advance
    turns = iter([True, False])

    def dies(seen: Job, moved: Job) -> bool:
        if not next(turns, True):
            raise KeyboardInterrupt
        return write(seen, moved)

    engine.jobs.advance = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        engine.sweeper.turn()
    engine.jobs.advance = write  # type: ignore[method-assign]
    half = found(engine, job)

    engine.sweeper.turn()

    done = found(engine, job)
    assert (half.matched, half.state) == (3, "running")
    assert (done.matched, done.done, done.state) == (5, 5, "finished")
    assert [engine.delivery(one, id).round for one in announced] == [1] * 5


def test_two_sweeps_at_once_count_each_row_once(engine: Engine) -> None:
    id = engine.has_endpoint()
    delivered(engine, 5)
    job = starts(engine, id)
    walk = engine.deliveries.walk
    nested = iter([engine.new_sweeper()])

    def meanwhile(*args: Any, **options: Any) -> Any:
        page = walk(*args, **options)
        for other in nested:
            other.turn()
        return page

    engine.deliveries.walk = meanwhile  # type: ignore[method-assign]
    engine.sweeper.turn()

    done = found(engine, job)
    assert (done.matched, done.done, done.state) == (5, 5, "finished")


def test_takes_so_many_rows_a_turn(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ROWS_A_TURN", 6)
    id = engine.has_endpoint()
    delivered(engine, 8)
    job = starts(engine, id)

    engine.sweeper.turn()
    first = found(engine, job)
    engine.sweeper.turn()

    assert (first.done, first.state) == (6, "running")
    assert (found(engine, job).done, found(engine, job).state) == (8, "finished")


def test_discards_what_an_endpoint_was_owed_and_sends_none_of_it_meanwhile(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "ROWS_A_TURN", 3)
    id = engine.has_endpoint(status="paused")
    owed = delivered(engine, 5)
    engine.change_endpoint(id, status="active")
    job = starts(engine, id, "discard", ("pending",), until=engine.clock.at)
    engine.clock.turn(minutes=3)
    new = event(at=engine.clock.at)
    engine.is_committed(new)
    engine.fan_out.batch([new], engine.each)
    engine.queues.take()
    engine.clock.turn(minutes=3)

    swept = [engine.sweeps() for _ in range(3)]

    assert [len(hints) for hints in swept] == [0, 0, 1]
    assert swept[2][0].event == new.id
    states = {(engine.delivery(one, id).state, engine.delivery(one, id).reason) for one in owed}
    assert states == {("cancelled", "discarded")}
    done = found(engine, job)
    assert (done.matched, done.done, done.state) == (5, 5, "finished")


def test_a_job_ends_with_its_endpoint(engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = delivered(engine, 2)
    engine.change_endpoint(id, status="deleted")
    job = starts(engine, id)

    engine.sweeper.turn()

    done = found(engine, job)
    assert (done.state, done.done) == ("finished", 0)
    assert engine.delivery(announced[0], id).round == 0


def test_jobs_of_an_endpoint_are_listed_newest_first(engine: Engine) -> None:
    id, other = engine.has_endpoint(), engine.has_endpoint()
    first = starts(engine, id)
    engine.clock.turn(seconds=1)
    second = starts(engine, id)
    foreign = starts(engine, other)

    assert engine.jobs.jobs_of(id) == [second, first]
    assert {job.id for job in engine.jobs.running()} == {first.id, second.id, foreign.id}
    assert engine.jobs.job("job-0") is None


def test_a_paused_endpoint_keeps_what_is_replayed_until_it_resumes(engine: Engine) -> None:
    id = engine.has_endpoint()
    (announced,) = delivered(engine, 1)
    engine.change_endpoint(id, status="paused")
    starts(engine, id)

    hints = engine.sweeps() + engine.sweeps()

    assert hints == []
    delivery = engine.delivery(announced, id)
    assert (delivery.state, delivery.next_due) == ("pending", clock.epoch_ms(engine.clock.at))


def test_a_round_is_begun_only_from_the_state_that_was_seen(engine: Engine) -> None:
    id = engine.has_endpoint(health=Health())
    (announced,) = delivered(engine, 1)
    seen = engine.delivery(announced, id)

    def again(job: str, of: Delivery = seen) -> Delivery | None:
        return engine.deliveries.again(of, job=job, next_due=clock.epoch_ms(NOW))

    first = again("job-1")

    assert first is not None
    assert again("job-2") is None
    assert again("job-1", of=first) is None
    moved = engine.deliveries.lease(
        Due(announced.id, id, clock.epoch_ms(NOW)), until_ms=clock.epoch_ms(NOW) + 1
    )
    assert moved is not None
    assert again("job-2", of=first) is not None
