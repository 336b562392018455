"""What the stand-ins say over HTTP: requests, answers and routes, without a socket in sight."""

import inspect
import json
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, unquote


class Headers(Mapping[str, str]):
    """Header fields whose names ignore case; a repeated field is joined with a comma."""

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = tuple(fields)
        self._joined: dict[str, tuple[str, str]] = {}
        for name, value in self.fields:
            known = self._joined.get(name.lower())
            joined = (known[0], f"{known[1]}, {value}") if known else (name, value)
            self._joined[name.lower()] = joined

    def __getitem__(self, name: str) -> str:
        return self._joined[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._joined.values())

    def __len__(self) -> int:
        return len(self._joined)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._joined


class NotJson(ValueError):
    """The body of a request is not JSON; the server answers it with `StandIn.not_json`."""


@dataclass(frozen=True)
class Request:
    """`path` is as sent, percent-encoded; `params` holds the decoded parts named by the route."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Headers
    body: bytes
    params: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body, with fractions as Decimal; raises `NotJson`."""
        return read_json(self.body)

    def form(self) -> dict[str, str]:
        """The fields of an urlencoded body; of a repeated one the last."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Wire:
    """How an answer misbehaves on its way: held back, dripped, or cut before its first byte."""

    hold_seconds: float = 0.0
    byte_seconds: float = 0.0
    drip_head: bool = False
    cut: Literal["close", "reset"] | None = None


@dataclass
class Response:
    """An answer; a dict or list body is sent as compact JSON, `stream` as a chunked body.

    `replayed` marks an answer repeated for an idempotency key, for the journal.
    """

    status: int = 200
    body: bytes | str | dict[str, Any] | list[Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    replayed: bool = False
    stream: Iterable[bytes] | None = None
    wire: Wire = field(default_factory=Wire)

    def content(self) -> tuple[bytes, str | None]:
        """The bytes of the body and the content type they imply when none was given."""
        match self.body:
            case None:
                return b"", None
            case bytes():
                return self.body, "application/octet-stream"
            case str():
                markup = self.body.lstrip().startswith("<")
                kind = "text/html" if markup else "text/plain"
                return self.body.encode(), f"{kind}; charset=utf-8"
            case _:
                return write_json(self.body).encode(), "application/json"


class Refused(Exception):
    """Raised anywhere below a route to end the request with `response`."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"answered with {response.status}")
        self.response = response


# json has no hook for a number's spelling, so a Decimal travels as a marked string through the
# fast encoder and loses its quotes afterwards. The mark is random: no text can imitate it.
_MARK = secrets.token_hex(8)
_MARKED = re.compile(rf'"{_MARK}:([^"]+)"')


def _number(value: object) -> str:
    if isinstance(value, Decimal) and value.is_finite():
        return f"{_MARK}:{value:f}"
    raise TypeError(f"{type(value).__name__} has no place in JSON: {value!r}")


def write_json(value: Any, *, indent: int | None = None) -> str:
    """JSON with Decimals as plain numbers, exactly as they are spelled; compact unless indented."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(
        value, default=_number, ensure_ascii=False, separators=separators, indent=indent
    )
    return _MARKED.sub(r"\1", text)


def read_json(text: bytes | str) -> Any:
    """JSON with fractions as Decimal; raises `NotJson`."""
    try:
        return json.loads(text, parse_float=Decimal)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as failure:
        raise NotJson(str(failure)) from failure


@dataclass(frozen=True)
class Route:
    """One method and path template; `{name}` stands for one part, `{name*}` for the rest."""

    method: str
    template: str
    locked: bool
    handler: str = ""

    def pattern(self) -> re.Pattern[str]:
        text = re.escape(self.template).replace(r"\{", "{").replace(r"\}", "}").replace(r"\*", "*")
        text = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.*)", text)
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))

    def rank(self) -> tuple[tuple[int, str], ...]:
        """Orders routes so that a literal part wins over a parameter, and that over a rest."""
        parts = self.template.split("/")
        return tuple((2 if "*}" in p else 1 if "{" in p else 0, p) for p in parts)


Handler = TypeVar("Handler", bound=Callable[..., Response])


def route(method: str, template: str, *, locked: bool = True) -> Callable[[Handler], Handler]:
    """Marks a method of a stand-in as the handler of a route; may be given several times.

    `locked=False` lets it run beside others, for handlers that wait; it then takes
    `self.lock` itself around what it reads and writes.
    """

    def mark(handler: Handler) -> Handler:
        handler.__dict__.setdefault("routes", []).append(Route(method, template, locked))
        return handler

    return mark


class Router:
    """The routes of one class, and which of them a request is for."""

    def __init__(self, owner: type) -> None:
        routes = [
            replace(marked, handler=name)
            for name, function in inspect.getmembers(owner, inspect.isfunction)
            for marked in function.__dict__.get("routes", ())
        ]
        self._routes = [(r.pattern(), r) for r in sorted(routes, key=Route.rank)]
        taken: set[tuple[str, str]] = set()
        for r in routes:
            if (r.method, r.template) in taken:
                raise ValueError(f"{owner.__name__} has two routes {r.method} {r.template}")
            taken.add((r.method, r.template))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its decoded path parameters; HEAD is served by GET's."""
        method = "GET" if method == "HEAD" else method
        for pattern, candidate in self._routes:
            found = pattern.fullmatch(path) if candidate.method == method else None
            if found:
                return candidate, {name: unquote(part) for name, part in found.groupdict().items()}
        return None

    def methods(self, path: str) -> list[str]:
        """The methods there are for a path; none means there is no such path."""
        return sorted({r.method for pattern, r in self._routes if pattern.fullmatch(path)})
