"""The only way out for a URL that a person typed: one POST, to judged addresses, in bounded time.

The address is chosen where the socket is opened, so that no gap opens between check and use, and
the host name stays what TLS and the `host` header go by. Nothing of the environment takes part, no
redirect, no cookie, no retry. What a receiver can make us read, keep or wait for has a bound.
"""

import http.client
import io
import logging
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from typing import Any, TypeAlias

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util.ssl_ import create_urllib3_context

from tessera.webhooks.destination import (
    Address,
    AddressRefused,
    NameNotFound,
    Permit,
    Reach,
    Resolver,
    UrlRefused,
    addresses,
    canonical,
    may_reach,
    resolve,
)
from tessera.webhooks.outcome import Answer, Outcome, excerpt, kept_headers, of_status

DEADLINE = 15.0
"""Seconds of wall clock, from before the name is looked up to the end of the answer's headers."""
CONNECT_WITHIN = 5.0
LARGEST_HEAD = 64 * 1024
LARGEST_RESPONSE = 16 * 1024
_LEAST_FOR_ONE_ADDRESS = 1.5
"""Seconds, enough for the second SYN when the first is lost."""
_REUSED_WITHIN = 4.0
"""Seconds: a connection idle for longer may be dead, above all after the function was frozen."""
_AT_LEAST = 0.001
"""Seconds: to a socket, a timeout of 0 means not to wait at all."""
_HOSTS_KEPT, _CONNECTIONS_KEPT = 32, 10

SocketOptions: TypeAlias = Sequence[tuple[int, int, int | bytes]]
Dial: TypeAlias = Callable[[Address, float, SocketOptions], socket.socket]
"""Address and seconds to a connected socket. Raises `OSError`."""


