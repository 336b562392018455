"""What a hostile receiver can cost: bounded time, bounded bytes, and no wrong outcome."""

import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tessera.webhooks import egress as module
from tessera.webhooks.destination import Address
from tessera.webhooks.egress import DEADLINE, Call, Dial, Egress
from tessera.webhooks.outcome import Answer, Outcome
from tests.webhooks.conftest import Serve
from tests.webhooks.receiver import (
    OK,
    Authority,
    Conversation,
    Script,
    answers,
    answers_and_hangs_up,
)

URL = "https://hooks.example/in"
SOON = 0.4
"""Seconds of a deadline that a test waits for."""
BOUNDED = SOON + 7.0
"""With room for a machine that does other things too."""


def post(egress: Egress, url: str, **more: Any) -> Answer:
    return egress.post(url, {"webhook-id": "event-1"}, b"{}", **more)


def timed(egress: Egress, url: str, **more: Any) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = post(egress, url, deadline=SOON, **more)
    return answer, time.monotonic() - began


def until(condition: Callable[[], Any]) -> None:
    """Waits for what another thread is about to do."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.002)


def drips(*, before: bytes, drop: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        next(conversation.requests())
        conversation.say(before)
        conversation.drip(drop * 100_000)

    return script


def test_the_deadline_is_fifteen_seconds_unless_said() -> None:
    assert DEADLINE == 15.0


def never_answers(conversation: Conversation) -> None:
    conversation.hang()


@pytest.mark.parametrize(
    "script",
    [
        never_answers,
        drips(before=b"", drop=b"H"),
        drips(before=b"HTTP/1.1 200 OK\r\nx: ", drop=b"y"),
        drips(before=b"HTTP/1.1 200 OK\r\n", drop=b"x: y\r\n"),
        drips(before=b"", drop=b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silent", "status", "header", "headers", "continue"],
)
def test_a_receiver_that_never_completes_its_headers_costs_the_deadline(
    serve: Serve, way_out: Any, script: Script
) -> None:
    receiver = serve(script)

    answer, took = timed(way_out(receiver), receiver.url)

    assert (answer.outcome, answer.status) == (Outcome.TIMEOUT, None)
    assert SOON <= took < BOUNDED


def test_an_abort_that_looks_like_a_complete_200_is_a_timeout(serve: Serve, way_out: Any) -> None:
    def script(conversation: Conversation) -> None:
        next(conversation.requests())
        conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n")
        conversation.hang()

    receiver = serve(script)

    answer, took = timed(way_out(receiver), receiver.url)

    assert (answer.outcome, answer.status) == (Outcome.TIMEOUT, None)
    assert took < BOUNDED


def test_a_whole_answer_that_comes_after_the_abort_is_a_timeout_too(
    serve: Serve, way_out: Any
) -> None:
    call = Call()

    def script(conversation: Conversation) -> None:
        next(conversation.requests())
        # Between the flag and the shutdown of the socket an answer can still arrive.
        call.aborted = True
        conversation.say(OK)

    receiver = serve(script)

    answer = post(way_out(receiver), receiver.url, call=call)

    assert (answer.outcome, answer.status) == (Outcome.TIMEOUT, None)


def test_a_connection_that_ends_inside_the_headers_is_no_answer(serve: Serve, way_out: Any) -> None:
    receiver = serve(answers_and_hangs_up(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n"))

    answer = post(way_out(receiver), receiver.url)

    assert (answer.outcome, answer.status) == (Outcome.CONNECTION_ERROR, None)


@pytest.mark.parametrize("connection", [b"keep-alive", b"close"])
def test_a_body_that_drips_shortens_the_excerpt_only(
    serve: Serve, way_out: Any, connection: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\nconnection: %b\r\ncontent-length: 100000\r\n\r\n" % connection
    receiver = serve(drips(before=head, drop=b"x"))

    answer, took = timed(way_out(receiver), receiver.url)

    assert (answer.outcome, answer.status) == (Outcome.DELIVERED, 200)
    assert set(answer.excerpt) == {"x"}
    assert answer.ms < SOON * 1_000
    assert took < BOUNDED


def test_a_tls_handshake_that_drips_is_no_connection(
    serve: Serve, public: Callable[..., Egress], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The head of a TLS record that announces more than ever comes.
    receiver = serve(lambda conversation: conversation.drip(b"\x16\x03\x03\x3f\xff" + bytes(9_999)))
    monkeypatch.setattr(module, "CONNECT_WITHIN", SOON / 2)

    answer, took = timed(public(receiver), URL)

    assert answer.outcome is Outcome.CONNECT_TIMEOUT
    assert took < BOUNDED


def test_a_call_is_cut_inside_its_tls_handshake(
    serve: Serve, public: Callable[..., Egress]
) -> None:
    receiver = serve(never_answers)
    egress, call = public(receiver), Call()

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(post, egress, URL, call=call)
        until(lambda: receiver.conversations)
        call.abort()

        assert sending.result(5).outcome is Outcome.TIMEOUT


def test_drips_over_tls_cost_the_deadline(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    script = drips(before=b"HTTP/1.1 200 OK\r\nx: ", drop=b"y")
    receiver = serve(script, authority.context("hooks.example"))

    answer, took = timed(public(receiver), URL)

    assert (answer.outcome, answer.status) == (Outcome.TIMEOUT, None)
    assert took < BOUNDED


def test_a_kept_tls_connection_is_cut_at_the_deadline_too(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    def script(conversation: Conversation) -> None:
        requests_ = conversation.requests()
        next(requests_)
        conversation.say(OK)
        next(requests_)
        conversation.drip(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 9_999)

    receiver = serve(script, authority.context("hooks.example"))
    egress = public(receiver)

    first = post(egress, URL)
    second, took = timed(egress, URL)

    assert (first.outcome, second.outcome) == (Outcome.DELIVERED, Outcome.TIMEOUT)
    assert len(receiver.conversations) == 1
    assert took < BOUNDED


def test_a_slow_name_server_counts_against_the_deadline(way_out: Any) -> None:
    released = threading.Event()
    dialled: list[Address] = []

    def resolver(host: str, port: int) -> list[Address]:
        released.wait(2 * SOON)
        return [Address(socket.AF_INET, ("8.8.8.8", port))]

    answer, took = timed(
        way_out(resolver=resolver, dial=lambda address, *_: dialled.append(address)), URL
    )

    assert answer.outcome is Outcome.TIMEOUT
    assert dialled == []
    assert took < 2 * SOON + BOUNDED


def test_a_receiver_that_does_not_read_costs_the_deadline(
    serve: Serve, way_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(conversation: Conversation) -> None:
        next(conversation.requests())
        conversation.say(OK)
        conversation.ignore()

    receiver = serve(script)
    egress = way_out(receiver)
    assert post(egress, receiver.url).outcome is Outcome.DELIVERED
    monkeypatch.setattr(module, "CONNECT_WITHIN", SOON / 4)

    began = time.monotonic()
    answer = egress.post(receiver.url, {}, b"x" * 50_000_000, deadline=SOON)
    took = time.monotonic() - began

    assert answer.outcome is Outcome.TIMEOUT
    assert SOON <= took < BOUNDED
    assert len(receiver.conversations) == 1


class CountingSocket(socket.socket):
    taken = 0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        count = super().recv_into(*args, **kwargs)
        CountingSocket.taken += count
        return count


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Dial:
    """Opens sockets that count what is read from them."""
    monkeypatch.setattr(CountingSocket, "taken", 0)

    def dial(address: Address, seconds: float, options: Sequence[Any]) -> socket.socket:
        opened = CountingSocket(address.family, socket.SOCK_STREAM)
        opened.connect(address.sockaddr)
        return opened

    return dial


def floods(head: bytes, flood: bytes) -> Script:
    def script(conversation: Conversation) -> None:
        next(conversation.requests())
        conversation.say(head)
        for _ in range(1_000_000_000 // len(flood)):
            conversation.say(flood)

    return script


def test_unpacks_nothing(serve: Serve, way_out: Any) -> None:
    bomb = gzip.compress(b"x" * 5_000_000)
    head = b"HTTP/1.1 500 No\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    receiver = serve(answers(head + bomb))

    assert post(way_out(receiver), receiver.url).excerpt == f"binary, {len(bomb)} bytes"


KILOBYTE = b"x" * 1_024
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "flood"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n", KILOBYTE),
        (b"HTTP/1.1 200 OK\r\n\r\n", KILOBYTE),
        (b"HTTP/1.1 500 No\r\n\r\n", KILOBYTE),
        (b"HTTP/1.1 302 Away\r\nlocation: /x\r\n\r\n", KILOBYTE),
        (CHUNKED, b"400\r\n" + KILOBYTE + b"\r\n"),
        (CHUNKED, b"1;" + KILOBYTE + b"\r\nx\r\n"),
        (CHUNKED + b"0\r\n", b"x: " + KILOBYTE + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", bytes(1_024)),
    ],
    ids=["length", "until close", "failure", "redirect", "chunked", "chunks", "trailers", "gzip"],
)  # fmt: skip
def test_reads_at_most_16_kb_of_a_body_of_a_gigabyte(
    serve: Serve, way_out: Any, counting: Dial, head: bytes, flood: bytes
) -> None:
    receiver = serve(floods(head, flood))

    answer, took = timed(way_out(receiver, dial=counting), receiver.url)

    assert answer.status == int(head[9:12])
    assert CountingSocket.taken <= len(head) + 16_384
    assert len(answer.excerpt) <= 4_096
    assert took < BOUNDED
    until(lambda: not receiver._threads[0].is_alive())  # it was hung up on


@pytest.mark.parametrize(
    ("head", "flood"),
    [
        (b"", KILOBYTE),
        (b"HTTP/1.1 200 OK\r\nx: ", KILOBYTE),
        (b"HTTP/1.1 200 OK\r\n", b"x: " + KILOBYTE + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\nx: " + KILOBYTE + b"\r\n\r\n"),
    ],
    ids=["status", "header", "headers", "many headers", "continue", "hints", "long continue"],
)
def test_reads_no_endless_head(
    serve: Serve, way_out: Any, counting: Dial, head: bytes, flood: bytes
) -> None:
    receiver = serve(floods(head, flood))

    answer, took = timed(way_out(receiver, dial=counting), receiver.url)

    assert (answer.outcome, answer.status) == (Outcome.CONNECTION_ERROR, None)
    assert CountingSocket.taken <= 65_536
    assert took < BOUNDED


def test_reads_an_answer_that_just_fits_and_keeps_the_connection(
    serve: Serve, way_out: Any
) -> None:
    body = b"x" * 16_384
    receiver = serve(answers(b"HTTP/1.1 500 No\r\ncontent-length: 16384\r\n\r\n" + body))
    egress = way_out(receiver)

    excerpts = {post(egress, receiver.url).excerpt for _ in range(2)}

    assert excerpts == {"x" * 4_096}
    assert len(receiver.conversations) == 1


def test_never_uses_a_connection_again_whose_answer_was_not_read_to_its_end(
    serve: Serve, way_out: Any
) -> None:
    smuggled = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
    long = b"HTTP/1.1 200 OK\r\ncontent-length: 16500\r\n\r\n" + b"x" * 16_384 + smuggled
    receiver = serve(answers(long, OK))
    egress = way_out(receiver)

    statuses = [post(egress, receiver.url).status for _ in range(2)]

    assert statuses == [200, 200]
    assert len(receiver.conversations) == 2


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 99 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 101 + b"\r\n",
    ],
)
def test_what_is_no_http_answer_is_a_connection_error(
    serve: Serve, way_out: Any, reply: bytes
) -> None:
    receiver = serve(answers_and_hangs_up(reply))

    answer = post(way_out(receiver), receiver.url)

    assert (answer.outcome, answer.status) == (Outcome.CONNECTION_ERROR, None)


PIECES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 \r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n"),
        *(b"content-length: 5\r\n", b"content-length: -1\r\n", b"content-length: x\r\n"),
        *(b"transfer-encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"zz\r\n", b": \r\n"),
        *(b"set-cookie: a=b; expires=\xff\r\n", b"content-encoding: gzip, br\r\n", b" folded\r\n"),
        *(b"location: http://[\r\n", b"connection: close\r\n", b"content-type: text/\xff;;=\r\n"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(PIECES | st.binary(max_size=20), max_size=8).map(b"".join))
@example(b"HTTP/1.1 200 OK\r\ncontent-length: 3, 4\r\n\r\n")
def test_any_bytes_are_an_answer_or_a_connection_error(
    serve: Serve, way_out: Any, reply: bytes
) -> None:
    receiver = serve(answers_and_hangs_up(reply))

    answer = post(way_out(receiver), receiver.url, deadline=2.0)

    assert answer.outcome in (
        *(Outcome.DELIVERED, Outcome.REDIRECT, Outcome.GONE, Outcome.HTTP_ERROR),
        Outcome.CONNECTION_ERROR,
    )


def test_a_caller_sees_how_long_a_request_has_been_waiting(serve: Serve, way_out: Any) -> None:
    said = threading.Event()

    def script(conversation: Conversation) -> None:
        next(conversation.requests())
        said.wait(5)
        conversation.say(OK)

    receiver = serve(script)
    egress, call = way_out(receiver), Call()
    assert call.waited() == 0

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(post, egress, receiver.url, call=call)
        until(lambda: call.waited() > 0.05)
        said.set()
        answer = sending.result()

    assert answer.outcome is Outcome.DELIVERED
    assert answer.ms >= 50
    assert call.waited() == 0


def test_a_body_that_is_still_read_is_no_longer_waited_for(serve: Serve, way_out: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"
    receiver = serve(drips(before=head, drop=b"x"))
    egress, call = way_out(receiver), Call()

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(post, egress, receiver.url, call=call)
        until(lambda: receiver.conversations and receiver.conversations[0].sent > len(head) + 2)
        seen = (sending.done(), call.waited())
        call.abort()

    assert seen == (False, 0)
    assert sending.result().outcome is Outcome.DELIVERED


def test_a_caller_can_end_the_wait(serve: Serve, way_out: Any) -> None:
    receiver = serve(never_answers)
    egress, call = way_out(receiver), Call()

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(post, egress, receiver.url, call=call)
        until(lambda: receiver.conversations)
        call.abort()

        assert sending.result(2).outcome is Outcome.TIMEOUT


def test_ending_a_call_that_is_over_disturbs_no_other_on_its_connection(
    serve: Serve, way_out: Any
) -> None:
    over: Call = Call()

    def script(conversation: Conversation) -> None:
        requests_ = conversation.requests()
        next(requests_)
        conversation.say(OK)
        next(requests_)
        over.abort()
        conversation.say(OK)

    receiver = serve(script)
    egress = way_out(receiver)

    outcomes = [post(egress, receiver.url, call=call).outcome for call in (over, Call())]

    assert outcomes == [Outcome.DELIVERED, Outcome.DELIVERED]
    assert len(receiver.conversations) == 1


def test_ending_a_call_whose_connection_already_serves_again_does_not_cut_it(
    serve: Serve, way_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = serve(answers(OK))
    egress, call = way_out(receiver), Call()

    def ended_late(*_: Any, **__: Any) -> str:
        """Stands where the body is read and the connection given back, but the call not over."""
        call.abort()
        return ""

    monkeypatch.setattr(module, "excerpt", ended_late)

    outcomes = [post(egress, receiver.url, call=one).outcome for one in (call, Call())]

    assert outcomes == [Outcome.DELIVERED, Outcome.DELIVERED]
    assert len(receiver.conversations) == 1


def test_nothing_is_sent_once_the_wait_was_ended(
    serve: Serve, public: Callable[..., Egress], authority: Authority
) -> None:
    receiver = serve(answers(OK), authority.context("hooks.example"))
    call = Call()

    def resolver(host: str, port: int) -> list[Address]:
        call.abort()
        return [Address(socket.AF_INET, ("127.0.0.1", receiver.port))]

    answer = post(public(receiver, resolver=resolver), URL, call=call)

    assert (answer.outcome, answer.status) == (Outcome.TIMEOUT, None)
    assert receiver.received == []


def test_every_call_has_its_own_deadline(serve: Serve, way_out: Any) -> None:
    receiver = serve(never_answers)
    egress = way_out(receiver)
    ended: list[float] = []

    def send(deadline: float) -> None:
        began = time.monotonic()
        post(egress, receiver.url, deadline=deadline)
        assert time.monotonic() - began >= deadline
        ended.append(deadline)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(send, [0.9, 0.5, 0.1]))

    assert ended == [0.1, 0.5, 0.9]


def test_no_log_line_holds_the_url(
    serve: Serve, way_out: Any, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = serve(answers_and_hangs_up(b"HTTP/1.1 200 OK\r\n: bad\r\n\r\n"))
    caplog.set_level(logging.INFO)

    post(way_out(receiver), receiver.url + "?token=s3cret")

    assert "s3cret" not in caplog.text


def test_a_header_that_cannot_be_sent_is_our_fault_and_no_outcome(way_out: Any) -> None:
    with pytest.raises(ValueError, match="cannot be sent") as fault:
        way_out().post(URL, {"x": "s3cret\r\n"}, b"{}")

    assert "s3cret" not in f"{fault.value!r} {fault.value.__cause__!r}"
