"""What is said of one subscription when several of its changes lie ahead."""

from datetime import date, timedelta
from typing import Any

import pytest

from tessera.commerce.entitlement_query import entitlements_of
from tessera.commerce.entitlements import (
    Announced,
    Announcements,
    Held,
    Ownership,
    Span,
    as_told,
)
from tessera.commerce.entitlements import held as kept_of
from tessera.commerce.models import Owner
from tessera.events import LARGEST_BODY, size_of
from tests.builders import NOW, TODAY
from tests.commerce.selling import subscription

SOON, LATER, LAST = (TODAY + timedelta(days=days) for days in (9, 30, 60))


def said(day: date | None, **detail: Any) -> list[tuple[str | None, list[str]]]:
    """The days and sets of the bodies that announce a change on that day."""
    held = Held(
        **{
            "id": "sub-1",
            "number": "A-1",
            "start": date(2020, 1, 1),
            "spans": (
                Span(start=date(2020, 1, 1), end=LATER, codes=("W2",)),
                Span(start=LATER, codes=("W3",)),
            ),
            "said": Announced(codes=("W2",)),
            **detail,
        }
    )
    owner = Owner(id="id-1", created=NOW - timedelta(days=1), updated=NOW - timedelta(days=1))
    telling = Announcements(Ownership(owner=owner, sequence=1, held=(held,)), now=NOW, today=TODAY)

    telling.entitlements("sub-1", day=day)

    assert len({event.snapshot["updated"] for event in telling.events}) == len(telling.events)
    return [
        (
            event.snapshot.get("effectiveDate", "")[:10] or None,
            [one["code"] for one in event.snapshot["entitlements"]],
        )
        for event in telling.events
    ]


def test_a_change_ahead_is_one_body_with_its_day() -> None:
    assert said(LATER, change_day=LATER) == [(f"{LATER}", ["W3"])]


@pytest.mark.parametrize("told", [SOON, LAST], ids=["before-it", "after-it"])
def test_an_announcement_for_another_day_is_taken_back_first(told: date) -> None:
    stale = Announced(codes=(), day=told)

    bodies = said(LATER, change_day=LATER, said_ahead=stale)

    assert bodies == [(None, ["W2"]), (f"{LATER}", ["W3"])]


def test_an_announcement_for_the_same_day_is_simply_replaced() -> None:
    bodies = said(LATER, change_day=LATER, said_ahead=Announced(codes=(), day=LATER))

    assert bodies == [(f"{LATER}", ["W3"])]


def test_what_holds_from_today_is_followed_by_what_lies_ahead() -> None:
    cancelled = {"end": SOON, "cancels": True}

    assert said(TODAY, change_day=TODAY, **cancelled) == [(f"{TODAY}", ["W2"]), (f"{SOON}", [])]
    assert said(None, **cancelled) == [(None, ["W2"]), (f"{SOON}", [])]


def test_several_days_go_in_their_order() -> None:
    bodies = said(LATER, change_day=SOON)

    assert [day for day, _ in bodies] == [f"{SOON}", f"{LATER}"]


def test_what_was_to_change_after_the_end_is_not_announced() -> None:
    assert said(None, change_day=LATER, end=SOON, cancels=True) == [
        (None, ["W2"]),
        (f"{SOON}", []),
    ]


PARTNER = "partner_org-7fb8fceb9440e7cf4e2ce22be1e2c1a1"


def owner_of(*held: Held, partner_org: str | None) -> Announcements:
    earlier = NOW - timedelta(days=1)
    owner = Owner(id="id-1", partner_org=partner_org, created=earlier, updated=earlier)
    return Announcements(Ownership(owner=owner, sequence=1, held=held), now=NOW, today=TODAY)


@pytest.mark.parametrize("owner_is_of", [None, PARTNER], ids=["direct-owner", "partners-owner"])
def test_every_event_of_a_partners_customer_names_the_partner(owner_is_of: str | None) -> None:
    held = Held(id="sub-1", number="A-1", partner_org=PARTNER, start=date(2020, 1, 1))
    telling = owner_of(held, partner_org=owner_is_of)

    telling.entitlements("sub-1")
    telling.happened("cancel.attempted", mode="test", partner_org=PARTNER, subscription="sub-1")
    telling.tell("order.completed", {"id": "order-1", "partner_org": PARTNER})
    telling.tell("order.failed", {"event": {}}, partner_org=PARTNER)

    assert [event.partner_org for event in telling.events] == [PARTNER] * 4
    named = ["partner_org" in event.snapshot for event in telling.events]
    assert named == [False, True, True, False]


def test_what_a_partners_owner_bought_elsewhere_is_not_the_partners() -> None:
    held = Held(id="sub-1", number="A-1", start=date(2020, 1, 1))
    telling = owner_of(held, partner_org=PARTNER)

    telling.entitlements("sub-1")
    telling.tell("order.completed", {"id": "order-1"})

    assert [event.partner_org for event in telling.events] == [None, None]


