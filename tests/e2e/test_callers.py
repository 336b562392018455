"""Every route of the deployed stack and everybody who may knock: exactly those named come in.

Whatever is asked for does not exist and every body is empty, so nothing is changed: whoever is let
in hears 404 or 422 of that. New routes, pages and callers are in by themselves.
"""

import re
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import NamedTuple

import pytest
import requests

from infra.routes import ROUTES, Route
from tests.e2e.callers import Caller, Callers, Visitor
from tests.e2e.conftest import Deployed

pytestmark = pytest.mark.e2e

_AT_ONCE = 8
_PAGES_AT_ONCE = 3
"""A family of pages starts as often as it is asked at once, which takes longer than its answers."""
_OF_ZUORA = "POST /api/events/zuora"
"""Open at the gateway, while its function wants Zuora's own credentials."""

API_ROUTES = [route for route in ROUTES if route.path.startswith("/api/")]
PAGE_ROUTES = [route for route in ROUTES if not route.path.startswith("/api/")]


class Knock(NamedTuple):
    """One call of the matrix, and what came of it."""

    route: str
    who: str
    is_allowed: bool
    send: Callable[[], requests.Response]

    def wrong(self) -> str | None:
        answer = self.send()
        if answer.status_code >= 500:
            return f"{self.route} | {self.who} | {answer.status_code} | must not fail"
        if _came_in(answer) == self.is_allowed:
            return None
        said = "must come in" if self.is_allowed else "must stay outside"
        return f"{self.route} | {self.who} | {answer.status_code} | {said}"


@pytest.fixture(scope="module")
def callers(deployed: Deployed) -> Callers:
    return Callers(deployed)


def test_exactly_the_callers_that_a_route_names_come_in(
    deployed: Deployed, callers: Callers
) -> None:
    knocks = [
        Knock(
            route.key,
            caller.name,
            _is_allowed(caller, route),
            lambda route=route, caller=caller: _call(deployed, route, caller),  # type: ignore[misc]
        )
        for route, caller in _one_after_the_other(callers)
    ]
    assert len(knocks) > 10 * len(API_ROUTES)

    assert _wrong(knocks) == ""


def test_exactly_the_visitors_that_a_page_is_for_come_in(
    deployed: Deployed, callers: Callers
) -> None:
    visitors = callers.visitors()
    knocks = [
        Knock(
            f"{method} {path}",
            visitor.name,
            kind is None
            or (visitor.kind == kind and (not groups or bool(visitor.groups & groups))),
            lambda method=method, path=path, visitor=visitor: _visit(  # type: ignore[misc]
                deployed, method, path, visitor
            ),
        )
        for method, path, kind, groups in _pages(deployed)
        for visitor in visitors
    ]

    assert _wrong(knocks, at_once=_PAGES_AT_ONCE) == ""


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_an_unknown_address_of_the_api_is_told_as_a_problem(
    deployed: Deployed, method: str
) -> None:
    answer = requests.request(method, f"{deployed.stack.api}/api/unknown/thing", timeout=30)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def _one_after_the_other(callers: Callers) -> Iterable[tuple[Route, Caller]]:
    """All routes for one caller after another: a function called by several starts as often."""
    rows = [[(route, caller) for caller in callers.of(route)] for route in API_ROUTES]
    for column in zip_longest(*rows):
        yield from (knock for knock in column if knock is not None)


def _is_allowed(caller: Caller, route: Route) -> bool:
    if route.key == _OF_ZUORA:
        return caller.kind == "zuora"
    return not route.who or caller.is_admitted_to(route)


def _call(deployed: Deployed, route: Route, caller: Caller) -> requests.Response:
    return requests.request(
        route.method,
        deployed.stack.api + _filled(route.path),
        json=None if route.method in ("GET", "DELETE") else {},
        headers={"Authorization": caller.authorization} if caller.authorization else {},
        allow_redirects=False,
        timeout=40,
    )


def _visit(deployed: Deployed, method: str, path: str, visitor: Visitor) -> requests.Response:
    """As a browser sends it; a form has no fields but those that every form has."""
    form = {"csrf_token": visitor.csrf, "form_key": uuid.uuid4().hex}
    return requests.request(
        method,
        deployed.stack.api + path,
        data=form if method == "POST" else None,
        headers={**visitor.headers, **({"Origin": deployed.stack.api} if method == "POST" else {})},
        allow_redirects=False,
        timeout=40,
    )


def _pages(deployed: Deployed) -> Iterable[tuple[str, str, str | None, frozenset[str]]]:
    """Method, path, and who may come: the kind of visitor and its groups."""
    configured = deployed.api.call("GET", "/api/catalog/pages?limit=100")["items"]
    for route in PAGE_ROUTES:
        kinds = [who for who in route.who if who.kind != "visitor_session"]
        if len(kinds) < len(route.who):
            for page in configured:
                if page["status"] == "active":
                    needed = page["authentication"]
                    kind = None if needed == "none" else needed
                    yield route.method, page["slug"], kind, frozenset()
        elif not kinds:
            yield route.method, _filled(route.path), None, frozenset()
        for who in kinds:
            yield (
                route.method,
                _filled(route.path),
                who.kind.removesuffix("_session"),
                frozenset(who.needs),
            )


def _filled(path: str) -> str:
    """With the name of nothing for each parameter."""
    return re.sub(r"\{(\w+)\+?\}", r"unknown-\1", path)


def _came_in(answer: requests.Response) -> bool:
    sent_to_sign_in = answer.headers.get("Location", "").startswith("/auth/")
    return answer.status_code not in (401, 403) and not sent_to_sign_in


def _wrong(knocks: Iterable[Knock], *, at_once: int = _AT_ONCE) -> str:
    """A line for each violation."""
    with ThreadPoolExecutor(at_once) as pool:
        found = pool.map(lambda knock: knock.wrong(), knocks)
        return "\n".join(line for line in found if line is not None)
