"""What every stand-in has: state in a file, a clock, a journal, faults and the control routes."""

import os
import sys
import threading
import traceback
from abc import ABC, abstractmethod
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from infra.local._faults import BadFault, Faults, answer_instead
from infra.local._http import (
    NotJson,
    Refused,
    Request,
    Response,
    Route,
    Router,
    Wire,
    read_json,
    route,
    write_json,
)
from infra.local._journal import Journal

CONTROL = "/_control/"
SEEDS = ("demo", "empty")


class StateUnreadable(Exception):
    """The state file is not one that a stand-in wrote."""


class StandIn(ABC):
    """A vendor's API in miniature: subclasses add `@route` methods and `seed`.

    Routes hold `lock` unless marked otherwise. What they change in `state`, which is JSON, is in
    the file before the answer leaves. Attributes that `seed` needs are set before `__init__`.

    Control, on every stand-in:
      GET, PUT, PATCH  /_control/state      the whole state; PATCH merges (RFC 7396)
      POST             /_control/reset      {"seed": "demo" | "empty"}; forgets everything else too
      GET, POST        /_control/clock      {"now": instant, or null for the real time}
      GET, DELETE      /_control/requests   {"requests": [...]}, narrowed by ?path=
      GET, POST, DELETE /_control/faults    {"faults": [...]}; POST takes one as in `_faults`
    """

    fault_kinds: ClassVar[frozenset[str]] = frozenset()  # what `fault` understands

    def __init__(self, *, state_path: Path | None = None, seed: str = "demo") -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)  # notified after each request, and to stop
        self.stopping = threading.Event()
        self.public_url = ""  # without trailing slash; set by `serve` unless set before
        self.journal = Journal()
        self.faults = Faults(self.fault_kinds)
        self.state: dict[str, Any] = {}
        self._router = Router(type(self))
        self._ahead = timedelta()
        self._state_path = state_path
        self._written = ""
        if state_path is not None and state_path.exists():
            self._load(state_path)
        else:
            self.seed(seed)

    @abstractmethod
    def seed(self, name: str) -> None:
        """Sets `self.state` to that of `demo` or `empty`."""

    def now(self) -> datetime:
        """The time here, in UTC: the real one, moved by the control clock."""
        return datetime.now(UTC) + self._ahead

    def before(self, request: Request, route_template: str) -> Response | None:
        """Called before a vendor route, with its lock; an answer takes the route's place."""
        return None

    def after(self, request: Request, response: Response) -> None:  # noqa: B027 - a hook
        """Called with what `before`, `fault` or a vendor route answered, to add headers to it."""

    def fault(self, action: dict[str, Any], request: Request) -> Response | None:
        """Carries out a kind of `fault_kinds`; without an answer the request goes on."""
        return None

    def not_found(self, request: Request) -> Response:
        return Response(404, {"message": f"There is nothing at {request.path}."})

    def not_allowed(self, request: Request, methods: list[str]) -> Response:
        said = {"message": f"{request.path} takes {', '.join(methods)}."}
        return Response(405, said, {"Allow": ", ".join(methods)})

    def not_json(self, request: Request, problem: str) -> Response:
        return Response(400, {"message": f"The body is not JSON: {problem}"})

    def answer(self, request: Request) -> Response:
        """Everything that happens to a request between its last byte in and its first byte out."""
        if request.path.startswith(CONTROL):
            return self._carry_out(request)
        arrived = self.now()
        with self.lock:
            action = self.faults.take(request)
        response = self._answer_under(action, request)
        kind = action["kind"] if action else None
        with self.lock:
            self.journal.note(request, response, fault=kind, at=arrived)
        return response

    def close(self) -> None:
        """Ends what waits here and keeps the state; called once the server takes nothing more."""
        self.stopping.set()
        with self.changed:
            self.changed.notify_all()
        self.save()

    def save(self) -> None:
        """Writes the state file if the state has changed since, whole or not at all."""
        if self._state_path is None:
            return
        with self.lock:
            ahead = int(self._ahead.total_seconds())
            text = write_json({"clock_ahead_seconds": ahead, "state": self.state})
            if text == self._written:
                return
            self._state_path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self._state_path.with_suffix(".tmp")
            # Signing keys and secrets are in it: for the owner's eyes only.
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            unfinished.replace(self._state_path)
            self._written = text

    def _load(self, path: Path) -> None:
        try:
            kept = read_json(path.read_bytes())
            self._ahead = timedelta(seconds=int(kept["clock_ahead_seconds"]))
            self.state = dict(kept["state"])
        except (NotJson, KeyError, TypeError, ValueError, OverflowError) as failure:
            raise StateUnreadable(
                f"{path} is not a state file; delete it to start afresh."
            ) from failure

    def _answer_under(self, action: dict[str, Any] | None, request: Request) -> Response:
        if action is None:
            return self._carry_out(request)
        instead = answer_instead(action)
        if instead is not None:
            return instead
        match action["kind"]:
            case "drop_after":
                return replace(self._carry_out(request), wire=Wire(cut="close"))
            case "delay" if action.get("late") == "work":
                stopped = self.stopping.wait(float(action["seconds"]))
                return Response(wire=Wire(cut="close")) if stopped else self._carry_out(request)
            case "delay":
                held = Wire(hold_seconds=float(action["seconds"]))
                return replace(self._carry_out(request), wire=held)
            case _:
                return self._carry_out(request, fault=action)

    def _carry_out(self, request: Request, *, fault: dict[str, Any] | None = None) -> Response:
        found = self._router.find(request.method, request.path)
        locked = found is None or found[0].locked
        try:
            with self.lock if locked else nullcontext():
                return self._decide(request, found, fault)
        except Exception:
            # The edge of a stand-in: the mistake is ours, so it goes to the terminal whole.
            traceback.print_exc(file=sys.stderr)
            return Response(500, {"message": "The stand-in failed; its terminal says where."})
        finally:
            if not (request.method == "GET" and request.path.startswith(CONTROL)):
                self.save()
                with self.changed:
                    self.changed.notify_all()

    def _decide(
        self,
        request: Request,
        found: tuple[Route, dict[str, str]] | None,
        fault: dict[str, Any] | None,
    ) -> Response:
        control = request.path.startswith(CONTROL)
        try:
            with self.lock:
                early = self.fault(fault, request) if fault is not None else None
                if found and early is None and not control:
                    request = replace(request, params=found[1])
                    early = self.before(request, found[0].template)
            if early is not None:
                response = early
            elif found:
                request = replace(request, params=found[1])
                response = getattr(self, found[0].handler)(request)
            else:
                return self._astray(request)
        except Refused as refused:
            response = refused.response
        except NotJson as problem:
            response = self.not_json(request, str(problem))
        if not control:
            with self.lock:
                self.after(request, response)
        return response

    def _astray(self, request: Request) -> Response:
        methods = self._router.methods(request.path)
        return self.not_allowed(request, methods) if methods else self.not_found(request)

    @route("GET", "/_control/state")
    def show_state(self, request: Request) -> Response:
        return Response(body=self.state)

    @route("PUT", "/_control/state")
    def put_state(self, request: Request) -> Response:
        self.state = _object(request)
        return Response(body=self.state)

    @route("PATCH", "/_control/state")
    def patch_state(self, request: Request) -> Response:
        self.state = merged(self.state, _object(request))
        return Response(body=self.state)

    @route("POST", "/_control/reset")
    def reset(self, request: Request) -> Response:
        name = (_object(request) if request.body else {}).get("seed", "demo")
        if name not in SEEDS:
            raise Refused(_wrong(f'"seed" is one of {", ".join(SEEDS)}'))
        self.start_over(name)
        return Response(body={"seed": name})

    def start_over(self, seed: str, *, at: datetime | None = None) -> None:
        """As it was when it was made; its clock goes on from `at`, or with the real time."""
        with self.lock:
            self._ahead = timedelta()
            self.faults.clear()
            self.journal.clear()
            self.seed(seed)
            self._ahead = at - datetime.now(UTC) if at else timedelta()

    @route("GET", "/_control/clock")
    def show_clock(self, request: Request) -> Response:
        return Response(body={"now": self.now().isoformat()})

    @route("POST", "/_control/clock")
    def set_clock(self, request: Request) -> Response:
        wanted = _object(request).get("now")
        try:
            instant = datetime.fromisoformat(wanted) if wanted is not None else None
        except (TypeError, ValueError) as failure:
            raise Refused(_wrong('"now" is an instant such as 2026-11-21T10:00:00Z')) from failure
        if instant is not None and instant.tzinfo is None:
            raise Refused(_wrong('"now" needs its zone, such as the Z for UTC'))
        self._ahead = instant - datetime.now(UTC) if instant else timedelta()
        return self.show_clock(request)

    @route("GET", "/_control/requests")
    def show_requests(self, request: Request) -> Response:
        path = request.query.get("path", [""])[0]
        return Response(body={"requests": self.journal.entries(path)})

    @route("DELETE", "/_control/requests")
    def forget_requests(self, request: Request) -> Response:
        self.journal.clear()
        return Response(204)

    @route("GET", "/_control/faults")
    def show_faults(self, request: Request) -> Response:
        return Response(body={"faults": self.faults.waiting()})

    @route("POST", "/_control/faults")
    def order_fault(self, request: Request) -> Response:
        try:
            return Response(201, self.faults.order(request.json()).described())
        except BadFault as problem:
            raise Refused(_wrong(str(problem))) from problem

    @route("DELETE", "/_control/faults")
    def clear_faults(self, request: Request) -> Response:
        self.faults.clear()
        return Response(204)


def merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch applied (RFC 7396): members are replaced, null removes one."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), value)
    return kept


def _object(request: Request) -> dict[str, Any]:
    body = request.json()
    if not isinstance(body, dict):
        raise Refused(_wrong("the body is a JSON object"))
    return body


def _wrong(message: str) -> Response:
    return Response(400, {"message": message})
