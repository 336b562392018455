"""How Zuora's answers, and its silence, are judged: done, or which failure with which verdict.

    seen                                      verdict        the next send of a write
    not sent                                  unavailable    same key
    silence once sent                         ambiguous      reads back; same key
    5xx, 2xx that is not JSON                 ambiguous      reads back; next generation
    401, category 11                          credentials    same key
    409 (our key is being worked on)          ambiguous      after 5 s; reads back; same key
    429, categories 50 60 61 70 99            unavailable    next generation
    404, category 40                          unknown key, else refused
    other categories, other 4xx               refused        –
    422, 3xx, a 404 that is not Zuora's       refused, and somebody must look

What changes nothing cannot be ambiguous: there it is `unavailable`. Where money moves, 5xx and the
categories 60 and 99 are ambiguous, and what is ambiguous keeps the key. Of several reasons the most
permanent rules.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tessera import waits
from tessera.errors import Conflict, NotFound, UpstreamFailed

if TYPE_CHECKING:
    from tessera.integrations.http import Answer

Verdict = Literal["refused", "unavailable", "ambiguous", "credentials"]
Effect = Literal["none", "write", "money"]
"""What a call changes in Zuora. A preview is a POST with the effect `none`."""

_REFUSED = frozenset({10, 20, 21, 22, 23, 27, 30, 45, 90})
_UNKNOWN = 40
_CREDENTIALS = 11
_UNAVAILABLE = frozenset({50, 60, 61, 70, 99})
_UNSETTLED_WITH_MONEY = frozenset({60, 99})

_SAME_KEY_AFTER_SECONDS = 5
_LONGEST_TEXT = 1000


class ZuoraNotConfigured(Conflict):
    title = "Zuora is not connected"


class UnknownToZuora(NotFound):
    """Zuora does not know the key that was asked for. What to tell the caller is the rule's."""

    def __init__(self, key: str) -> None:
        super().__init__("Zuora does not know it.", code="not_found")
        self.key = key


class ZuoraFailed(UpstreamFailed):
    """`verdict` tells what to do about it.

    `keeps_key`: whether the next send of a write takes the same idempotency key. `vendor_text`
    quotes Zuora and is for operators only, as it can hold personal data.
    """

    title = "Zuora did not do it"
    system = "zuora"

    def __init__(
        self,
        message: str,
        *,
        verdict: Verdict,
        keeps_key: bool = True,
        is_our_fault: bool = False,
        request_id: str | None = None,
        upstream_status: int | None = None,
        codes: Iterable[int] = (),
        retry_after: int | None = None,
        vendor_text: str = "",
    ) -> None:
        self.codes = tuple(codes)
        super().__init__(
            message,
            request_id=request_id,
            upstream_status=upstream_status,
            codes=self.codes,
            retry_after=retry_after,
        )
        self.verdict = verdict
        self.refuses_credentials = verdict == "credentials"
        self.keeps_key = keeps_key
        self.is_our_fault = is_our_fault
        self.request_id = request_id
        self.upstream_status = upstream_status
        self.vendor_text = vendor_text[:_LONGEST_TEXT]

    @property
    def is_passing(self) -> bool:
        """Whether it is worth asking again at once: no answer, or one from a server in trouble."""
        return (
            self.verdict == "unavailable"
            and self.retry_after is None
            and (self.upstream_status is None or self.upstream_status >= 500)
        )


class Finding(NamedTuple):
    """A failure in one word, before it is put into sentences. `unknown`: no such key."""

    verdict: Verdict | Literal["unknown"]
    keeps_key: bool = True
    is_our_fault: bool = False
    retry_after: int | None = None


def of_silence(*, was_sent: bool, effect: Effect) -> Finding:
    """No answer, or none to its end."""
    return Finding("ambiguous" if was_sent and effect != "none" else "unavailable")


