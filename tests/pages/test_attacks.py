"""What others try through somebody's browser: every form of every family of pages refuses it.

Session fixation, return addresses and the form that signs out, which needs no session, are in
`test_sign_in.py`; HTML in what people type is in each family's own tests.
"""

import re
from collections import Counter
from typing import Any

import pytest

from infra.routes import ROUTES
from tessera.aws import client
from tessera.catalog.installed import installed_pages
from tessera.edge.pages.cookies import NAMES
from tessera.identity.sessions import Kind
from tessera.tables import TABLES
from tests import handlers
from tests.pages.test_site import ACME, Partners
from tests.pages.visitor import BASE_URL, Visitor, signed_in
from tests.webhooks.asking import WHERE, cursor_secret
from tests.webhooks.engine import Engine

_QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/slow"
_CONSOLE = ("catalog", "orders", "page_settings", "partners", "webhooks")
_KINDS: tuple[tuple[str, Kind], ...] = (
    *((family, "operator") for family in _CONSOLE),
    ("site", "partner"),
    ("site", "customer"),
)
_OTHER: dict[Kind, Kind] = {"operator": "customer", "partner": "customer", "customer": "partner"}


def _routes(family: str) -> dict[str, Any]:
    return {
        route.key: {who.kind: list(who.needs) for who in route.who}
        for route in ROUTES
        if route.function == f"pages/{family}"
    }


def _forms(family: str, kind: Kind) -> list[str]:
    """Every address that takes a form, as `/settings/pages/x`."""
    if family == "site":
        return [one.slug for one in installed_pages("test") if one.authentication == kind]
    posts = (key.split(" ") for key in _routes(family))
    return [re.sub(r"\{\w+\}", "x", path) for method, path in posts if method == "POST"]


def _shown(family: str, kind: Kind) -> list[str]:
    """Every address of a page, as `/settings/pages/x`."""
    if family == "site":
        return _forms(family, kind)
    gets = (key.removeprefix("GET ") for key in _routes(family) if key.startswith("GET "))
    return [re.sub(r"\{\w+\}", "x", path) for path in gets]


def _visitor(family: str) -> Visitor:
    needed: dict[str, Any] = {"SLOW_QUEUE_URL": _QUEUE, "ENDPOINT_LIMIT": "200", **WHERE}
    module = handlers.loaded(f"pages/{family}", _routes(family), **needed)
    if family == "site":
        module.app.doors._partners = Partners()
        client("ssm").put_parameter(
            Name="/tessera/dev/identity_providers", Type="String", Value="[]"
        )
    return Visitor(lambda event: module.handler(event, None), _routes(family))


def _kept() -> Counter[str]:
    """How much each table holds: a refused form changes none of it."""
    scan = client("dynamodb").scan
    return Counter({one.name: scan(TableName=one.name, Select="COUNT")["Count"] for one in TABLES})


def _person(visitor: Visitor, kind: Kind) -> str:
    """Signed in as who may send the forms; the token of the session."""
    detail: dict[str, Any] = {"subject": "ann", "organisation": ACME} if kind == "partner" else {}
    return signed_in(visitor, kind, **detail).csrf


def test_every_family_that_takes_forms_is_tried() -> None:
    takes = {route.function for route in ROUTES if route.method == "POST" and route.who}
    pages = {one.removeprefix("pages/") for one in takes if one.startswith("pages/")}

    assert pages == {family for family, _ in _KINDS}
    assert all(_forms(family, kind) for family, kind in _KINDS)


@pytest.mark.parametrize(("family", "kind"), _KINDS, ids=[f"{one}-{two}" for one, two in _KINDS])
def test_no_form_can_be_sent_for_somebody_else(
    tables: dict[str, str], family: str, kind: Kind
) -> None:
    visitor = _visitor(family)
    stolen = signed_in(visitor, _OTHER[kind], subject="bo", groups=("admin",))
    other_cookie = visitor.cookies.pop(NAMES[_OTHER[kind]])
    token = _person(visitor, kind)
    own_cookie = visitor.cookies[NAMES[kind]]
    before = _kept()

    for address in _forms(family, kind):
        visitor.cookies = {NAMES[kind]: own_cookie}
        crossed = visitor.send(address, {"csrf_token": token}, origin="https://evil.example")
        assert (crossed.status, "from another site" in crossed.text) == (403, True), address
        assert visitor.send(address, {"csrf_token": stolen.csrf}).status == 403, address

        visitor.cookies = {NAMES[kind]: other_cookie}
        moved = visitor.send(address, {"csrf_token": stolen.csrf})
        assert moved.status == 303, address
        assert moved.location.startswith(f"/auth/{kind}?"), address
        assert "parked" not in moved.location, address

    assert _kept() == before


_ODD = (
    "at=x&from=9999-12-31&to=9999-12-31&since=9999-12-31T23:59",
    "at=a.b.c&from=0001-01-01&to=0001-01-01&since=0001-01-01T00:00",
    f"at={'9' * 5000}&from=-5&since={'9' * 5000}&status=%00&q=%40{'x' * 3000}&owner={'x' * 3000}",
    f"q=%ff%fe&owner=%00&order=-&offer=%0d%0aX:y&event-1={'x' * 3000}&endpoint=-&from=2026-02-30",
    f"self=1&path=2&visit=3&do=update&subscription={'x' * 3000}&customer={'x' * 3000}&n=%00",
    f"pdf={'x' * 3000}&pay=%00&address=.&card=-&remove=-&do=cancel&reason=%00&last=yes&tab=-",
)
"""Queries that no link of ours has; names that a page does not know are passed over."""


@pytest.mark.parametrize(("family", "kind"), _KINDS, ids=[f"{one}-{two}" for one, two in _KINDS])
def test_no_address_that_somebody_makes_up_breaks_a_page(
    tables: dict[str, str], family: str, kind: Kind
) -> None:
    cursor_secret()
    visitor = _visitor(family)
    signed_out = visitor.get(f"{_shown(family, kind)[-1]}?{_ODD[4]}")
    _person(visitor, kind)
    Engine().has_endpoint()  # without one there are no deliveries to be asked for
    addresses = _shown(family, kind)

    asked = [f"{address}?{odd}" for address in addresses for odd in _ODD]
    asked += [re.sub("/x(?=/|$)", f"/{'é' * 1025}", address) for address in addresses]
    answered = {address: visitor.get(address).status for address in asked}

    assert signed_out.status == 303
    assert {address[:90] for address, status in answered.items() if status >= 500} == set()


@pytest.mark.parametrize(
    "referrer",
    ["https://evil.example/x", f"{BASE_URL}.evil.example/x", "javascript:alert(1)", "//evil"],
)
def test_the_way_back_from_an_error_page_leads_to_a_page_of_ours(
    visitor: Visitor, referrer: str
) -> None:
    signed_in(visitor, "operator")
    missing = "/settings/things/broken?missing=1"

    away = visitor.get(missing, referer=referrer)
    home = visitor.get(missing, referer=f"{BASE_URL}/settings/things")

    assert "Go back" not in away.text
    assert 'href="/settings/things">Go back' in home.html
