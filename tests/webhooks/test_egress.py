"""The only way out: what is sent, and where it refuses to go."""

import itertools
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tessera.webhooks import egress as module
from tessera.webhooks.destination import Address, confirm, may_reach
from tessera.webhooks.egress import Dial, Egress
from tessera.webhooks.outcome import Answer, Outcome
from tests.webhooks.conftest import Serve
from tests.webhooks.receiver import (
    OK,
    Authority,
    Conversation,
    Receiver,
    answers,
    answers_and_hangs_up,
)

URL = "https://hooks.example/in"
HEADERS = {
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": "Tessera-Webhooks/1",
    "webhook-id": "event-1",
}
BODY = b'{"entitlements":[]}'


def loopback(port: int) -> Address:
    return Address(socket.AF_INET, ("127.0.0.1", port))


def post(egress: Egress, url: str = URL, **more: Any) -> Answer:
    return egress.post(url, HEADERS, BODY, **more)


def test_sends_the_request_as_given_and_nothing_else(serve: Serve, way_out: Any) -> None:
    receiver = serve(answers(OK))

    answer = post(way_out(receiver), receiver.url)

    head, _, body = receiver.received[0].partition(b"\r\n\r\n")
    request_line, *lines = head.decode().lower().split("\r\n")
    assert request_line == "post /in http/1.1"
    assert dict(line.split(": ") for line in lines) == HEADERS | {
        "host": receiver.place,
        "content-length": str(len(BODY)),
    } | {"user-agent": "tessera-webhooks/1"}
    assert body == BODY
    assert (answer.outcome, answer.status, answer.excerpt) == (Outcome.DELIVERED, 200, "ok")
    assert answer.headers == {"content-length": "2"}


@pytest.mark.parametrize("url", ["/a%2Fb//c/?x=%C3%BC&y=[", "/", "/a;b=c?d/../e", "/?a=b@c:d"])
def test_sends_the_path_that_is_stored(serve: Serve, way_out: Any, url: str) -> None:
    receiver = serve(answers(OK))

    post(way_out(receiver), f"http://{receiver.place}{url}")

    expected = url.replace("[", "%5B").encode()
    assert receiver.received[0].startswith(b"POST " + expected + b" HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("reply", "outcome", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome.DELIVERED, 204),
        (b"HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n", Outcome.DELIVERED, 299),
        (b"HTTP/1.0 200 OK\r\n\r\nold", Outcome.DELIVERED, 200),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, Outcome.DELIVERED, 200),
        (b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" + OK, Outcome.DELIVERED, 200),
        (b"HTTP/1.1 102 Processing\r\n\r\n" * 9 + OK, Outcome.DELIVERED, 200),
        (b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n", Outcome.GONE, 410),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", Outcome.REDIRECT, 304),
        (b"HTTP/1.1 429 Slow\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n", "http_error", 429),
        (b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", "http_error", 500),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "http_error", 101),
    ],
)  # fmt: skip
def test_tells_by_the_status(
    serve: Serve, way_out: Any, reply: bytes, outcome: str, status: int
) -> None:
    receiver = serve(answers_and_hangs_up(reply))

    answer = post(way_out(receiver), receiver.url)

    assert (answer.outcome, answer.status) == (outcome, status)


def test_keeps_a_connection_for_the_next_request(serve: Serve, way_out: Any) -> None:
    receiver = serve(answers(OK))
    egress = way_out(receiver)

    outcomes = [post(egress, receiver.url).outcome for _ in range(5)]

    assert outcomes == [Outcome.DELIVERED] * 5
    assert len(receiver.conversations) == 1