def test_each_subscription_of_an_owner_is_told_of_with_its_own_partner() -> None:
    bought = subscription()
    sold = bought.model_copy(update={"id": "sub-2", "partner_org": PARTNER})
    telling = owner_of(kept_of(bought), kept_of(sold), partner_org=None)

    for one in (bought, sold):
        telling.entitlements(one.id)

    assert [event.partner_org for event in telling.events] == [None, PARTNER]
    bodies = [event.snapshot for event in telling.events]
    assert [{*one} for one in bodies] == [{*bodies[0]}] * 2
    told = entitlements_of(telling.ownership, bought.data.start_date).wire()
    assert "partner_org" not in told["subscriptions"][1]


def ownership(*of: Held) -> Ownership:
    owner = Owner(id="id-1", created=NOW - timedelta(days=1), updated=NOW - timedelta(days=1))
    return Ownership(owner=owner, sequence=1, held=of)


OVER = Held(
    id="sub-over",
    number="A-2",
    start=date(2020, 1, 1),
    end=TODAY,
    spans=(Span(start=date(2020, 1, 1), codes=("W2",)),),
)
ANOTHER = Held(id="sub-1", number="A-1", start=date(2020, 1, 1))


@pytest.mark.parametrize(
    ("said", "is_kept"),
    [
        ({}, False),
        ({"said": Announced(codes=("W2",))}, True),
        ({"said_ahead": Announced(codes=(), day=SOON)}, True),
    ],
    ids=["nothing", "a-set", "a-change-ahead"],
)
def test_what_was_said_of_one_that_is_over_is_kept_until_it_was_taken_back(
    said: dict[str, Any], is_kept: bool
) -> None:
    owned = ownership(OVER.model_copy(update=said))

    assert (owned.holding(ANOTHER, TODAY).find(OVER.id) is not None) == is_kept


def test_only_a_set_of_a_day_to_come_is_told_ahead() -> None:
    """What is told ahead is kept from receivers that want none of it."""
    running = ANOTHER.model_copy(update={"change_day": LATER, "spans": OVER.spans})
    telling = Announcements(ownership(running), now=NOW, today=TODAY)

    telling.tell("subscription.updated", {"id": "sub-1"}, subscription="sub-1")
    telling.happened("checkout.initiated", mode="test", partner_org=None)
    telling.entitlements("sub-1", day=TODAY)

    assert [(one.type, one.ahead) for one in telling.events] == [
        ("subscription.updated", False),
        ("checkout.initiated", False),
        ("entitlements.updated", False),
        ("entitlements.updated", True),
    ]


def test_what_is_held_anew_remembers_what_was_said_and_when() -> None:
    holding = subscription()
    before = kept_of(holding).model_copy(
        update={
            "updated": NOW,
            "said": Announced(codes=("W9",)),
            "said_ahead": Announced(codes=(), day=SOON),
        }
    )

    after = kept_of(holding, before)

    assert (after.updated, after.said, after.said_ahead) == (
        before.updated,
        before.said,
        before.said_ahead,
    )


def test_a_cancellation_beyond_the_end_of_the_term_ends_nothing_earlier_or_ahead() -> None:
    ends = subscription(auto_renew=False, term_end_date=SOON, cancel_date=LATER)

    kept = kept_of(ends)

    assert (kept.end, kept.ahead(TODAY)) == (SOON, None)


PAYMENTS = 24


def told_of(codes: int, products: int = 1) -> dict[str, Any]:
    """As told of a subscription whose payments to come have a line for each of its products."""
    line = {"chargeName": "Monthly", "productName": "Digital", "quantity": 1}
    payment = {"id": "schedule-1", "data": {"amount": "17.50", "lineItems": [line] * products}}
    body = {
        "id": "sub-1",
        "offers": [{"code": f"{n:080}"} for n in range(codes)],
        "schedule": [payment] * PAYMENTS,
    }
    assert as_told(body) == as_told(as_told(body))
    return as_told(body)


def test_payments_to_come_are_told_with_their_lines() -> None:
    told = told_of(100)

    assert len(told["schedule"]) == PAYMENTS
    assert told["schedule"][0]["data"]["lineItems"]


def test_a_subscription_too_large_for_receivers_is_told_without_the_lines_of_its_payments() -> None:
    told = told_of(100, products=50)

    assert len(told["schedule"]) == PAYMENTS
    assert told["schedule"][0] == {"id": "schedule-1", "data": {"amount": "17.50"}}
    assert size_of(told) <= LARGEST_BODY


def test_a_subscription_still_too_large_is_told_without_its_payments_but_with_all_it_grants() -> (
    None
):
    told = told_of(720)

    assert set(told) == {"id", "offers"}
    assert len(told["offers"]) == 720
