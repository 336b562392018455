"""The gateway of the Zuora stand-in: tokens, headers, refusals in Zuora's form, limits."""

import functools
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from infra.local import demo, zuora_nightly
from infra.local._server import Request, Response, StandIn, Wire, route
from infra.local.zuora_limits import Limits
from infra.local.zuora_refusals import Category, Refusal
from infra.local.zuora_replays import (
    LONGEST_KEY,
    is_running,
    key_of,
    remember,
    remembered,
    replay,
)
from infra.local.zuora_seed import seeded
from infra.local.zuora_tenant import Tenant, empty_state

VERSION = "2025-08-12"
TOKEN_SECONDS = 3599
MOST_TOKENS = 1000
LONGEST_TRACK_ID = 64
READING = 500000
"""The resource in the codes of every GET; each writing route has its own."""
GATEWAY = 900000
OPEN_PATHS = ("/oauth/token", demo.CARD_PAGE_PATH, demo.CARD_SCRIPT_PATH)

Answered = dict[str, Any] | Response


class GatewayAnswer(Response):
    """An answer given before the call was looked at, which no idempotency key remembers."""


def endpoint(
    method: str,
    template: str,
    resource: int = READING,
    *,
    status: int = 200,
    is_query: bool = False,
    locked: bool = True,
) -> Callable[[Callable[[Any, Request], Answered]], Callable[[Any, Request], Response]]:
    """Marks the handler of a route whose refusals carry the codes of `resource`.

    Live v1 routes refuse with HTTP 200, and `status` is for those that do not; object queries
    refuse with 400 or 404 and without `success`.
    """

    def mark(handler: Callable[[Any, Request], Answered]) -> Callable[[Any, Request], Response]:
        @functools.wraps(handler)
        def answer(self: Any, request: Request) -> Response:
            try:
                answered = handler(self, request)
            except Refusal as refusal:
                reasons = _reasons(refusal, resource)
                if is_query:
                    absent = refusal.reasons[0][0] == Category.NOT_FOUND
                    return Response(404 if absent else 400, {"reasons": reasons})
                return failed(status, reasons)
            return answered if isinstance(answered, Response) else Response(body=answered)

        return route(method, template, locked=locked)(answer)

    return mark


def failed(status: int, reasons: list[dict[str, Any]]) -> Response:
    """The body of a failure on v1 routes; a 500 has its reasons alone."""
    if status >= 500:
        return Response(status, {"reasons": reasons})
    process = secrets.token_hex(8).upper()
    return Response(status, {"success": False, "processId": process, "reasons": reasons})


def _reasons(refusal: Refusal, resource: int) -> list[dict[str, Any]]:
    return [
        {"code": refusal.code or resource * 100 + category, "message": text}
        for category, text in refusal.reasons
    ]


