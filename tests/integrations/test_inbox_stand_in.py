"""The stand-in for webhook receivers: what it keeps, and how it is asked for it."""

import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import requests

from infra.local._server import Running, serve
from infra.local.inbox import MOST_DELIVERIES, MOST_INBOXES, Inbox
from tests.integrations.inbox_client import behave, deliveries, listing, send


@pytest.fixture
def inbox() -> Iterator[Running]:
    with serve(Inbox()) as running:
        yield running


def test_keeps_a_delivery_as_it_came(inbox: Running) -> None:
    body = '{"amount": 17.50, "name": "ü"}'.encode()

    answer = send(inbox, body, headers={"webhook-id": "event-1", "X-Own": "a"})

    assert (answer.status_code, answer.content) == (200, b"")
    [kept] = deliveries(inbox)
    assert kept["headers"]["X-Own"] == "a"
    assert base64.b64decode(kept["base64"]) == body
    del kept["headers"], kept["base64"], kept["received"]
    assert kept == {
        "number": 1,
        "inbox": "acme",
        "method": "POST",
        "path": "/hooks/acme",
        "query": {},
        "body": body.decode(),
        "bytes": len(body),
        "truncated": False,
        "mode": "answer",
        "status": 200,
        "verified": None,
        "why": "this inbox knows no secret",
        "basic": None,
    }


def test_keeps_bytes_that_are_not_text_and_the_start_of_what_is_too_long(inbox: Running) -> None:
    send(inbox, b"\xff\x00")
    send(inbox, b"x" * 300_000)

    binary, long = deliveries(inbox)
    assert (binary["body"], base64.b64decode(binary["base64"])) == (None, b"\xff\x00")
    assert (long["bytes"], long["truncated"], len(long["body"])) == (300_000, True, 65_536)


def test_refuses_names_that_are_none_and_more_inboxes_than_it_can_hold(inbox: Running) -> None:
    assert send(inbox, to="a%20b").status_code == 400
    for number in range(MOST_INBOXES):
        inbox.stand_in.state["inboxes"][str(number)] = {"behaviour": {}, "deliveries": []}

    assert send(inbox, to="one-more").status_code == 400
    assert "one-more" not in inbox.stand_in.state["inboxes"]


def test_forgets_an_inbox_or_only_its_deliveries(inbox: Running) -> None:
    behave(inbox, status=201)
    send(inbox)
    send(inbox, to="other")

    requests.delete(f"{inbox.url}/_control/inboxes/acme/deliveries", timeout=10)
    requests.delete(f"{inbox.url}/_control/inboxes/other", timeout=10)

    listed = requests.get(f"{inbox.url}/_control/inboxes", timeout=10).json()["inboxes"]
    assert [(each["name"], each["kept"], each["status"]) for each in listed] == [("acme", 0, 201)]
    assert deliveries(inbox) == []
    gone = requests.get(f"{inbox.url}/_control/inboxes/other", timeout=10)
    assert gone.status_code == 404


def test_lists_deliveries_page_by_page(inbox: Running) -> None:
    for number in range(5):
        send(inbox, str(number))
        send(inbox, to="other")

    bodies, after, pages = [], 0, 0
    while True:
        page = listing(inbox, after=after, limit=2)
        bodies += [delivery["body"] for delivery in page["deliveries"]]
        after, pages = page["next"], pages + 1
        if not page["more"]:
            break

    assert (bodies, pages) == (["0", "1", "2", "3", "4"], 3)
    assert listing(inbox, after=after) == {"deliveries": [], "next": after, "more": False}


def test_finds_deliveries_by_event_type_and_id(inbox: Running) -> None:
    for id_, kind in (("event-1", "a"), ("event-2", "b"), ("event-1", "a")):
        send(inbox, headers={"webhook-id": id_, "tessera-event-type": kind})

    assert [each["number"] for each in deliveries(inbox, type="a")] == [1, 3]
    assert [each["number"] for each in deliveries(inbox, id="event-2")] == [2]
    assert deliveries(inbox, id="event-2", type="a") == []


def test_a_caller_waits_until_enough_deliveries_are_there(inbox: Running) -> None:
    found: list[dict[str, Any]] = []
    send(inbox, "before")
    waiting = threading.Thread(
        target=lambda: found.extend(deliveries(inbox, after=1, wait=30, at_least=2))
    )
    waiting.start()
    send(inbox, "one")
    send(inbox, "elsewhere", to="other")
    assert found == []

    send(inbox, "two")
    waiting.join(10)

    assert [delivery["body"] for delivery in found] == ["one", "two"]


def test_a_caller_waits_no_longer_than_it_asked(inbox: Running) -> None:
    began = monotonic()

    assert deliveries(inbox, "nobody", wait=1) == []

    assert 1 <= monotonic() - began < 10


def test_whoever_waits_is_let_go_when_the_server_stops(inbox: Running) -> None:
    with socket.create_connection(("127.0.0.1", inbox.port), timeout=10) as raw:
        raw.sendall(b"GET /_control/inboxes/a/deliveries?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
        send(inbox)
        began = monotonic()
        inbox.stop()

    assert monotonic() - began < 5


@pytest.mark.parametrize("query", ["after=-1", "limit=1001", "wait=61", "at_least=x", "wait=0.5"])
def test_refuses_a_listing_out_of_bounds(inbox: Running, query: str) -> None:
    answer = requests.get(f"{inbox.url}/_control/inboxes/acme/deliveries?{query}", timeout=10)

    assert answer.status_code == 400


def test_keeps_the_newest_deliveries(inbox: Running) -> None:
    for _ in range(2):
        send(inbox)
    kept = inbox.stand_in.state["inboxes"]["acme"]["deliveries"]
    inbox.stand_in.state["inboxes"]["acme"]["deliveries"] = kept[:1] * MOST_DELIVERIES

    send(inbox, "newest")

    kept = inbox.stand_in.state["inboxes"]["acme"]["deliveries"]
    assert (len(kept), kept[-1]["body"]) == (MOST_DELIVERIES, "newest")


def test_deliveries_and_behaviour_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "inbox.json"
    with serve(Inbox(state_path=file)) as inbox:
        behave(inbox, mode="drip", status=503, byte_seconds=0.25, times=9, body="")
        behave(inbox, "other", status=418)
        for number in range(3):
            send(inbox, str(number), to="other")

    with serve(Inbox(state_path=file)) as inbox:
        assert [delivery["body"] for delivery in deliveries(inbox, "other")] == ["0", "1", "2"]
        send(inbox, "3", to="other")
        assert deliveries(inbox, "other")[-1]["number"] == 4
        drip = requests.get(f"{inbox.url}/_control/inboxes/acme", timeout=10).json()
        assert (drip["mode"], drip["byte_seconds"], drip["times"]) == ("drip", 0.25, 9)
        assert send(inbox).status_code == 503