def of_answer(answer: "Answer", body: Any, effect: Effect, *, now: datetime) -> Finding | None:
    """`None` when Zuora did it. `body` is the answer's JSON, `None` where it is none."""
    status = answer.status
    categories = {code % 100 for code in codes(body)}
    wait = retry_after(answer.headers, now)
    if 300 <= status < 400 or status == 422 or _lacks_path(answer, body):
        return Finding("refused", is_our_fault=True)
    if status == 401:
        return Finding("credentials")
    if status == 409 and effect != "none":
        return Finding("ambiguous", retry_after=max(wait or 0, _SAME_KEY_AFTER_SECONDS))
    if status == 429:
        return Finding("unavailable", keeps_key=False, retry_after=wait)
    if effect == "money" and (status >= 500 or categories & _UNSETTLED_WITH_MONEY):
        return _unsettled(effect, wait)
    if categories & _REFUSED:
        return Finding("refused")
    if _UNKNOWN in categories:
        return Finding("unknown")
    if _CREDENTIALS in categories:
        return Finding("credentials")
    if categories & _UNAVAILABLE:
        return Finding("unavailable", keeps_key=False, retry_after=wait)
    if status >= 500 or (status < 300 and not isinstance(body, dict)):
        return _unsettled(effect, wait)
    if status == 404:
        return Finding("unknown")
    if status >= 400 or body.get("success") is False or body.get("reasons"):
        return Finding("refused")
    return None


def codes(body: Any) -> tuple[int, ...]:
    """The codes of `reasons`; live tenants write them as integers, documents as strings."""
    found = (str(reason.get("code")) for reason in _reasons(body))
    return tuple(int(code) for code in found if re.fullmatch(r"[0-9]{1,20}", code))[:20]


def vendor_text(body: Any) -> str:
    return " ".join(str(reason.get("message", "")) for reason in _reasons(body)[:20])


def request_id(headers: Mapping[str, str], body: Any) -> str | None:
    """Zuora's id of the request, which its support can look up."""
    written = body if isinstance(body, dict) else {}
    found = headers.get("Zuora-Request-Id") or written.get("requestId") or written.get("processId")
    return found if isinstance(found, str) and re.fullmatch(r"[\x21-\x7e]{1,128}", found) else None


def retry_after(headers: Mapping[str, str], now: datetime) -> int | None:
    """Seconds to leave Zuora alone: `Retry-After`, or the rest of a used-up rate limit."""
    said = waits.retry_after(headers.get("Retry-After"), now)
    asked = [None if said is None else round(said)]
    if _leading_number(headers.get("RateLimit-Remaining", "")) == 0:
        asked.append(_leading_number(headers.get("RateLimit-Reset", "")))
    known = [wait for wait in asked if wait is not None]
    return min(max(known), waits.LONGEST) if known else None


def _unsettled(effect: Effect, wait: int | None) -> Finding:
    if effect == "none":
        return Finding("unavailable", retry_after=wait)
    # Zuora repeats a remembered answer for the same key, even this one: what is then not found
    # needs a new key to be made. Money waits for a definite answer instead.
    return Finding("ambiguous", keeps_key=effect == "money", retry_after=wait)


def _lacks_path(answer: "Answer", body: Any) -> bool:
    """Who answers is not Zuora but a gateway or proxy before it, which knows no such path: the base
    URL is wrong. It says nothing about the key that was asked for.
    """
    if answer.status != 404:
        return False
    return not isinstance(body, dict) or b"no route matched" in answer.body[:2000].lower()


def _reasons(body: Any) -> list[dict[str, Any]]:
    found = body.get("reasons") if isinstance(body, dict) else None
    if not isinstance(found, list):
        return []
    return [reason for reason in found if isinstance(reason, dict)]


def _leading_number(text: str) -> int | None:
    """`39993` of `39993, 39993;window=60`."""
    found = re.match(r"\s*([0-9]{1,9})\s*(?:$|[,;])", text)
    return int(found[1]) if found else None
