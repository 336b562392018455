"""The API on one short, fixed address: a reverse proxy before the emulator's HTTP API.

`{api}.execute-api.localhost` resolves in browsers and curl but not in Python's resolver on Linux,
so the front door listens on plain `localhost` and asks for `/_aws/execute-api/{api}/…`.
"""

import http.client
import http.server
import json
import select
import socket
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

# API Gateway's own limit for an HTTP API's request and response.
MAX_BODY = 10 * 1024 * 1024
MAX_CONNECTIONS = 256
_CONNECT_SECONDS = 2
_CLIENT_IDLE_SECONDS = 75
_PLACE_SECONDS = 5
# API Gateway gives up after 30 s, so no function that is waited for takes longer.
_ANSWER_SECONDS = 35
_ONE_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class _Refused(Exception):
    """The request cannot be passed on: `status`, then what is wrong with it."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


class FrontDoor:
    """Listens on 127.0.0.1 from `start` to `stop`, in threads of this process.

    with FrontDoor(port=8080, upstream_port=4566, api="a1b2c3d4"):
        requests.get("http://localhost:8080/api/…")
    """

    def __init__(self, *, port: int, upstream_port: int, api: str) -> None:
        self._server = _Server(port, upstream_port, f"/_aws/execute-api/{api}")
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="front door", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests; those under way get their answer."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, upstream_port: int, prefix: str) -> None:
        self.upstream_port = upstream_port
        self.prefix = prefix
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(("127.0.0.1", port), _Exchange)

    def process_request(self, request: Any, client_address: Any) -> None:
        # Further callers wait in the listen queue for a while, then their connection is closed.
        if not self._places.acquire(timeout=_PLACE_SECONDS):
            raise TimeoutError("no place for a further connection")
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up in mid-sentence is not worth a traceback on the screen."""


class _Exchange(http.server.BaseHTTPRequestHandler):
    """One caller's connection, with one kept connection to the emulator."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = _CLIENT_IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    _upstream: http.client.HTTPConnection | None = None

    def forward(self) -> None:
        try:
            body = self._body()
            answer, content = self._ask(body)
        except _Refused as refused:
            self._refuse(refused)
            return
        # The emulator's own Server and Date travel on; send_response would add another pair.
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _ONE_HOP and name.lower() != "content-length":
                self.send_header(name, value)
        if self.command == "HEAD":
            if (length := answer.getheader("Content-Length")) is not None:
                self.send_header("Content-Length", length)
        elif answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = forward

    def finish(self) -> None:
        self._hang_up()
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """The functions' own logs tell what was asked; a second access log tells nothing more."""

    def _body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", [])
        coding = self.headers.get("Transfer-Encoding")
        if coding is not None:
            if lengths or coding.strip().lower() != "chunked":
                self.close_connection = True
                raise _Refused(400, "Bad Request", "The body's length is given in two ways.")
            return self._chunks()
        if not lengths:
            return b""
        if len(lengths) > 1 or not lengths[0].isascii() or not lengths[0].isdigit():
            self.close_connection = True
            raise _Refused(400, "Bad Request", "Content-Length is not one number.")
        if int(lengths[0]) > MAX_BODY:
            raise self._too_large()
        return self._exactly(int(lengths[0]))

    def _chunks(self) -> bytes:
        content = bytearray()
        while True:
            line = self.rfile.readline(1024)
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError as error:
                self.close_connection = True
                raise _Refused(400, "Bad Request", "The body is not well chunked.") from error
            if size < 0 or len(content) + size > MAX_BODY:
                raise self._too_large()
            if size == 0:
                break
            content += self._exactly(size)
            self.rfile.readline(3)
        for _ in range(100):  # trailers
            if self.rfile.readline(65_537).strip() == b"":
                break
        return bytes(content)

    def _exactly(self, size: int) -> bytes:
        content = self.rfile.read(size)
        if len(content) < size:
            self.close_connection = True
            raise _Refused(400, "Bad Request", "The body ended before its length.")
        return content

    def _too_large(self) -> _Refused:
        self.close_connection = True  # the rest of the body is not read
        return _Refused(413, "Content Too Large", "A body may have 10 MB at most.")

    def _ask(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        """Pass the request on as it came, target and header lines untouched."""
        if not self.path.startswith("/"):
            raise _Refused(400, "Bad Request", "Ask for a path that begins with a slash.")
        upstream = self._connected()
        try:
            upstream.putrequest(
                self.command,
                self.server.prefix + self.path,
                skip_host=True,
                skip_accept_encoding=True,
            )
            for name, value in self._request_headers(body):
                upstream.putheader(name, value)
        except (ValueError, http.client.InvalidURL) as error:
            self._hang_up()
            raise _Refused(
                400, "Bad Request", "The request line or a header is malformed."
            ) from error
        try:
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            content = answer.read(MAX_BODY + 1)
        except TimeoutError as error:
            self._hang_up()
            raise _Refused(
                504, "Gateway Timeout", f"The local AWS took longer than {_ANSWER_SECONDS} s."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            raise _away() from error
        if answer.length:  # http.client tells of a body cut short only in this way
            self._hang_up()
            raise _away()
        if len(content) > MAX_BODY:
            self._hang_up()
            raise _Refused(502, "Bad Gateway", "The answer has more than 10 MB.")
        return answer, content

    def _request_headers(self, body: bytes) -> Iterable[tuple[str, str]]:
        """The caller's own, and the three that API Gateway adds."""
        forwarded_for = self.headers.get_all("X-Forwarded-For", [])
        replaced = {"content-length", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
        for name, value in self.headers.items():
            if name.lower() not in _ONE_HOP | replaced:
                yield name, value
        if body or self.headers.get("Content-Length") is not None:
            yield "Content-Length", str(len(body))
        yield "X-Forwarded-For", ", ".join([*forwarded_for, self.client_address[0]])
        yield "X-Forwarded-Port", str(self.server.server_address[1])
        yield "X-Forwarded-Proto", "http"

    def _connected(self) -> http.client.HTTPConnection:
        """The kept connection, unless the emulator has closed it in the meantime."""
        kept = self._upstream
        if kept is not None and kept.sock is not None:
            if not select.select([kept.sock], [], [], 0)[0]:
                return kept
            self._hang_up()
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.server.upstream_port, timeout=_CONNECT_SECONDS
        )
        try:
            connection.connect()
        except OSError as error:
            raise _away() from error
        connection.sock.settimeout(_ANSWER_SECONDS)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._upstream = connection
        return connection

    def _hang_up(self) -> None:
        if self._upstream is not None:
            self._upstream.close()
            self._upstream = None

    def _refuse(self, refused: _Refused) -> None:
        problem = {
            "type": "about:blank",
            "title": refused.title,
            "status": refused.status,
            "detail": refused.detail,
            "message": refused.detail,
        }
        content = json.dumps(problem).encode()
        self.send_response(refused.status, refused.title)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _away() -> _Refused:
    return _Refused(
        502,
        "Bad Gateway",
        "The local AWS does not answer. It may be starting again; try once more.",
    )
