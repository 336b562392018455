"""A stand-in for receivers of webhooks: keeps what it is sent and misbehaves as it is told.

POST /hooks/{name}                          a delivery; the inbox appears with its first one
GET  /                                      a page to watch
GET  /_control/inboxes                      what there is
PUT  /_control/inboxes/{name}               {"mode", ...} as in `inbox_modes.Behaviour`; what it
                                            leaves out is the default again, but for secret and
                                            basic, which stay until set to null
GET, DELETE /_control/inboxes/{name}        its settings; forget it
GET, DELETE /_control/inboxes/{name}/deliveries
     ?after= &limit= &type= &id=            oldest first, from the one after that number
     &wait= &at_least=                      answers once so many are there, or the time is up
"""

import base64
import re
from pathlib import Path
from time import monotonic
from typing import Any

from infra.local import inbox_page
from infra.local._server import Refused, Request, Response, StandIn, main, route
from infra.local.inbox_modes import BadBehaviour, Behaviour, answer_of, read_behaviour
from infra.local.inbox_signatures import basic_credentials_match, judge

KEPT_PARTS = ("secret", "basic")  # they stay when a new behaviour does not mention them
MOST_INBOXES = 200
MOST_DELIVERIES = 2_000  # of one inbox; older ones are forgotten
LONGEST_KEPT_BODY = 64 * 1024  # the most that Tessera sends
LONGEST_WAIT_SECONDS = 60
LARGEST_PAGE = 1_000
SECONDS_BETWEEN_WRITES = 1.0
REST_AFTER_A_WRITE = 20  # times as long as it took: thousands of deliveries are many megabytes


