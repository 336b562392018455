"""Events as people read them: newest first, of an owner, and one with all that became of it."""

from datetime import timedelta
from typing import Any

import pytest

from tessera import clock, dynamo
from tessera.events import Event
from tessera.webhooks.archive import Archive
from tessera.webhooks.dialects import Dialect
from tests.builders import operator
from tests.handlers import body
from tests.webhooks.asking import Asks, cursor_secret
from tests.webhooks.engine import OWNER, REFUSED, Engine, event

ROUTE = "/api/webhooks/events"
OTHER = "id-" + "0" * 32
SUBSCRIPTION = "sub-" + "1" * 32


@pytest.fixture
def listed(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    cursor_secret()
    return Asks("list_events", "GET", ROUTE)


@pytest.fixture
def read(engine: Engine) -> Asks:
    engine.clock.at = clock.now()
    return Asks("read_event", "GET", ROUTE + "/{event}")


def ago(**by: float) -> Any:
    return clock.now() - timedelta(**by)


def shown(answer: dict[str, Any]) -> list[str]:
    assert answer["statusCode"] == 200, answer
    return [one["id"] for one in body(answer)["items"]]


def all_of(listed: Asks, **query: str) -> list[list[str]]:
    """Every page; a guard against one that never ends."""
    pages = []
    for _ in range(30):
        answer = listed(query=query)
        pages.append(shown(answer))
        if "cursor" not in body(answer):
            return pages
        query["cursor"] = body(answer)["cursor"]
    raise AssertionError("the list does not end")


def flat(pages: list[list[str]]) -> list[str]:
    return [one for page in pages for one in page]


def in_order(*events: Event) -> list[str]:
    return [one.id for one in sorted(events, key=lambda e: (e.created_at, e.id), reverse=True)]


def test_lists_all_days_newest_first(listed: Asks, engine: Engine) -> None:
    made = [event(at=ago(days=day, seconds=second)) for day in (0, 1, 40) for second in (1, 2, 3)]
    engine.is_committed(*made)

    pages = all_of(listed)

    assert flat(pages) == in_order(*made)
    first = body(listed())["items"][0]
    assert first == {
        "id": in_order(*made)[0],
        "type": "entitlements.updated",
        "created_at": first["created_at"],
        "owner": OWNER,
        "sequence": 42,
        "webhook": True,
        "test": False,
    }


def test_goes_on_page_by_page_also_in_the_middle_of_a_millisecond(
    listed: Asks, engine: Engine
) -> None:
    moment = ago(hours=1)
    made = [
        event(at=moment).model_copy(update={"id": f"event-{n:031x}0"})
        for n in (4, 1, 6, 0, 3, 5, 2)  # all in one shard
    ]
    engine.is_committed(*made)

    pages = all_of(listed, pageSize="3")

    assert flat(pages) == in_order(*made)
    assert [len(page) for page in pages][:3] == [3, 3, 1]


def test_puts_events_of_one_millisecond_in_order_itself(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fake index happens to keep them in order; the real one promises nothing.
    found = dynamo.query

    def jumbled(*args: Any, **options: Any) -> dynamo.Page:
        page = found(*args, **options)
        return page._replace(rows=[*page.rows[1::2], *page.rows[::2]])

    monkeypatch.setattr(dynamo, "query", jumbled)
    moment = clock.now()
    made = [event(at=moment).model_copy(update={"id": f"event-{n:031x}0"}) for n in range(6)]
    engine.is_committed(*made)

    places = Archive("Events").by_time(newest=moment, oldest=moment, after=None, at_once=100)

    assert [place.id for place in places] == in_order(*made)


def test_a_page_looks_at_a_month_and_the_list_goes_on(listed: Asks, engine: Engine) -> None:
    old = event(at=ago(days=80))
    engine.is_committed(old)

    pages = all_of(listed)

    assert pages == [[], [], [old.id]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"type": "order.*"}, "b"),
        ({"owner": OTHER}, "c"),
        ({"owner": OWNER, "type": "order.submitted"}, "b"),
        ({"subscription": SUBSCRIPTION}, "da"),
        ({"owner": OWNER, "subscription": SUBSCRIPTION}, "da"),
        ({"owner": OTHER, "subscription": SUBSCRIPTION}, ""),
        ({"owner": OWNER}, "dba"),
    ],
)
def test_shows_what_fits_the_filter(
    listed: Asks, engine: Engine, query: dict[str, str], names: str
) -> None:
    made = {
        "a": event(at=ago(minutes=4), sequence=1, subscription=SUBSCRIPTION),
        "b": event("order.submitted", at=ago(minutes=3), sequence=2),
        "c": event(at=ago(minutes=2), owner=OTHER, sequence=1),
        "d": event(at=ago(minutes=1), sequence=3, subscription=SUBSCRIPTION),
    }
    engine.is_committed(*made.values())

    assert flat(all_of(listed, **query)) == [made[name].id for name in names]


@pytest.mark.parametrize("query", [{}, {"owner": OWNER}])
def test_shows_what_lies_between_two_times(
    listed: Asks, engine: Engine, query: dict[str, str]
) -> None:
    made = [event(at=ago(days=day), sequence=9 - day) for day in range(5)]
    engine.is_committed(*made)
    at = [clock.instant(one.created_at) for one in made]

    found = all_of(listed, **query, **{"from": at[3], "to": at[1]})

    assert found == [[made[1].id, made[2].id, made[3].id]]


