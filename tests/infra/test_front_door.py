"""What the front door passes on untouched, what it refuses, and how it outlives the emulator."""

import contextlib
import http.client
import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest
import requests

from infra.local import front_door
from infra.local.front_door import FrontDoor


@dataclass
class Answer:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b"{}"
    promised: int | None = None
    """Content-Length, where the body does not keep it."""


@dataclass
class Seen:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Upstream(http.server.ThreadingHTTPServer):
    """In the emulator's place: keeps what it is asked and answers what it is told to."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.seen: list[Seen] = []
        self.connections: set[socket.socket] = set()
        self.answer: Callable[[Seen], Answer] = lambda seen: Answer()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def go_away(self) -> None:
        """As a program that ends: nobody listens, and every connection is closed."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        seen = Seen(self.command, self.path, self.headers.items(), body)
        self.server.seen.append(seen)
        self.server.connections.add(self.connection)
        answer = self.server.answer(seen)
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.promised or len(answer.body)))
        self.close_connection = answer.promised is not None
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving(server: Upstream) -> Iterator[Upstream]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.go_away()
        thread.join()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(Upstream()) as server:
        yield server


@pytest.fixture
def door(upstream: Upstream) -> Iterator[FrontDoor]:
    with FrontDoor(port=0, upstream_port=upstream.port, api="a1b2c3d4") as front_door:
        yield front_door


@contextmanager
def connected(door: FrontDoor) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("localhost", door.port, timeout=10)) as connection:
        yield connection


