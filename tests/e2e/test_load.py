"""Orders as fast as the local AWS takes them, beside receivers that misbehave.

Some minutes, most of them for what waits at receivers that were down:
`pytest -m long tests/e2e/test_load.py -s`. TESSERA_LOAD_SECONDS lets it last longer.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra.local.api_client import Api, Refused
from tests.e2e.arrivals import Arrivals
from tests.e2e.conftest import Deployed, Inbox
from tests.e2e.exercises import endpoint_at, fresh, order_body

pytestmark = pytest.mark.e2e

_A_SECOND = 50
"""Orders that are wanted; the local AWS holds far fewer on a small machine, which is printed."""
_SECONDS = int(os.environ.get("TESSERA_LOAD_SECONDS", "60"))
_CALLERS = 8
_HEALTHY = 16
_MISBEHAVING: dict[str, dict[str, Any]] = {
    "hangs": {"mode": "hang"},
    "drips": {"mode": "drip", "drip_head": True},
    "is-down": {"mode": "answer", "status": 503},
    "resets": {"mode": "reset"},
}
_ALL_WITHIN = 45 * 60
_MEGABYTES = 24
"""By how much a worker may have grown between the middle of the run and its end."""


@pytest.fixture
def inboxes(deployed: Deployed) -> Iterator[Callable[[str], Inbox]]:
    """Each with an endpoint that hears of entitlements, until the test has ended."""
    made: list[str] = []

    def make(name: str) -> Inbox:
        inbox = deployed.inbox(fresh(name))
        if name in _MISBEHAVING:
            inbox.behave(**_MISBEHAVING[name])
        endpoint = endpoint_at(deployed.api, inbox, types=["entitlements.updated"])
        made.append(endpoint["id"])
        return inbox

    yield make
    for id in made:
        deployed.api.call("DELETE", f"/api/webhooks/endpoints/{id}")


@pytest.mark.long
def test_all_orders_of_a_rush_reach_every_receiver_and_memory_stays_flat(
    deployed: Deployed, inboxes: Callable[[str], Inbox]
) -> None:
    healthy = [Arrivals(inboxes("healthy")) for _ in range(_HEALTHY)]
    troubled = {name: inboxes(name) for name in _MISBEHAVING}

    rush = Rush(deployed.api)
    ordered, refused = rush.run()
    placed = len(ordered)
    warm = memory_of_workers(deployed)
    print(  # noqa: T201
        f"{placed} orders in {rush.took:.0f} s, {placed / rush.took:.1f} a second"
        f" ({_A_SECOND} wanted); {refused} refused"
    )
    assert placed
    assert refused == 0
    began = time.monotonic()
    _wait(healthy, ordered, began)
    print(f"{_HEALTHY} healthy receivers had all after {time.monotonic() - began:.0f} s more")  # noqa: T201

    for inbox in troubled.values():
        inbox.behave(mode="answer")
    recovered = [Arrivals(inbox) for inbox in troubled.values()]
    _wait(recovered, ordered, began)
    copies = sum(one.count - len(one.ids) for one in healthy)
    print(  # noqa: T201
        f"{len(recovered)} that had misbehaved {time.monotonic() - began:.0f} s after the rush;"
        f" {copies} copies among {sum(one.count for one in healthy)} at the healthy ones"
    )

    assert [len(ordered - one.subscriptions) for one in (*healthy, *recovered)] == [0] * (
        _HEALTHY + len(recovered)
    )
    later = memory_of_workers(deployed)
    grown = sorted(round(later[pid] - before) for pid, before in warm.items() if pid in later)
    print(f"{len(grown)} functions' processes since the rush: grown by {grown} MB")  # noqa: T201
    assert grown
    assert max(grown) <= _MEGABYTES


def _wait(arrived: list[Arrivals], ordered: set[str], began: float) -> None:
    """Until each has accepted a webhook of every subscription, or the time is up."""
    while time.monotonic() < began + _ALL_WITHIN:
        behind = [one for one in arrived if not ordered <= one.subscriptions]
        if not behind:
            return
        for one in behind:
            one.read(within=2)


def memory_of_workers(deployed: Deployed) -> dict[int, float]:
    """Resident megabytes of the processes that functions run in, by process id; Linux only.

    They are forked from one that has made their imports, which the local AWS has started.
    """
    program = deployed.launch.emulator.program
    assert program is not None
    parents: dict[int, int] = {}
    resident: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            pages = int((entry / "statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        parents[int(entry.name)] = parent
        resident[int(entry.name)] = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    forked_from = {pid for pid, parent in parents.items() if parent == program.pid}
    return {pid: resident[pid] for pid, parent in parents.items() if parent in forked_from}


class Rush:
    """Several callers that place orders by a common clock, each as soon as its turn has come."""

    def __init__(self, api: Api) -> None:
        self.took = 0.0
        self._api = api
        self._body = order_body(api)
        self._turn = 0
        self._lock = threading.Lock()

    def run(self) -> tuple[set[str], int]:
        """The subscriptions of those that were accepted, and how many were not."""
        began = time.monotonic()
        with ThreadPoolExecutor(_CALLERS) as pool:
            outcomes = [one for many in pool.map(self._caller, [began] * _CALLERS) for one in many]
        self.took = time.monotonic() - began
        return {one for one in outcomes if one}, outcomes.count("")

    def _caller(self, began: float) -> list[str]:
        outcomes = []
        while (due := began + self._next() / _A_SECOND) < began + _SECONDS:
            time.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() > began + _SECONDS:
                break
            try:
                body = {**self._body, "external_id": fresh("rush")}
                placed = self._api.call("POST", "/api/order", body)
                outcomes.append(str(placed["subscriptionReference"]))
            except Refused as answer:
                print(answer)  # noqa: T201
                outcomes.append("")
        return outcomes

    def _next(self) -> int:
        with self._lock:
            self._turn += 1
            return self._turn
