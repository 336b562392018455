"""Receivers of webhooks as they really are: slow, endless, gone, elsewhere; and many at once.

The large count takes many minutes: `pytest -m long tests/e2e/test_receivers.py -s`.
TESSERA_COUNTED_EVENTS, _ENDPOINTS and _SECONDS make it smaller, or let it last longer.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from infra.local.api_client import Api
from tests.e2e.arrivals import Arrivals
from tests.e2e.conftest import Deployed, Inbox
from tests.e2e.exercises import endpoint_at, fresh, organisation

pytestmark = pytest.mark.e2e

_TYPE = "partner_org.updated"
_ONCE_AN_HOUR = [3600]
_EVENTS = 4
_DEADLINE_MS = 15_000
_OVERHEAD_MS = 10_000
"""What a busy machine may add to a deadline before it is noted."""
_EXCERPT = 4096
_ATTEMPTED_WITHIN = 180
"""Seconds: what a sender has left that was ended on a busy machine is found by the second sweep."""

_GONE = "is gone"

_MANY_EVENTS = int(os.environ.get("TESSERA_COUNTED_EVENTS", "1000"))
_MANY_ENDPOINTS = int(os.environ.get("TESSERA_COUNTED_ENDPOINTS", "20"))
_MANY_WITHIN = int(os.environ.get("TESSERA_COUNTED_SECONDS", "2700"))
_STALLED_AFTER = 6 * 60
"""Seconds without news: the sweep hints again after two minutes, a lease lasts for five."""
_TOLD_EVERY = 20


class Misbehaviour(NamedTuple):
    behaviour: dict[str, Any]
    outcome: str
    status: int | None
    is_slow: bool = False


_MISBEHAVIOURS = {
    "hangs": Misbehaviour({"mode": "hang"}, "timeout", None, is_slow=True),
    "drips its headers": Misbehaviour(
        {"mode": "drip", "drip_head": True}, "timeout", None, is_slow=True
    ),
    # Its status counts; of its body what has come by the deadline is kept.
    "drips its body": Misbehaviour({"mode": "drip", "status": 500}, "http_error", 500),
    "answers hugely": Misbehaviour({"mode": "huge", "status": 500}, "http_error", 500),
    "redirects": Misbehaviour({"mode": "redirect"}, "redirect", 302),
    "resets": Misbehaviour({"mode": "reset"}, "connection_error", None),
    _GONE: Misbehaviour({"mode": "answer", "status": 410}, "gone", 410),
    "is busy": Misbehaviour(
        {"mode": "answer", "status": 429, "headers": {"Retry-After": "7200"}}, "http_error", 429
    ),
}


@pytest.fixture
def opened(deployed: Deployed) -> Iterator[Callable[..., dict[str, Any]]]:
    """Makes endpoints that end with the test, so that others' events cost nothing."""
    made: list[str] = []

    def make(inbox: Inbox, **settings: Any) -> dict[str, Any]:
        endpoint = endpoint_at(deployed.api, inbox, types=[_TYPE], **settings)
        made.append(endpoint["id"])
        return endpoint

    yield make
    for id in made:
        deployed.api.call("DELETE", f"/api/webhooks/endpoints/{id}")


def test_each_misbehaviour_is_noted_for_what_it_is_and_delays_nobody_else(
    deployed: Deployed, opened: Callable[..., dict[str, Any]]
) -> None:
    api, healthy = deployed.api, deployed.inbox(fresh("healthy"))
    beside = opened(healthy)["id"]
    # Senders that have just started are slower than any receiver on a busy machine.
    _announce(api, first := organisation(api), _EVENTS)
    _told(healthy, first)
    endpoints = {}
    for name, misbehaviour in _MISBEHAVIOURS.items():
        inbox = deployed.inbox(fresh(name.replace(" ", "-")))
        inbox.behave(**misbehaviour.behaviour)
        endpoints[name] = opened(inbox, waits=_ONCE_AN_HOUR)["id"]
    elsewhere = len(deployed.inbox("redirected").deliveries(at_least=0, within=0))

    _announce(api, renamed := organisation(api), _EVENTS)

    told = _told(healthy, renamed)
    for name, misbehaviour in _MISBEHAVIOURS.items():
        if name != _GONE:  # it is told once and then no more
            for event in told:
                _check(name, misbehaviour, _attempted(api, event, endpoints[name]))
    for event in told:
        delivered = _attempted(api, event, beside)
        sent = [one["outcome"] for one in delivered["attempts"] if one["outcome"] != "lost"]
        assert (delivered["state"], sent) == ("delivered", ["delivered"])
        slow = [
            _ended(_attempted(api, event, endpoints[name]))
            for name, one in _MISBEHAVIOURS.items()
            if one.is_slow
        ]
        assert _ended(delivered) < min(slow)
    gone = api.call("GET", f"/api/webhooks/endpoints/{endpoints[_GONE]}")
    assert (gone["status"], gone["status_reason"]) == ("disabled", "gone")
    assert len(deployed.inbox("redirected").deliveries(at_least=0, within=0)) == elsewhere


