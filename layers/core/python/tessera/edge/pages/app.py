"""What every page function needs once: routing, sessions, forms, rendering, error pages."""

import base64
import gzip
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from tessera import clock
from tessera.edge.callers import StoredPartners
from tessera.edge.downloads import download
from tessera.edge.idempotency import Repeats
from tessera.edge.observability import Outcome, begin, flush_metrics, logger, note
from tessera.edge.pages import cookies, failures, formats, security
from tessera.edge.pages.doors import Doors, Route, routes
from tessera.edge.pages.environment import PageEnvironment
from tessera.edge.pages.forms import KEY, Fields, Form, errors_of
from tessera.edge.pages.frames import CONSOLE, PLAIN, console_menu
from tessera.edge.pages.locations import own_path, with_query
from tessera.edge.pages.once import once
from tessera.edge.pages.rendering import Reader, Templates
from tessera.edge.pages.visit import Answer, Download, Moved, Shown, SignInNeeded, Visit
from tessera.errors import (
    Conflict,
    Forbidden,
    InvalidFields,
    InvalidRequest,
    NotFound,
    Refusal,
    UpstreamFailed,
)
from tessera.identity.session_store import SessionsTable
from tessera.identity.sessions import Flash, Kind, new_token, seen

__all__ = ["Answer", "Download", "Moved", "Pages", "Shown", "Visit", "entrypoint"]

PageFunction: TypeAlias = Callable[..., Answer]
KindOf: TypeAlias = Callable[[Visit], Kind | None]
LambdaHandler: TypeAlias = Callable[[dict[str, Any], Any], dict[str, Any]]

_FORM_AGAIN = (InvalidFields, Conflict, UpstreamFailed)
"""Refusals that leave the form in front of the person who filled it in."""

_MOST_NAMES = 50
"""In a query."""