class Call:
    """One request under way, for the thread that watches over it.

    Whoever wants to know how long a request has been waiting hands a new one to `Egress.post`.
    """

    def __init__(self) -> None:
        self.aborted = False
        self.connected = False
        self.until = math.inf
        self._since: float | None = None
        self._lock = threading.Lock()
        self._line: socket.socket | None = None

    def waited(self) -> float:
        """Seconds gone without an answer: 0 before the request begins and once its answer came."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def left(self) -> float:
        return self.until - time.monotonic()

    def begin(self, since: float, deadline: float) -> None:
        self._since, self.until = since, since + deadline

    def hold(self, connected: socket.socket) -> None:
        """From now on this connection is the one to cut.

        TLS detaches the socket it wraps, hence a duplicate, which TLS knows nothing of.
        """
        with self._lock:
            if self.aborted:
                raise _NotSent(Outcome.TIMEOUT)
            if self._line is None:
                number, family, kind = connected.fileno(), connected.family, connected.type
                self._line = socket.fromfd(number, family, kind)

    def let_go(self) -> None:
        """The connection is about to serve other requests: it can no longer be cut for this one."""
        with self._lock:
            line, self._line = self._line, None
            if line is not None:
                line.close()

    def abort(self) -> None:
        """Ends the wait wherever it is, from any thread."""
        with self._lock:
            self.aborted = True
            if self._line is not None:
                with suppress(OSError):  # the receiver may have closed it a moment ago
                    self._line.shutdown(socket.SHUT_RDWR)

    def answer(self) -> bool:
        """Did the headers come in time? A cut connection can look like a complete answer."""
        with self._lock:
            self._since = None
            return not self.aborted

    def end(self) -> None:
        self._since = None
        self.let_go()


class Egress:
    """Sends webhooks. One for the life of a process, used by many threads at once."""

    def __init__(
        self,
        reach: Reach,
        *,
        resolver: Resolver = resolve,
        permit: Permit = may_reach,
        dial: Dial | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        """`ca_bundle` is a file of trusted certificates in place of the usual ones."""
        # Its warnings name the URL, whose path and query may hold a receiver's secret.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        self.reach = reach
        self._resolver, self._permit, self._dial = resolver, permit, dial or _dial
        self._deadlines = _Deadlines()
        trusted = create_urllib3_context(
            ssl_minimum_version=ssl.TLSVersion.TLSv1_2, cert_reqs=ssl.CERT_REQUIRED
        )
        trusted.load_verify_locations(ca_bundle or DEFAULT_CA_BUNDLE_PATH)
        self._session = _Session(_Adapter(trusted))

    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        deadline: float = DEADLINE,
        call: Call | None = None,
    ) -> Answer:
        """Sends one request and says what became of it; whatever the receiver does is an answer."""
        call = call or Call()
        began = time.monotonic()
        try:
            # Judged again, since the rules may have changed since the URL was stored.
            sent_to = canonical(url, self.reach)
        except UrlRefused:
            return Answer(Outcome.ADDRESS_REFUSED, ms=0)
        request = _prepared(sent_to, headers, body)
        call.begin(began, deadline)
        self._deadlines.watch(call)
        _here.egress, _here.call = self, call
        try:
            return self._exchange(request, call, began, deadline)
        finally:
            call.end()
            self._deadlines.forget(call)

    def close(self) -> None:
        self._session.close()
        self._deadlines.close()

    def connect(self, host: str, port: int, options: SocketOptions, call: Call) -> socket.socket:
        """A socket connected to an address that was judged, for a connection of the pool."""
        try:
            found = addresses(host, port, self.reach, resolver=self._resolver, permit=self._permit)
        except NameNotFound:
            raise _NotSent(Outcome.DNS_ERROR) from None
        except AddressRefused as refused:
            raise _NotSent(Outcome.ADDRESS_REFUSED, address=refused.address) from None
        until = min(time.monotonic() + CONNECT_WITHIN, call.until)
        outcome = Outcome.CONNECT_TIMEOUT
        for position, address in enumerate(found):
            left = until - time.monotonic()
            if left <= 0:
                break
            fair = max(left / (len(found) - position), _LEAST_FOR_ONE_ADDRESS)
            try:
                connected = self._dial(address, min(left, fair), options)
                with _closed_on_error(connected):
                    _leads_to(address, connected)
                    connected.settimeout(min(CONNECT_WITHIN, max(call.left(), _AT_LEAST)))
                    call.hold(connected)
                return connected
            except TimeoutError:
                outcome = Outcome.CONNECT_TIMEOUT
            except OSError:
                outcome = Outcome.CONNECTION_ERROR
        raise _NotSent(Outcome.TIMEOUT if call.aborted else outcome)

    def _exchange(
        self, request: requests.PreparedRequest, call: Call, began: float, deadline: float
    ) -> Answer:
        try:
            response = self._session.send(
                request,
                stream=True,
                timeout=(min(CONNECT_WITHIN, deadline), deadline),
                allow_redirects=False,
                proxies={},
            )
        except _NotSent as reason:
            return Answer(reason.outcome, _ms(began), refused_address=reason.address)
        except (requests.RequestException, HTTPError) as error:
            outcome, detail = _failure(error, call)
            return Answer(outcome, _ms(began), detail=detail)
        ms = _ms(began)
        try:
            if not call.answer():
                return Answer(Outcome.TIMEOUT, ms)
            outcome = of_status(response.status_code)
            received, complete = _received(response.raw)
            kept = kept_headers(response.raw.headers)
            content_type = kept.get("content-type", "")
            text = excerpt(received, outcome, content_type=content_type, complete=complete)
            return Answer(outcome, ms, response.status_code, kept, text)
        finally:
            response.close()  # an unread rest closes the connection, else it serves again


class _NotSent(Exception):
    """Nothing was sent. Unlike an `OSError` it passes through the libraries untouched."""

    def __init__(self, outcome: Outcome, *, address: str | None = None) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.address = address


class _Here(threading.local):
    """What the connections of this thread work for."""

    egress: Egress
    call: Call


_here = _Here()


class _BoundedBytes(io.RawIOBase):
    """An answer's bytes as they leave the socket, and no more of them than allowed."""

    def __init__(self, raw: Any, allowed: int) -> None:
        self._raw = raw
        self.left = allowed
        self.ended = False
        self.paused = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.paused:
            return None
        if self.left <= 0:
            raise http.client.HTTPException("the answer is longer than allowed")
        count: int | None = self._raw.readinto(memoryview(buffer)[: self.left])
        self.ended = count == 0
        self.left -= count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _HttpResponse(http.client.HTTPResponse):
    """Bounds the bytes of heads, chunks and trailers, which the standard library does not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bytes = _BoundedBytes(self.fp.detach(), LARGEST_HEAD)
        self.fp = io.BufferedReader(self._bytes)

    def _read_status(self) -> tuple[str, int, str]:
        """What is said before the answer is passed over (RFC 9110, 15.2), not only 100.

        Some proxies send 103 ahead of the 200: taken for the answer, it would be a failure.
        """
        version, status, reason = super()._read_status()  # type: ignore[misc]  # untyped there
        is_ahead = 100 < status < 200 and status != http.client.SWITCHING_PROTOCOLS
        return version, http.client.CONTINUE if is_ahead else status, reason

    def begin(self) -> None:
        super().begin()
        if self._bytes.ended:
            # The standard library takes the end of input for the end of the headers, and a
            # connection that broke in the middle for a complete answer.
            raise http.client.RemoteDisconnected("the connection ended inside the headers")
        self._bytes.paused = True
        ahead = len(self.fp.peek())
        self._bytes.paused = False
        self._bytes.left = LARGEST_RESPONSE - ahead


class _Connection(HTTPConnection):
    """Goes where `Egress` says and hands its socket to the call under way."""

    response_class = _HttpResponse
    _answered_at = (0.0, 0.0)

    @property
    def is_connected(self) -> bool:
        """Fit for another request? The pool opens a new connection otherwise."""
        idle = max(now - then for now, then in zip(_clocks(), self._answered_at, strict=True))
        return idle < _REUSED_WITHIN and super().is_connected

    def _new_conn(self) -> socket.socket:
        egress, call = _here.egress, _here.call
        is_secure = isinstance(self, HTTPSConnection)
        if not is_secure and not egress.reach.is_private(self.host, self.port):
            raise _NotSent(Outcome.ADDRESS_REFUSED)
        return egress.connect(self.host, self.port, self.socket_options or (), call)

    def connect(self) -> None:
        super().connect()
        _here.call.connected = True
        self.sock.settimeout(max(_here.call.left(), _AT_LEAST))

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = _here.call
        if self.sock is not None:
            call.hold(self.sock)
            call.connected = True
        # What the pool set is the time to connect in; sending may take what is left of it all.
        self.timeout = max(call.left(), _AT_LEAST)
        super().request(*args, **kwargs)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._answered_at = _clocks()
        return response


def _clocks() -> tuple[float, float]:
    """The one may stand still while a function is frozen, the other may be put back."""
    return time.monotonic(), time.time()


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:
        _here.call.let_go()
        super()._put_conn(conn)


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Pools of our connections, all under one TLS context whose certificates were read once."""

    def __init__(self, trusted: ssl.SSLContext) -> None:
        self._trusted = trusted
        super().__init__(_HOSTS_KEPT, _CONNECTIONS_KEPT, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(
            connections, maxsize, block, ssl_context=self._trusted, **pool_kwargs
        )
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Without its headers: nothing looks for cookies in them, nor for where to go next.

        The library would read the whole body of a redirect even where it does not follow it.
        """
        response = requests.Response()
        response.status_code = resp.status
        response.request, response.raw = req, resp
        return response


class _Session(requests.Session):
    def __init__(self, adapter: HTTPAdapter) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no .netrc, no certificate bundle of the environment
        self.cookies = _NoCookies()
        self.mount("https://", adapter)
        self.mount("http://", adapter)


class _NoCookies(RequestsCookieJar):
    def extract_cookies(self, response: Any, request: Any) -> None:
        """One receiver's cookies would travel on to others."""


class _Deadlines:
    """One thread that cuts every call whose time is up.

    Timeouts of a socket hold for one operation, so a receiver that drips never meets one.
    """

    def __init__(self) -> None:
        self._calls: set[Call] = set()
        self._changed = threading.Condition()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None
        self._closed = False

    def watch(self, call: Call) -> None:
        with self._changed:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif call.until < self._wakes_at:
                self._changed.notify()

    def forget(self, call: Call) -> None:
        with self._changed:
            self._calls.discard(call)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                late = {call for call in self._calls if call.until <= now}
                self._calls -= late
                for call in late:
                    call.abort()
                self._wakes_at = min((call.until for call in self._calls), default=math.inf)
                idle = self._wakes_at == math.inf
                self._changed.wait(None if idle else self._wakes_at - now)


def _prepared(url: str, headers: Mapping[str, str], body: bytes) -> requests.PreparedRequest:
    request = requests.PreparedRequest()
    try:
        request.prepare(method="POST", url=url, headers=headers, data=body)
    except requests.exceptions.InvalidHeader:
        # Its text repeats the value, which may be a receiver's secret.
        raise ValueError("a header of the request cannot be sent") from None
    return request


def _dial(address: Address, seconds: float, options: SocketOptions) -> socket.socket:
    opened = socket.socket(address.family, socket.SOCK_STREAM)
    with _closed_on_error(opened):
        for option in options:
            opened.setsockopt(*option)
        opened.settimeout(seconds)
        opened.connect(address.sockaddr)
    return opened


@contextmanager
def _closed_on_error(opened: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        opened.close()
        raise


def _leads_to(address: Address, connected: socket.socket) -> None:
    peer, meant = connected.getpeername(), address.sockaddr
    if ip_address(peer[0]) != ip_address(meant[0]) or peer[1] != meant[1]:
        raise _NotSent(Outcome.ADDRESS_REFUSED, address=peer[0])


def _received(raw: BaseHTTPResponse) -> tuple[bytes, bool]:
    """What came of the body within its bound, never decompressed, and whether that is all of it."""
    received = bytearray()
    try:
        while len(received) < LARGEST_RESPONSE:
            piece = raw.read1(LARGEST_RESPONSE - len(received), decode_content=False)
            if not piece:
                break
            received += piece
    except (HTTPError, OSError):
        return bytes(received), False
    return bytes(received), raw.closed


def _failure(error: Exception, call: Call) -> tuple[Outcome, str]:
    if call.aborted:
        return Outcome.TIMEOUT, ""
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Outcome.TLS_ERROR, cause.verify_message
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return (Outcome.TIMEOUT if call.connected else Outcome.CONNECT_TIMEOUT), ""
    is_tls = isinstance(error, requests.exceptions.SSLError)
    return (Outcome.TLS_ERROR if is_tls else Outcome.CONNECTION_ERROR), ""


def _causes(error: BaseException) -> list[BaseException]:
    """The exception and those it stands for: the libraries wrap them as causes and as arguments."""
    causes = [error]
    for cause in causes:
        inner = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        causes += [
            one
            for one in inner
            if isinstance(one, BaseException) and not any(one is known for known in causes)
        ]
    return causes


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