def test_opens_a_new_connection_after_an_idle_gap(
    serve: Serve, way_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = serve(answers(OK))
    egress = way_out(receiver)
    # Turning the clock would turn the deadline's too.
    monkeypatch.setattr(module, "_REUSED_WITHIN", 0.0)

    outcomes = [post(egress, receiver.url).outcome for _ in range(3)]

    assert outcomes == [Outcome.DELIVERED] * 3
    assert len(receiver.conversations) == 3


def test_a_gap_that_only_the_wall_clock_saw_is_one_too(
    serve: Serve, way_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen function's own clock may have stood still."""
    receiver = serve(answers(OK))
    egress = way_out(receiver)
    post(egress, receiver.url)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 5)

    assert post(egress, receiver.url).outcome == Outcome.DELIVERED

    assert len(receiver.conversations) == 2


def test_many_threads_share_one_way_out(serve: Serve, way_out: Any) -> None:
    receiver = serve(answers(OK))
    egress = way_out(receiver)

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(lambda _: post(egress, receiver.url).outcome, range(200)))

    assert outcomes == [Outcome.DELIVERED] * 200
    assert len(receiver.received) == 200
    assert len(receiver.conversations) <= 10


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/in",
        "https://127.0.0.1/in",
        "https://2130706433/in",
        "https://[::ffff:127.0.0.1]/in",
        "https://hooks.example:22/in",
        "https://user:secret@hooks.example/in",
        "https://hooks.internal/in",
    ],
)
def test_sends_nothing_to_a_url_that_breaks_a_rule(
    serve: Serve, public: Callable[..., Egress], authority: Authority, url: str
) -> None:
    receiver = serve(answers(OK), authority.context("127.0.0.1"))

    answer = post(public(receiver), url)

    assert answer == Answer(Outcome.ADDRESS_REFUSED, ms=0)
    assert receiver.conversations == []


@pytest.mark.parametrize(
    "answer_of_dns",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["169.254.169.254"],
        ["10.1.2.3"],
        ["8.8.8.8", "::ffff:127.0.0.1"],
        ["8.8.8.8", "64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
    ],
)
def test_sends_nothing_when_one_answer_of_dns_is_refused(
    way_out: Any, answer_of_dns: list[str]
) -> None:
    dialled: list[Address] = []

    def resolver(host: str, port: int) -> list[Address]:
        return [
            Address(socket.AF_INET6 if ":" in ip else socket.AF_INET, (ip, port))
            for ip in answer_of_dns
        ]

    answer = post(way_out(resolver=resolver, dial=lambda address, *_: dialled.append(address)))

    refused = next(ip for ip in answer_of_dns if not may_reach(ip))
    assert (answer.outcome, answer.refused_address) == (Outcome.ADDRESS_REFUSED, refused)
    assert dialled == []
    assert refused not in f"{answer!r} {answer.outcome.sentence} {answer.detail} {answer.excerpt}"


def test_a_name_that_is_rebound_between_check_and_connect_is_refused(
    serve: Serve, way_out: Any
) -> None:
    receiver = serve(answers(OK))
    answers_of_dns = itertools.chain(["8.8.8.8"], itertools.repeat("127.0.0.1"))

    def resolver(host: str, port: int) -> list[Address]:
        return [Address(socket.AF_INET, (next(answers_of_dns), receiver.port))]

    egress = way_out(resolver=resolver)

    assert confirm(URL, egress.reach, resolver=resolver)
    assert post(egress).outcome is Outcome.ADDRESS_REFUSED
    assert receiver.conversations == []


