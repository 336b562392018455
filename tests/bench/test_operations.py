"""What each operation asks of AWS and costs: counted on the real handlers, priced from a list."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera.aws import client
from tessera.commerce.store import CommerceTable
from tests.bench.billing import Bill, billed
from tests.bench.conftest import Publish
from tests.bench.machine import Row
from tests.builders import api_event, customer, machine
from tests.builders import billed as subscription
from tests.commerce import test_place_order as ordering
from tests.commerce.carrying import ORDER
from tests.commerce.test_provision_order import commit, message, queue, worker
from tests.commerce.test_read_entitlements import OWNER, TOKEN
from tests.commerce.test_sync import run
from tests.conftest import Told
from tests.handlers import body, load

pytestmark = pytest.mark.bench


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    client("ssm").put_parameter(Name="/tessera/dev/identity_providers", Type="String", Value="[]")
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString=json.dumps({"key": "k" * 32})
    )
    return CommerceTable("Commerce", "Events")


class Operations:
    """Rows of one table, with what they were counted from."""

    def __init__(self, told: Told) -> None:
        self.rows: list[Row] = []
        self.figures: dict[str, Any] = {}
        self._told = told

    def count(self, what: str, act: Callable[[], Any], *, over_http: bool = True) -> Any:
        """Done once; who did the like before has warmed the process."""
        before = len(self._told())
        with billed() as bill:
            answer = act()
        if isinstance(answer, dict) and "statusCode" in answer:
            assert answer["statusCode"] < 300, answer["body"]
        self._note(what, bill, len(self._told()) - before, over_http=over_http)
        return answer

    def _note(self, what: str, bill: Bill, events: int, *, over_http: bool) -> None:
        price = bill.dollars(over_http=over_http)
        self.figures[what] = {
            "requests": dict(bill.requests),
            **{name.replace(" ", "_"): number for name, number in bill.priced().items()},
            "events": events,
            "dollars_a_million": round(price, 2),
        }
        announces = f", {events} event{'s' if events > 1 else ''}" if events else ""
        self.rows.append(
            Row(
                what,
                f"{bill.told()}{announces}; ${price:.2f} a million",
            )
        )


def test_what_operations_ask_for_and_cost(
    owners: CommerceTable, told: Told, publish: Publish
) -> None:
    operations = Operations(told)
    _orders(owners, operations)
    _subscriptions(owners, operations)

    publish("operations", operations.rows, operations.figures)


def _orders(owners: CommerceTable, operations: Operations) -> None:
    shop = ordering.Shop()
    place = load("commerce/place_order", {"POST /api/order": {"machine": ["orders"]}})

    def order(number: int) -> dict[str, Any]:
        details = ordering.order(shop, external_id=f"EXT-{number}", source="shop")
        return place(ordering.sent(details, key=f"key-{number}"))

    order(1)
    placed = body(operations.count("place an order of a new customer", lambda: order(2)))
    operations.count("place it again (idempotent)", lambda: order(2))
    read = load("commerce/read_order", {"GET /api/order/{id}": {"machine": ["orders"]}})
    asked = api_event(
        "GET",
        f"/api/order/{placed['id']}",
        route="/api/order/{id}",
        caller=machine("orders"),
    )
    operations.count("read an order", lambda: read(asked))
    commit(owners)
    work = worker(queue())
    operations.count(
        "carry out an order, outside systems aside",
        lambda: work(message({"order": ORDER})),
        over_http=False,
    )


def _subscriptions(owners: CommerceTable, operations: Operations) -> None:
    one, changed = subscription(), subscription(version=2, auto_renew=False)
    operations.count("sync a subscription, first time", lambda: run(owners, one))
    operations.count("sync it, nothing new", lambda: run(owners, one, later=timedelta(minutes=1)))
    operations.count("sync it, changed", lambda: run(owners, changed, later=timedelta(minutes=2)))
    attach = load(
        "identity/attach_identity",
        {"POST /api/objects/externalidentity/{owner}": {"machine": ["identities"]}},
    )
    attached = api_event(
        "POST",
        f"/api/objects/externalidentity/{OWNER}",
        route="/api/objects/externalidentity/{owner}",
        body={"id_token": TOKEN},
        caller=machine("identities"),
    )
    operations.count("attach a login to an owner", lambda: attach(attached))
    entitled = load(
        "commerce/read_entitlements", {"GET /api/entitlements": {"machine": ["entitlements"]}}
    )
    login = {"iss": TOKEN["iss"], "sub": TOKEN["sub"]}
    asked = api_event("GET", "/api/entitlements", query=login, caller=machine("entitlements"))
    operations.count("ask for the entitlements of a login", lambda: entitled(asked))
    route = "/api/mma/subscriptions"
    owned = load("commerce/list_own_subscriptions", {f"GET {route}": {"customer": []}})
    own = api_event("GET", route, caller=customer())
    operations.count("list a customer's own subscriptions", lambda: owned(own))
