"""The transport under servers that misbehave: bounded in time and size, and never led astray."""

import gzip
import ssl
import threading
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local._server import Request, Response, Running, StandIn, Wire, route, serve
from tessera.integrations.http import (
    INTERACTIVE,
    VERSION,
    WORKER,
    Answer,
    Call,
    Exchange,
    Judgement,
    NotJson,
    OutOfTime,
    Profile,
    Silence,
    Transport,
    new_session,
)

QUICK = Profile(connect=0.5, read=0.3, total=0.4)
CALM = Profile(connect=5, read=10, total=20)
BOMB = gzip.compress(b"0" * 20_000_000)
NOW = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)


class Rogue(StandIn):
    def seed(self, name: str) -> None:
        self.state = {}

    @route("GET", "/numbers")
    def numbers(self, request: Request) -> Response:
        return Response(body='{"price": 17.10, "seats": 3}', headers={"Content-Type": "text/json"})

    @route("GET", "/nan")
    def not_a_number(self, request: Request) -> Response:
        return Response(body='{"price": NaN}')

    @route("GET", "/dripping-head")
    def drip_head(self, request: Request) -> Response:
        return Response(body="{}" * 1000, wire=Wire(byte_seconds=0.02, drip_head=True))

    @route("GET", "/dripping-body")
    def drip_body(self, request: Request) -> Response:
        return Response(body="{}" * 1000, wire=Wire(byte_seconds=0.02))

    @route("GET", "/dripping-chunks", locked=False)
    def drip_chunks(self, request: Request) -> Response:
        return Response(stream=self._drops())

    def _drops(self) -> Iterable[bytes]:
        while not self.stopping.wait(0.02):
            yield b" "

    @route("GET", "/stalling", locked=False)
    def stall(self, request: Request) -> Response:
        return Response(stream=self._late_then_never())

    def _late_then_never(self) -> Iterable[bytes]:
        self.stopping.wait(0.8)
        yield b"{"
        self.stopping.wait(20)
        yield b"}"

    @route("GET", "/hanging")
    def hang(self, request: Request) -> Response:
        return Response(body="{}", wire=Wire(hold_seconds=20))

    @route("POST", "/cut")
    def cut(self, request: Request) -> Response:
        return Response(wire=Wire(cut="close"))

    @route("POST", "/reset")
    def reset_connection(self, request: Request) -> Response:
        return Response(wire=Wire(cut="reset"))

    @route("GET", "/endless")
    def endless(self, request: Request) -> Response:
        return Response(stream=iter(lambda: b"x" * 65536, b""))

    @route("GET", "/bomb")
    def bomb(self, request: Request) -> Response:
        return Response(body=gzip.compress(b"0" * 20_000_000), headers={"Content-Encoding": "gzip"})

    @route("GET", "/zipped")
    def zipped(self, request: Request) -> Response:
        return Response(body=gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})

    @route("GET", "/not-zipped")
    def not_zipped(self, request: Request) -> Response:
        return Response(body=b'{"a": 1}', headers={"Content-Encoding": "gzip"})

    @route("GET", "/moved")
    def moved(self, request: Request) -> Response:
        return Response(302, b"x" * 1000, {"Location": f"{self.public_url}/numbers"})


