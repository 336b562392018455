"""One HTTP exchange with an outside system, bounded in time and size, and reported to `observe`."""

import http.client
import io
import json
import socket
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from tessera import clock

VERSION = "0.1.0"

JSON_CAP = 5 * 1024 * 1024
TOKEN_CAP = 256 * 1024
"""Bytes: what is read of an answer at most, after decompression."""

_PIECE = 64 * 1024
_LONGEST_IDLE = timedelta(seconds=50)
"""Balancers and NAT forget idle connections after a minute or more, and a write sent into a dead
one has an unknown outcome: better a new handshake."""


class Profile(NamedTuple):
    """How long things may take, in seconds."""

    connect: float
    read: float
    """Between two packets of an answer."""
    total: float
    """One operation with all its exchanges."""
    resends: int = 0
    """How often a GET may be sent again within `total`."""
    whole: bool = False
    """Whether a call starts only if its whole `total` fits into what the function has left."""
    reserve: float = 1
    """What the function needs for itself after the call."""


# API Gateway gives up after 30 s.
INTERACTIVE = Profile(connect=2, read=10, total=25, resends=1)
# Zuora gives up after 120 s, and waiting is the queue's business.
WORKER = Profile(connect=3, read=125, total=128, whole=True, reserve=10)


class Call(NamedTuple):
    """One request. `route` is its path with names for values, which is what logs show."""

    method: str
    route: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    cap: int = JSON_CAP
    attempt: int = 1
    generation: int | None = None
    track_id: str | None = None


class NotJson(Exception):
    """The body of an answer is not JSON, or was not read because it is too large."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in any letter case."""
    body: bytes = field(repr=False)
    is_whole: bool = True
    """False when there was more of it than the cap."""

    @property
    def is_json(self) -> bool:
        try:
            _ = self.json
        except NotJson:
            return False
        return True

    @cached_property
    def json(self) -> Any:
        """The body with its fractions as Decimal. Raises `NotJson`."""
        if not self.is_whole:
            raise NotJson
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            # The parser quotes what it read, which may be anybody's data.
            raise NotJson from None


class Silence(NamedTuple):
    """No answer, or none to its end."""

    was_sent: bool
    """Whether the request may have arrived."""
    why: str
    """The kind of failure, without the words of the exception, which may quote headers."""


class Judgement(NamedTuple):
    """What the vendor's client makes of an answer or of its absence."""

    outcome: str = "answered"
    failure: Exception | None = None
    request_id: str | None = None
    """The vendor's."""
    codes: tuple[int | str, ...] = ()
    is_our_fault: bool = False
    """Somebody must look: a wrong address, a wrong use of the vendor's API."""


class Exchange(NamedTuple):
    """The facts of one exchange, for logs and metrics: no body, query, token or name."""

    vendor: str
    method: str
    route: str
    outcome: str
    status: int | None
    ms: int
    attempt: int
    generation: int | None
    request_id: str | None
    track_id: str | None
    codes: tuple[int | str, ...]
    why: str | None
    """Why there was no answer."""
    is_our_fault: bool


Observe = Callable[[Exchange], None]


class OutOfTime(Exception):
    """The function ends too soon for the call to be started."""


def unobserved(exchange: Exchange) -> None:
    """For clients whose exchanges interest nobody."""


class Transport:
    """The connections to one vendor: `deadline()` once per operation, then `send()`."""

    def __init__(
        self,
        vendor: str,
        profile: Profile,
        *,
        session: requests.Session | None = None,
        now: Callable[[], datetime] = clock.now,
        observe: Observe = unobserved,
        time_left: Callable[[], float] | None = None,
    ) -> None:
        """`time_left` tells how many seconds the function under way has still got."""
        self.profile = profile
        self._vendor = vendor
        self._session = session or new_session()
        self._observe = observe
        self._time_left = time_left
        self._now = now
        self._used_at = now()

    def deadline(self) -> float:
        """When an operation that begins now must be over. Raises `OutOfTime`."""
        seconds = self.profile.total
        if self._time_left is not None:
            left = self._time_left() - self.profile.reserve
            if left <= 0 or (self.profile.whole and left < seconds):
                raise OutOfTime
            seconds = min(seconds, left)
        return time.monotonic() + seconds

    def send(
        self, call: Call, *, until: float, judge: Callable[[Answer | Silence], Judgement]
    ) -> Answer:
        """The answer, or the failure that `judge` makes of it; either way it is observed."""
        started = time.monotonic()
        result = self._carry_out(call, until)
        judged = judge(result)
        status, why = (result.status, None) if isinstance(result, Answer) else (None, result.why)
        self._observe(
            Exchange(
                vendor=self._vendor,
                method=call.method,
                route=call.route,
                outcome=judged.outcome,
                status=status,
                ms=round((time.monotonic() - started) * 1000),
                attempt=call.attempt,
                generation=call.generation,
                request_id=judged.request_id,
                track_id=call.track_id,
                codes=judged.codes,
                why=why,
                is_our_fault=judged.is_our_fault,
            )
        )
        if judged.failure is not None:
            raise judged.failure
        if not isinstance(result, Answer):
            raise TypeError("silence was judged to be no failure")
        return result

    def _carry_out(self, call: Call, until: float) -> Answer | Silence:
        left = until - time.monotonic()
        if left <= 0:
            return Silence(was_sent=False, why="out_of_time")
        if self._now() - self._used_at > _LONGEST_IDLE:
            self._session.close()
        wire = _Wire(until)
        before = _wire.set(wire)
        try:
            request = self._session.prepare_request(
                requests.Request(call.method, call.url, headers=dict(call.headers), data=call.body)
            )
            waits = (min(self.profile.connect, left), min(self.profile.read, left))
            with self._session.send(request, stream=True, timeout=waits) as response:
                body, is_whole = _read(response, call.cap)
                return Answer(response.status_code, response.headers, body, is_whole)
        except (requests.RequestException, HTTPError) as error:
            return Silence(was_sent=wire.was_sent, why=type(error).__name__)
        finally:
            self._used_at = self._now()
            _wire.reset(before)


def new_session() -> requests.Session:
    """A session that goes exactly where it is sent: no proxies, redirects, retries or cookies."""
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"User-Agent": f"Tessera/{VERSION}", "Accept-Encoding": "gzip"})
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere: a redirect is an answer. (Elsewhere its body would be read without a bound.)"""


class _Wire:
    """What the sockets below need to know of the exchange, and tell of it."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.was_sent = False


_wire: ContextVar[_Wire] = ContextVar("wire")


class _UntilDeadline(io.RawIOBase):
    """Reads from a socket until the deadline, however slowly the bytes drip.

    The timeout of a socket counts from packet to packet, so a byte now and then would hold the
    function for ever: https://requests.readthedocs.io/en/latest/user/quickstart/#timeouts
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw = raw
        self._socket = sock
        self._patience = sock.gettimeout() or 0.0
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._socket.settimeout(min(self._patience, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_UntilDeadline(raw, sock, _wire.get().until))


class _PlainConnection(HTTPConnection):
    response_class = _Response

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _wire.get().was_sent = True
        super().send(data)


class _TlsConnection(_PlainConnection, HTTPSConnection):
    """The same, over what `HTTPSConnection` connects to."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


def _read(response: requests.Response, cap: int) -> tuple[bytes, bool]:
    """The body and whether that is all of it; the connection is given up when it is not."""
    body = bytearray()
    while len(body) <= cap:
        piece = response.raw.read1(_PIECE, decode_content=True)
        if not piece:
            return bytes(body), True
        body += piece
    return b"", False


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
