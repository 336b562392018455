"""The deliveries of an endpoint: newest first, by state, type, owner and time."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import clock
from tessera.events import Event
from tessera.webhooks import jobs
from tessera.webhooks.jobs import Filter
from tessera.webhooks.looking import look
from tests.builders import NOW, operator
from tests.handlers import body
from tests.webhooks.asking import ENDPOINT, Asks, cursor_secret
from tests.webhooks.engine import ACCEPTED, OWNER, REFUSED, Engine, event

OTHER = "id-" + "0" * 32


@pytest.fixture
def listed(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    cursor_secret()
    return Asks("list_deliveries", "GET", ENDPOINT + "/deliveries")


@pytest.fixture
def all_states(engine: Engine) -> tuple[str, dict[str, Event]]:
    """An endpoint with one delivery in each state, in this order, a second between them."""
    engine.clock.at = clock.now() - timedelta(minutes=10)
    id = engine.has_endpoint(waits=(60,))
    made: dict[str, Event] = {}
    for name in ("delivered", "cancelled", "exhausted", "failing", "waiting"):
        engine.clock.turn(seconds=1)
        owner = OTHER if name == "failing" else OWNER
        type = "order.submitted" if name == "cancelled" else "entitlements.updated"
        made[name] = one = event(type, at=engine.clock.at, owner=owner)
        hints = engine.fans_out(one)
        engine.receiver.answers = [ACCEPTED if name == "delivered" else REFUSED]
        if name in ("delivered", "exhausted", "failing"):
            engine.sends(hints)
        if name == "exhausted":
            engine.sends(engine.queues.take())
        if name == "cancelled":
            engine.deliveries.end(
                one.id, id, "cancelled", reason="operator", expires_at=2_000_000_000
            )
        engine.queues.take()
    return id, made


def shown(answer: dict[str, Any]) -> list[str]:
    assert answer["statusCode"] == 200, answer
    return [one["event"] for one in body(answer)["items"]]


def pages(listed: Asks, id: str, **query: str) -> list[list[str]]:
    found = []
    while True:
        answer = listed(id=id, query=query)
        found.append(shown(answer))
        if "cursor" not in body(answer):
            return found
        query["cursor"] = body(answer)["cursor"]


def test_lists_newest_first_with_states_as_people_say_them(
    listed: Asks, all_states: tuple[str, dict[str, Event]]
) -> None:
    id, made = all_states

    items = body(listed(id=id))["items"]

    assert [(one["event"], one["state"], one["word"]) for one in items] == [
        (made["waiting"].id, "pending", "waiting"),
        (made["failing"].id, "pending", "retrying"),
        (made["exhausted"].id, "exhausted", "gave up"),
        (made["cancelled"].id, "cancelled", "cancelled"),
        (made["delivered"].id, "delivered", "delivered"),
    ]
    exhausted = items[2]
    assert (exhausted["attempted"], exhausted["failures"], exhausted["reason"]) == (
        2,
        2,
        "attempts_used_up",
    )
    assert (exhausted["last"]["n"], exhausted["last"]["status"]) == (2, 503)
    assert "next_due" not in exhausted
    assert items[1]["next_due"] > items[1]["created_at"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "pending"}, ["waiting", "failing"]),
        ({"state": "failing"}, ["failing"]),
        ({"state": "exhausted"}, ["exhausted"]),
        ({"state": "cancelled"}, ["cancelled"]),
        ({"state": "delivered"}, ["delivered"]),
        ({"type": "order.*"}, ["cancelled"]),
        ({"type": "order.submitted", "state": "delivered"}, []),
        ({"type": "entitlements.updated", "state": "exhausted"}, ["exhausted"]),
        ({"type": "order.*", "state": "exhausted"}, []),
        ({"owner": OTHER}, ["failing"]),
        ({"owner": OWNER, "state": "failing"}, []),
    ],
)
def test_shows_what_fits_the_filter(
    listed: Asks, all_states: tuple[str, dict[str, Event]], query: dict[str, str], names: list[str]
) -> None:
    id, made = all_states

    assert pages(listed, id, **query)[0] == [made[name].id for name in names]


def test_shows_what_lies_between_two_times(
    listed: Asks, all_states: tuple[str, dict[str, Event]]
) -> None:
    id, made = all_states
    at = {name: clock.instant(one.created_at) for name, one in made.items()}

    assert shown(listed(id=id, query={"from": at["failing"]})) == [
        made["waiting"].id,
        made["failing"].id,
    ]
    assert shown(listed(id=id, query={"to": at["cancelled"]})) == [
        made["cancelled"].id,
        made["delivered"].id,
    ]
    both = {"from": at["exhausted"], "to": at["exhausted"], "state": "exhausted"}
    assert shown(listed(id=id, query=both)) == [made["exhausted"].id]


@pytest.mark.parametrize("filter", [{}, {"owner": OWNER}, {"state": "pending"}])
def test_goes_on_page_by_page(listed: Asks, engine: Engine, filter: dict[str, str]) -> None:
    id = engine.has_endpoint()
    same_moment = clock.now()
    made = [event(at=same_moment) for _ in range(5)]
    engine.fans_out(*made)

    found = pages(listed, id, pageSize="2", **filter)

    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(one for page in found for one in page) == sorted(one.id for one in made)


def test_costs_one_query_and_one_read_a_page(listed: Asks, engine: Engine, overhear: Any) -> None:
    id = engine.has_endpoint()
    engine.fans_out(*[event(at=clock.now()) for _ in range(5)])
    calls: list[str] = []
    overhear("dynamodb", "before-call.dynamodb", lambda model, **_: calls.append(model.name))

    listed(id=id, query={"pageSize": "3"})

    assert sorted(calls) == ["BatchGetItem", "BatchGetItem", "Query"]  # one is the endpoint


def test_shows_nothing_of_other_endpoints_or_that_has_expired(listed: Asks, engine: Engine) -> None:
    id, other = engine.has_endpoint(), engine.has_endpoint()
    old, new = event(at=clock.now()), event(at=clock.now())
    engine.fans_out(old, new)
    engine.deliveries.end(old.id, id, "cancelled", reason="operator", expires_at=1)
    engine.deliveries.end(new.id, other, "cancelled", reason="operator", expires_at=1)

    assert shown(listed(id=id)) == [new.id]


@pytest.mark.parametrize(
    "changed",
    [{"state": "pending"}, {"type": "order.*"}, {"owner": OWNER}, {"from": "2026-01-01T00:00:00Z"}],
)
def test_refuses_the_cursor_of_another_query(
    listed: Asks, engine: Engine, changed: dict[str, str]
) -> None:
    id = engine.has_endpoint()
    engine.fans_out(*[event(at=clock.now()) for _ in range(2)])
    cursor = body(listed(id=id, query={"pageSize": "1"}))["cursor"]

    answers = [
        listed(id=id, query={"cursor": cursor, **changed}),
        listed(id=engine.has_endpoint(), query={"cursor": cursor}),
        listed(id=id, query={"cursor": cursor}, caller=operator("support")),
    ]

    assert [(one["statusCode"], body(one)["code"]) for one in answers] == [
        (400, "invalid_request")
    ] * 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "lost"}, "state"),
        ({"type": "weather"}, "type"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-01-01T00:00:00"}, "to"),
        ({"pageSize": "101"}, "pageSize"),
    ],
)
def test_refuses_a_filter_that_means_nothing(
    listed: Asks, engine: Engine, query: dict[str, str], field: str
) -> None:
    answer = listed(id=engine.has_endpoint(), query=query)

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == [field]


def test_a_job_is_no_delivery(listed: Asks, engine: Engine) -> None:
    id = engine.has_endpoint()
    announced = event(at=clock.now() - timedelta(hours=1))
    engine.fans_out(announced)
    for _ in range(2):
        job = jobs.start(
            "replay", id, Filter(states=("exhausted",)), by="operator/ann", now=clock.now()
        )
        engine.jobs.add_job(job)

    assert pages(listed, id, pageSize="1") == [[announced.id]]
    assert engine.jobs.job(job.id) == job


def test_a_paused_endpoint_says_so(listed: Asks, engine: Engine) -> None:
    id = engine.has_endpoint(status="paused")
    engine.fans_out(event(at=NOW))

    assert [one["word"] for one in body(listed(id=id))["items"]] == ["paused"]


def test_does_not_know_others(listed: Asks) -> None:
    assert listed(id="endpoint-" + "0" * 32)["statusCode"] == 404


def test_a_look_ends_after_a_thousand_keys_and_goes_on_from_there() -> None:
    read: list[int] = []

    def rows(some: Any) -> dict[int, int]:
        read.append(len(some))
        return {key: key for key in some}

    found = look(iter(range(5_000)), rows=rows, fits=lambda row: row == 1_500, size=10)
    rest = look(iter(range(1_000, 5_000)), rows=rows, fits=lambda row: row == 1_500, size=1)
    end = look(iter(range(1_000)), rows=rows, fits=lambda row: False, size=1)

    assert found == ([], 999)
    assert rest == ([1_500], 1_500)
    assert end == ([], None)
    assert max(read) == 100


def test_the_last_page_is_known_as_such() -> None:
    def at_once(size: int) -> Any:
        keys = iter(range(4))
        everything = {key: key for key in range(4)}
        return look(keys, rows=lambda _: everything, fits=lambda _: True, size=2, at_once=size)

    assert at_once(2) == at_once(3) == ([0, 1], 1)
    last = look(iter([2, 3]), rows=lambda _: {2: 2, 3: 3}, fits=lambda _: True, size=2, at_once=3)
    assert last == ([2, 3], None)
