"""Changes whose day has come, as deployed, found by the index of days."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera import aws, clock
from tessera.commerce.commits import Commit
from tessera.commerce.entitlements import Announcements, Ownership, held
from tessera.commerce.models import Holding, Owner
from tessera.commerce.store import CommerceTable
from tests.commerce.carrying import NUMBER, OWNER, START, SUB, customer, offer, subscription
from tests.commerce.test_provision_order import sent
from tests.conftest import Told
from tests.handlers import loaded


@pytest.fixture
def store(tables: dict[str, str]) -> CommerceTable:
    return CommerceTable("Commerce", "Events")


def keep(store: CommerceTable, holding: Holding) -> None:
    yesterday = clock.now().date() - timedelta(days=1)
    owner = Owner(id=OWNER, created=START, updated=START)
    state = Ownership(owner=owner).owning(customer()).holding(held(holding), yesterday)
    telling = Announcements(state, now=START, today=yesterday)
    telling.becomes(state)
    telling.entitlements(SUB)
    hanging = (*holding.offers, *holding.add_ons)
    store.commit(
        Commit(ownership=telling.ownership, seen=None, creates=[holding, *hanging, customer()])
    )


def once_from(start: date) -> dict[str, Any]:
    """The terms of a year that no other one follows."""
    ends = start + timedelta(days=365)
    return {
        "start_date": start,
        "term_start_date": start,
        "term_end_date": ends,
        "auto_renew": False,
    }


def run(resyncs: str = "https://sqs.example/none") -> None:
    loaded("commerce/activate_changes", RESYNC_QUEUE_URL=resyncs).handler({}, None)


def test_what_is_due_takes_effect_once(store: CommerceTable, told: Told) -> None:
    today = clock.now().date()
    start = today - timedelta(days=30)
    old = offer("old", start=start, end=today)
    new = offer("new", status="pending", start=today, codes=("SKU2",))
    keep(store, subscription(old, new, **once_from(start)))

    run()
    run()

    after = store.holding(SUB)
    assert after is not None
    assert [one.status for one in after.offers] == ["ended", "active"]
    assert [one.type for one in told()] == ["subscription.updated", "entitlements.updated"]
    assert list(store.due_days(today)) == []


def test_what_lies_ahead_is_not_touched(store: CommerceTable, told: Told) -> None:
    ahead = clock.now().date() + timedelta(days=2)
    start = ahead - timedelta(days=30)
    keep(store, subscription(offer(start=start, end=ahead), **once_from(start)))

    run()

    assert told() == []
    (due,) = store.due_days(ahead)
    assert due == (SUB, f"{ahead}#{SUB}")


def test_a_term_that_renews_is_looked_at_once_a_day(store: CommerceTable, told: Told) -> None:
    today = clock.now().date()
    start = today - timedelta(days=30)
    keep(store, subscription(offer(start=start), start_date=start, term_end_date=today))
    url = str(aws.client("sqs").create_queue(QueueName="resync-subscription")["QueueUrl"])

    run(url)
    run(url)

    (asked,) = sent(url)
    assert asked["subscription_key"] == NUMBER
    assert told() == []
    tomorrow = today + timedelta(days=1)
    assert [due.at for due in store.due_days(tomorrow)] == [f"{tomorrow}#{SUB}"]
