"""Recognising a subscription's rate plans as offers and add-ons of the catalog.

Source: README, "Catalog". A CPQ order names rate plans only; so that its subscription has
entitlements, a list of upgrades and add-ons, the plans are matched to what the catalog sells.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tessera.commerce.calendar import Interval
from tessera.commerce.models import Mapping, OfferKind, SoldProduct, UnmappedPlan


class Plan(NamedTuple):
    """A live rate plan of the subscription: not removed, with a charge that ends after today."""

    id: str
    product_rate_plan: str
    name: str | None
    start: date
    end: date | None
    """The first day not covered; none while it goes on."""
    quantity: int
    amount: Decimal | None
    """The sum of its recurring charges' unit prices."""
    currency: str
    every: Interval | None = None
    quantity_from: date | None = None
    """The day from which there are so many."""


class Candidate(NamedTuple):
    """An active or archived offer or add-on, as far as recognising needs it."""

    id: str
    version: str
    path: str
    name: str
    kind: OfferKind
    is_active: bool
    fits_channel: bool
    """With a partner: visible to it; without: visible online."""
    plans: frozenset[str]
    """The product rate plans of its products: all must be live."""
    currency: str | None
    amount: Decimal | None
    products: tuple[SoldProduct, ...]
    attributes: dict[str, object]


class Match(NamedTuple):
    candidate: Candidate
    plans: tuple[Plan, ...]
    is_ambiguous: bool
    """Only its id spoke for it, against another as good."""


class _Rank(NamedTuple):
    """Smaller is better; the id decides last."""

    is_new: bool
    uncovered: int
    is_add_on: bool
    is_off_channel: bool
    is_other_price: bool
    is_archived: bool


def recognise(
    live: Sequence[Plan], candidates: Iterable[Candidate], *, present: Collection[str]
) -> list[Match]:
    """The best candidate takes its plans, then the best for those left, until none fits.

    `present` are the catalog ids that the subscription holds already.
    """
    left: dict[str, list[Plan]] = {}
    for plan in live:
        left.setdefault(plan.product_rate_plan, []).append(plan)
    open_candidates = [one for one in candidates if one.plans]
    matches: list[Match] = []
    while True:
        fitting = sorted(
            (_rank(one, left, present), one.id, one)
            for one in open_candidates
            if one.plans <= left.keys()
        )
        if not fitting:
            return matches
        best_rank, _, best = fitting[0]
        tied = any(rank == best_rank and one.plans & best.plans for rank, _, one in fitting[1:])
        # A plan that stands twice on the subscription is one thing bought twice.
        claimed = tuple(plan for id in sorted(best.plans) for plan in left.pop(id))
        matches.append(Match(best, claimed, tied))


def summary(live: Sequence[Plan], matches: Sequence[Match], warning: str | None) -> Mapping:
    """`mapped`, `partial`, `unmapped` or `ambiguous`, with the plans that nothing claimed."""
    claimed = {plan.id for match in matches for plan in match.plans}
    rest = [plan for plan in live if plan.id not in claimed]
    if any(match.is_ambiguous for match in matches):
        status = "ambiguous"
    elif not matches:
        status = "unmapped"
    else:
        status = "partial" if rest else "mapped"
    return Mapping(
        status=status,
        unmapped=tuple(
            UnmappedPlan(
                rate_plan_id=plan.id, product_rate_plan_id=plan.product_rate_plan, name=plan.name
            )
            for plan in rest
        ),
        warning=warning,
    )


def _rank(one: Candidate, left: dict[str, list[Plan]], present: Collection[str]) -> _Rank:
    plans = [left[plan][0] for plan in one.plans]
    amounts = [plan.amount for plan in plans if plan.amount is not None]
    same_currency = all(plan.currency == one.currency for plan in plans)
    same_price = one.amount is not None and sum(amounts, Decimal(0)) == one.amount
    return _Rank(
        is_new=one.id not in present,
        uncovered=-len(one.plans),
        is_add_on=one.kind == "add_on",
        is_off_channel=not one.fits_channel,
        is_other_price=not (same_currency and same_price),
        is_archived=not one.is_active,
    )
