"""The console's home: what needs somebody now, figures of a day, and the find box."""

import json
import os
from typing import Any

import pytest

from infra.routes import ROUTES
from tessera import aws, clock
from tessera.commerce.store import CommerceTable
from tests import handlers
from tests.commerce.carrying import ORDER
from tests.commerce.test_provision_order import commit
from tests.pages.test_orders import failed
from tests.pages.visitor import Visitor, signed_in
from tests.webhooks.engine import REFUSED, Engine, event

_ROUTES: dict[str, Any] = {
    route.key: {who.kind: list(who.needs) for who in route.who}
    for route in ROUTES
    if route.function == "pages/home"
}
_MENU = ["/settings", "/objects/orders/limio", "/objects/webhooks/limio"]


@pytest.fixture
def visitor(tables: dict[str, str]) -> Visitor:
    module = handlers.loaded("pages/home", _ROUTES, CONSOLE_MENU=json.dumps(_MENU))

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
    assert "to do Add a webhook endpoint" in page.text
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


def test_an_order_that_nobody_takes_up_is_told(visitor: Visitor) -> None:
    commit(CommerceTable("Commerce", "Events"))
    long_ago = {"S": "2020-01-01T00:00:00.000Z"}
    aws.client("dynamodb").update_item(
        TableName="Commerce",
        Key={"pk": {"S": ORDER}, "sk": {"S": ORDER}},
        UpdateExpression="SET due_at = :long_ago",
        ExpressionAttributeValues={":long_ago": long_ago},
    )

    assert "An order is stuck: nobody has taken it up" in visitor.get("/settings").text