def test_a_name_is_looked_up_once_for_each_connection(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    receiver = serve(answers(OK), authority.context("hooks.example"))
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[Address]:
        asked.append(host)
        return [loopback(receiver.port)]

    egress = public(receiver, resolver=resolver)
    for _ in range(3):
        assert post(egress).outcome is Outcome.DELIVERED

    assert asked == ["hooks.example."]


def test_a_name_that_is_rebound_later_is_refused_at_the_next_connect(
    serve: Serve,
    public: Callable[..., Egress],
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver = serve(answers(OK), authority.context("hooks.example"))
    permitted = iter([True, False])
    egress = public(receiver, permit=lambda _: next(permitted))
    monkeypatch.setattr(module, "_REUSED_WITHIN", 0.0)

    assert [post(egress).outcome for _ in range(2)] == [
        Outcome.DELIVERED,
        Outcome.ADDRESS_REFUSED,
    ]


def test_a_socket_that_leads_elsewhere_is_refused_before_anything_is_sent(
    serve: Serve, way_out: Any
) -> None:
    heard: list[bytes] = []

    def listen(conversation: Conversation) -> None:
        heard.extend(conversation.requests())

    receiver = serve(listen)

    def dial(address: Address, *_: Any) -> socket.socket:
        return socket.create_connection(("127.0.0.1", receiver.port))

    def resolver(host: str, port: int) -> list[Address]:
        return [Address(socket.AF_INET, ("8.8.8.8", port))]

    answer = post(way_out(resolver=resolver, dial=dial))

    assert (answer.outcome, answer.refused_address) == (Outcome.ADDRESS_REFUSED, "127.0.0.1")
    assert heard == []


def test_connections_refuse_plain_http_even_if_the_url_rules_let_it_through(
    serve: Serve, public: Callable[..., Egress], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = serve(answers(OK))
    # The second line of defence shows only where the first one is missing.
    monkeypatch.setattr(module, "canonical", lambda url, reach: url)

    answer = post(public(receiver), "http://hooks.example/in")

    assert answer.outcome is Outcome.ADDRESS_REFUSED
    assert receiver.conversations == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_follows_no_redirect(serve: Serve, way_out: Any, status: int) -> None:
    target = serve(answers(OK))
    reply = f"HTTP/1.1 {status} Moved\r\nlocation: {target.url}\r\ncontent-length: 0\r\n\r\n"
    receiver = serve(answers(reply.encode()))

    answer = post(way_out(receiver, target), receiver.url)

    assert (answer.outcome, answer.status) == (Outcome.REDIRECT, status)
    assert answer.headers["location"] == target.url
    assert target.conversations == []


@pytest.mark.parametrize("location", ["http://[bad", "//", "\xff", "http://x:99999/", "a" * 9_000])
def test_survives_a_redirect_to_nonsense(serve: Serve, way_out: Any, location: str) -> None:
    reply = f"HTTP/1.1 302 Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    receiver = serve(answers(reply.encode("latin-1")))

    assert post(way_out(receiver), receiver.url).outcome is Outcome.REDIRECT


def test_takes_nothing_from_the_environment(
    serve: Serve, way_out: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    receiver, proxy = serve(answers(OK)), serve(answers(OK))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{proxy.place}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    outcome = post(way_out(receiver), receiver.url).outcome

    assert outcome is Outcome.DELIVERED
    assert proxy.conversations == []
    assert b"authorization" not in receiver.received[0].lower()


def test_keeps_no_cookies(serve: Serve, way_out: Any) -> None:
    receiver = serve(answers(OK.replace(b"\r\n\r\n", b"\r\nset-cookie: s=1; path=/\r\n\r\n")))
    egress = way_out(receiver)

    post(egress, receiver.url)
    post(egress, receiver.url)

    assert b"cookie" not in receiver.received[1].lower()
    assert not egress._session.cookies  # they would pile up for the life of the process


def test_host_and_certificate_go_by_the_name_not_by_the_address(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    receiver = serve(answers(OK), authority.context("hooks.example"))

    answer = post(public(receiver))

    assert answer.outcome is Outcome.DELIVERED
    assert receiver.server_names == ["hooks.example"]
    assert b"\r\nhost: hooks.example\r\n" in receiver.received[0].lower()


@pytest.mark.parametrize(
    ("host", "ended", "why"),
    [
        ("other.example", False, "Hostname mismatch"),
        ("127.0.0.1", False, "Hostname mismatch"),
        ("hooks.example", True, "certificate has expired"),
    ],
)
def test_refuses_a_certificate_that_does_not_fit(
    serve: Serve,
    public: Callable[..., Egress],
    authority: Authority,
    host: str,
    ended: bool,
    why: str,
) -> None:
    receiver = serve(answers(OK), authority.context(host, ended=ended))

    answer = post(public(receiver))

    assert answer.outcome is Outcome.TLS_ERROR
    assert why in answer.detail
    assert "127.0.0.1" not in answer.detail
    assert receiver.received == []


def test_refuses_a_certificate_of_an_unknown_authority(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    receiver = serve(answers(OK), authority.context("hooks.example"))

    answer = post(public(receiver, ca_bundle=None))

    assert answer.outcome is Outcome.TLS_ERROR
    assert "unable to get local issuer certificate" in answer.detail
    assert receiver.received == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_refuses_versions_of_tls_that_are_no_longer_safe(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    old = authority.context("hooks.example")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    receiver = serve(answers(OK), old)

    answer = post(public(receiver))

    assert answer.outcome is Outcome.TLS_ERROR
    assert receiver.received == []


def test_a_plain_server_on_a_tls_port_is_a_tls_error(
    serve: Serve, public: Callable[..., Egress]
) -> None:
    receiver = serve(lambda conversation: conversation.say(b"220 mail.example ESMTP\r\n"))

    assert post(public(receiver)).outcome is Outcome.TLS_ERROR


def test_a_name_that_does_not_resolve(way_out: Any) -> None:
    def resolver(host: str, port: int) -> list[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert post(way_out(resolver=resolver)).outcome is Outcome.DNS_ERROR


def test_a_refused_connection(serve: Serve, way_out: Any) -> None:
    with Receiver(answers(OK)).listening() as receiver:
        egress = way_out(receiver)

    assert post(egress, receiver.url).outcome is Outcome.CONNECTION_ERROR


def dial_by(behaviour: dict[str, Any]) -> Dial:
    def dial(address: Address, seconds: float, options: Sequence[Any]) -> socket.socket:
        result = behaviour[address.sockaddr[0]]
        if isinstance(result, Exception):
            raise result
        connected: socket.socket = result(address, seconds)
        return connected

    return dial


def test_an_address_that_never_answers_is_a_connect_timeout(way_out: Any) -> None:
    def resolver(host: str, port: int) -> list[Address]:
        return [Address(socket.AF_INET, ("8.8.8.8", port))]

    egress = way_out(resolver=resolver, dial=dial_by({"8.8.8.8": TimeoutError()}))

    assert post(egress).outcome is Outcome.CONNECT_TIMEOUT


def test_goes_on_to_the_next_address_and_leaves_it_time(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    receiver = serve(answers(OK), authority.context("hooks.example"))
    given: list[float] = []

    def resolver(host: str, port: int) -> list[Address]:
        return [
            Address(socket.AF_INET6, ("2606:4700::1", port)),
            Address(socket.AF_INET, ("8.8.8.8", port)),
            loopback(receiver.port),
        ]

    def connect(address: Address, seconds: float) -> socket.socket:
        given.append(seconds)
        return socket.create_connection(address.sockaddr)

    def hang(address: Address, seconds: float) -> socket.socket:
        given.append(seconds)
        raise TimeoutError

    behaviour = {"2606:4700::1": OSError(101, "unreachable"), "8.8.8.8": hang}
    dial = dial_by(behaviour | {"127.0.0.1": connect})
    egress = public(receiver, resolver=resolver, dial=dial, permit=lambda _: True)

    assert post(egress).outcome is Outcome.DELIVERED
    # Half of what is left for the second of three, all of it for the last.
    assert 1.5 < given[0] <= 2.5 < given[1] <= 5.0


def test_a_name_with_endless_addresses_takes_five_seconds_at_most(
    way_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count()
    spent = 0.0

    def dial(address: Address, seconds: float, options: Sequence[Any]) -> socket.socket:
        nonlocal spent
        spent += seconds
        raise TimeoutError

    def resolver(host: str, port: int) -> list[Address]:
        return [Address(socket.AF_INET, ("8.8.8.8", port + next(clock))) for _ in range(500)]

    # The time that a dial would take passes on this clock only.
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + spent)

    answer = post(way_out(resolver=resolver, dial=dial))

    assert answer.outcome is Outcome.CONNECT_TIMEOUT
    assert spent <= 5.0
