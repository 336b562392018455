"""The entitlement query: after any event it answers what the receivers of events know."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tessera.clock import instant, zoneless
from tessera.commerce.entitlement_query import Asked, OwnerEntitlements, entitlements_of, query
from tessera.commerce.entitlements import Announcements, Held, Ownership, Span
from tessera.commerce.models import Identity, IdentityData, Owner, identity_id
from tessera.commerce.owners import OwnerMerged
from tessera.errors import InvalidRequest, NotFound
from tests.builders import NOW, TODAY
from tests.commerce.receiving import Receiver

OWNER = "id-8606b883875fe37f1beae43c676ebc60"
ALWAYS = date(2020, 1, 1)


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


def held(id: str = "sub-1", *codes: str, **detail: Any) -> Held:
    """Gives its codes from 2020 on, without end."""
    members = {"start": ALWAYS, "spans": (Span(start=ALWAYS, codes=codes),), **detail}
    return Held(id=id, number=f"A-{id}", **members)


def owning(*held: Held, status: str = "active", **detail: Any) -> Ownership:
    owner = Owner(id=OWNER, status=status, created=NOW, updated=NOW, **detail)
    return Ownership(owner=owner, held=held)


def codes(answer: Any) -> list[str]:
    return [one.code for one in answer]


class Step(NamedTuple):
    """Some days go by, then a subscription becomes another and it is told."""

    days: int
    subscription: str
    becomes: Held
    says_all: bool
    by_order: bool


_DAYS = st.integers(-20, 40).map(day)
_MAYBE_DAYS = st.none() | _DAYS
_SPANS = st.builds(
    Span,
    start=_DAYS,
    end=_MAYBE_DAYS,
    codes=st.lists(st.sampled_from("ABC"), min_size=1, max_size=2, unique=True).map(tuple),
)
_HELD = st.builds(
    Held,
    id=st.just("sub-0"),
    number=st.just("A-0"),
    start=_DAYS,
    end=_MAYBE_DAYS,
    cancels=st.booleans(),
    suspended=st.booleans(),
    change_day=_MAYBE_DAYS,
    spans=st.lists(_SPANS, max_size=3).map(tuple),
)
_STEPS = st.lists(
    st.builds(
        Step,
        days=st.sampled_from([0, 0, 1, 9, 30]),
        subscription=st.sampled_from(["sub-0", "sub-1"]),
        becomes=_HELD,
        says_all=st.booleans(),
        by_order=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def told(ownership: Ownership, step: Step, today: date, now: datetime) -> Announcements:
    """One commit: what the days that went by have changed, and what this step changes."""
    telling = Announcements(ownership, now=now, today=today)
    for one in ownership.held:
        telling.entitlements_if_changed(one.id)
    state = telling.ownership
    before = state.find(step.subscription)
    memory = before.model_dump(include={"updated", "said", "said_ahead"}) if before else {}
    becomes = step.becomes.model_copy(update={"id": step.subscription, "number": "A"})
    becomes = Held.model_validate({**becomes.model_dump(), **memory})
    telling.becomes(state.holding(becomes, today))
    ahead = becomes.ahead(today)
    if step.says_all:
        telling.entitlements(becomes.id)
    elif (
        # As an order does, which changes one day ahead or today and nothing before.
        step.by_order and (ahead is None or becomes.on(today) == becomes.said.codes)
    ):
        telling.entitlements(becomes.id, day=ahead or today)
    else:
        telling.entitlements_if_changed(becomes.id)
    return telling


def put_off(offset: int, days: int) -> Step:
    """Sync finds that the subscription is cancelled, and when."""
    cancelled = held("sub-0", "A", end=day(offset), cancels=True)
    return Step(days, "sub-0", cancelled, says_all=False, by_order=False)


@given(_STEPS)
@example([put_off(9, 0), put_off(30, 0), put_off(30, 9)])
def test_answers_what_was_said_last(steps: list[Step]) -> None:
    ownership, receiver, today, now = owning(), Receiver(), TODAY, NOW
    for step in steps:
        today += timedelta(days=step.days)
        now += timedelta(days=step.days, seconds=1)
        telling = told(ownership, step, today, now)
        ownership = telling.ownership
        receiver.takes(telling.events)

        answer = entitlements_of(ownership, today)

        assert answer.version == receiver.version
        sent = [one.at for bodies in receiver.bodies.values() for one in bodies]
        assert instant(answer.updated) == max(sent, default=instant(NOW))
        shown = {one.id: one for one in answer.subscriptions}
        for subscription in receiver.bodies.keys() - shown.keys():
            assert receiver.in_force(subscription, today) == []
            assert (receiver.announced(subscription, today) or ("", []))[1] == []
        for one in answer.subscriptions:
            assert codes(one.entitlements) == receiver.in_force(one.id, today)
            ahead = one.next and (
                zoneless(one.next.effective_date),
                codes(one.next.entitlements),
            )
            assert ahead == receiver.announced(one.id, today)
            if one.updated is not None:
                assert instant(one.updated) == max(receiver.bodies[one.id]).at
            else:
                assert not one.entitlements
        everything = [code for one in answer.subscriptions for code in codes(one.entitlements)]
        assert codes(answer.entitlements) == list(dict.fromkeys(everything))


def test_what_was_said_tells_the_set_and_the_change_ahead() -> None:
    switching = held(
        change_day=date(2026, 4, 2),
        spans=(
            Span(start=ALWAYS, end=date(2026, 4, 2), codes=("W2",)),
            Span(start=date(2026, 4, 2), codes=("SKU0010002",)),
        ),
        updated=NOW,
    )
    identity = Identity(
        id="xid-1",
        name="auth0|67bf",
        created=NOW,
        updated=NOW,
        data=IdentityData(iss="limio.us.auth0.com", sub="auth0|67bf", service="auth0"),
    )
    ownership = owning(switching).model_copy(update={"version": 7, "identities": (identity,)})

    assert entitlements_of(ownership, TODAY).wire() == {
        "owner": OWNER,
        "version": 7,
        "updated": "2026-03-02T09:14:07.512Z",
        "identities": ({"sub": "auth0|67bf", "iss": "limio.us.auth0.com", "service": "auth0"},),
        "entitlements": ({"code": "W2"},),
        "subscriptions": (
            {
                "id": "sub-1",
                "subscription": "A-sub-1",
                "status": "active",
                "updated": "2026-03-02T09:14:07.512Z",
                "entitlements": ({"code": "W2"},),
                "next": {
                    "effectiveDate": "2026-04-02T00:00:00.000",
                    "entitlements": ({"code": "SKU0010002"},),
                },
            },
        ),
    }


def test_the_owners_set_is_that_of_all_subscriptions_oldest_first_each_code_once() -> None:
    answer = entitlements_of(owning(held("sub-1", "B", "A"), held("sub-2", "A", "C")), TODAY)

    assert codes(answer.entitlements) == ["B", "A", "C"]


@pytest.mark.parametrize(
    ("detail", "status", "today"),
    [
        ({}, "active", ["W2"]),
        ({"start": day(0)}, "active", ["W2"]),
        ({"start": day(1)}, "pending", []),
        ({"suspended": True}, "suspended", []),
        ({"suspended": True, "awaits_activation": True}, "pending", []),
        ({"end": day(1), "cancels": True}, "active", ["W2"]),
    ],
)
def test_a_subscription_has_the_status_of_the_day(
    detail: dict[str, Any], status: str, today: list[str]
) -> None:
    (one,) = entitlements_of(owning(held("sub-1", "W2", **detail)), TODAY).subscriptions

    assert (one.status, codes(one.entitlements)) == (status, today)


def test_one_that_has_ended_is_left_out_though_its_end_was_not_announced_yet() -> None:
    ended = held("sub-1", "W2", end=TODAY)

    answer = entitlements_of(owning(ended), TODAY)

    assert (answer.subscriptions, answer.entitlements) == ((), ())
    assert codes(entitlements_of(owning(ended), day(-1)).entitlements) == ["W2"]


def test_the_end_of_a_term_is_not_told_ahead_and_a_cancellation_is() -> None:
    term = held("sub-1", "W2", end=day(9))
    cancelled = held("sub-2", "W2", end=day(9), cancels=True)

    first, second = entitlements_of(owning(term, cancelled), TODAY).subscriptions

    assert first.next is None
    assert second.next is not None
    assert (second.next.effective_date, second.next.entitlements) == (day(9), ())


def test_the_tag_changes_on_the_day_though_nothing_was_written() -> None:
    ownership = owning(held("sub-1", "W2", start=day(1)))

    def tag(today: date) -> str:
        return entitlements_of(ownership, today).etag

    assert tag(TODAY).startswith('"0-')
    assert tag(TODAY) == tag(TODAY)
    assert tag(TODAY) != tag(day(1))


class Owners:
    """An owner with the identity `auth0|67bf` of `limio.us.auth0.com`."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership = ownership
        data = IdentityData(iss="limio.us.auth0.com", sub="auth0|67bf")
        id = identity_id("limio.us.auth0.com", "auth0|67bf")
        self._identity = Identity(id=id, owner=OWNER, created=NOW, updated=NOW, data=data)

    def ownership(self, owner: str) -> Ownership | None:
        return self._ownership if owner == OWNER else None

    def identity(self, id: str) -> Identity | None:
        return self._identity if id == self._identity.id else None


