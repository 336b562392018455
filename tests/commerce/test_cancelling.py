"""The step before a cancellation."""

from datetime import timedelta

import pytest

from tessera.commerce.cancelling import attempt
from tessera.errors import NotFound, Refusal
from tests.builders import TODAY
from tests.commerce.desks import Counter
from tests.commerce.selling import (
    CUSTOMER,
    PARTNER,
    PERIOD_END,
    SUBSCRIPTION,
    moment,
    pending,
    subscription,
)


def test_looking_at_leaving_is_told_and_cancels_nothing() -> None:
    at = Counter()
    before = at.owners.records[SUBSCRIPTION]

    days = attempt(SUBSCRIPTION, caller=CUSTOMER, owners=at.owners, moment=moment())

    assert days.default == PERIOD_END
    assert at.owners.records[SUBSCRIPTION] == before
    (event,) = at.owners.events
    assert (event.type, event.subscription) == ("cancel.attempted", SUBSCRIPTION)
    assert event.snapshot["subscription"] == SUBSCRIPTION
    assert event.snapshot["id"] == event.id


def test_nobody_elses_leaving_is_looked_at() -> None:
    at = Counter()

    with pytest.raises(NotFound):
        attempt(SUBSCRIPTION, caller=PARTNER, owners=at.owners, moment=moment())
    assert at.owners.events == []


def test_what_cannot_be_cancelled_now_is_not_told_of() -> None:
    at = Counter(subscription(pending_change=pending(TODAY + timedelta(days=9))))

    with pytest.raises(Refusal) as refused:
        attempt(SUBSCRIPTION, caller=CUSTOMER, owners=at.owners, moment=moment())

    assert refused.value.wire_code == "change_pending"
    assert at.owners.events == []