class Inbox(StandIn):
    """Receives webhooks for any number of named inboxes."""

    def __init__(self, *, state_path: Path | None = None, seed: str = "empty") -> None:
        self._next_write = 0.0
        super().__init__(state_path=state_path, seed=seed)

    def seed(self, name: str) -> None:
        self.state = {"last": 0, "inboxes": {}}

    def save(self) -> None:
        """Writes at most once a second: speed is measured against this receiver."""
        began = monotonic()
        if self.stopping.is_set() or began >= self._next_write:
            super().save()
            took = monotonic() - began
            self._next_write = began + max(SECONDS_BETWEEN_WRITES, REST_AFTER_A_WRITE * took)

    @route("POST", "/hooks/{name}")
    @route("PUT", "/hooks/{name}")
    @route("GET", "/hooks/{name}")
    def receive(self, request: Request) -> Response:
        inbox = self._inbox(request.params["name"])
        told = read_behaviour(inbox["behaviour"])
        behaviour = told.towards(request.body)
        allowed = _basic_verdict(request, behaviour)
        secrets = behaviour.secrets()
        verdict = judge(request.headers, request.body, secrets, self.now()) if secrets else None
        response = answer_of(behaviour)
        if allowed is False:
            response = Response(401, None, {"WWW-Authenticate": 'Basic realm="inbox"'})
        self.state["last"] += 1
        inbox["deliveries"].append(
            _recorded(request)
            | {
                "number": self.state["last"],
                "inbox": request.params["name"],
                "received": self.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "mode": behaviour.mode,
                "status": None if behaviour.silent() and allowed is not False else response.status,
                "verified": verdict.verified if verdict else None,
                "why": verdict.why if verdict else "this inbox knows no secret",
                "basic": allowed,
            }
        )
        del inbox["deliveries"][:-MOST_DELIVERIES]
        if behaviour is told:
            inbox["behaviour"] = told.after_one().described()
        return response

    @route("GET", "/")
    def watch(self, request: Request) -> Response:
        chosen = request.query.get("inbox", [""])[0]
        return inbox_page.watch(self.state, chosen=chosen, now=self.now())

    @route("GET", "/watch.js")
    def watch_script(self, request: Request) -> Response:
        return Response(body=inbox_page.SCRIPT, headers={"Content-Type": "text/javascript"})

    @route("GET", "/_control/news", locked=False)
    def news(self, request: Request) -> Response:
        """Answers once there is another newest delivery than `after`: what the page waits for."""
        after = _number(request, "after", most=2**53)
        with self.changed:
            self.changed.wait_for(
                lambda: self.stopping.is_set() or self.state["last"] != after, timeout=25
            )
            return Response(body={"last": self.state["last"]})

    @route("GET", "/_control/inboxes")
    def show_inboxes(self, request: Request) -> Response:
        inboxes = [_summary(name, inbox) for name, inbox in self.state["inboxes"].items()]
        return Response(body={"inboxes": inboxes})

    @route("GET", "/_control/inboxes/{name}")
    def show_inbox(self, request: Request) -> Response:
        name = request.params["name"]
        if name not in self.state["inboxes"]:
            return self.not_found(request)
        return Response(body=_summary(name, self.state["inboxes"][name]))

    @route("PUT", "/_control/inboxes/{name}")
    def set_behaviour(self, request: Request) -> Response:
        name = request.params["name"]
        wanted = request.json()
        known = self.state["inboxes"].get(name)
        if known and isinstance(wanted, dict):
            wanted = {part: known["behaviour"].get(part) for part in KEPT_PARTS} | wanted
        try:
            behaviour = read_behaviour(wanted)
        except BadBehaviour as problem:
            raise Refused(_wrong(str(problem))) from problem
        inbox = self._inbox(name)
        inbox["behaviour"] = behaviour.described()
        return Response(body=_summary(name, inbox))

    @route("DELETE", "/_control/inboxes/{name}")
    def forget_inbox(self, request: Request) -> Response:
        self.state["inboxes"].pop(request.params["name"], None)
        return Response(204)

    @route("GET", "/_control/inboxes/{name}/deliveries", locked=False)
    def show_deliveries(self, request: Request) -> Response:
        after = _number(request, "after", most=2**53)
        limit = _number(request, "limit", otherwise=100, most=LARGEST_PAGE)
        wait = _number(request, "wait", most=LONGEST_WAIT_SECONDS)
        at_least = _number(request, "at_least", otherwise=1, most=MOST_DELIVERIES)
        kind, id_ = (request.query.get(name, [None])[0] for name in ("type", "id"))

        def fitting() -> list[dict[str, Any]]:
            inbox = self.state["inboxes"].get(request.params["name"], {"deliveries": []})
            return [
                delivery
                for delivery in inbox["deliveries"]
                if delivery["number"] > after
                and kind in (None, _header(delivery, "tessera-event-type"))
                and id_ in (None, _header(delivery, "webhook-id"))
            ]

        with self.changed:
            self.changed.wait_for(
                lambda: self.stopping.is_set() or len(fitting()) >= at_least, timeout=wait
            )
            found = fitting()
            shown = found[:limit]
            next_after = shown[-1]["number"] if shown else after
            more = len(found) > len(shown)
            return Response(body={"deliveries": shown, "next": next_after, "more": more})

    @route("DELETE", "/_control/inboxes/{name}/deliveries")
    def forget_deliveries(self, request: Request) -> Response:
        if request.params["name"] in self.state["inboxes"]:
            self.state["inboxes"][request.params["name"]]["deliveries"] = []
        return Response(204)

    def _inbox(self, name: str) -> dict[str, Any]:
        """The inbox of that name, made on first use."""
        inboxes: dict[str, dict[str, Any]] = self.state["inboxes"]
        if name not in inboxes:
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
                raise Refused(_wrong("an inbox's name is 1 to 64 of A-Z a-z 0-9 . _ -"))
            if len(inboxes) >= MOST_INBOXES:
                raise Refused(_wrong(f"there are {MOST_INBOXES} inboxes already; DELETE some"))
            inboxes[name] = {"behaviour": Behaviour().described(), "deliveries": []}
        return inboxes[name]


def _recorded(request: Request) -> dict[str, Any]:
    kept = request.body[:LONGEST_KEPT_BODY]
    try:
        text = kept.decode()
    except UnicodeDecodeError:
        text = None
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": dict(request.headers),
        "body": text,
        "base64": base64.b64encode(kept).decode(),
        "bytes": len(request.body),
        "truncated": len(kept) < len(request.body),
    }


def _basic_verdict(request: Request, behaviour: Behaviour) -> bool | None:
    if behaviour.basic is None:
        return None
    username, password = behaviour.basic["username"], behaviour.basic["password"]
    return basic_credentials_match(request.headers, username, password)


def _header(delivery: dict[str, Any], name: str) -> str | None:
    fields: dict[str, str] = delivery["headers"]
    return next((value for field, value in fields.items() if field.lower() == name), None)


def _summary(name: str, inbox: dict[str, Any]) -> dict[str, Any]:
    kept = len(inbox["deliveries"])
    return {"name": name, "url": f"/hooks/{name}", "kept": kept, **inbox["behaviour"]}


def _number(request: Request, name: str, *, otherwise: int = 0, most: int) -> int:
    given = request.query.get(name, [str(otherwise)])[0]
    if not (given.isascii() and given.isdigit() and len(given) <= 16 and int(given) <= most):
        raise Refused(_wrong(f'"{name}" is a whole number up to {most}'))
    return int(given)


def _wrong(message: str) -> Response:
    return Response(400, {"message": message})


if __name__ == "__main__":
    main(Inbox, 9104)
