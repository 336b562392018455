"""The worker of the queue `provision-order`, as deployed, against a real table."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tessera import aws, clock
from tessera.commerce.commits import Commit, Outdated
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import Order, Owner
from tessera.commerce.order_clock import clock_of
from tessera.commerce.store import CommerceTable
from tessera.events import event
from tests.commerce.carrying import (
    CUSTOMER,
    ORDER,
    OWNER,
    START,
    SUB,
    address,
    customer,
    offer,
    order,
    pending,
    subscription,
)
from tests.commerce.counting import counted
from tests.conftest import Told
from tests.handlers import Handler, load


@pytest.fixture
def store(tables: dict[str, str]) -> CommerceTable:
    aws.client("ssm").put_parameter(
        Name="/tessera/dev/identity_providers", Type="String", Value="[]"
    )
    return CommerceTable("Commerce", "Events")


def commit(store: CommerceTable, **detail: Any) -> Order:
    """As `place_order` leaves it, this moment."""
    now = clock.now()
    placed = order(
        **{"provisioning": clock_of("new", now), "created": now, "updated": now, **detail}
    )
    held_offer = offer(start=now.date())
    holding = subscription(held_offer, pending_change=pending(), start_date=now.date())
    state = Ownership(owner=Owner(id=OWNER, created=START, updated=START))
    state = state.owning(customer()).holding(held(holding), now.date())
    telling = Announcements(state, now=START, today=now.date())
    telling.becomes(state)
    telling.entitlements(SUB)
    hanging = (*holding.offers, *holding.schedule)
    store.commit(
        Commit(
            ownership=telling.ownership,
            seen=None,
            creates=[placed, holding, *hanging, customer(), address()],
            events=telling.events,
        )
    )
    return placed


def queue() -> str:
    made = aws.client("sqs").create_queue(QueueName="provision-order")
    return str(made["QueueUrl"])


def sent(url: str) -> list[Any]:
    answer = aws.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(one["Body"]) for one in answer.get("Messages", [])]


def worker(url: str) -> Handler:
    return load("commerce/provision_order", ORDER_QUEUE_URL=url)


def message(body: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": "m-1", "body": json.dumps(body)}]}


def test_completes_an_order_that_its_event_announced(store: CommerceTable, told: Told) -> None:
    placed = commit(store)
    announced = event("order.submitted", placed.wire(), at=START, owner=OWNER)
    bus = {"detail-type": "order.submitted", "detail": json.loads(announced.body())}

    answer = worker(queue())(message(bus))

    assert answer == {"batchItemFailures": []}
    done = store.order(ORDER)
    holding = store.holding(SUB)
    assert done is not None
    assert holding is not None
    assert done.status == "complete"
    assert {step.status for step in done.process} == {"skipped"}
    assert holding.data.pending_change is None
    steps = [store.object("process", step.id) for step in done.process]
    assert [step and step.name for step in steps] == [
        "salesforce_customer",
        "zuora_account",
        "zuora_order",
        "zuora_refresh",
    ]
    assert [one.type for one in told()][-2:] == ["subscription.updated", "order.completed"]
    assert "provisioning" not in told("order.completed")[0].snapshot


def test_takes_few_requests(store: CommerceTable) -> None:
    commit(store)
    work = worker(queue())

    with counted() as requests:
        work(message({"order": ORDER}))

    assert requests == {"GetItem": 3, "UpdateItem": 1, "Query": 1, "TransactWriteItems": 1}


def test_an_order_in_work_is_met_again(store: CommerceTable) -> None:
    commit(store)
    now, url = clock.now(), queue()
    assert store.lease(ORDER, now=now, until=now + timedelta(seconds=310)) is not None

    assert worker(url)(message({"order": ORDER})) == {"batchItemFailures": []}

    waiting = aws.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    assert waiting["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"


def test_only_one_holds_the_lease(store: CommerceTable) -> None:
    commit(store)
    now = clock.now()
    until = now + timedelta(seconds=310)

    first = store.lease(ORDER, now=now, until=until)

    assert first is not None
    assert first.provisioning is not None
    assert (first.status, first.provisioning.attempt) == ("processing", 1)
    assert store.lease(ORDER, now=now, until=until) is None
    second = store.lease(ORDER, now=until + timedelta(seconds=1), until=until)
    assert second is not None
    assert second.provisioning is not None
    assert second.provisioning.attempt == 2
    with pytest.raises(Outdated):
        store.save_steps(first, [], attempt=1)
    ownership = store.ownership(OWNER)
    assert ownership is not None
    lost = Commit(ownership=ownership, seen=ownership.owner.updated, replaces=[first], attempt=1)
    with pytest.raises(Outdated):
        store.commit(lost)


def test_orders_are_due_until_they_have_ended(store: CommerceTable) -> None:
    commit(store)
    now = clock.now()
    assert list(store.due_orders(now + timedelta(seconds=1))) == [ORDER]
    assert list(store.due_orders(now - timedelta(minutes=10))) == []

    worker(queue())(message({"order": ORDER}))

    assert list(store.due_orders(now + timedelta(days=2))) == []


def test_the_owners_later_orders_are_found(store: CommerceTable) -> None:
    first = commit(store)
    later = first.model_copy(
        update={"id": "order-" + "1" * 32, "created": first.created + timedelta(seconds=1)}
    )
    ownership = store.ownership(OWNER)
    assert ownership is not None
    store.commit(Commit(ownership=ownership, seen=ownership.owner.updated, creates=[later]))

    assert [one.id for one in store.orders_since(OWNER, first)] == [later.id]
    assert list(store.orders_since(OWNER, later)) == []
    assert first.customer == CUSTOMER
