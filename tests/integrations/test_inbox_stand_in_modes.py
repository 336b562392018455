"""How the inbox behaves and misbehaves, each way over a real connection."""

import socket
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest
import requests

from infra.local._server import Running, serve
from infra.local.inbox import Inbox
from tests.integrations.inbox_client import behave, deliveries, send


@pytest.fixture
def inbox() -> Iterator[Running]:
    with serve(Inbox()) as running:
        yield running


def test_answers_as_it_is_told_and_200_again_afterwards(inbox: Running) -> None:
    behave(inbox, mode="answer", status=429, headers={"Retry-After": "7"}, body="no", times=2)

    answers = [send(inbox) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].headers["Retry-After"], answers[0].text) == ("7", "no")
    assert [delivery["status"] for delivery in deliveries(inbox)] == [429, 429, 200]


def test_goes_on_misbehaving_until_it_is_told_otherwise(inbox: Running) -> None:
    behave(inbox, status=500, body={"error": "down"})
    assert [send(inbox).json() for _ in range(3)] == [{"error": "down"}] * 3

    behave(inbox)

    assert send(inbox).status_code == 200


def test_misbehaves_only_towards_what_it_is_told_about(inbox: Running) -> None:
    behave(inbox, status=503, about="Ana", times=1)

    answers = [send(inbox, body) for body in ("Ben", "for Ana", "for Ana")]

    assert [answer.status_code for answer in answers] == [200, 503, 200]


def test_hangs_without_a_word(inbox: Running) -> None:
    behave(inbox, mode="hang", times=1)

    with pytest.raises(requests.ReadTimeout):
        send(inbox, timeout=0.1)

    assert send(inbox).status_code == 200  # nobody else waits for it
    first, _ = deliveries(inbox)
    assert (first["mode"], first["status"]) == ("hang", None)


def test_hangs_up_after_a_time_that_can_be_chosen(inbox: Running) -> None:
    behave(inbox, mode="hang", hang_seconds=0.05)

    with pytest.raises(requests.ConnectionError):
        send(inbox)


def test_drips_a_byte_at_a_time(inbox: Running) -> None:
    behave(inbox, mode="drip", body="slow", byte_seconds=0.05)
    began = monotonic()

    answer = send(inbox, stream=True)
    pieces = list(answer.iter_content(1))

    assert pieces == [b"s", b"l", b"o", b"w"]
    assert monotonic() - began >= 4 * 0.05


def test_drips_a_byte_a_second_by_default_beyond_any_deadline(inbox: Running) -> None:
    behave(inbox, mode="drip")

    with pytest.raises(requests.ConnectionError, match="Read timed out"):
        send(inbox, timeout=0.2)

    assert inbox.stand_in.state["inboxes"]["acme"]["behaviour"]["byte_seconds"] == 1.0


def test_drips_the_head_too_when_told(inbox: Running) -> None:
    behave(inbox, mode="drip", drip_head=True, byte_seconds=0.02)

    with socket.create_connection(("127.0.0.1", inbox.port), timeout=10) as raw:
        raw.sendall(b"POST /hooks/acme HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert [raw.recv(100) for _ in range(4)] == [b"H", b"T", b"T", b"P"]


def test_resets_the_connection(inbox: Running) -> None:
    behave(inbox, mode="reset")

    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        send(inbox)

    assert deliveries(inbox)[0]["status"] is None


def test_redirects_to_where_it_would_notice(inbox: Running) -> None:
    behave(inbox, mode="redirect", times=1)

    answer = send(inbox)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/hooks/redirected")
    assert deliveries(inbox, "redirected") == []
    requests.get(f"{inbox.url}/hooks/redirected", timeout=10)
    assert [delivery["method"] for delivery in deliveries(inbox, "redirected")] == ["GET"]


def test_redirects_elsewhere_with_another_status(inbox: Running) -> None:
    behave(inbox, mode="redirect", status=308, headers={"Location": "http://10.0.0.1/"})

    answer = send(inbox)

    assert (answer.status_code, answer.headers["Location"]) == (308, "http://10.0.0.1/")


def test_answers_with_a_body_without_end(inbox: Running) -> None:
    behave(inbox, mode="huge")

    answer = send(inbox, stream=True)
    read = 0
    for piece in answer.iter_content(65_536):
        read += len(piece)
        if read >= 10_000_000:
            break
    answer.close()

    assert answer.status_code == 200
    assert read >= 10_000_000
    assert inbox.stand_in.state["inboxes"]["acme"]["behaviour"]["huge_bytes"] == 1024**3


def test_answers_with_a_body_of_a_chosen_size(inbox: Running) -> None:
    behave(inbox, mode="huge", huge_bytes=100_000)

    assert len(send(inbox).content) == 131_072  # in pieces of 64 KB


def test_lets_in_only_who_shows_its_basic_credentials(inbox: Running) -> None:
    behave(inbox, basic={"username": "tessera", "password": "grün:blau"}, status=204)

    without = send(inbox)
    wrong = send(inbox, auth=("tessera", "rot"))
    right = send(inbox, auth=(b"tessera", "grün:blau".encode()))

    assert [each.status_code for each in (without, wrong, right)] == [401, 401, 204]
    assert without.headers["WWW-Authenticate"] == 'Basic realm="inbox"'
    assert [delivery["basic"] for delivery in deliveries(inbox)] == [False, False, True]


def test_keeps_secret_and_credentials_after_its_misbehaviour(inbox: Running) -> None:
    basic = {"username": "a", "password": "b"}
    behave(inbox, status=500, times=1, basic=basic, secret="whsec_" + "A" * 32)
    send(inbox, auth=("a", "b"))

    kept = requests.get(f"{inbox.url}/_control/inboxes/acme", timeout=10).json()

    assert (kept["basic"], kept["secret"]) == (basic, "whsec_" + "A" * 32)
    assert (kept["status"], kept["times"], kept["kept"]) == (None, None, 1)


def test_a_new_behaviour_keeps_the_secret_until_it_is_taken_away(inbox: Running) -> None:
    secret = "whsec_" + "A" * 32
    behave(inbox, secret=secret, status=500)

    kept = behave(inbox, mode="redirect").json()
    without = behave(inbox, secret=None).json()

    assert (kept["secret"], kept["mode"], kept["status"]) == (secret, "redirect", None)
    assert (without["secret"], without["mode"]) == (None, "answer")


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ({"mode": "explode"}, '"mode" is one of answer, hang, drip, reset, redirect, huge'),
        ({"colour": "red"}, "unknown: colour"),
        ({"status": 99}, '"status"'),
        ({"times": 0}, '"times"'),
        ({"headers": {"a": 1}}, '"headers"'),
        ({"basic": {"username": "a"}}, '"basic"'),
        ({"basic": "a:b"}, '"basic"'),
        ({"byte_seconds": 0}, '"byte_seconds"'),
        ({"hang_seconds": 601}, '"hang_seconds"'),
        ({"huge_bytes": "many"}, '"huge_bytes"'),
        ({"secret": "hunter2"}, "whsec_"),
        ({"secret": ["whsec_c2hvcnQ="]}, "24 to 64 bytes"),
        ({"secret": "whpk_" + "A" * 40}, "32 bytes"),
        ({"secret": "whsec_!!"}, "not base64"),
        ({"secret": 5}, '"secret"'),
    ],
)
def test_refuses_a_behaviour_it_cannot_show(
    inbox: Running, behaviour: dict[str, Any], reason: str
) -> None:
    answer = behave(inbox, **behaviour)

    assert answer.status_code == 400
    assert reason in answer.json()["message"]
    assert inbox.stand_in.state["inboxes"] == {}