@pytest.mark.parametrize("query", [{}, {"owner": OWNER}])
def test_nothing_lies_before_all_events_or_between_times_the_wrong_way_round(
    listed: Asks, engine: Engine, query: dict[str, str]
) -> None:
    engine.is_committed(event(at=ago(minutes=5)))
    late, early = clock.instant(ago(minutes=1)), clock.instant(ago(minutes=9))
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"

    empty = [{"to": first}, {"from": last}, {"from": late, "to": early}]

    assert [all_of(listed, **query, **times) for times in empty] == [[[]]] * 3


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_refuses_a_time_outside_the_calendar(listed: Asks, end: str) -> None:
    answer = listed(query={"from": end, "to": end})

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == ["from", "to"]


def test_an_owner_has_pages_by_number(listed: Asks, engine: Engine) -> None:
    made = [event(at=ago(minutes=9 - n), sequence=n) for n in range(5)]
    engine.is_committed(*made)

    pages = all_of(listed, owner=OWNER, pageSize="2")

    newest_first = [one.id for one in made[::-1]]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]


def test_costs_four_queries_and_one_read_a_page(
    listed: Asks, engine: Engine, overhear: Any
) -> None:
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for n in range(20):  # the last digit of the id is the shard
        one = event(at=midnight + timedelta(milliseconds=n))
        engine.is_committed(one.model_copy(update={"id": f"event-{n:031x}{n % 4}"}))
    calls: list[str] = []
    overhear("dynamodb", "before-call.dynamodb", lambda model, **_: calls.append(model.name))

    listed(query={"pageSize": "3"})

    assert sorted(calls) == ["BatchGetItem", *["Query"] * 4]


def test_what_has_expired_is_gone(listed: Asks, read: Asks, engine: Engine) -> None:
    gone = event(at=ago(days=1))
    engine.is_committed(gone)
    key = {"pk": gone.id, "sk": "EVENT"}
    dynamo.write(dynamo.update("Events", key, "SET expires_at = :past", past=1))

    assert flat(all_of(listed)) == flat(all_of(listed, owner=OWNER)) == []
    assert read(event=gone.id)["statusCode"] == 404


@pytest.mark.parametrize(
    "changed", [{"type": "order.*"}, {"owner": OWNER}, {"to": "2036-01-01T00:00:00Z"}]
)
def test_refuses_the_cursor_of_another_query(
    listed: Asks, engine: Engine, changed: dict[str, str]
) -> None:
    engine.is_committed(*[event(at=ago(minutes=n)) for n in (1, 2)])
    cursor = body(listed(query={"pageSize": "1"}))["cursor"]

    answers = [
        listed(query={"cursor": cursor, **changed}),
        listed(query={"cursor": cursor}, caller=operator("support")),
    ]

    assert [(one["statusCode"], body(one)["code"]) for one in answers] == [
        (400, "invalid_request")
    ] * 2


@pytest.mark.parametrize(
    ("query", "field"),
    [({"type": "weather"}, "type"), ({"owner": ""}, "owner"), ({"owner": "x" * 3_000}, "owner")],
)
def test_refuses_a_filter_that_means_nothing(
    listed: Asks, query: dict[str, str], field: str
) -> None:
    answer = listed(query=query)

    assert answer["statusCode"] == 422
    assert [error["field"] for error in body(answer)["errors"]] == [field]


def test_shows_one_event_with_its_bodies_and_all_its_deliveries(read: Asks, engine: Engine) -> None:
    made = [
        engine.has_endpoint(),
        engine.has_endpoint(dialect=Dialect(release="86")),
        engine.has_endpoint(dialect=Dialect(release="88"), status="paused"),
    ]
    announced = event(at=clock.now())
    engine.receiver.answers = [REFUSED]
    engine.delivers(announced)

    answer = read(event=announced.id)

    assert answer["statusCode"] == 200
    shown = body(answer)
    assert (shown["id"], shown["owner"], shown["test"]) == (announced.id, OWNER, False)
    words = {one["endpoint"]: one["word"] for one in shown["deliveries"]}
    assert words == dict(zip(made, ["retrying", "retrying", "paused"], strict=True))
    bodies = {one["body"]: {d["release"] for d in one["dialects"]} for one in shown["bodies"]}
    assert sorted(map(sorted, bodies.values())) == [["86.0", "88.0"], ["89.0"]]
    assert {sent.body.decode() for sent in engine.receiver.received} == set(bodies)


def test_shows_the_newest_body_of_an_event_that_nobody_was_told(read: Asks, engine: Engine) -> None:
    announced = event(at=clock.now())
    engine.is_committed(announced)

    shown = body(read(event=announced.id))

    assert shown["deliveries"] == []
    assert [one["dialects"][0]["release"] for one in shown["bodies"]] == ["89.0"]


@pytest.mark.parametrize("id", ["event-" + "0" * 32, "event-x", "EVENT"])
def test_does_not_know_others(read: Asks, id: str) -> None:
    answer = read(event=id)

    assert (answer["statusCode"], body(answer)["code"]) == (404, "not_found")