@pytest.mark.long
def test_a_thousand_events_all_reach_twenty_endpoints(
    deployed: Deployed, opened: Callable[..., dict[str, Any]]
) -> None:
    api, owed = deployed.api, _MANY_EVENTS * _MANY_ENDPOINTS
    inboxes = [deployed.inbox(fresh(f"counted-{n}")) for n in range(_MANY_ENDPOINTS)]
    for inbox in inboxes:
        opened(inbox)
    arrived = [Arrivals(inbox) for inbox in inboxes]
    shares = [_MANY_EVENTS // 4 + (n < _MANY_EVENTS % 4) for n in range(4)]
    began = moved = told = time.monotonic()
    count = 0
    with ThreadPoolExecutor(4) as pool:
        announcing = [pool.submit(_announce, api, organisation(api), share) for share in shares]
        while count < owed:
            for one in arrived:
                one.read(within=0)
            now, before = time.monotonic(), count
            count = sum(len(one.ids) for one in arrived)
            moved = now if count > before else moved
            if now - told > _TOLD_EVERY:
                told = now
                said = f"{sum(one.done() for one in announcing)} of 4 have announced their share"
                print(f"{now - began:.0f} s: {count} of {owed} arrived, {said}", flush=True)  # noqa: T201
            failed = [one.exception() for one in announcing if one.done() and one.exception()]
            assert not failed, f"events could not be announced: {failed}"
            if now - began > _MANY_WITHIN or now - moved > _STALLED_AFTER:
                break
            time.sleep(1)
    took = time.monotonic() - began

    copies = sum(one.count for one in arrived) - count
    print(  # noqa: T201
        f"{_MANY_EVENTS} events, {count} deliveries to {_MANY_ENDPOINTS} endpoints in {took:.0f} s "
        f"({count / took:.1f} a second), {copies} of them twice",
        flush=True,
    )
    missing = {n: _MANY_EVENTS - len(one.ids) for n, one in enumerate(arrived)}
    missing = {n: left for n, left in missing.items() if left}
    assert not missing, (
        f"after {took:.0f} s, {took - (moved - began):.0f} s without news: {missing}"
    )
    assert len(set.union(*(one.ids for one in arrived))) == _MANY_EVENTS


def _announce(api: Api, organisation: str, events: int) -> None:
    """So many changes of an organisation's name, each of which is an event."""
    for n in range(events):
        body = {"name": f"Renamed {n} {time.monotonic_ns()}"}
        api.call("PATCH", f"/api/partner-organisation/{organisation}", body)


def _told(inbox: Inbox, organisation: str) -> set[str]:
    """The ids of all that was announced of it, among others' events."""
    told: set[str] = set()
    until = time.monotonic() + _ATTEMPTED_WITHIN
    seen = 0
    while len(told) < _EVENTS:
        assert time.monotonic() < until, f"{len(told)} of {_EVENTS} have arrived"
        page = inbox.deliveries(at_least=seen + 1, within=1)
        seen = len(page)
        told = {one["headers"]["webhook-id"] for one in page if organisation in one["body"]}
    return told


def _attempted(api: Api, event: str, endpoint: str) -> dict[str, Any]:
    """The delivery once its first attempt has ended."""
    until = time.monotonic() + _ATTEMPTED_WITHIN
    path = f"/api/webhooks/deliveries/{event}/{endpoint}"
    while True:
        delivery: dict[str, Any] = api.call("GET", path)
        if any(one["outcome"] != "lost" for one in delivery["attempts"]):
            return delivery
        assert time.monotonic() < until, f"no attempt of {path}: {delivery}"
        time.sleep(0.3)


def _check(name: str, expected: Misbehaviour, delivery: dict[str, Any]) -> None:
    attempt = delivery["attempts"][-1]
    response = attempt.get("response", {})
    noted = (attempt["outcome"], response.get("status"))
    assert noted == (expected.outcome, expected.status), (name, attempt)
    assert attempt["ms"] <= _DEADLINE_MS + _OVERHEAD_MS, (name, attempt)
    assert len(response.get("body", "")) <= _EXCERPT, name
    assert delivery["state"] == "pending", name
    waits = (_instant(attempt["next_due"]) - _instant(attempt["started_at"])).total_seconds()
    assert waits >= (7200 if name == "is busy" else _ONCE_AN_HOUR[0]), name


def _ended(delivery: dict[str, Any]) -> float:
    attempt = delivery["attempts"][-1]
    return _instant(attempt["started_at"]).timestamp() + int(attempt["ms"]) / 1000


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