class Pages(APIGatewayHttpResolver):
    """A page family: its pages (GET) and its actions (POST), with the templates beside it."""

    def __init__(
        self,
        env: PageEnvironment,
        beside: str,
        *,
        partners: StoredPartners | None = None,
        kind_of: KindOf | None = None,
        form_targets: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`beside` is the handler's `__file__`. `kind_of` replaces the route table where an address
        alone does not tell who may come; `form_targets` are further origins of sign-in pages.
        """
        super().__init__()
        self.env = env
        self.templates = Templates(Path(beside).parent / "templates")
        self.sessions = SessionsTable(env.sessions_table)
        self.doors = Doors(self.sessions, env.lifetimes, env.base_url, partners)
        self.repeats = Repeats.from_environment(confidential=False)
        self._kind_of = kind_of
        self._form_targets = form_targets
        self.not_found(self._no_such_page)

    def page(self, path: str) -> Callable[[PageFunction], PageFunction]:
        """`@app.page("/settings/x/<id>")`: shows something, changes nothing."""

        def register(show: PageFunction) -> PageFunction:
            def answer(**parameters: str) -> Response[str]:
                return self._answered(lambda visit: show(visit, **parameters))

            self.get(path)(answer)
            return show

        return register

    def action(
        self,
        path: str,
        *,
        form: PageFunction | None = None,
        at: Mapping[str, str] | None = None,
        is_open: bool = False,
    ) -> Callable[[PageFunction], PageFunction]:
        """`@app.action("/settings/x", form=new_x)`: does something, then moves on.

        A refusal that a person can mend shows `form`'s page again with the values typed, 422;
        `at` puts a refusal's code at a field: `at={"email_in_use": "email"}`. Session, token and
        double clicks are taken care of, unless the action is open: then it does so itself.
        """

        def register(act: PageFunction) -> PageFunction:
            def answer(**parameters: str) -> Response[str]:
                def do(visit: Visit) -> Answer:
                    if is_open:
                        return act(visit, **parameters)
                    return self._once(visit, lambda: act(visit, **parameters))

                again = partial(form, **parameters) if form is not None else None
                return self._answered(do, again, at or {}, is_open)

            self.post(path)(answer)
            return act

        return register

    def visit(self, event: dict[str, Any]) -> Visit:
        """The request as the page's function sees it, nobody let in yet."""
        http, headers = event["requestContext"]["http"], event.get("headers") or {}
        body = event.get("body") or ""
        if body and event.get("isBase64Encoded"):
            body = base64.b64decode(body).decode("utf-8", "replace")
        method = str(http["method"]).upper()
        return Visit(
            method=method,
            path=str(event.get("rawPath") or http["path"]),
            query=_query(event),
            fields=Fields.parse(body) if method == "POST" else Fields(),
            locale=formats.locale_of(headers.get("accept-language")),
            now=clock.now(),
            is_partial=headers.get("hx-request") == "true"
            and headers.get("hx-request-type", "partial") == "partial",
            referred_from=self._own_referrer(headers.get("referer", "")),
            cookies=cookies.read(event),
        )

    def render(self, shown: Shown, visit: Visit) -> Response[str]:
        frame = shown.frame or visit.frame
        reader = Reader(visit.locale, self.env.business_time_zone, visit.now)
        values = {
            **shown.values,
            "form": visit.form,
            "now": visit.now,
            "page": self._surroundings(shown, visit, partial=visit.is_partial),
            "frame": frame,
            "layout": f"{frame.layout}.html",
        }
        if visit.is_partial and shown.block is not None:
            body = self.templates.block(shown.template, shown.block, values, reader)
        else:
            body = self.templates.page(shown.template, values, reader)
        headers = security.headers(
            [*self.env.sign_in_origins.split(), *self._form_targets()], shown.widened
        )
        # Cached by nobody; told all the same, as a block and its page share an address.
        headers["Vary"] = "Cookie, HX-Request"
        return Response(shown.status, "text/html; charset=utf-8", body, headers)

    def failure(self, visit: Visit, refusal: Refusal, request_id: str | None) -> Response[str]:
        """The page for a refusal, inside the frame of who is signed in."""
        note(outcome="refused", code=refusal.wire_code)
        response = self.render(failures.page_of(refusal, visit, request_id), visit)
        response.headers |= refusal.headers
        return response

    def _answered(
        self,
        act: Callable[[Visit], Answer],
        again: Callable[[Visit], Answer] | None = None,
        at: Mapping[str, str] | None = None,
        is_open: bool = False,
    ) -> Response[str]:
        visit: Visit = self.context["visit"]
        self._let_in(visit, is_open, parks=again is not None)
        try:
            answer = act(visit)
        except _FORM_AGAIN as refusal:
            if again is None:
                raise
            note(outcome="refused", code=refusal.wire_code)
            visit.form = self._form(visit, visit.fields, errors_of(refusal, at or {}, visit.fields))
            status = refusal.status if isinstance(refusal, UpstreamFailed) else 422
            answer = again(visit)
            if isinstance(answer, Shown):
                answer = answer._replace(status=status)
        match answer:
            case Moved():
                return self._moved(answer, visit)
            case Download():
                return download(answer.content, name=answer.name, lend=answer.lend)
        return self.render(answer, visit)

    def _let_in(self, visit: Visit, is_open: bool, *, parks: bool) -> None:
        """Raises `SignInNeeded`, `Forbidden`, and `NotFound` for an action that nobody may do."""
        if visit.method == "POST":
            self.doors.check_origin(self.context["headers"])
        route: Route = self.context["route"]
        kind = self._kind_of(visit) if self._kind_of is not None else route.kind
        if kind == "operator":
            visit.frame = CONSOLE
        if kind is not None:
            self.doors.let_in(visit, kind, parks=parks)
            if kind == "operator" and not visit.operator.groups & route.groups:
                raise Forbidden(
                    "This is reserved to operators of the group "
                    f"{' or '.join(sorted(route.groups))}.",
                    code="forbidden",
                )
        if visit.method == "POST" and not is_open:
            if visit.session is None:
                raise NotFound("There is nothing to send to this address.")
            self.doors.check_token(visit)
        visit.form = self._first_form(visit)

    def _first_form(self, visit: Visit) -> Form:
        """Empty, or as it was typed before the session ended."""
        filled = visit.session.filled if visit.session is not None else None
        if filled is None or filled.path != visit.path or visit.method == "POST":
            return self._form(visit)
        self._change(visit, filled=None)
        return self._form(visit, Fields(filled.fields), came_back=True)

    def _form(
        self, visit: Visit, fields: Fields | None = None, errors: Any = (), came_back: bool = False
    ) -> Form:
        csrf = visit.session.csrf if visit.session is not None else ""
        return Form(csrf=csrf, key=new_token(), fields=fields, errors=errors, came_back=came_back)

    def _once(self, visit: Visit, act: Callable[[], Answer]) -> Answer:
        key = visit.fields.raw(KEY)
        if self.repeats is None or visit.session is None or not key:
            return act()
        signed = visit.session.signed
        return once(
            self.repeats,
            key,
            path=visit.path,
            caller=f"{signed.kind}/{signed.issuer}/{signed.subject}",
            now=visit.now,
            act=act,
        )

    def _moved(self, moved: Moved, visit: Visit) -> Response[str]:
        if moved.flash is not None:
            self._tell(visit, moved.flash)
        headers = {**security.FIXED, "Location": moved.location}
        return Response(303, "text/html; charset=utf-8", "", headers)

    def _tell(self, visit: Visit, flash: Flash) -> None:
        if visit.session is not None:
            self._change(visit, flashes=(*visit.session.flashes, flash))

    def _change(self, visit: Visit, **members: Any) -> None:
        if visit.kind is not None:
            self.sessions.change(visit.cookies[cookies.NAMES[visit.kind]], **members)

    def _surroundings(self, shown: Shown, visit: Visit, *, partial: bool) -> dict[str, Any]:
        session = visit.session
        flashes: tuple[Flash, ...] = ()
        if session is not None and not partial:
            flashes = session.flashes
            self._note_seen(visit)
        return {
            "title": shown.title,
            "crumbs": shown.crumbs,
            "path": visit.path,
            "kind": visit.kind or "",
            "person": session.signed.label if session is not None else "",
            "is_admin": bool(session and "admin" in session.signed.groups),
            "csrf": session.csrf if session is not None else "",
            "flashes": flashes,
            "menu": console_menu(visit.path, self.env.console_addresses),
            "stylesheet": self.env.stylesheet,
            "script": self.env.script,
            "support": self.env.support_address if visit.kind != "operator" else "",
        }

    def _note_seen(self, visit: Visit) -> None:
        """At most one write a request, and none while nothing is worth noting."""
        session = visit.session
        if session is None:
            return
        changes: dict[str, Any] = {}
        if (at := seen(session, visit.now)) != session.seen:
            changes["seen"] = at
        if session.flashes:
            changes["flashes"] = ()
        if changes:
            self._change(visit, **changes)

    def _no_such_page(self, _: NotFoundError) -> Response[str]:
        raise NotFound("There is no page at this address.")

    def _own_referrer(self, referrer: str) -> str:
        if not referrer.startswith(f"{self.env.base_url}/"):
            return ""
        return own_path(referrer.removeprefix(self.env.base_url).partition("#")[0], "")


def entrypoint(app: Pages) -> LambdaHandler:
    """What Lambda calls."""
    event_name = os.environ.get("POWERTOOLS_SERVICE_NAME", "tessera")
    admitted = routes(os.environ.get("CALLERS", "{}"))

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        begin(context)
        request_id = str(event["requestContext"].get("requestId", ""))
        with Outcome(event_name, request_id) as line:
            answer = _answer(app, admitted, event, context, line)
            status = int(answer["statusCode"])
            line.members["status"] = status
            line.members.setdefault("outcome", "refused" if status >= 400 else "done")
            line.audit(event, answer)
        flush_metrics()
        return answer

    return handle


def _answer(
    app: Pages,
    admitted: Mapping[str, Route],
    event: dict[str, Any],
    context: Any,
    line: Outcome,
) -> dict[str, Any]:
    headers = event.get("headers") or {}
    visit: Visit | None = None
    try:
        visit = app.visit(event)
        line.members["route"] = event["routeKey"]
        app.append_context(  # type: ignore[no-untyped-call]  # untyped there
            visit=visit, headers=headers, route=admitted[event["routeKey"]]
        )
        answer = _resolved(app, visit, event, context, line)
    except Refusal as refusal:
        answer = _as_event(app.failure(visit or _nobody(event), refusal, line.correlation_id))
    except Exception:
        # The person learns nothing of our insides; the log line has the traceback.
        logger.exception("failed", extra={"correlation_id": line.correlation_id})
        line.level = "error"
        line.members["outcome"] = "failed"
        answer = _as_event(
            app.render(failures.broken(line.correlation_id), visit or _nobody(event))
        )
    if visit is not None:
        line.members["caller"] = visit.kind or "anonymous"
        if visit.kind == "operator" and visit.session is not None:
            line.members["client"] = visit.session.signed.subject
        answer["cookies"] = visit.set_cookies
    return _compressed(answer, headers)


def _resolved(
    app: Pages, visit: Visit, event: dict[str, Any], context: Any, line: Outcome
) -> dict[str, Any]:
    """Raises what is told on a page of its own."""
    try:
        answer: dict[str, Any] = app.resolve(event, context)
    except SignInNeeded as needed:
        line.members["outcome"] = "sign_in"
        return _as_event(_to_sign_in(needed, visit))
    return answer


def _query(event: Mapping[str, Any]) -> dict[str, str]:
    """As it was typed: the gateway's own reading joins repeated names with commas."""
    try:
        return dict(parse_qsl(event.get("rawQueryString") or "", max_num_fields=_MOST_NAMES))
    except ValueError:
        raise InvalidRequest("The address has too many parameters.") from None


def _nobody(event: dict[str, Any]) -> Visit:
    """For the page that says what was wrong with a request that could not be read."""
    http = event["requestContext"]["http"]
    return Visit(
        method=str(http["method"]),
        path=str(http["path"]),
        query={},
        fields=Fields(),
        locale=formats.DEFAULT,
        now=clock.now(),
        frame=PLAIN,
    )


def _to_sign_in(needed: SignInNeeded, visit: Visit) -> Response[str]:
    """A page is returned to as it was asked for; an action by the page it was sent from."""
    here = with_query(visit.path, **visit.query)
    back = here if visit.method == "GET" or needed.parked else (visit.referred_from or "/")
    location = with_query(f"/auth/{needed.kind}", return_to=own_path(back), parked=needed.parked)
    return Response(303, "text/html; charset=utf-8", "", {**security.FIXED, "Location": location})


def _as_event(response: Response[str]) -> dict[str, Any]:
    headers = {name: value for name, value in response.headers.items() if isinstance(value, str)}
    return {
        "statusCode": response.status_code,
        "headers": {"Content-Type": response.content_type, **headers},
        "body": response.body or "",
        "isBase64Encoded": False,
        "cookies": [],
    }


def _compressed(answer: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """An HTTP API does not compress by itself."""
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded") or "gzip" not in headers.get("accept-encoding", ""):
        return answer
    if len(body) < 1024:
        return answer
    packed = gzip.compress(body.encode(), 6, mtime=0)
    answer["headers"]["Content-Encoding"] = "gzip"
    answer["body"] = base64.b64encode(packed).decode()
    answer["isBase64Encoded"] = True
    return answer