def said_raw(door: FrontDoor, request: bytes) -> bytes:
    """Everything that comes back until the front door hangs up."""
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as caller:
        caller.sendall(request)
        parts = []
        while part := caller.recv(65_536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "target",
    [
        "/api/objects/externalidentity/auth0%7C67bf",
        "/a%2Fb/c%20d/%C3%A9/e+f/100%25",
        "/api/order/?x=1&x=2&empty=&y=%20z&q=a%7Cb%26c",
        "/",
        "/?only=query",
        "/a/../b/./c;v=1",
    ],
)
def test_passes_path_and_query_on_as_they_were_written(
    door: FrontDoor, upstream: Upstream, target: str
) -> None:
    with connected(door) as connection:
        connection.request("GET", target)
        assert connection.getresponse().status == 200

    assert [seen.target for seen in upstream.seen] == [f"/_aws/execute-api/a1b2c3d4{target}"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_passes_every_method_and_its_body_on(
    door: FrontDoor, upstream: Upstream, method: str
) -> None:
    body = bytes(range(256)) * 40
    upstream.answer = lambda seen: Answer(201, [("Content-Type", "image/x")], seen.body[::-1])

    answer = requests.request(method, f"{door.url}/api/thing", data=body, timeout=10)

    assert (answer.status_code, answer.content) == (201, body[::-1])
    assert answer.headers["Content-Type"] == "image/x"
    [seen] = upstream.seen
    assert (seen.method, seen.body) == (method, body)
    assert seen.header("Content-Length") == [str(len(body))]


def test_keeps_the_callers_headers_and_adds_the_gateways(
    door: FrontDoor, upstream: Upstream
) -> None:
    with connected(door) as connection:
        connection.putrequest("GET", "/api/x", skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", f"localhost:{door.port}")
        connection.putheader("Authorization", "Bearer a.b.c")
        connection.putheader("X-Twice", "one")
        connection.putheader("X-Twice", "two")
        connection.putheader("X-Forwarded-For", "203.0.113.9")
        connection.putheader("X-Forwarded-Proto", "https")
        connection.putheader("Connection", "keep-alive, x-hop")
        connection.putheader("TE", "trailers")
        connection.endheaders()
        assert connection.getresponse().status == 200

    [seen] = upstream.seen
    assert seen.header("Host") == [f"localhost:{door.port}"]  # of which handlers build links
    assert seen.header("Authorization") == ["Bearer a.b.c"]
    assert seen.header("X-Twice") == ["one", "two"]
    assert seen.header("X-Forwarded-For") == ["203.0.113.9, 127.0.0.1"]
    assert seen.header("X-Forwarded-Proto") == ["http"]
    assert seen.header("X-Forwarded-Port") == [str(door.port)]
    assert seen.header("TE") == seen.header("Connection") == []


def test_answers_with_every_cookie_on_a_line_of_its_own(
    door: FrontDoor, upstream: Upstream
) -> None:
    cookies = ["__Host-s=1; Path=/; Secure; HttpOnly", "t=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT"]
    upstream.answer = lambda seen: Answer(303, [("Set-Cookie", c) for c in cookies], b"")

    with connected(door) as connection:
        connection.request("POST", "/sign-in")
        answer = connection.getresponse()
        answer.read()

    assert answer.status == 303
    assert answer.headers.get_all("Set-Cookie") == cookies
    assert len(answer.headers.get_all("Date") or []) == 1


@pytest.mark.parametrize(
    ("method", "status", "length"), [("HEAD", 200, "2"), ("GET", 204, None), ("GET", 304, None)]
)
def test_answers_without_a_body_where_http_has_none(
    door: FrontDoor, upstream: Upstream, method: str, status: int, length: str | None
) -> None:
    upstream.answer = lambda seen: Answer(status, [], b"{}" if method == "HEAD" else b"")

    with connected(door) as connection:
        for _ in range(2):  # a stray body would spoil the second exchange
            connection.request(method, "/x")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b"")
            assert answer.headers["Content-Length"] == length


def test_takes_a_chunked_body(door: FrontDoor, upstream: Upstream) -> None:
    with connected(door) as connection:
        connection.request("POST", "/x", body=iter([b"abc", b"", b"defg"]), encode_chunked=True)
        assert connection.getresponse().status == 200

    [seen] = upstream.seen
    assert (seen.body, seen.header("Content-Length")) == (b"abcdefg", ["7"])
    assert seen.header("Transfer-Encoding") == []


def test_serves_many_callers_at_once_and_keeps_their_connections(
    door: FrontDoor, upstream: Upstream
) -> None:
    meeting = threading.Barrier(8, timeout=10)

    def answer(seen: Seen) -> Answer:
        if seen.target.endswith("/together"):
            meeting.wait()
        return Answer(body=seen.body)

    upstream.answer = answer

    def call(number: int) -> bytes:
        with connected(door) as connection:
            for target in ("/together", "/again"):
                connection.request("POST", target, body=str(number))
                said = connection.getresponse().read()
            return said

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(call, range(8)))

    assert said == [str(number).encode() for number in range(8)]
    assert len(upstream.connections) == 8


def test_refuses_a_body_that_the_gateway_would_not_take(
    door: FrontDoor, upstream: Upstream
) -> None:
    too_long = front_door.MAX_BODY + 1
    length = f"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {too_long}\r\n\r\n".encode()
    chunk = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nA00001\r\n"

    for request in (length, chunk):
        head, _, body = said_raw(door, request).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        assert b"application/problem+json" in head
        assert json.loads(body)["detail"] == "A body may have 10 MB at most."
    assert upstream.seen == []


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked",
        b"Content-Length: 3\r\nContent-Length: 5",
        b"Content-Length: -3",
        b"Content-Length: three",
        b"Transfer-Encoding: gzip",
    ],
)
def test_refuses_a_body_whose_length_can_be_read_in_two_ways(
    door: FrontDoor, upstream: Upstream, headers: bytes
) -> None:
    said = said_raw(door, b"POST /x HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n\r\nabcdef")

    assert said.startswith(b"HTTP/1.1 400 ")
    assert upstream.seen == []


@pytest.mark.parametrize(
    "request_line",
    [b"GET http://elsewhere/x HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /\xff HTTP/1.1"],
)
def test_refuses_a_target_that_it_cannot_put_after_its_prefix(
    door: FrontDoor, upstream: Upstream, request_line: bytes
) -> None:
    said = said_raw(door, request_line + b"\r\nHost: a\r\nConnection: close\r\n\r\n")

    assert said.startswith(b"HTTP/1.1 400 ")
    assert upstream.seen == []


