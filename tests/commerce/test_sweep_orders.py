"""The sweep of orders, as deployed: what was lost is put on the queue again."""

from datetime import timedelta

import pytest

from tessera import clock
from tessera.commerce.order_clock import clock_of
from tessera.commerce.store import CommerceTable
from tests.commerce.carrying import ORDER
from tests.commerce.test_provision_order import commit, queue, sent
from tests.handlers import loaded


@pytest.fixture
def store(tables: dict[str, str]) -> CommerceTable:
    return CommerceTable("Commerce", "Events")


def test_an_order_ten_minutes_late_is_put_on_the_queue_again(store: CommerceTable) -> None:
    long_ago = clock.now() - timedelta(minutes=11)
    commit(store, provisioning=clock_of("new", long_ago))
    url = queue()

    loaded("commerce/sweep_orders", ORDER_QUEUE_URL=url).handler({}, None)

    assert sent(url) == [{"order": ORDER}]


def test_an_order_on_its_way_is_left_alone(store: CommerceTable) -> None:
    commit(store)
    url = queue()

    loaded("commerce/sweep_orders", ORDER_QUEUE_URL=url).handler({}, None)

    assert sent(url) == []
