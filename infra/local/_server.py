"""The server every stand-in runs on: sockets in, `StandIn.answer`, bytes out; and its command line.

class Zuora(StandIn):
    def seed(self, name): self.state = {...}
    @route("GET", "/v1/subscriptions/{key}")
    def read(self, request): return Response(body={"id": request.params["key"]})

with serve(Zuora()) as running: requests.get(running.url + "/v1/subscriptions/A-S1")
if __name__ == "__main__": main(Zuora, 9101)
"""

import argparse
import contextlib
import errno
import select
import signal
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from infra.local._http import (
    Headers,
    NotJson,
    Refused,
    Request,
    Response,
    Wire,
    read_json,
    route,
    write_json,
)
from infra.local._standin import SEEDS, StandIn, StateUnreadable

__all__ = [
    "Headers",
    "NotJson",
    "Refused",
    "Request",
    "Response",
    "Running",
    "StandIn",
    "Wire",
    "main",
    "read_json",
    "route",
    "serve",
    "write_json",
]

LARGEST_BODY = 10 * 1024 * 1024
IDLE_SECONDS = 60
MOST_CONNECTIONS = 500
REASONS = {status.value: status.phrase for status in HTTPStatus}


class _Exchange(BaseHTTPRequestHandler):
    """One connection: reads requests, asks the stand-in, writes what it says as it says it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: "_Server"

    def _exchange(self) -> None:
        body = self._body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        request = Request(
            self.command,
            path,
            parse_qs(query, keep_blank_values=True),
            Headers(self.headers.items()),
            body,
        )
        self._send(self.server.stand_in.answer(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _exchange

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: `/_control/requests` is the log."""

    def _body(self) -> bytes | None:
        """The request's body, or None when it was refused unread."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            self._refuse(411, "Say how long the body is; chunked bodies are not taken.")
        elif not (length.isascii() and length.isdigit()):
            self._refuse(400, "Content-Length is not a number.")
        elif int(length) > LARGEST_BODY:
            self._refuse(413, f"Bodies end at {LARGEST_BODY} bytes.")
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                return body
            self.close_connection = True
        return None

    def _refuse(self, status: int, message: str) -> None:
        # What was not read would be taken for the next request, so the connection ends here.
        self._send(Response(status, {"message": message}, {"Connection": "close"}))
        self.close_connection = True

    def _send(self, response: Response) -> None:
        wire = response.wire
        if wire.hold_seconds and not self._client_waits(wire.hold_seconds):
            self.close_connection = True
            return
        if wire.cut:
            self._cut(reset=wire.cut == "reset")
            return
        head, body = self._written(response)
        if wire.byte_seconds:
            self._drip(head, body, wire)
            return
        self.wfile.write(head + body)
        if response.stream is not None and self.command != "HEAD":
            for piece in response.stream:
                if self.server.stand_in.stopping.is_set():
                    self.close_connection = True
                    return
                if piece:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    def _written(self, response: Response) -> tuple[bytes, bytes]:
        body, kind = response.content()
        fields = {name.lower(): (name, value) for name, value in response.headers.items()}
        fields.setdefault("date", ("Date", self.date_time_string()))
        if kind is not None:
            fields.setdefault("content-type", ("Content-Type", kind))
        if response.status in (204, 304):
            body = b""
        elif response.stream is not None:
            fields["transfer-encoding"] = ("Transfer-Encoding", "chunked")
        else:
            fields["content-length"] = ("Content-Length", str(len(body)))
        if "close" in fields.get("connection", ("", ""))[1].lower():
            self.close_connection = True
        lines = [*fields.values(), *(("Set-Cookie", cookie) for cookie in response.cookies)]
        reason = REASONS.get(response.status, "")
        head = f"HTTP/1.1 {response.status} {reason}\r\n"
        for name, value in lines:
            # A line break in a value would begin a field, or a body, of its own.
            head += f"{name}: {' '.join(str(value).splitlines())}\r\n"
        head += "\r\n"
        return head.encode("latin-1", "replace"), b"" if self.command == "HEAD" else body

    def _drip(self, head: bytes, body: bytes, wire: Wire) -> None:
        if not wire.drip_head:
            self.wfile.write(head)
        for byte in head + body if wire.drip_head else body:
            if self.server.stand_in.stopping.wait(wire.byte_seconds):
                self.close_connection = True
                return
            self.wfile.write(bytes((byte,)))

    def _client_waits(self, seconds: float) -> bool:
        """Waits; false as soon as the client has gone, which `stop` also looks like."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if not readable:
            return True
        if self.connection.recv(1, socket.MSG_PEEK) == b"":
            return False
        return not self.server.stand_in.stopping.wait(seconds)  # it sent its next request early

    def _cut(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            # Lingering for no time makes closing send a reset. The descriptor is closed by hand,
            # because the socket object would first say good-bye in order.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that stopping ends them instead of waiting for them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, stand_in: StandIn, port: int) -> None:
        self.stand_in = stand_in
        self._guard = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", port), _Exchange)

    def server_bind(self) -> None:
        # HTTPServer asks the resolver for its own name here, which can take seconds offline.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        arguments = (request, client_address)
        thread = threading.Thread(target=self.process_request_thread, args=arguments, daemon=True)
        with self._guard:
            crowded = len(self._open) >= MOST_CONNECTIONS
            if not crowded:
                self._open[thread] = request
        if crowded:
            self.shutdown_request(request)
        else:
            thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                del self._open[threading.current_thread()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):  # the client left
            super().handle_error(request, client_address)

    def end_connections(self) -> None:
        with self._guard:
            open_now = dict(self._open)
        for connection in open_now.values():
            with contextlib.suppress(OSError):  # it ended by itself meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_now:
            thread.join(timeout=2)


class Running:
    """A stand-in that answers; stops at the end of a `with` block or when told to."""

    def __init__(self, stand_in: StandIn, server: _Server) -> None:
        self.stand_in = stand_in
        self.port = server.server_port
        self.url = f"http://localhost:{self.port}"
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends it with everything under way; what was answered is in the state file."""
        self._server.shutdown()
        self.stand_in.close()
        self._server.end_connections()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve(stand_in: StandIn, port: int = 0) -> Running:
    """Starts a stand-in on 127.0.0.1; port 0 takes a free one. Raises OSError if it is taken."""
    server = _Server(stand_in, port)
    stand_in.public_url = stand_in.public_url or f"http://localhost:{server.server_port}"
    stand_in.save()
    return Running(stand_in, server)


def main(
    factory: Callable[..., StandIn],
    default_port: int,
    add_options: Callable[[argparse.ArgumentParser], None] | None = None,
) -> None:
    """The command line of a stand-in: runs it until SIGTERM or SIGINT.

    `factory` is called with `state_path`, `seed` and every option that `add_options` defined.
    """
    parser = argparse.ArgumentParser(description=factory.__doc__)
    parser.add_argument("--port", type=int, default=default_port, help="0 takes a free one")
    parser.add_argument("--state", type=Path, default=None, help="file that keeps its state")
    parser.add_argument("--seed", choices=SEEDS, default="demo", help="when there is no state yet")
    if add_options is not None:
        add_options(parser)
    given = vars(parser.parse_args())
    port, state, seed = given.pop("port"), given.pop("state"), given.pop("seed")
    told_to_stop = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        told_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        running = serve(factory(state_path=state, seed=seed, **given), port)
    except StateUnreadable as problem:
        raise SystemExit(str(problem)) from problem
    except OSError as problem:
        if problem.errno != errno.EADDRINUSE:
            raise
        raise SystemExit(
            f"Port {port} is taken by another program; stop it or choose another with --port."
        ) from problem
    with running:
        print(f"ready {running.url}", flush=True)
        told_to_stop.wait()
