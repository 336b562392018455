"""What became of one attempt: its outcome, and what is kept of the receiver's answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

LONGEST_FAILURE_EXCERPT, LONGEST_SUCCESS_EXCERPT = 4_096, 512
_LONGEST_HEADER = 512
_KEPT_HEADERS = (
    "content-type",
    "content-length",
    "date",
    "retry-after",
    "location",
    "server",
    "x-request-id",
)


class Outcome(StrEnum):
    DELIVERED = "delivered"
    REDIRECT = "redirect"
    GONE = "gone"
    HTTP_ERROR = "http_error"
    CONNECT_TIMEOUT = "connect_timeout"
    TIMEOUT = "timeout"
    DNS_ERROR = "dns_error"
    CONNECTION_ERROR = "connection_error"
    TLS_ERROR = "tls_error"
    ADDRESS_REFUSED = "address_refused"
    LOST = "lost"

    @property
    def is_failure(self) -> bool:
        """Does it count against the receiver? `lost` does not: our own sender died."""
        return self not in (Outcome.DELIVERED, Outcome.LOST)

    @property
    def sentence(self) -> str:
        """What the people who run the receiver are told. It never names an address."""
        return _SENTENCES[self]


_SENTENCES = {
    Outcome.DELIVERED: "The receiver accepted the event.",
    Outcome.REDIRECT: "The receiver answered with a redirect, which is never followed: "
    "change the endpoint's URL instead.",
    Outcome.GONE: "The receiver answered 410 Gone, which switches the endpoint off.",
    Outcome.HTTP_ERROR: "The receiver answered with an error status.",
    Outcome.CONNECT_TIMEOUT: "No connection could be made within 5 seconds.",
    Outcome.TIMEOUT: "The receiver did not answer in time.",
    Outcome.DNS_ERROR: "The host name was not found.",
    Outcome.CONNECTION_ERROR: "The connection was refused, or it broke before a whole answer came.",
    Outcome.TLS_ERROR: "No trusted TLS connection could be made: check the receiver's certificate.",
    Outcome.ADDRESS_REFUSED: "The host name resolves to an address webhooks may not reach.",
    Outcome.LOST: "The sender stopped before it could note an answer; the event was sent again.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One request as it ended."""

    outcome: Outcome
    ms: int
    """From before the name was looked up until the headers were complete, or until it failed."""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    excerpt: str = ""
    detail: str = ""
    """What the check of a certificate said: safe to show, more helpful than the outcome alone."""
    refused_address: str | None = field(default=None, repr=False)
    """For the log only: who typed the URL must not learn what its name resolves to."""


def of_status(status: int) -> Outcome:
    """All but 2xx is a failure and tried again: a deploy can answer 401 or 404 for minutes."""
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if 300 <= status < 400:
        return Outcome.REDIRECT
    return Outcome.GONE if status == 410 else Outcome.HTTP_ERROR


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The response headers worth keeping, shortened so that an attempt can always be written.

    `headers` looks names up whatever their letter case.
    """
    found = ((name, headers.get(name)) for name in _KEPT_HEADERS)
    return {name: _printable(value)[:_LONGEST_HEADER] for name, value in found if value is not None}


def excerpt(body: bytes, outcome: Outcome, *, content_type: str = "", complete: bool = True) -> str:
    """The beginning of a response body as text that is safe to store and to show.

    A body that is no text becomes its size. `complete` is false when `body` was cut.
    """
    limit = LONGEST_SUCCESS_EXCERPT if outcome is Outcome.DELIVERED else LONGEST_FAILURE_EXCERPT
    text = _text(body, content_type, complete=complete)
    if text is None:
        return f"binary, {'' if complete else 'more than '}{len(body)} bytes"
    return _printable(text.replace("\r\n", "\n")).encode()[:limit].decode(errors="ignore")


def redirect_origin(answer: Answer, url: str) -> str | None:
    """Where a redirect points to, without path and query, so that the URL can be changed."""
    location = answer.headers.get("location")
    if answer.outcome is not Outcome.REDIRECT or not location:
        return None
    try:
        target = urlsplit(urljoin(url, location))
        host, port = target.hostname, target.port
    except ValueError:
        return None
    if target.scheme not in ("http", "https") or not host:
        return None
    host = f"[{host}]" if ":" in host else host
    return f"{target.scheme}://{host}{'' if port is None else f':{port}'}"


def _text(body: bytes, content_type: str, *, complete: bool) -> str | None:
    if b"\0" in body:
        return None
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        if not complete and error.reason == "unexpected end of data":
            return body[: error.start].decode()  # the cut went through a character
        kind = content_type.lower()
        is_latin = "iso-8859-1" in kind or "windows-1252" in kind
        return body.decode("latin-1") if is_latin else None


def _printable(text: str) -> str:
    """Control characters, and those that reorder or hide text on a page, are replaced."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else "�" for character in text
    )
