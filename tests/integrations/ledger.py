"""The smallest vendor, for tests of what all stand-ins have: entries are added and read."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from infra.local._server import Refused, Request, Response, Running, StandIn, route


class Ledger(StandIn):
    """Its state: `{"entries": [name], "price": 17.50}`."""

    def __init__(self, *, state_path: Path | None = None, seed: str = "demo") -> None:
        self.released = threading.Event()
        self.alone = threading.Lock()
        super().__init__(state_path=state_path, seed=seed)

    def seed(self, name: str) -> None:
        self.state = {"entries": ["first"] if name == "demo" else [], "price": Decimal("17.50")}

    def before(self, request: Request, route_template: str) -> Response | None:
        if "x-stranger" in request.headers:
            return Response(401, {"route": route_template})
        return None

    def after(self, request: Request, response: Response) -> None:
        response.headers["X-Entries"] = str(len(self.state["entries"]))

    @route("POST", "/entries")
    def add(self, request: Request) -> Response:
        self.state["entries"].append(request.json()["name"])
        return Response(201, {"name": request.json()["name"]})

    @route("GET", "/entries/latest")
    def latest(self, request: Request) -> Response:
        return Response(body=self.state["entries"][-1], headers={"Content-Type": "text/x-entry"})

    @route("GET", "/entries/{name}")
    def read(self, request: Request) -> Response:
        if request.params["name"] not in self.state["entries"]:
            raise Refused(Response(404, {"unknown": request.params["name"]}))
        return Response(body={"name": request.params["name"], "price": self.state["price"]})

    @route("GET", "/files/{path*}")
    def file(self, request: Request) -> Response:
        return Response(body=request.params["path"], cookies=["a=1; Path=/", "b=2"])

    @route("POST", "/form")
    def form(self, request: Request) -> Response:
        return Response(body=dict(request.form()))

    @route("GET", "/wait", locked=False)
    def wait(self, request: Request) -> Response:
        self.released.wait(30)
        return Response(body="released")

    @route("GET", "/alone")
    def work_alone(self, request: Request) -> Response:
        if not self.alone.acquire(blocking=False):
            return Response(500, "somebody else is here")
        self.stopping.wait(0.01)
        self.alone.release()
        return Response(204)

    @route("GET", "/broken")
    def broken(self, request: Request) -> Response:
        raise ZeroDivisionError("a mistake of ours")

    @route("GET", "/split")
    def split(self, request: Request) -> Response:
        return Response(204, headers={"X-Text": "one\r\nX-Smuggled: two"})


def state_of(running: Running) -> Any:
    return requests.get(f"{running.url}/_control/state", timeout=10).json()


def journal_of(running: Running, path: str = "") -> list[dict[str, Any]]:
    answer = requests.get(f"{running.url}/_control/requests", params={"path": path}, timeout=10)
    entries: list[dict[str, Any]] = answer.json()["requests"]
    return entries