def _turned_away(status: int, category: Category, *messages: str, **headers: str) -> Response:
    refusal = Refusal(*((category, message) for message in messages))
    body = failed(status, _reasons(refusal, GATEWAY)).body
    return GatewayAnswer(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


class ZuoraEdge(StandIn):
    """What holds for every call, whichever route it takes."""

    fault_kinds: ClassVar[frozenset[str]] = frozenset({"reasons", "expire_tokens", "running"})

    def __init__(
        self, *, state_path: Path | None = None, seed: str = "demo", owner_style: str = "A"
    ) -> None:
        self._owner_style = owner_style
        self._limits = Limits()
        self._busy: dict[str | None, timedelta] = {}
        super().__init__(state_path=state_path, seed=seed)
        # What is kept may be of another style, or of a version that knew less.
        empty = empty_state(self.now().date())
        settings = {**empty["settings"], **self.state.get("settings", {})}
        self.state = {**empty, **self.state, "settings": {**settings, "ownerStyle": owner_style}}

    def seed(self, name: str) -> None:
        self.state = seeded(name, self.now())
        self.state["settings"]["ownerStyle"] = self._owner_style

    def tenant(self) -> Tenant:
        """The tenant as of now, with the night's work done when a night has passed."""
        tenant = Tenant(self.state, self.now())
        if self.state["jobsRunOn"] < tenant.today.isoformat():
            zuora_nightly.run(tenant)
        return tenant

    @route("POST", "/oauth/token")
    def issue_token(self, request: Request) -> Response:
        form = request.form()
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if len(client_id) != len(demo.ZUORA_CLIENT.client_id):
            return Response(400, {"message": "client_id has 36 characters."})
        if form.get("grant_type") != "client_credentials":
            return Response(400, {"message": "grant_type is client_credentials."})
        wanted = demo.ZUORA_CLIENT
        known = compare_digest(client_id.encode(), wanted.client_id.encode())
        if not (compare_digest(secret.encode(), wanted.client_secret.encode()) and known):
            return _turned_away(401, Category.AUTHENTICATION, "Unknown client or wrong secret.")
        tokens: dict[str, str] = self.state["tokens"]
        live = {t: until for t, until in tokens.items() if not self._over(until)}
        token = secrets.token_hex(16)
        until = self.now() + timedelta(seconds=TOKEN_SECONDS)
        kept = list({**live, token: until.isoformat()}.items())[-MOST_TOKENS:]
        self.state["tokens"] = dict(kept)
        return Response(
            body={
                "access_token": token,
                "token_type": "bearer",
                "expires_in": TOKEN_SECONDS,
                "scope": "",
                "jti": secrets.token_hex(16),
            }
        )

    def answer(self, request: Request) -> Response:
        with self._limits.counted():
            return super().answer(request)

    def before(self, request: Request, route_template: str) -> Response | None:
        if request.path in OPEN_PATHS:
            return None
        return (
            self._unknown_bearer(request)
            or _wrong_headers(request)
            or self._over_limit()
            or self._known_key(request)
        )

    def after(self, request: Request, response: Response) -> None:
        if response.replayed:
            return
        request_id = str(uuid4())
        response.headers |= {"Zuora-Request-Id": request_id, **self._limits.headers(*self._most())}
        if "zuora-track-id" in request.headers:
            response.headers["Zuora-Track-Id"] = request.headers["zuora-track-id"]
        if isinstance(response.body, dict) and "reasons" in response.body and response.status < 500:
            response.body["requestId"] = request_id
        if isinstance(response, GatewayAnswer) or request.path in OPEN_PATHS:
            return
        busy = self._busy.pop(key_of(request), timedelta())
        remember(self.state["idempotency"], request, response, self.now(), busy)
        if busy:
            response.wire = Wire(cut="close")

    def fault(self, action: dict[str, Any], request: Request) -> Response | None:
        """Besides what every stand-in can do wrong:

        `{"kind": "reasons", "codes": [50000061], "status": 200}` fails with these reasons;
        `{"kind": "running", "seconds": 60}` does the work, loses the answer, and says for so long
        that the idempotency key is being worked on; `{"kind": "expire_tokens"}`.
        """
        match action["kind"]:
            case "reasons":
                ordered = action.get("codes", [READING * 100 + Category.TEMPORARY])
                reasons = [{"code": code, "message": "As ordered."} for code in ordered]
                return failed(action.get("status", 200), reasons)
            case "running":
                key = key_of(request)
                if key is not None:
                    self._busy[key] = timedelta(seconds=float(action["seconds"]))
            case "expire_tokens":
                self.state["tokens"] = {}
        return None

    def not_found(self, request: Request) -> Response:
        return Response(404, {"message": "no Route matched with those values"})

    def not_json(self, request: Request, problem: str) -> Response:
        return _turned_away(400, Category.MALFORMED, f"The body is not JSON: {problem}")

    def _unknown_bearer(self, request: Request) -> Response | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        until = self.state["tokens"].get(token)
        if scheme.lower() != "bearer" or until is None or self._over(until):
            return _turned_away(401, Category.AUTHENTICATION, "Authentication error")
        return None

    def _over(self, until: str) -> bool:
        return datetime.fromisoformat(until) <= self.now()

    def _most(self) -> tuple[int, int]:
        settings = self.state["settings"]
        return settings["callsPerMinute"], settings["callsAtOnce"]

    def _over_limit(self) -> Response | None:
        exceeded = self._limits.exceeded(*self._most())
        if exceeded is None:
            return None
        wait = self._limits.headers(*self._most())["RateLimit-Reset"]
        return _turned_away(429, Category.TOO_MANY, exceeded, Retry_After=wait)

    def _known_key(self, request: Request) -> Response | None:
        """What a known idempotency key has in place of carrying the call out."""
        if request.method == "PUT" and "idempotency-key" in request.headers:
            return _turned_away(400, Category.UNSUPPORTED, "A PUT takes no idempotency key.")
        if len(key_of(request) or "") > LONGEST_KEY:
            return _turned_away(400, Category.BAD_VALUE, "The idempotency key is too long.")
        record = remembered(self.state["idempotency"], request, self.now())
        if record is None:
            return None
        if record["path"] != request.path:
            return _turned_away(422, Category.RULE, "The key was used for another call.")
        if is_running(record, self.now()):
            return _turned_away(409, Category.LOCKED, "The call with this key is under way.")
        return replay(record)


def _wrong_headers(request: Request) -> Response | None:
    """What the vendor tolerates and Tessera must not do, so that tests find it."""
    problems = []
    if request.headers.get("zuora-version") != VERSION:
        problems.append(f"Zuora-Version must be {VERSION}.")
    track_id = request.headers.get("zuora-track-id", "")
    if len(track_id) > LONGEST_TRACK_ID or set(track_id) & set(":;\"'"):
        problems.append("Zuora-Track-Id has at most 64 characters, none of them : ; \" or '.")
    return _turned_away(400, Category.MISSING_PARAMETER, *problems) if problems else None
