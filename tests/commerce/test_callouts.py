"""Zuora's callouts as hints: doubled, late, out of order or for nothing, they do no harm."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.commerce.callouts import Callout, Resync, receive, resync
from tessera.commerce.commits import Busy, OwnerBusy
from tessera.commerce.store import CommerceTable
from tessera.commerce.sync import Synced, sync
from tessera.errors import Conflict, InvalidFields, NotFound, UpstreamFailed, invalid
from tests.builders import (
    NOW,
    TODAY,
    FakeBilling,
    FakeCatalog,
    FakePartners,
    billed,
    candidate,
    rate_plan,
)
from tests.conftest import Told

NUMBER = "A-S00000271"
SYNCED = Synced(id="sub-1", owner="id-1")


class Queue:
    def __init__(self) -> None:
        self.sent: list[tuple[Resync, int]] = []

    def send(self, wanted: Resync, *, delay: int) -> None:
        assert 0 <= delay <= 900
        self.sent.append((wanted, delay))


class Notifications:
    def __init__(self) -> None:
        self.known: set[str] = set()

    def is_known(self, id: str, now: datetime) -> bool:
        return id in self.known

    def remember(self, id: str, now: datetime) -> None:
        self.known.add(id)


def failing(error: Exception) -> Callable[[str], Synced]:
    def fail(key: str) -> Synced:
        raise error

    return fail


def work(
    wanted: Resync,
    queue: Queue,
    act: Callable[[str], Synced],
    *,
    now: datetime = NOW,
    random: float = 0.5,
    counted: list[str] | None = None,
) -> dict[str, Any]:
    count = (counted if counted is not None else []).append
    return resync(wanted, sync=act, queue=queue, now=now, random=lambda: random, count=count)


def wanted(**detail: Any) -> Resync:
    return Resync(**{"subscription_key": NUMBER, "received_at": NOW, **detail})


def test_a_callout_waits_ten_seconds_for_our_own_orders_to_settle() -> None:
    queue = Queue()
    callout = Callout(subscriptionID=NUMBER, type="AddProduct")

    assert receive(callout, "n-1", notifications=Notifications(), queue=queue, now=NOW) == "queued"

    assert queue.sent == [(wanted(type="AddProduct", notification_id="n-1"), 10)]


def test_zuoras_repeat_of_a_notification_is_dropped() -> None:
    queue, notifications = Queue(), Notifications()
    callout = Callout(subscriptionID=NUMBER)

    outcomes = [
        receive(callout, "n-1", notifications=notifications, queue=queue, now=NOW) for _ in range(3)
    ]

    assert outcomes == ["queued", "repeated", "repeated"]
    assert len(queue.sent) == 1


def test_a_callout_that_could_not_be_queued_is_not_remembered() -> None:
    class Full(Queue):
        def send(self, wanted: Resync, *, delay: int) -> None:
            raise ConnectionError

    notifications = Notifications()
    with pytest.raises(ConnectionError):
        receive(
            Callout(subscriptionID=NUMBER),
            "n-1",
            notifications=notifications,
            queue=Full(),
            now=NOW,
        )

    assert notifications.known == set()


def test_without_a_notification_id_every_callout_is_queued() -> None:
    queue, notifications = Queue(), Notifications()

    for _ in range(2):
        callout = Callout(subscriptionNumber=NUMBER)
        receive(callout, None, notifications=notifications, queue=queue, now=NOW)

    assert len(queue.sent) == 2


def test_the_number_is_preferred_to_the_id_of_one_version() -> None:
    callout = Callout(subscriptionID="8ad0965d0000000000000000000a0042", subscriptionNumber=NUMBER)

    assert callout.key == NUMBER


def test_a_callout_that_names_no_subscription_is_refused_and_the_field_named() -> None:
    with pytest.raises(InvalidFields) as refused:
        _ = Callout(type="AddProduct").key

    assert refused.value.errors[0][:2] == ("subscriptionID", "required")


def test_a_sync_ends_it() -> None:
    queue = Queue()
    asked: list[str] = []

    def act(key: str) -> Synced:
        asked.append(key)
        return SYNCED

    done = work(wanted(), queue, act)

    assert (done["outcome"], done["subscription"]) == ("synced", "sub-1")
    assert (asked, queue.sent) == ([NUMBER], [])


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotFound("Zuora has none."), "unknown"),
        (invalid("status", "a draft", "zuora_draft"), "refused"),
        (Conflict("not configured", code="zuora_not_configured"), "refused"),
    ],
    ids=["unknown", "draft", "not-configured"],
)
def test_what_waiting_does_not_mend_is_acknowledged(error: Exception, outcome: str) -> None:
    queue = Queue()

    assert work(wanted(), queue, failing(error))["outcome"] == outcome
    assert queue.sent == []


@pytest.mark.parametrize(
    "error",
    [UpstreamFailed("down"), OwnerBusy("merging"), Busy("others")],
    ids=["zuora", "merging", "busy"],
)
def test_a_passing_failure_is_sent_again_with_its_count(error: Exception) -> None:
    queue = Queue()

    done = work(wanted(attempt=2), queue, failing(error))

    assert (done["outcome"], done["attempt"]) == ("retrying", 3)
    ((again, delay),) = queue.sent
    assert (again.attempt, delay) == (3, 60)
    assert again.next_at == NOW + timedelta(seconds=60)


def test_zuora_is_left_alone_as_long_as_it_asks() -> None:
    queue = Queue()

    work(wanted(), queue, failing(UpstreamFailed("busy", retry_after=1200)))

    ((again, delay),) = queue.sent
    assert again.next_at == NOW + timedelta(seconds=1200)
    assert delay == 900  # all that a queue grants; the rest is waited for on arrival


def test_a_message_that_comes_too_early_goes_back_untouched() -> None:
    queue = Queue()
    early = wanted(attempt=7, next_at=NOW + timedelta(seconds=1000))

    done = work(early, queue, failing(AssertionError("too early")))

    assert done["outcome"] == "waiting"
    assert queue.sent == [(early, 900)]


@given(st.floats(0, 1), st.booleans())
def test_it_is_tried_for_six_hours_and_then_given_up_and_counted(random: float, asks: bool) -> None:
    message, now, counted, tries = wanted(), NOW, list[str](), 0
    error = UpstreamFailed("down", retry_after=400 if asks else None)
    while not counted:
        queue = Queue()
        done = work(message, queue, failing(error), now=now, random=random, counted=counted)
        tries += done["outcome"] != "waiting"
        if queue.sent:
            message, delay = queue.sent[0]
            now += timedelta(seconds=delay)

    assert counted == ["ResyncsGivenUp"]
    assert timedelta(hours=4, minutes=30) < now - NOW <= timedelta(hours=6)
    assert 9 <= tries <= 15


@pytest.fixture
def owners(tables: dict[str, str]) -> CommerceTable:
    return CommerceTable(tables["Commerce"], tables["Events"])


def _state(owners: CommerceTable) -> Any:
    holding = owners.holding("sub-ac3a12b67e833080e10b13ca25b84017")
    assert holding is not None
    return holding.data, holding.status, [offer.data for offer in holding.all_offers]


def test_callouts_in_any_order_and_number_end_in_what_zuora_says_now(
    owners: CommerceTable, told: Told
) -> None:
    """The one for version 1 comes last; it leads to version 2, as everything is read anew."""
    first = billed()
    second = billed(version=2, plans=(rate_plan(end=date(2026, 9, 2)),))
    billing = FakeBilling(first)

    def act(key: str) -> Synced:
        return sync(
            key,
            billing=billing,
            catalog=FakeCatalog(candidate()),
            partners=FakePartners(),
            owners=owners,
            now=NOW,
            today=TODAY,
            mode="test",
        )

    assert work(wanted(), Queue(), act)["outcome"] == "synced"
    billing.known = {NUMBER: second}
    assert work(wanted(type="RemoveProduct"), Queue(), act)["outcome"] == "synced"
    state, events = _state(owners), len(told())

    billing.known = {NUMBER: first}  # an answer that was overtaken on its way
    work(wanted(), Queue(), act)
    billing.known = {NUMBER: second}
    work(wanted(), Queue(), act)

    assert (_state(owners), len(told())) == (state, events)