def test_says_that_the_emulator_is_away_and_goes_on_when_it_is_back(
    door: FrontDoor, upstream: Upstream
) -> None:
    port = upstream.port
    with connected(door) as connection:
        connection.request("GET", "/before")
        assert connection.getresponse().read() == b"{}"

        upstream.go_away()
        connection.request("POST", "/away", body=b"x")
        away = connection.getresponse()
        problem = json.loads(away.read())
        assert (away.status, away.headers["Content-Type"]) == (502, "application/problem+json")
        assert problem["status"] == 502
        assert "does not answer" in problem["detail"]

        with serving(Upstream(port)) as again:
            connection.request("POST", "/after", body=b"y")
            assert connection.getresponse().status == 200
        assert [(seen.target, seen.body) for seen in again.seen] == [
            ("/_aws/execute-api/a1b2c3d4/after", b"y")
        ]


def test_notices_that_the_emulator_was_restarted_since_the_last_request(
    door: FrontDoor, upstream: Upstream
) -> None:
    with connected(door) as connection:
        connection.request("GET", "/before")
        assert connection.getresponse().read() == b"{}"

        port = upstream.port
        upstream.go_away()
        with serving(Upstream(port)) as again:
            connection.request("POST", "/after", body=b"once")
            assert connection.getresponse().status == 200
            assert [seen.body for seen in again.seen] == [b"once"]


def test_keeps_to_itself_what_concerns_only_its_connection_to_the_emulator(
    door: FrontDoor, upstream: Upstream
) -> None:
    upstream.answer = lambda seen: Answer(
        200, [("Keep-Alive", "timeout=1"), ("Connection", "keep-alive"), ("Trailer", "X-Sum")]
    )

    with connected(door) as connection:
        connection.request("GET", "/x")
        answer = connection.getresponse()

    assert answer.status == 200
    assert not {"keep-alive", "connection", "trailer"} & {name.lower() for name in answer.headers}


def test_does_not_pass_an_answer_on_that_broke_off(door: FrontDoor, upstream: Upstream) -> None:
    upstream.answer = lambda seen: Answer(body=b"half", promised=10)

    with connected(door) as connection:
        connection.request("GET", "/x")
        assert connection.getresponse().status == 502


def test_gives_an_answer_up_that_is_too_large_or_too_slow(
    door: FrontDoor, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "MAX_BODY", 1000)
    monkeypatch.setattr(front_door, "_ANSWER_SECONDS", 0.2)
    done = threading.Event()

    def answer(seen: Seen) -> Answer:
        if seen.target.endswith("/slow"):
            done.wait(10)
        return Answer(body=b"x" * 1001)

    upstream.answer = answer
    with connected(door) as connection:
        for target, status in (("/large", 502), ("/slow", 504), ("/large", 502)):
            connection.request("GET", target)
            given_up = connection.getresponse()
            assert (given_up.status, json.loads(given_up.read())["status"]) == (status, status)
            if status == 504:
                done.set()


def test_holds_no_more_callers_than_it_has_places(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_door, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(front_door, "_PLACE_SECONDS", 0.05)
    with FrontDoor(port=0, upstream_port=upstream.port, api="a1b2c3d4") as door:
        with connected(door) as staying:
            staying.request("GET", "/one")
            assert staying.getresponse().read() == b"{}"
            assert said_raw(door, b"") == b""  # hung up on, as there is no place

        for _ in range(100):  # until the place of the one who left is free
            answer = said_raw(door, b"GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            if answer:
                break
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_frees_its_port_when_stopped(upstream: Upstream) -> None:
    with FrontDoor(port=0, upstream_port=upstream.port, api="a1b2c3d4") as door:
        port = door.port

    with FrontDoor(port=port, upstream_port=upstream.port, api="a1b2c3d4") as again:
        assert requests.get(again.url, timeout=10).status_code == 200