@pytest.fixture(scope="module")
def rogue() -> Iterator[Running]:
    with serve(Rogue()) as running:
        yield running


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers it got and the port they came from; `/short` breaks off."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        if self.path == "/short":
            self.send_header("Content-Length", "20")
            self.end_headers()
            self.wfile.write(b"{")
            self.close_connection = True
            return
        body = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        body += f"port: {self.client_address[1]}"
        self.send_header("Set-Cookie", "stuck=yes; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class EchoServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that refuses the certificate is meant."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    yield from serving(EchoServer(("127.0.0.1", 0), Echo))


def serving(server: EchoServer) -> Iterator[EchoServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def get(
    url: str,
    *,
    method: str = "GET",
    profile: Profile = CALM,
    transport: Transport | None = None,
    **call: Any,
) -> Answer | Silence:
    """What comes back, judged to be neither good nor bad."""
    transport = transport or Transport("vendor", profile)
    seen: list[Answer | Silence] = []

    def judge(result: Answer | Silence) -> Judgement:
        seen.append(result)
        return Judgement(failure=None if isinstance(result, Answer) else LookupError())

    try:
        transport.send(Call(method, "/x", url, **call), until=transport.deadline(), judge=judge)
    except LookupError:
        return seen[0]
    return seen[0]


def answered(result: Answer | Silence) -> Answer:
    assert isinstance(result, Answer)
    return result


def test_reads_fractions_as_decimals_and_never_as_floats(rogue: Running) -> None:
    assert repr(answered(get(rogue.url + "/numbers")).json) == repr(
        {"price": Decimal("17.10"), "seats": 3}
    )


@pytest.mark.parametrize("path", ["/nan", "/nowhere/../moved"])
def test_what_is_not_json_is_told_apart(rogue: Running, path: str) -> None:
    answer = answered(get(rogue.url + path))

    assert not answer.is_json
    with pytest.raises(NotJson):
        _ = answer.json


@pytest.mark.parametrize("path", ["/dripping-head", "/dripping-body", "/dripping-chunks"])
def test_a_server_that_drips_is_left_when_the_time_is_over(rogue: Running, path: str) -> None:
    patient = QUICK._replace(read=10)
    began = monotonic()

    result = get(rogue.url + path, profile=patient)

    assert isinstance(result, Silence)
    assert result.was_sent
    assert 0.35 < monotonic() - began < 8


def test_a_server_that_stalls_late_is_not_given_the_read_time_anew(rogue: Running) -> None:
    began = monotonic()

    result = get(rogue.url + "/stalling", profile=QUICK._replace(read=10, total=1))

    assert isinstance(result, Silence)
    assert monotonic() - began < 8


def test_a_server_that_hangs_is_left_after_the_read_time(rogue: Running) -> None:
    began = monotonic()

    result = get(rogue.url + "/hanging", profile=QUICK._replace(total=10))

    assert result == Silence(was_sent=True, why="ReadTimeout")
    assert monotonic() - began < 8


@pytest.mark.parametrize("path", ["/cut", "/reset"])
def test_a_lost_answer_is_known_to_have_been_asked_for(rogue: Running, path: str) -> None:
    assert get(rogue.url + path, method="POST", body=b"{}") == Silence(
        was_sent=True, why="ConnectionError"
    )


def test_half_an_answer_is_none(echo: EchoServer) -> None:
    result = get(echo.url + "/short")

    assert isinstance(result, Silence)
    assert result.was_sent


def test_a_body_that_only_claims_to_be_compressed_is_no_answer(rogue: Running) -> None:
    assert get(rogue.url + "/not-zipped") == Silence(was_sent=True, why="DecodeError")


def test_a_closed_port_is_known_not_to_have_been_asked() -> None:
    with serve(Rogue()) as running:
        gone = running.url

    assert get(gone + "/cut", method="POST") == Silence(was_sent=False, why="ConnectionError")


def test_a_call_after_its_deadline_is_not_sent(rogue: Running) -> None:
    transport = Transport("vendor", CALM)
    results: list[Answer | Silence] = []

    def judge(result: Answer | Silence) -> Judgement:
        results.append(result)
        return Judgement(failure=LookupError())

    with pytest.raises(LookupError):
        transport.send(
            Call("GET", "/x", rogue.url + "/numbers"), until=monotonic() - 1, judge=judge
        )

    assert results == [Silence(was_sent=False, why="out_of_time")]


@pytest.mark.parametrize("path", ["/endless", "/bomb"])
def test_reads_no_more_than_the_cap_even_when_unpacked(rogue: Running, path: str) -> None:
    answer = answered(get(rogue.url + path, cap=100_000))

    assert (answer.status, answer.body, answer.is_whole) == (200, b"", False)
    assert not answer.is_json


def test_takes_compressed_answers_and_a_body_exactly_at_the_cap(rogue: Running) -> None:
    answer = answered(get(rogue.url + "/zipped", cap=8))

    assert answer.json == {"a": 1}


def test_a_redirect_is_an_answer_and_nobody_goes_there(rogue: Running) -> None:
    rogue.stand_in.journal.clear()

    answer = answered(get(rogue.url + "/moved"))

    assert answer.status == 302
    assert [entry["path"] for entry in rogue.stand_in.journal.entries("")] == ["/moved"]


def test_takes_neither_proxies_nor_passwords_from_the_environment(
    echo: EchoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    said = answered(get(echo.url)).body.decode()

    assert f"User-Agent: Tessera/{VERSION}\n" in said
    assert "Accept-Encoding: gzip\n" in said
    assert "Authorization" not in said


def test_names_the_version_that_the_project_has() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())

    assert project["project"]["version"] == VERSION


def test_keeps_no_cookies_and_reuses_its_connection_until_it_is_stale(echo: EchoServer) -> None:
    at = NOW
    transport = Transport("vendor", CALM, now=lambda: at)

    said = []
    for seconds in (0, 49, 49, 51):
        at += timedelta(seconds=seconds)
        said.append(answered(get(echo.url, transport=transport)).body.decode())

    assert "Cookie" not in said[1]
    ports = [text.rpartition("port: ")[2] for text in said]
    assert ports[0] == ports[1] == ports[2] != ports[3]


def test_tells_the_facts_of_every_exchange_and_nothing_that_was_said(rogue: Running) -> None:
    seen: list[Exchange] = []
    transport = Transport("vendor", CALM, observe=seen.append)
    call = Call(
        "GET",
        "/numbers/{key}",
        rogue.url + "/numbers?email=ana@example.com",
        headers={"Authorization": "Bearer top-secret"},
        attempt=2,
        generation=3,
        track_id="order-1",
    )

    transport.send(
        call,
        until=transport.deadline(),
        judge=lambda _: Judgement(request_id="req-1", codes=(50000040,)),
    )

    assert [exchange._replace(ms=0) for exchange in seen] == [
        Exchange(
            vendor="vendor",
            method="GET",
            route="/numbers/{key}",
            outcome="answered",
            status=200,
            ms=0,
            attempt=2,
            generation=3,
            request_id="req-1",
            track_id="order-1",
            codes=(50000040,),
            why=None,
            is_our_fault=False,
        )
    ]
    assert "secret" not in repr(seen)
    assert "ana@" not in repr(seen)


def test_a_failure_is_observed_before_it_is_raised(rogue: Running) -> None:
    seen: list[Exchange] = []
    transport = Transport("vendor", CALM, observe=seen.append)

    with pytest.raises(LookupError):
        transport.send(
            Call("POST", "/cut", rogue.url + "/cut"),
            until=transport.deadline(),
            judge=lambda _: Judgement("ambiguous", LookupError(), is_our_fault=True),
        )

    [exchange] = seen
    assert (exchange.outcome, exchange.status, exchange.why) == (
        "ambiguous",
        None,
        "ConnectionError",
    )
    assert exchange.is_our_fault


def test_silence_cannot_be_judged_to_be_fine(rogue: Running) -> None:
    transport = Transport("vendor", CALM)

    with pytest.raises(TypeError):
        transport.send(
            Call("POST", "/cut", rogue.url + "/cut"),
            until=transport.deadline(),
            judge=lambda _: Judgement(),
        )


def test_an_answer_keeps_its_body_out_of_what_is_printed(rogue: Running) -> None:
    assert "17.10" not in repr(get(rogue.url + "/numbers"))


def test_a_worker_starts_a_call_only_when_all_of_it_fits() -> None:
    assert Transport("vendor", WORKER, time_left=lambda: 139).deadline() > monotonic() + 127

    with pytest.raises(OutOfTime):
        Transport("vendor", WORKER, time_left=lambda: 137).deadline()


def test_an_interactive_call_makes_do_with_what_is_left() -> None:
    left = Transport("vendor", INTERACTIVE, time_left=lambda: 6).deadline() - monotonic()
    assert 4 < left <= 5

    with pytest.raises(OutOfTime):
        Transport("vendor", INTERACTIVE, time_left=lambda: 0.5).deadline()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[EchoServer, Path]]:
    """A server with a certificate that only whoever is given it trusts."""
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = EchoServer(("127.0.0.1", 0), Echo)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    for running in serving(server):
        yield running, certificate


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_speaks_tls_only_with_whom_it_trusts(secure: tuple[EchoServer, Path]) -> None:
    server, certificate = secure
    url = server.url.replace("http:", "https:")
    trusting = new_session()
    trusting.verify = str(certificate)

    assert get(url, method="GET") == Silence(was_sent=False, why="SSLError")
    assert answered(get(url, transport=Transport("vendor", CALM, session=trusting))).status == 200
