"""The console's webhook pages: deliveries with their attempts, events, endpoints and their keys."""

import json
import os
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from infra.routes import ROUTES
from tessera import clock
from tessera.aws import client
from tessera.webhooks.outcome import Answer, Outcome
from tests import handlers
from tests.pages.visitor import Seen, Visitor, signed_in
from tests.webhooks.asking import WHERE, cursor_secret
from tests.webhooks.engine import ACCEPTED, KEY, OWNER, Engine, event

HOME = "/objects/webhooks/limio"
_ROUTES: dict[str, Any] = {
    route.key: {who.kind: list(who.needs) for who in route.who}
    for route in ROUTES
    if route.function == "pages/webhooks"
}
_SCRIPT = "<script>alert(1)</script>"
_BUSY = Answer(Outcome.HTTP_ERROR, 17, 503, {"server": _SCRIPT}, _SCRIPT)
ENDPOINT = {"url": "https://hooks.example.com/in", "auth": "none", "overlap": "24"}


@pytest.fixture
def engine(tables: dict[str, str]) -> Engine:
    engine = Engine()
    engine.clock.at = clock.now()
    return engine


@pytest.fixture
def visitor(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    cursor_secret()
    queue = client("sqs").create_queue(QueueName="slow")["QueueUrl"]
    surroundings = {
        "SECRETS_KEY": engine.seal._key,
        "SLOW_QUEUE_URL": queue,
        "ENDPOINT_LIMIT": "200",
        **WHERE,
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    module = handlers.loaded("pages/webhooks", _ROUTES, SECRETS_KEY=engine.seal._key)
    resolves = replace(module.desk, resolves=lambda url, reach: "nowhere" not in url)
    monkeypatch.setattr(module, "desk", resolves)

    def call(asked: dict[str, Any]) -> dict[str, Any]:
        os.environ["CALLERS"] = json.dumps(_ROUTES)
        answer: dict[str, Any] = module.handler(asked, None)
        return answer

    visitor = Visitor(call, _ROUTES)
    signed_in(visitor, "operator")
    return visitor


def as_support(visitor: Visitor) -> str:
    return signed_in(visitor, "operator", groups=("support",), name="Sam Support").csrf


def failed(engine: Engine, endpoint: str) -> str:
    """The address of a delivery that a receiver refused."""
    engine.receiver.answers = [_BUSY]
    announced = event(at=engine.clock.at)
    engine.delivers(announced)
    return f"{HOME}/deliveries/{announced.id}/{endpoint}"


def pressed(visitor: Visitor, page: Seen, action: str, **fields: str) -> Seen:
    """A button of the page that is a form by itself."""
    keys = {name: page.hidden(name) for name in ("csrf_token", "form_key")}
    return visitor.send(action, {**keys, **fields})


def test_without_an_endpoint_the_pages_say_what_one_is_for(visitor: Visitor) -> None:
    for address in (HOME, f"{HOME}/endpoints"):
        page = visitor.get(address)
        assert "Access platforms hear about entitlements through one" in page.text
        assert f'href="{HOME}/endpoints/new"' in page.html
    assert "Events are kept for 90 days" in visitor.get(f"{HOME}/events").text


def test_an_operator_sees_attempts_replays_and_what_came_of_it(
    visitor: Visitor, engine: Engine
) -> None:
    endpoint = engine.has_endpoint(description=f"Access {_SCRIPT}")
    address = failed(engine, endpoint)

    listed, page = visitor.get(HOME), visitor.get(address)
    again = pressed(visitor, page, f"{address}/replay")

    assert "retrying" in listed.text
    assert "0 delivered, 1 failed, 0.0" in listed.text
    assert "Attempt 1 503 first attempt" in page.text
    assert "Response 503" in page.text
    assert '"code": "W2"' in page.text
    assert "authorization (hidden)" in page.text
    for seen in (listed, page):
        assert "<script>alert" not in seen.html
        assert "&lt;script&gt;alert(1)" in seen.html
    assert (again.status, again.location) == (303, address)
    assert "entitlements.updated is sent again" in visitor.get(address).text


def test_filters_narrow_the_list_and_can_be_cleared(visitor: Visitor, engine: Engine) -> None:
    endpoint = engine.has_endpoint()
    failed(engine, endpoint)

    found = visitor.get(f"{HOME}?state=failing&owner={OWNER}&type=entitlements.updated")
    nothing = visitor.get(f"{HOME}?endpoint={endpoint}&state=delivered")

    assert "1 delivery" not in nothing.text
    assert f'/objects/identities/limio/{OWNER}"' in found.html
    assert "Nothing fits these filters" in nothing.text
    assert f'href="{HOME}?endpoint={endpoint}"' in nothing.html


def test_days_at_the_ends_of_time_are_no_fault_of_ours(visitor: Visitor, engine: Engine) -> None:
    at = f"{HOME}/endpoints/{engine.has_endpoint()}/recover"

    for day in ("0001-01-01", "9999-12-31", "2026-02-30"):
        assert visitor.get(f"{HOME}?from={day}&to={day}").status in (200, 422)
        assert visitor.get(f"{at}?since={day}T23:59").status in (200, 422)
    assert "2026-02-30 is no day" in visitor.get(f"{HOME}/events?to=2026-02-30").text


def test_the_endpoint_that_fails_most_is_shown_at_first(visitor: Visitor, engine: Engine) -> None:
    engine.has_endpoint(description="Well")
    bad = engine.has_endpoint(description="Unwell")
    engine.change_endpoint(f"{bad}#HEALTH", failures=3)

    assert "Deliveries to Unwell" in visitor.get(HOME).text


def test_selected_deliveries_are_sent_again_after_their_number_was_confirmed(
    visitor: Visitor, engine: Engine
) -> None:
    endpoint = engine.has_endpoint()
    event_id = failed(engine, endpoint).split("/")[-2]
    address = f"{HOME}/replay?endpoint={endpoint}&{event_id}={event_id}"

    asked = visitor.get(address)
    done = visitor.post(address, {})

    assert "Replay 1 delivery?" in asked.text
    assert (done.status, done.location) == (303, f"{HOME}?endpoint={endpoint}")
    assert "1 delivery is sent again" in visitor.get(done.location).text
    assert visitor.get(f"{HOME}/replay?endpoint={endpoint}").status == 422
    assert visitor.get(f"{HOME}/replay").status == 422
    assert visitor.post(f"{HOME}/replay", {}).status == 422


def test_a_delivery_is_cancelled_after_a_question(visitor: Visitor, engine: Engine) -> None:
    address = failed(engine, engine.has_endpoint())

    done = visitor.post(f"{address}/cancel", {})

    assert done.location == address
    assert "Cancelled" in visitor.get(address).text


def test_a_test_event_leads_to_a_page_that_waits_for_its_answer(
    visitor: Visitor, engine: Engine
) -> None:
    endpoint = engine.has_endpoint()

    sent = visitor.post(f"{HOME}/endpoints/{endpoint}/test", {"type": "order.completed"})
    waiting = visitor.get(sent.location)
    announced = engine.outbox.find(sent.location.split("/")[-2], now=clock.now())
    assert announced is not None
    engine.fan_out.batch([announced], engine.each)
    engine.sends(engine.queues.take())
    answered = visitor.get(sent.location)

    assert sent.status == 303
    assert "is on its way to the endpoint" in waiting.text
    assert 'hx-trigger="every 1s"' in waiting.html
    assert "The receiver accepted the event." in answered.text
    assert "Test event" in answered.text


def test_a_page_that_was_asked_for_while_its_delivery_was_made_waits_for_the_answer_too(
    visitor: Visitor, engine: Engine
) -> None:
    """The row is due for the sweep later than two minutes after the page was asked for."""
    sent = visitor.post(f"{HOME}/endpoints/{engine.has_endpoint()}/test", {"type": "order.failed"})
    announced = engine.outbox.find(sent.location.split("/")[-2], now=clock.now())
    assert announced is not None
    engine.clock.at = clock.now() + timedelta(seconds=20)
    engine.fan_out.batch([announced], engine.each)

    page = visitor.get(sent.location)

    assert "None yet." in page.text
    assert 'hx-trigger="every 2s"' in page.html


def test_a_delivery_that_is_not_there_is_missing(visitor: Visitor, engine: Engine) -> None:
    endpoint = engine.has_endpoint()

    assert visitor.get(f"{HOME}/deliveries/event-{'0' * 32}/{endpoint}").status == 404
    assert visitor.get(f"{HOME}/endpoints/endpoint-{'0' * 32}").status == 404


def test_events_tell_whether_anybody_listened(visitor: Visitor, engine: Engine) -> None:
    endpoint = engine.has_endpoint(description=_SCRIPT)
    engine.receiver.answers = [ACCEPTED]
    heard, unheard = event(at=engine.clock.at), event(at=engine.clock.at, sequence=43)
    engine.delivers(heard)
    engine.is_committed(unheard)

    listed = visitor.get(f"{HOME}/events?owner={OWNER}")
    page = visitor.get(f"{HOME}/events/{heard.id}")

    assert "Delivered 1 endpoint" in listed.text
    assert "On its way" in listed.text  # the one that nobody has handed out yet
    assert f'href="{HOME}/deliveries/{heard.id}/{endpoint}"' in page.html
    assert "<script>alert" not in page.html
    assert "No endpoint listened" in visitor.get(f"{HOME}/events/{unheard.id}").text


def test_events_are_listed_by_as_many_requests_whatever_their_number(
    visitor: Visitor, engine: Engine, requests: list[str]
) -> None:
    engine.delivers(event(at=engine.clock.at))  # before there is an endpoint
    endpoints = [engine.has_endpoint(description=f"E{number}") for number in range(4)]
    for sequence in range(43, 72):
        engine.delivers(event(at=engine.clock.at, sequence=sequence))
    visitor.get(f"{HOME}/events")  # notes the visit

    requests.clear()
    page = visitor.get(f"{HOME}/events")

    assert requests[0] == "GetItem Sessions"
    assert set(requests[1:-2]) == {"Query Events by_day"}
    assert requests[-2:] == ["BatchGetItem Events", "BatchGetItem Webhooks"]
    assert page.text.count("Delivered 4 endpoints") == 100 // len(endpoints)
    # The rest of a long list tells how many listened.
    assert page.text.count(" 4 endpoints") == 29
    assert "Nobody" in page.text


def test_an_endpoint_is_added_and_its_secret_revealed_to_an_administrator(
    visitor: Visitor, engine: Engine
) -> None:
    fields = {**ENDPOINT, "description": "Access platform", "types": ["order.completed"]}

    made = visitor.post(f"{HOME}/endpoints/new", {**fields, "secret": KEY})
    page = visitor.get(made.location)
    revealed = pressed(visitor, page, f"{made.location}/reveal")

    assert made.status == 303
    assert "Access platform added" in page.text
    assert KEY not in page.html
    assert "order.completed" in page.text
    assert KEY in revealed.text
    assert KEY not in visitor.get(made.location).html


def is_unfolded(seen: Seen) -> bool:
    head, _, _ = seen.html.partition("<summary>Event types")
    return head.rstrip().endswith("<details open>")


def test_event_types_are_folded_away_until_some_are_chosen(
    visitor: Visitor, engine: Engine
) -> None:
    new = visitor.get(f"{HOME}/endpoints/new")
    chosen = engine.has_endpoint(types=("order.completed",))
    edited = visitor.get(f"{HOME}/endpoints/{chosen}/edit")
    refused = visitor.post(
        f"{HOME}/endpoints/new", {**ENDPOINT, "url": "", "types": ["order.completed"]}
    )

    assert "Event types: every business event" in new.text
    assert "Event types: every business event" not in edited.text
    assert [is_unfolded(one) for one in (new, edited, refused)] == [False, True, True]


@pytest.mark.parametrize(
    ("fields", "at", "sentence"),
    [
        ({"url": ""}, "url", "Give the URL that webhooks are sent to."),
        ({"url": "http://hooks.example.com"}, "url", "https"),
        ({"url": "https://127.0.0.1/"}, "url", ""),
        ({"types": ["order.complete"]}, "types", "order.completed"),
        ({"waits": "soon"}, "waits", "Give whole seconds"),
        ({"waits": "5, ٣٠٠"}, "waits", "Give whole seconds"),
        ({"waits": "1"}, "waits", "from 5 to 86400"),
        ({"headers": "no colon"}, "headers", "one header a line"),
        ({"headers": "Host: evil"}, "headers", ""),
        ({"release": "new"}, "release", "two numbers"),
        ({"auth": "basic", "auth_user": "a:b", "auth_password": "p"}, "auth", ""),
        ({"auth": "basic"}, "auth_user", "Give the user name."),
        ({"secret": "short"}, "secret", ""),
        ({"description": "x" * 501}, "description", "500"),
    ],
    ids=[
        "no url",
        "plain http",
        "an address",
        "unknown type",
        "waits in words",
        "waits in other digits",
        "short wait",
        "a line that is no header",
        "a header of ours",
        "a release in words",
        "a colon in a user name",
        "basic without user",
        "a key that is none",
        "a long description",
    ],
)
def test_a_mistake_in_the_form_is_told_at_its_field_and_nothing_is_lost(
    visitor: Visitor, engine: Engine, fields: dict[str, Any], at: str, sentence: str
) -> None:
    typed = {**ENDPOINT, "description": _SCRIPT, **fields}

    again = visitor.post(f"{HOME}/endpoints/new", typed)

    assert again.status == 422
    assert f'id="f-{at}-error"' in again.html
    assert sentence in again.text
    assert "<script>alert" not in again.html
    assert fields.get("description", "&lt;script&gt;alert(1)&lt;/script&gt;") in again.html
    assert engine.endpoints.all() == []


def test_an_endpoint_is_changed_and_a_stale_form_is_not_taken(
    visitor: Visitor, engine: Engine
) -> None:
    endpoint = engine.has_endpoint(auth_kind="basic", types=("order.*",))
    address = f"{HOME}/endpoints/{endpoint}/edit"
    keep = {**ENDPOINT, "auth": "keep", "types": ["order.*"], "version": "1"}

    changed = visitor.post(address, {**keep, "description": "Renamed", "headers": "X-Site: shop"})
    stale = visitor.post(address, {**keep, "description": "Too late"})

    found = engine.endpoints.find(endpoint)
    assert found is not None
    assert changed.status == 303
    assert (found.endpoint.description, found.endpoint.headers) == ("Renamed", {"x-site": "shop"})
    assert (found.endpoint.auth_kind, found.endpoint.types) == ("basic", ("order.*",))
    assert stale.status == 422
    assert visitor.post(address, {**keep, "version": "9" * 5000}).status == 422
    assert "Somebody has changed this endpoint" in stale.text
    assert "Too late" in stale.html


def test_an_endpoint_is_paused_resumed_rotated_and_deleted(
    visitor: Visitor, engine: Engine
) -> None:
    endpoint = engine.has_endpoint(description="Access")
    address = f"{HOME}/endpoints/{endpoint}"

    pressed(visitor, visitor.get(address), f"{address}/pause")
    paused = visitor.get(address)
    visitor.post(f"{address}/resume", {})
    rotated = visitor.post(f"{address}/rotate", {"overlap": "24"})
    resumed = visitor.get(address)
    again = visitor.post(f"{address}/rotate", {"overlap": "24"})
    visitor.post(f"{address}/delete", {})

    assert "Access is paused" in paused.text
    assert "Paused by an operator." in paused.text
    assert "the old one signs as well until" in resumed.text
    assert (rotated.status, again.status) == (303, 422)
    assert "Access deleted" in visitor.get(f"{HOME}/endpoints").text
    assert "This endpoint was deleted" in visitor.get(address).text


def test_what_was_given_up_is_counted_and_sent_again_by_a_job(
    visitor: Visitor, engine: Engine
) -> None:
    endpoint = engine.has_endpoint(waits=())
    failed(engine, endpoint)
    address = f"{HOME}/endpoints/{endpoint}/recover"

    counted = visitor.get(address)
    started = visitor.post(address, {"since": "2026-01-01T00:00"})
    running = visitor.get(started.location)
    engine.sweeps()
    engine.sweeps()

    assert "Replay 1 delivery" in counted.text
    assert "Running" in running.text
    assert "Finished" in visitor.get(started.location).text
    assert visitor.post(address, {"since": "yesterday"}).status == 422


def test_support_replays_and_tests_but_changes_nothing(visitor: Visitor, engine: Engine) -> None:
    endpoint = engine.has_endpoint()
    delivery, address = failed(engine, endpoint), f"{HOME}/endpoints/{endpoint}"
    token = as_support(visitor)

    page = visitor.get(address)

    assert "Reveal" not in page.text.replace("reveal and rotate", "")
    assert f'href="{address}/edit"' not in page.html
    for action in ("edit", "reveal", "rotate", "pause", "resume", "delete"):
        assert visitor.send(f"{address}/{action}", {"csrf_token": token}).status == 403
    assert visitor.send(f"{delivery}/replay", {"csrf_token": token}).status == 303
    assert visitor.post(f"{address}/test", {"type": "order.completed"}).status == 303


@pytest.mark.parametrize("token", ["", "forged"])
def test_nothing_happens_without_the_token_of_the_session(
    visitor: Visitor, engine: Engine, token: str
) -> None:
    endpoint = engine.has_endpoint()

    refused = visitor.send(f"{HOME}/endpoints/{endpoint}/delete", {"csrf_token": token})

    found = engine.endpoints.find(endpoint)
    assert found is not None
    assert (refused.status, found.endpoint.status) == (403, "active")
