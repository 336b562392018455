"""From an accepted order to its webhook on the deployed stack, beside an empty chain.

First everything is sent, one order and one row of the empty chain in turn, then every one is looked
for at its receiver, signed as it should be. Both chains share the emulator and this machine: their
difference tells what ours adds, and neither tells how long AWS takes.
"""

import json
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from statistics import median, quantiles
from typing import Any

import pytest
import standardwebhooks

from tests.bench.conftest import Publish
from tests.bench.empty_chain import EmptyChain
from tests.bench.machine import Row, is_short
from tests.e2e.conftest import Deployed, Inbox
from tests.e2e.exercises import endpoint_at, order

WARM, PAUSE = 3, 1.0
"""Orders that start every function, and seconds between two that count."""
WITHIN = 120

pytestmark = pytest.mark.bench


def sent(deployed: Deployed, chain: EmptyChain, number: int) -> tuple[set[str], set[str]]:
    """The references of the subscriptions ordered, and the keys of rows written beside them."""
    ordered, written = set(), set()
    for _ in range(number):
        began = time.monotonic()
        ordered.add(order(deployed.api)["subscriptionReference"])
        written.add(key := uuid.uuid4().hex)
        chain.write(key)
        # A rate that the emulator holds: a queue that grows would measure itself.
        time.sleep(max(PAUSE - (time.monotonic() - began), 0))
    return ordered, written


def arrived(inbox: Inbox, wanted: set[str], key: Any) -> dict[str, dict[str, Any]]:
    """The first delivery of each, waited for until all are there or time is up."""
    until = time.monotonic() + WITHIN
    found: dict[str, dict[str, Any]] = {}
    while not wanted <= found.keys() and time.monotonic() < until:
        came = inbox.deliveries(at_least=len(found) + 1, within=5)
        found = {}
        for one in came:
            found.setdefault(key(json.loads(one["body"])), one)
    return {name: one for name, one in found.items() if name in wanted}


def told(waits: list[float]) -> dict[str, float]:
    return {
        "p50_s": round(median(waits), 3),
        "p95_s": round(quantiles(waits, n=20, method="inclusive")[18], 3),
        "max_s": round(max(waits), 3),
    }


def seconds(one: Mapping[str, Any], member: str) -> float:
    """From the moment that the body names to the first byte at the receiver."""
    began = datetime.fromisoformat(json.loads(one["body"])[member])
    return (datetime.fromisoformat(one["received"]) - began).total_seconds()


def test_from_an_order_to_its_webhook_beside_an_empty_chain(
    deployed: Deployed, publish: Publish
) -> None:
    number = 15 if is_short() else 60
    ours, empty = deployed.inbox("bench"), deployed.inbox("bench-empty")
    secret = endpoint_at(deployed.api, ours, types=["entitlements.updated"])["secret"]
    chain = EmptyChain(empty.url)

    def subscription(body: Any) -> str:
        return str(body["tracking"]["subscription"])

    def row(body: Any) -> str:
        return str(body["pk"])

    ordered, written = sent(deployed, chain, WARM)
    assert arrived(ours, ordered, subscription).keys() == ordered
    assert arrived(empty, written, row).keys() == written
    ordered, written = sent(deployed, chain, number)
    deliveries, rows = arrived(ours, ordered, subscription), arrived(empty, written, row)

    for one in deliveries.values():
        headers = {name.lower(): value for name, value in one["headers"].items()}
        standardwebhooks.Webhook(secret).verify(one["body"], headers)
    came = [json.loads(one["body"]) for one in ours.deliveries(at_least=1)]
    twice = len(came) - len({(one["updated"], subscription(one)) for one in came})
    commits = told([seconds(one, "updated") for one in deliveries.values()])
    bare = told([seconds(one, "at") for one in rows.values()])
    ratio = commits["p50_s"] / bare["p50_s"]
    publish(
        "end-to-end",
        [
            Row(
                "order to webhook on the emulator",
                f"median {commits['p50_s']:.2f} s, p95 {commits['p95_s']:.2f} s",
                "on AWS 0.6 s, 1.0 s",
            ),
            Row(
                "the empty chain beside it",
                f"median {bare['p50_s']:.2f} s, p95 {bare['p95_s']:.2f} s; ours {ratio:.2f} times",
            ),
            Row(
                f"of {number} orders, webhooks that are missing, that came twice",
                f"{len(ordered - deliveries.keys())}, {twice}",
                "0, 0",
            ),
        ],
        {
            "orders": number,
            "seconds_between": PAUSE,
            "ours": commits,
            "empty": bare,
            "ratio": round(ratio, 2),
            "missing": len(ordered - deliveries.keys()),
            "missing_of_the_empty": len(written - rows.keys()),
            "twice": twice,
        },
    )
