"""The server under every stand-in: routes, bodies, connections, hooks."""

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from infra.local._server import Headers, Request, Response, Running, route, serve
from tests.integrations.ledger import Ledger, journal_of, state_of


@pytest.fixture
def ledger() -> Iterator[Running]:
    with serve(Ledger()) as running:
        yield running


@pytest.fixture
def connection(ledger: Running) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", ledger.port, timeout=10)
    yield connection
    connection.close()


def test_hands_a_route_its_path_parameters_decoded(ledger: Running) -> None:
    requests.post(f"{ledger.url}/entries", json={"name": "a/b ü"}, timeout=10)

    answer = requests.get(f"{ledger.url}/entries/a%2Fb%20%C3%BC", timeout=10)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == '{"name":"a/b ü","price":17.50}'


def test_prefers_a_literal_part_to_a_parameter(ledger: Running) -> None:
    answer = requests.get(f"{ledger.url}/entries/latest", timeout=10)

    assert (answer.text, answer.headers["content-type"]) == ("first", "text/x-entry")


def test_gives_the_rest_of_a_path_to_a_starred_parameter(ledger: Running) -> None:
    answer = requests.get(f"{ledger.url}/files/2026/11/a.pdf", timeout=10)

    assert answer.text == "2026/11/a.pdf"
    assert answer.cookies.get_dict() == {"a": "1", "b": "2"}


def test_says_that_there_is_nothing_at_an_unknown_path(ledger: Running) -> None:
    answer = requests.get(f"{ledger.url}/nowhere?x=1", timeout=10)

    assert answer.status_code == 404
    assert answer.json() == {"message": "There is nothing at /nowhere."}
    assert "X-Entries" not in answer.headers


def test_names_the_methods_a_path_takes(ledger: Running) -> None:
    answer = requests.delete(f"{ledger.url}/entries", timeout=10)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_answers_head_like_get_without_a_body(ledger: Running) -> None:
    with socket.create_connection(("127.0.0.1", ledger.port), timeout=10) as raw:
        raw.sendall(b"HEAD /entries/latest HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_reads_forms(ledger: Running) -> None:
    answer = requests.post(f"{ledger.url}/form", data={"a": "1 ü", "empty": ""}, timeout=10)

    assert answer.json() == {"a": "1 ü", "empty": ""}


def test_refuses_a_body_that_is_not_json(ledger: Running) -> None:
    answer = requests.post(f"{ledger.url}/entries", data=b"{half", timeout=10)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith("The body is not JSON")


def test_lets_hooks_answer_first_and_add_headers_to_every_answer(ledger: Running) -> None:
    stopped = requests.get(f"{ledger.url}/entries/first", headers={"X-Stranger": "yes"}, timeout=10)
    unknown = requests.get(f"{ledger.url}/entries/none", timeout=10)

    assert (stopped.status_code, stopped.json()) == (401, {"route": "/entries/{name}"})
    assert (unknown.status_code, unknown.json()) == (404, {"unknown": "none"})
    assert stopped.headers["X-Entries"] == unknown.headers["X-Entries"] == "1"


def test_answers_500_for_a_mistake_of_its_own_and_goes_on(
    ledger: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = requests.get(f"{ledger.url}/broken", timeout=10)

    assert answer.status_code == 500
    assert "a mistake of ours" not in answer.text
    assert "ZeroDivisionError: a mistake of ours" in capsys.readouterr().err
    assert requests.get(f"{ledger.url}/entries/first", timeout=10).status_code == 200
    assert journal_of(ledger, "broken")[0]["status"] == 500


def test_never_lets_a_header_value_begin_another_header(ledger: Running) -> None:
    answer = requests.get(f"{ledger.url}/split", timeout=10)

    assert answer.headers["X-Text"] == "one X-Smuggled: two"
    assert "X-Smuggled" not in answer.headers


def test_keeps_a_connection_open_for_the_next_request(
    connection: http.client.HTTPConnection,
) -> None:
    connection.request("GET", "/entries/first")
    connection.getresponse().read()
    first = connection.sock

    connection.request("GET", "/entries/first")
    connection.getresponse().read()

    assert connection.sock is first


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Transfer-Encoding: chunked", 411),
        ("Content-Length: 10485761", 413),
        ("Content-Length: -1", 400),
        ("Content-Length: 1_0", 400),
    ],
)
def test_refuses_unread_a_body_it_cannot_take_and_closes(
    ledger: Running, header: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", ledger.port), timeout=10) as raw:
        raw.sendall(f"POST /entries HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))  # ends when the server closes

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert state_of(ledger)["entries"] == ["first"]


def test_does_nothing_for_a_body_that_breaks_off(ledger: Running) -> None:
    with socket.create_connection(("127.0.0.1", ledger.port), timeout=10) as raw:
        raw.sendall(b'POST /entries HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"name"')
        raw.shutdown(socket.SHUT_WR)
        assert raw.recv(65_536) == b""

    assert journal_of(ledger) == []


def test_ignores_case_in_header_names_and_joins_repeated_fields() -> None:
    headers = Headers([("Accept", "a"), ("X-One", "1"), ("ACCEPT", "b")])

    assert (headers["accept"], headers.get("x-ONE"), "aCCept" in headers) == ("a, b", "1", True)
    assert list(headers) == ["Accept", "X-One"]
    assert headers.get("other") is None


def test_runs_routes_one_at_a_time(ledger: Running) -> None:
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(requests.get(f"{ledger.url}/alone", timeout=10).status_code)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert statuses == [204] * 6


def test_lets_others_go_on_while_an_unlocked_route_waits(ledger: Running) -> None:
    answers: list[str] = []
    waiting = threading.Thread(
        target=lambda: answers.append(requests.get(f"{ledger.url}/wait", timeout=30).text)
    )
    waiting.start()

    assert requests.get(f"{ledger.url}/entries/first", timeout=10).status_code == 200
    assert answers == []

    assert isinstance(ledger.stand_in, Ledger)
    ledger.stand_in.released.set()
    waiting.join(10)
    assert answers == ["released"]


def test_refuses_two_routes_of_the_same_name() -> None:
    class Doubled(Ledger):
        @route("GET", "/broken")
        def another(self, request: Request) -> Response:
            return Response()

    with pytest.raises(ValueError, match="two routes GET /broken"):
        Doubled()


def test_stops_with_connections_open_and_frees_its_port(ledger: Running) -> None:
    with socket.create_connection(("127.0.0.1", ledger.port), timeout=10) as idle:
        idle.sendall(b"GET /entries/latest HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65_536).endswith(b"first")
        ledger.stop()
        assert idle.recv(1) == b""

    with serve(Ledger(), ledger.port) as again:
        assert requests.get(f"{again.url}/entries/first", timeout=10).status_code == 200


def test_closes_connections_beyond_its_limit(
    ledger: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local._server.MOST_CONNECTIONS", 1)  # five hundred are many to open
    address = ("127.0.0.1", ledger.port)
    with socket.create_connection(address, timeout=10) as first:
        first.sendall(b"GET /entries/latest HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first.recv(65_536).startswith(b"HTTP/1.1 200 ")

        with socket.create_connection(address, timeout=10) as second:
            assert second.recv(1) == b""
