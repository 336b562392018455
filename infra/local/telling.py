"""What a journey says while it is made, and what it insists on."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from infra.local.api_client import Api
from infra.local.demo_data import INBOX

_WAIT_SECONDS = 120
_SECONDS = 30
_POLL_SECONDS = 0.3


class NotAsTold(Exception):
    """Something did not come about that the journeys promise."""


@dataclass
class Telling:
    """Lines for people; the steps of a journey are numbered."""

    lines: list[str] = field(default_factory=list)
    _steps: int = 0

    def step(self, sentence: str) -> None:
        self._steps += 1
        self.lines.append(f"  {self._steps}. {sentence}")

    def say(self, line: str) -> None:
        self.lines.append(f"     {line}")

    def check(self, promise: str, *, holds: bool) -> None:
        """Raises `NotAsTold`."""
        if not holds:
            raise NotAsTold(f"This does not hold: {promise}")
        self.say(f"✓ {promise}")


def by_name(api: Api, kind: str) -> dict[str, dict[str, Any]]:
    """The catalog's items of a kind."""
    items = api.call("GET", f"/api/catalog/{kind}?limit=100")["items"]
    return {item["name"]: item for item in items}


def carried_out(api: Api, path: str, *, token: str | None = None) -> dict[str, Any]:
    """The order once both outside systems have it. Raises `NotAsTold`."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        order: dict[str, Any] = api.call("GET", path, token=token)
        if order["status"] == "complete":
            return order
        time.sleep(_POLL_SECONDS)
    raise NotAsTold(f"{path} is {order['status']} after {_WAIT_SECONDS} s: {order['process']}")


def webhook(api: Api, subscription: str, order_reference: str) -> dict[str, Any]:
    """The entitlement webhook that an order caused, waited for. Raises `NotAsTold`."""
    until = time.monotonic() + _WAIT_SECONDS
    after = 0
    while time.monotonic() < until:
        page = requests.get(
            f"{api.stack.stand_ins.inbox}/_control/inboxes/{INBOX}/deliveries",
            params={"after": f"{after}", "type": "entitlements.updated", "wait": "5"},
            timeout=_SECONDS,
        ).json()
        for delivery in page["deliveries"]:
            after = max(after, delivery["number"])
            tracking = json.loads(delivery["body"])["tracking"]
            if (tracking["subscription"], tracking.get("name")) == (subscription, order_reference):
                found: dict[str, Any] = delivery
                return found
    raise NotAsTold(f"No entitlement webhook of {subscription} arrived within {_WAIT_SECONDS} s.")
