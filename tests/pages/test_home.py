"""The console's home: what needs somebody now, figures of a day, and the find box."""

import json
import os
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from infra.routes import ROUTES
from tessera import aws, clock
from tessera.catalog.installed import installed_pages
from tessera.catalog.items import create
from tessera.catalog.store import CatalogTable
from tessera.commerce.order_clock import clock_of
from tessera.commerce.provisioning import sweep
from tessera.commerce.store import CommerceTable
from tests import handlers
from tests.commerce.carrying import ORDER
from tests.commerce.test_provision_order import commit
from tests.pages.test_catalog import Plans
from tests.pages.test_orders import failed
from tests.pages.test_page_settings import offer
from tests.pages.visitor import Visitor, signed_in
from tests.webhooks.engine import REFUSED, Engine, event

_ROUTES: dict[str, Any] = {
    route.key: {who.kind: list(who.needs) for who in route.who}
    for route in ROUTES
    if route.function == "pages/home"
}
_MENU = ["/settings", "/objects/orders/limio", "/objects/webhooks/limio", "/settings/pages"]


@pytest.fixture
def dead_letters(tables: dict[str, str]) -> dict[str, str]:
    queues = aws.client("sqs")
    return {
        name: queues.create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"]
        for name in ("fan-out", "slow")
    }


@pytest.fixture
def visitor(dead_letters: dict[str, str]) -> Visitor:
    told = ",".join(f"{name}={url}" for name, url in dead_letters.items())
    menu = json.dumps(_MENU)
    module = handlers.loaded("pages/home", _ROUTES, CONSOLE_MENU=menu, DEAD_LETTERS=told)

    def call(asked: dict[str, Any]) -> dict[str, Any]:
        os.environ["CALLERS"] = json.dumps(_ROUTES)
        answer: dict[str, Any] = module.handler(asked, None)
        return answer

    visitor = Visitor(call, _ROUTES)
    signed_in(visitor, "operator")
    return visitor


def test_while_nothing_needs_anybody_it_says_so_and_what_is_to_be_set_up(visitor: Visitor) -> None:
    page = visitor.get("/settings")

    assert "All quiet" in page.text
    assert "To do Add a webhook endpoint" in page.text
    assert 'action="/settings/find"' in page.html
    assert 'href="/settings/sync"' in page.html
    assert "Orders accepted, 24 h 0" in page.text


def test_a_failing_endpoint_and_a_failed_order_are_told_with_their_pages(
    visitor: Visitor, tables: dict[str, str]
) -> None:
    engine = Engine()
    engine.clock.at = clock.now()
    endpoint = engine.has_endpoint(description="Access <b>")
    engine.receiver.answers = [REFUSED]
    engine.delivers(event(at=engine.clock.at))
    failed(CommerceTable("Commerce", "Events"))

    page = visitor.get("/settings")

    assert "The endpoint Access <b> has failed 1 time in a row" in page.text
    assert f'href="/objects/webhooks/limio/endpoints/{endpoint}"' in page.html
    assert "An order failed" in page.text
    assert f'href="/objects/orders/limio/{ORDER}"' in page.html
    assert "Orders accepted, 24 h 1" in page.text
    assert "All quiet" not in page.text


def test_an_order_that_nobody_takes_up_is_told_until_somebody_does(visitor: Visitor) -> None:
    store = CommerceTable("Commerce", "Events")
    long_ago = clock.now() - timedelta(minutes=16)
    commit(store, provisioning=clock_of("new", long_ago))
    swept(store)

    stuck = visitor.get("/settings")
    store.lease(ORDER, now=clock.now(), until=clock.now() + timedelta(minutes=15))
    taken_up = visitor.get("/settings")

    assert "An order is stuck: nobody has taken it up" in stuck.text
    assert f'href="/objects/orders/limio/{ORDER}"' in stuck.html
    assert "stuck" not in taken_up.text


def test_a_sweep_that_has_stopped_is_told_as_nobody_finds_stuck_orders_then(
    visitor: Visitor,
) -> None:
    store = CommerceTable("Commerce", "Events")

    store.note_late([], at=clock.now() - timedelta(minutes=29))
    runs = visitor.get("/settings")
    store.note_late([], at=clock.now() - timedelta(minutes=31))
    stopped = visitor.get("/settings")

    assert "All quiet" in runs.text
    assert "Nobody looks for stuck orders: the function sweep_orders does not run" in stopped.text


def test_the_home_asks_each_source_once_however_much_there_is(
    visitor: Visitor, requests: list[str]
) -> None:
    catalog = CatalogTable("Catalog", installed=installed_pages("test"))
    for number in range(3):
        offer(catalog, f"Silver {number}", "partner_org-" + "1" * 32)
        Engine().has_endpoint()
    visitor.get("/settings")  # notes the visit

    requests.clear()
    visitor.get("/settings")

    assert Counter(requests) == {
        "GetItem Sessions": 1,
        "Query Webhooks": 3,  # endpoints, and the hours of two days
        "Query Commerce by_lookup": 1,
        "Query Commerce due": 1,
        "GetItem Commerce": 1,
        "Query Partners newest": 1,
        "Query Catalog": 3,  # pages, offers, and whether there is any entitlement
    }


def swept(store: CommerceTable) -> None:
    class Queue:
        def send(self, order: str, *, delay: int) -> None: ...

    sweep(orders=store, queue=Queue(), now=clock.now, time_left=lambda: 60)


def test_dead_letters_are_told_by_queue_with_the_alarm_that_says_what_to_do(
    visitor: Visitor, dead_letters: dict[str, str]
) -> None:
    for _ in range(2):
        aws.client("sqs").send_message(QueueUrl=dead_letters["slow"], MessageBody="{}")

    page = visitor.get("/settings")

    said = "2 messages of slow could not be worked off: the alarm dead-letters-slow says what to do"
    assert said in page.text
    assert "of fan-out" not in page.text
    assert "All quiet" not in page.text


def test_queues_that_do_not_answer_lose_their_line_and_not_the_page(
    visitor: Visitor, dead_letters: dict[str, str]
) -> None:
    aws.client("sqs").delete_queue(QueueUrl=dead_letters["slow"])

    page = visitor.get("/settings")

    assert page.status == 200
    assert "Dead letters could not be read just now." in page.text
    assert "Orders accepted, 24 h 0" in page.text


def test_a_page_whose_label_yields_nothing_is_told_once_something_is_sold(
    visitor: Visitor,
) -> None:
    catalog = CatalogTable("Catalog", installed=installed_pages("test"))
    page = {"name": "Gold <b>", "slug": "/gold", "kind": "pricing", "authentication": "customer"}
    wanted = {**page, "label": "gold", "status": "active", "components": [{"name": "offers"}]}
    made = create(
        "pages", wanted, catalog=catalog, plans=Plans(), mode="test", now=clock.now()
    ).item

    before = visitor.get("/settings")
    offer(catalog, "Silver", "partner_org-" + "1" * 32)
    after = visitor.get("/settings")

    assert "has 1 problem" not in before.text
    assert "The page Gold <b> has 1 problem" in after.text
    assert f'href="/settings/pages/{made.id}"' in after.html
