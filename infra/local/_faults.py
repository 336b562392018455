"""The faults a test orders from a stand-in: which requests they hit, how often, with what."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from infra.local._http import Request, Response, Wire

SERVED = frozenset({"status", "throttle", "delay", "drop_before", "drop_after", "html"})
MOST_FAULTS = 100
LONGEST_DELAY_SECONDS = 600


class BadFault(ValueError):
    """A fault was ordered that cannot be carried out; the message says why."""


@dataclass
class Fault:
    """`after` requests pass untouched, then `times` are hit; `times` None means all of them."""

    method: str | None
    path: re.Pattern[str]
    body: re.Pattern[str]
    after: int
    times: int | None
    action: dict[str, Any]

    def fits(self, request: Request) -> bool:
        return (
            self.method in (None, request.method)
            and bool(self.path.search(request.path))
            and bool(self.body.search(request.body.decode(errors="replace")))
        )

    def described(self) -> dict[str, Any]:
        return {
            "match": {
                "method": self.method,
                "path": self.path.pattern,
                "body": self.body.pattern,
            },
            "after": self.after,
            "times": self.times,
            "action": self.action,
        }


class Faults:
    """The faults in waiting, first come first served; a request is hit by one at most."""

    def __init__(self, vendor_kinds: Collection[str]) -> None:
        self.kinds = SERVED | frozenset(vendor_kinds)
        self._waiting: list[Fault] = []

    def order(self, wanted: Any) -> Fault:
        """Takes a fault as `POST /_control/faults` describes it; raises `BadFault`."""
        if len(self._waiting) >= MOST_FAULTS:
            raise BadFault(f"{MOST_FAULTS} faults are waiting already; DELETE them first")
        fault = _read(wanted, self.kinds)
        self._waiting.append(fault)
        return fault

    def take(self, request: Request) -> dict[str, Any] | None:
        """The action for this request, if any; a fault with `after` left counts it and passes."""
        for fault in self._waiting:
            if not fault.fits(request):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
            return fault.action
        return None

    def waiting(self) -> list[dict[str, Any]]:
        return [fault.described() for fault in self._waiting]

    def clear(self) -> None:
        self._waiting.clear()


def answer_instead(action: dict[str, Any]) -> Response | None:
    """The answer of a fault that keeps the request from being carried out at all."""
    headers = {str(name): str(value) for name, value in action.get("headers", {}).items()}
    match action["kind"]:
        case "status":
            status = int(action["status"])
            said = {"message": f"The stand-in was told to answer {status}."}
            return Response(status, action.get("body", said), headers)
        case "throttle":
            wait = str(action.get("retry_after", 1))
            limits = {"RateLimit-Limit": "100", "RateLimit-Remaining": "0", "RateLimit-Reset": wait}
            said = {"message": "Too many requests; the stand-in was told to say so."}
            return Response(429, said, {"Retry-After": wait, **limits, **headers})
        case "html":
            page = "<!doctype html><title>Maintenance</title><h1>We will be back shortly</h1>"
            return Response(int(action.get("status", 200)), page, headers)
        case "drop_before":
            return Response(wire=Wire(cut="close"))
        case _:
            return None


def _read(wanted: Any, kinds: frozenset[str]) -> Fault:
    if not isinstance(wanted, dict) or not isinstance(wanted.get("action"), dict):
        raise BadFault('a fault is {"match": {...}, "after", "times", "action"}')
    match, action = wanted.get("match") or {}, wanted["action"]
    if not isinstance(match, dict):
        raise BadFault('"match" is {"method", "path", "body"}')
    if action.get("kind") not in kinds:
        raise BadFault(f"unknown kind {action.get('kind')!r}; known: {', '.join(sorted(kinds))}")
    _check(action)
    after, times = wanted.get("after", 0), wanted.get("times", 1)
    if type(after) is not int or after < 0:
        raise BadFault('"after" counts requests to let pass, 0 or more')
    if times is not None and (type(times) is not int or times < 1):
        raise BadFault('"times" counts requests to hit, 1 or more, or null for all')
    path, body = (_pattern(match, name) for name in ("path", "body"))
    method = match.get("method")
    return Fault(str(method).upper() if method else None, path, body, after, times, action)


def _pattern(match: dict[str, Any], name: str) -> re.Pattern[str]:
    try:
        return re.compile(str(match.get(name) or ""))
    except re.error as failure:
        raise BadFault(f'"{name}" is not a regular expression: {failure}') from failure


def _check(action: dict[str, Any]) -> None:
    if not isinstance(action.get("headers", {}), dict):
        raise BadFault('"headers" is an object')
    status = action.get("status", 200)
    if action["kind"] == "status" and "status" not in action:
        raise BadFault('"status" needs the status to answer with')
    if type(status) is not int or not 200 <= status <= 599:
        raise BadFault('"status" is a number from 200 to 599')
    if action["kind"] == "delay":
        seconds = action.get("seconds")
        if isinstance(seconds, bool | str | None) or not 0 <= seconds <= LONGEST_DELAY_SECONDS:
            raise BadFault(f'"seconds" is a number from 0 to {LONGEST_DELAY_SECONDS}')
        if action.get("late", "answer") not in ("answer", "work"):
            raise BadFault('"late" is "answer" (done at once) or "work" (done after the wait)')