def ask(asked: Asked, ownership: Ownership | None = None) -> OwnerEntitlements:
    return query(asked, owners=Owners(ownership or owning()), today=TODAY)


@pytest.mark.parametrize(
    "asked",
    [
        Asked(owner=OWNER),
        Asked(iss="limio.us.auth0.com", sub="auth0|67bf"),
        Asked(iss="HTTPS://LIMIO.us.auth0.com/", sub="auth0|67bf"),
    ],
)
def test_finds_the_owner_by_id_or_by_any_spelling_of_the_issuer(asked: Asked) -> None:
    assert ask(asked).owner == OWNER


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked(iss="x"),
        Asked(sub="x"),
        Asked(owner=OWNER, iss="x"),
        Asked(owner=OWNER, sub="x"),
        Asked(owner=OWNER, iss="x", sub="x"),
    ],
)
def test_refuses_both_ways_of_asking_and_neither(asked: Asked) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(asked)

    assert refused.value.wire_code == "invalid_request"


@pytest.mark.parametrize(
    "asked", [Asked(owner="id-1"), Asked(iss="limio.us.auth0.com", sub="AUTH0|67bf")]
)
def test_an_unknown_owner_or_identity_is_not_found(asked: Asked) -> None:
    with pytest.raises(NotFound):
        ask(asked)


@pytest.mark.parametrize(
    ("status", "member"), [("merged", "merged_into"), ("replaced", "replaced_by")]
)
def test_an_owner_that_became_another_names_the_survivor(status: str, member: str) -> None:
    gone = owning(status=status, **{member: "id-survivor"})

    with pytest.raises(OwnerMerged) as refused:
        ask(Asked(owner=OWNER), gone)

    assert refused.value.members == {"owner": "id-survivor"}


def test_an_owner_that_is_being_merged_can_be_read() -> None:
    assert ask(Asked(owner=OWNER), owning(status="merging")).owner == OWNER
