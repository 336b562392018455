"""Rows that a later version wrote are read by this one: it passes over what it does not know.

So a roll-back is safe, and so is a deploy while functions of both versions run.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest

from tessera import aws, dynamo, outbox
from tessera.commerce.store import CommerceTable
from tessera.events import event
from tessera.identity import sessions
from tessera.identity.session_store import SessionsTable
from tessera.identity.sessions import Signed
from tessera.partners.store import PartnersTable
from tessera.webhooks.dialects import Dialect
from tessera.webhooks.health import Health
from tessera.webhooks.models import Attempt, Delivery, Sealed
from tessera.webhooks.operators_store import Deliveries, Endpoints
from tessera.webhooks.outcome import Outcome
from tests.builders import NOW, api_event, machine
from tests.commerce.test_place_order import Shop, order, sent
from tests.handlers import body, load
from tests.partners.organisations import organisation, petra
from tests.webhooks import engine

_LATER = {"addedLater": {"by": "a later version", "on": [1, 2]}}

_FREE = {"attributes", "result", "before", "after", "headers"}
"""Maps that hold whatever somebody put there: all of it is read, and shown."""

Read = Callable[[], Any]


def reads_the_same_when_grown(table: str, *reads: Read) -> list[dict[str, Any]]:
    """Answers the rows as they were before each map in them got a member nobody knows."""
    before = [read() for read in reads]
    assert None not in before
    rows = _rows(table)
    for row in rows:
        if row["pk"] == "COUNT":
            continue  # a number
        assert row["shape"] == 1
        free = _FREE | ({"data"} if row.get("record_type") == "order" else set())
        dynamo.write(dynamo.put(table, {**_grown(row, free), "shape": 2}))

    assert [read() for read in reads] == before
    return rows


@pytest.mark.usefixtures("tables")
def test_an_order_and_all_that_it_made() -> None:
    boto3.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    store, shop = CommerceTable("Commerce", "Events"), Shop()
    place = load("commerce/place_order", {"POST /api/order": {"machine": ["orders"]}})
    placed = body(place(sent(order(shop, external_id="EXT-1"))))
    stored = store.order(placed["id"])
    assert stored is not None
    assert stored.owner is not None
    owner, customer = stored.owner, stored.customer

    rows = reads_the_same_when_grown(
        "Commerce",
        lambda: store.order(placed["id"]),
        lambda: store.ownership(owner),
        lambda: store.customer(customer or ""),
        lambda: store.holdings_of(owner),
    )

    assert {"order", "customer", "subscription", "subscription_offer", "schedule"} <= {
        row.get("record_type") for row in rows
    }


@pytest.mark.usefixtures("tables")
def test_an_item_of_the_catalog() -> None:
    shop = Shop()
    read = load("catalog/read_item", {"GET /api/catalog/{kind}/{id}": {"machine": ["catalog"]}})

    def offer() -> Any:
        path = f"/api/catalog/offers/{shop.offer['id']}"
        route = "/api/catalog/{kind}/{id}"
        return body(read(api_event("GET", path, route=route, caller=machine("catalog"))))

    assert offer()["name"] == "Digital Monthly"
    reads_the_same_when_grown("Catalog", offer)


@pytest.mark.usefixtures("tables")
def test_a_partner_organisation_and_its_user() -> None:
    partners, acme, user = PartnersTable("Partners", "Events"), organisation(), petra()
    partners.add(acme, event("partner_org.created", acme.wire(), at=NOW))
    partners.enrol(user, due=NOW)

    reads_the_same_when_grown(
        "Partners", lambda: partners.find(acme.id), lambda: partners.user(acme.id, user.id)
    )


@pytest.mark.usefixtures("tables")
def test_an_endpoint_and_a_delivery_with_its_attempt() -> None:
    endpoints, deliveries = Endpoints("Webhooks"), Deliveries("Webhooks")
    to, what = engine.endpoint(), engine.event()
    endpoints.add(to, Health(), Sealed(keys=b"sealed"), limit=10)
    delivery = Delivery(
        event=what.id,
        endpoint=to.id,
        type=what.type,
        dialect=Dialect(),
        created_at=NOW,
        next_due=1,
    )
    deliveries.add(delivery)
    claimed = deliveries.claim(what.id, to.id, n=0, until_ms=2)
    assert claimed is not None
    failed = Attempt(
        event=what.id,
        endpoint=to.id,
        n=1,
        why="event",
        started_at=NOW,
        url=to.url,
        outcome=Outcome.HTTP_ERROR,
    )
    deliveries.record(failed)
    deliveries.postpone(claimed, failed.last, next_due=9)
    again = deliveries.claim(what.id, to.id, n=1, until_ms=10)
    assert again is not None
    success = failed.model_copy(update={"n": 2, "outcome": Outcome.DELIVERED}).success
    assert success is not None
    deliveries.deliver(again, success, at=NOW, expires_at=11)

    reads_the_same_when_grown(
        "Webhooks",
        lambda: endpoints.find(to.id),
        lambda: endpoints.sealed(to.id),
        lambda: deliveries.find(what.id, to.id),
        lambda: deliveries.attempts(what.id, to.id, at_most=5),
    )


@pytest.mark.usefixtures("tables")
def test_an_event_that_waits_for_its_publication() -> None:
    written = engine.event()
    dynamo.commit([outbox.record("Events", written)])

    def read() -> Any:
        return outbox.recorded(_rows("Events")[0])

    assert read() == written
    reads_the_same_when_grown("Events", read)


@pytest.mark.usefixtures("tables")
def test_a_session_of_a_person() -> None:
    store = SessionsTable("Sessions")
    signed = Signed(kind="operator", subject="olivia", issuer="https://issuer.example")
    id, session = sessions.begin(signed, now=NOW)
    store.begin(id, session, until=NOW + timedelta(hours=8))

    reads_the_same_when_grown("Sessions", lambda: store.session(id))


def _rows(table: str) -> list[dict[str, Any]]:
    return [dynamo.row_of(item) for item in aws.client("dynamodb").scan(TableName=table)["Items"]]


def _grown(value: Any, free: set[str]) -> Any:
    if isinstance(value, dict):
        members = {
            name: member if name in free else _grown(member, free) for name, member in value.items()
        }
        return {**members, **_LATER}
    return [_grown(member, free) for member in value] if isinstance(value, list) else value
