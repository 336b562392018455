"""The headers of a webhook request: ours, the endpoint's own, and its authentication."""

import base64
import re
from collections.abc import Mapping

from tessera.webhooks.unacceptable import Unacceptable

_MOST_HEADERS, _LONGEST_NAME, _LONGEST_VALUE, _MOST_BYTES = 10, 64, 1_024, 4_096
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_RESERVED = frozenset(
    {
        *("host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("accept-encoding", "authorization", "cookie", "date", "expect", "user-agent"),
        *("forwarded", "via"),
    }
)
_RESERVED_PREFIXES = (
    "content-",
    "proxy-",
    "x-forwarded-",
    "x-amz",
    "webhook-",
    "svix-",
    "tessera-",
)


class HeaderRefused(Unacceptable):
    """The header cannot be sent. The message never repeats its value, which may be a secret."""


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """An endpoint's own headers as stored: names in small letters, in the order given."""
    if len(headers) > _MOST_HEADERS:
        raise HeaderRefused(f"Give at most {_MOST_HEADERS} headers.", code="too_long")
    checked: dict[str, str] = {}
    for name, value in headers.items():
        lower, value = checked_header(name, value)
        if lower in checked:
            raise HeaderRefused("The header is named twice; letter case does not count.", at=name)
        checked[lower] = value
    if sum(len(name) + len(value) for name, value in checked.items()) > _MOST_BYTES:
        raise HeaderRefused("All headers together are at most 4 KB.", code="too_long")
    return checked


def checked_header(name: str, value: str) -> tuple[str, str]:
    """One header of the endpoint's own, also the secret one that authenticates to its receiver."""
    if len(name) > _LONGEST_NAME:
        raise HeaderRefused(
            f"A header's name has at most {_LONGEST_NAME} characters.", code="too_long", at=name
        )
    if not _TOKEN.fullmatch(name):
        raise HeaderRefused("A header's name has letters, digits and hyphens only.", at=name)
    lower = name.lower()
    if lower in _RESERVED or lower.startswith(_RESERVED_PREFIXES):
        raise HeaderRefused(f"The header {lower} is set by the sender itself.", at=name)
    return lower, _checked_value(value, at=name)


def basic(user: str, password: str) -> str:
    """The `authorization` of a receiver that wants Basic credentials, in UTF-8 (RFC 7617)."""
    if not user or ":" in user:
        raise HeaderRefused("A user name is not empty and holds no colon.", at="user")
    for field, text in (("user", user), ("password", password)):
        if _UNSENDABLE.search(text):
            raise HeaderRefused("Control characters cannot be sent.", at=field)
        if len(text) > _LONGEST_VALUE // 2:
            raise HeaderRefused("It has at most 512 characters.", code="too_long", at=field)
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def bearer(token: str) -> str:
    if " " in token:
        raise HeaderRefused("A token holds no space; leave out the word Bearer.", at="token")
    return "Bearer " + _checked_value(token, at="token")


def of_request(
    *,
    event: str,
    type: str,
    timestamp: int,
    signatures: str,
    attempt: int,
    sequence: int | None = None,
    round: int = 0,
    test: bool = False,
    own: Mapping[str, str] | None = None,
    credential: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Everything but `host` and `content-length`. The signature covers event, timestamp and body.

    `attempt` counts over all rounds; `credential` is `authorization` or the secret header.
    """
    headers = {
        **(own or {}),
        **(credential or {}),
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "Tessera-Webhooks/1",
        "webhook-id": event,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures,
        "tessera-event-type": type,
        "tessera-attempt": str(attempt),
    }
    if sequence is not None:
        headers["tessera-sequence"] = str(sequence)
    if round:
        headers["tessera-replay"] = str(round)
    if test:
        headers["tessera-test"] = "true"
    return headers


def _checked_value(value: str, *, at: str) -> str:
    if len(value) > _LONGEST_VALUE:
        raise HeaderRefused(
            f"A header's value has at most {_LONGEST_VALUE} characters.", code="too_long", at=at
        )
    if not _VISIBLE.fullmatch(value):
        raise HeaderRefused("A header's value is visible ASCII, without spaces at its ends.", at=at)
    return value
