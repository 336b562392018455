"""Somebody with a browser, as a page function meets them: cookies kept, forms filled in."""

import base64
import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

from tessera import clock
from tessera.edge.pages.cookies import NAMES
from tessera.identity import sessions
from tessera.identity.session_store import SessionsTable
from tessera.identity.sessions import Kind, Session, Signed
from tests.handlers import Handler

BASE_URL = "https://shop.example"


@dataclass(frozen=True)
class Seen:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    html: str
    set_cookies: tuple[str, ...]

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def text(self) -> str:
        """Without markup, white space as one."""
        without = re.sub(r"<(script|style|title).*?</\1>|<[^>]+>", " ", self.html, flags=re.S)
        return re.sub(r"\s+", " ", unescape(without)).strip()

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.html)
        return unescape(found[1]) if found else ""

    def hidden(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]*)"', self.html)
        return unescape(found[1]) if found else ""


@dataclass
class Visitor:
    handler: Handler
    routes: Iterable[str]
    """Keys of the gateway's routes, as `GET /settings/x/{id}`."""
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, address: str, **headers: str) -> Seen:
        return self._ask("GET", address, None, headers)

    def post(self, address: str, fields: Mapping[str, str | Iterable[str]], **headers: str) -> Seen:
        """As the browser would: the page is opened, and its form's hidden fields go along."""
        opened = self.get(address)
        keys = {name: opened.hidden(name) for name in ("csrf_token", "form_key")}
        return self.send(address, {**keys, **fields}, **headers)

    def send(self, address: str, fields: Mapping[str, str | Iterable[str]], **headers: str) -> Seen:
        """A form by itself, with the fields that are given."""
        return self._ask("POST", address, urlencode(fields, doseq=True), headers)

    def _ask(self, method: str, address: str, body: str | None, headers: Mapping[str, str]) -> Seen:
        parts = urlsplit(address)
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": self._route(method, parts.path),
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": {
                "accept-encoding": "gzip",
                **self.headers,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            "cookies": [f"{name}={value}" for name, value in self.cookies.items()],
            "requestContext": {
                "http": {"method": method, "path": parts.path},
                "requestId": "JKJaXmPLvHcESHA=",
                "stage": "$default",
            },
            "isBase64Encoded": False,
        }
        if body is not None:
            event["body"] = base64.b64encode(body.encode()).decode()
            event["isBase64Encoded"] = True
            event["headers"]["content-type"] = "application/x-www-form-urlencoded"
        return self._seen(self.handler(event))

    def _seen(self, answer: dict[str, Any]) -> Seen:
        content = answer["body"]
        if answer["isBase64Encoded"]:
            raw = base64.b64decode(content)
            is_packed = answer["headers"].get("Content-Encoding") == "gzip"
            content = gzip.decompress(raw).decode() if is_packed else raw.decode("latin-1")
        for cookie in answer.get("cookies") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return Seen(
            answer["statusCode"],
            answer["headers"],
            content,
            tuple(answer.get("cookies") or ()),
        )

    def _route(self, method: str, path: str) -> str:
        for key in sorted(self.routes, key=lambda one: one.count("{")):
            greedy = re.sub(r"\\{\w+\\\+\\}", ".+", re.escape(key))
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", greedy)
            if re.fullmatch(pattern, f"{method} {path}"):
                return key
        raise AssertionError(f"the gateway has no route for {method} {path}")


def signed_in(
    visitor: Visitor, kind: Kind, *, idle: timedelta = timedelta(), **detail: Any
) -> Session:
    """Puts a session into the table and its cookie into the browser."""
    now = clock.now() - idle
    signed = Signed(
        kind=kind,
        **{
            "subject": f"{kind}-1",
            "issuer": "https://issuer.example",
            "groups": ("admin",) if kind == "operator" else (),
            "name": "Olivia Operator",
            **detail,
        },
    )
    id, session = sessions.begin(signed, now=now)
    SessionsTable("Sessions").begin(id, session, until=now + timedelta(hours=8))
    visitor.cookies[NAMES[kind]] = id
    return session
