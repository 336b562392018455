"""Which offers a subscription's rate plans are taken for: each rule alone, and all at random."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tessera.commerce.mapping import Candidate, Match, Plan, recognise, summary
from tests.builders import candidate

FIRST, SECOND, THIRD = "a" * 32, "b" * 32, "c" * 32


def plan(product_rate_plan: str = FIRST, **detail: Any) -> Plan:
    return Plan(
        **{
            "id": f"plan-of-{product_rate_plan[0]}",
            "product_rate_plan": product_rate_plan,
            "name": "Digital monthly",
            "start": date(2026, 3, 2),
            "end": None,
            "quantity": 1,
            "amount": Decimal("17.50"),
            "currency": "GBP",
            **detail,
        }
    )


def sold(id: str, *plans: str, **detail: Any) -> Candidate:
    held = frozenset(plans or (FIRST,))
    price = Decimal("17.50") * len(held)
    return candidate(id, **{"plans": held, "amount": price, **detail})


def best(
    *candidates: Candidate, live: Sequence[Plan] = (plan(),), present: tuple[str, ...] = ()
) -> Match:
    return recognise(live, candidates, present=present)[0]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (sold("offer-z", FIRST, SECOND), sold("offer-a", FIRST)),
        (sold("offer-z"), sold("offer-a", kind="add_on")),
        (sold("offer-z"), sold("offer-a", fits_channel=False)),
        (sold("offer-z"), sold("offer-a", amount=Decimal("18.00"))),
        (sold("offer-z"), sold("offer-a", currency="USD")),
        (sold("offer-z"), sold("offer-a", is_active=False)),
    ],
    ids=["covers more", "an offer", "fits the channel", "same price", "same currency", "active"],
)
def test_the_better_one_is_taken_whatever_its_id_and_place(
    better: Candidate, worse: Candidate, is_first: bool
) -> None:
    both = (better, worse) if is_first else (worse, better)

    match = best(*both, live=[plan(), plan(SECOND)])

    assert match.candidate == better
    assert not match.is_ambiguous


def test_what_the_subscription_holds_already_stays_before_all_else() -> None:
    held = sold("offer-z", kind="add_on", fits_channel=False, is_active=False, currency="USD")
    wider = sold("offer-a", FIRST, SECOND)

    match = best(wider, held, live=[plan(), plan(SECOND)], present=("offer-z",))

    assert match.candidate == held


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"plans": (FIRST, SECOND), "kind": "add_on"}, {"plans": (FIRST,)}),
        ({"fits_channel": False}, {"kind": "add_on"}),
        ({"amount": Decimal(1)}, {"fits_channel": False}),
        ({"is_active": False}, {"amount": Decimal(1)}),
    ],
    ids=["coverage, kind", "kind, channel", "channel, price", "price, status"],
)
def test_an_earlier_rule_outweighs_the_next_one(
    better: dict[str, Any], worse: dict[str, Any]
) -> None:
    one, other = (
        sold(id, *detail.pop("plans", (FIRST,)), **detail)
        for id, detail in (("offer-z", dict(better)), ("offer-a", dict(worse)))
    )

    assert best(one, other, live=[plan(), plan(SECOND)]).candidate == one


def test_all_plans_of_an_offer_must_be_live() -> None:
    assert recognise([plan()], [sold("offer-a", FIRST, SECOND)], present=()) == []


def test_an_offer_without_rate_plans_is_never_recognised() -> None:
    nothing = candidate("offer-a", plans=frozenset())

    assert recognise([plan()], [nothing], present=()) == []


def test_the_price_of_several_plans_is_their_sum() -> None:
    both = [plan(), plan(SECOND, amount=Decimal("2.50"))]
    right = sold("offer-z", FIRST, SECOND, amount=Decimal("20.00"))
    wrong = sold("offer-a", FIRST, SECOND, amount=Decimal("17.50"))

    assert best(right, wrong, live=both).candidate == right


def test_several_standard_offers_share_a_subscription() -> None:
    matches = recognise(
        [plan(), plan(SECOND)], [sold("offer-a", FIRST), sold("offer-b", SECOND)], present=()
    )

    assert [one.candidate.id for one in matches] == ["offer-a", "offer-b"]
    assert summary([plan(), plan(SECOND)], matches, None).status == "mapped"


def test_a_plan_that_stands_twice_is_one_thing_bought_twice() -> None:
    twice = [plan(id="plan-1"), plan(id="plan-2")]

    (match,) = recognise(twice, [sold("offer-a")], present=())

    assert [one.id for one in match.plans] == ["plan-1", "plan-2"]


def test_a_tie_that_the_id_alone_decides_is_ambiguous() -> None:
    match = best(sold("offer-b"), sold("offer-a"))

    assert (match.candidate.id, match.is_ambiguous) == ("offer-a", True)
    assert summary([plan()], [match], None).status == "ambiguous"


def test_a_tie_is_seen_behind_an_offer_of_another_plan() -> None:
    """`offer-b` is as good as both and takes nothing from either."""
    matches = recognise(
        [plan(), plan(SECOND)],
        [sold("offer-a", FIRST), sold("offer-b", SECOND), sold("offer-c", FIRST)],
        present=(),
    )

    assert [(one.candidate.id, one.is_ambiguous) for one in matches] == [
        ("offer-a", True),
        ("offer-b", False),
    ]


def test_offers_of_different_plans_are_no_tie() -> None:
    matches = recognise(
        [plan(), plan(SECOND)], [sold("offer-a", FIRST), sold("offer-b", SECOND)], present=()
    )

    assert not any(one.is_ambiguous for one in matches)


def test_what_nothing_claims_is_listed() -> None:
    live = [plan(), plan(SECOND, name="Print")]
    matches = recognise(live, [sold("offer-a", FIRST)], present=())

    found = summary(live, matches, None)

    assert found.status == "partial"
    (left,) = found.unmapped
    assert (left.rate_plan_id, left.product_rate_plan_id, left.name) == (
        "plan-of-b",
        SECOND,
        "Print",
    )


def test_a_subscription_without_any_offer_is_unmapped() -> None:
    assert summary([plan()], [], None).status == "unmapped"


PLANS = st.lists(st.sampled_from([FIRST, SECOND, THIRD]), max_size=5).map(
    lambda found: [plan(one, id=f"plan-{n}") for n, one in enumerate(found)]
)


@st.composite
def catalogs(draw: st.DrawFn) -> list[Candidate]:
    return [
        sold(
            f"offer-{n}",
            *draw(st.sets(st.sampled_from([FIRST, SECOND, THIRD]), min_size=1)),
            kind=draw(st.sampled_from(["standard", "add_on"])),
            fits_channel=draw(st.booleans()),
            is_active=draw(st.booleans()),
            currency=draw(st.sampled_from(["GBP", "USD"])),
        )
        for n in range(draw(st.integers(0, 6)))
    ]


@given(PLANS, catalogs(), st.randoms(use_true_random=False))
def test_no_plan_is_claimed_twice_and_the_order_of_the_catalog_says_nothing(
    live: list[Plan], offered: list[Candidate], random: Any
) -> None:
    matches = recognise(live, offered, present=())
    shuffled = list(offered)
    random.shuffle(shuffled)

    claimed = [one.id for match in matches for one in match.plans]
    assert len(claimed) == len(set(claimed))
    assert recognise(live, shuffled, present=()) == matches
    left = {one.product_rate_plan for one in live if one.id not in claimed}
    taken = {match.candidate.id for match in matches}
    assert not [one for one in offered if one.plans <= left and one.id not in taken]
