"""How Salesforce's answers, and its silence, are judged: done, or which failure.

    seen                                                       verdict
    no answer, 5xx, 2xx that is not JSON, UNABLE_TO_LOCK_ROW   unavailable
    429; 403 REQUEST_LIMIT_EXCEEDED (a rolling day)            unavailable, after an hour, or
                                                               when `Retry-After` says
    401; a token call that is refused                          credentials
    404, MALFORMED_ID                                          unknown
    300 (several records match), every other 4xx or code       refused
    3xx                                                        refused, and somebody must look

Nothing is ambiguous, since every write is an upsert that may be repeated. A composite call answers
200 even when a part fails: the verdict is that of the first part which the others did not halt.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tessera import waits
from tessera.errors import Conflict, UpstreamFailed

if TYPE_CHECKING:
    from tessera.integrations.http import Answer

Verdict = Literal["refused", "unavailable", "credentials"]

QUOTA_WAIT_SECONDS = 3600
_HALTED = frozenset({"PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"})
_UNAVAILABLE = frozenset({"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"})
_LONGEST_TEXT = 1000


class SalesforceNotConfigured(Conflict):
    title = "Salesforce is not connected"


class SalesforceFailed(UpstreamFailed):
    """`verdict` tells what to do about it; `vendor_text` is for operators only."""

    title = "Salesforce did not do it"
    system = "salesforce"

    def __init__(
        self,
        message: str,
        *,
        verdict: Verdict,
        is_our_fault: bool = False,
        request_id: str | None = None,
        upstream_status: int | None = None,
        codes: Iterable[str] = (),
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
    verdict: Verdict | Literal["unknown"]
    codes: tuple[str, ...] = ()
    is_our_fault: bool = False
    retry_after: int | None = None
    vendor_text: str = ""


def of_answer(answer: "Answer", body: Any, now: datetime) -> Finding | None:
    """`None` when Salesforce did it. `body` is the answer's JSON, `None` where it is none."""
    return _of(answer.status, body, _asked_to_wait(answer, now))


def of_token(answer: "Answer", body: Any, now: datetime) -> Finding | None:
    """A refusal of the token call is about our credentials, unless there were too many."""
    error = body.get("error") if isinstance(body, dict) else None
    said = body.get("error_description") if isinstance(body, dict) else None
    codes = _codes([{"errorCode": error}])
    if "rate_limit_exceeded" in codes:
        wait = _asked_to_wait(answer, now)
        return Finding("unavailable", codes, retry_after=wait, vendor_text=str(said))
    if answer.status in (400, 401, 403):
        return Finding("credentials", codes, vendor_text=str(said or ""))
    finding = _of(answer.status, body, _asked_to_wait(answer, now))
    if finding is not None and finding.verdict == "unknown":
        return finding._replace(verdict="refused", is_our_fault=True)
    return finding


def of_composite(parts: Iterable[Mapping[str, Any]]) -> Finding | None:
    """What became of a composite call of which no part was carried out unless all were."""
    failed = [part for part in parts if not 200 <= _status(part) < 300]
    if not failed:
        return None
    causes = (part for part in failed if not _HALTED & set(_codes(_errors(part.get("body")))))
    cause = next(causes, failed[0])
    finding = _of(_status(cause), cause.get("body"), None)
    if finding is None or finding.verdict == "unknown":
        return Finding("refused", _codes(_errors(cause.get("body"))))
    return finding


def _of(status: int, body: Any, wait: int | None) -> Finding | None:
    codes, text = _codes(_errors(body)), _text(_errors(body))
    if status == 401:
        return Finding("credentials", codes, vendor_text=text)
    if status == 429 or "REQUEST_LIMIT_EXCEEDED" in codes:
        seconds = QUOTA_WAIT_SECONDS if wait is None else wait
        return Finding("unavailable", codes, retry_after=seconds, vendor_text=text)
    if _UNAVAILABLE & set(codes) or status >= 500:
        return Finding("unavailable", codes, retry_after=wait, vendor_text=text)
    if 200 <= status < 300:
        return None if isinstance(body, dict) else Finding("unavailable", retry_after=wait)
    if 300 < status < 400:
        return Finding("refused", codes, is_our_fault=True, vendor_text=text)
    if status == 404 or "MALFORMED_ID" in codes:
        return Finding("unknown", codes, vendor_text=text)
    return Finding("refused", codes, vendor_text=text)


def _asked_to_wait(answer: "Answer", now: datetime) -> int | None:
    seconds = waits.retry_after(answer.headers.get("Retry-After"), now)
    return None if seconds is None else round(seconds)


def _errors(body: Any) -> list[dict[str, Any]]:
    found = body if isinstance(body, list) else []
    return [error for error in found[:20] if isinstance(error, dict)]


def _codes(errors: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    found = (str(error.get("errorCode")) for error in errors if error.get("errorCode"))
    return tuple(code for code in found if re.fullmatch(r"\w{1,80}", code, re.ASCII))


def _text(errors: Iterable[Mapping[str, Any]]) -> str:
    return " ".join(str(error.get("message", "")) for error in errors)


def _status(part: Mapping[str, Any]) -> int:
    status = part.get("httpStatusCode")
    return status if isinstance(status, int) else 500
