"""The product rate plans in Zuora by which offers are sold, looked up when an offer is saved.

Their charges are kept on the offer, so that an order knows how to send a price without asking.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from tessera.catalog.models import (
    DISCOUNTS,
    AddOn,
    Advice,
    AnyItem,
    Bundle,
    Discount,
    ForSale,
    Offer,
    PlanCharge,
)
from tessera.errors import FieldError, NotFound, UpstreamFailed

PRICED = frozenset({"Flat Fee Pricing", "Per Unit Pricing"}) | DISCOUNTS
"""The charge models that take a price of ours."""

Charges = tuple[PlanCharge, ...]


class RatePlans(Protocol):
    def charges(self, rate_plan: str) -> Charges | None:
        """`None` while Zuora is not connected. Raises `NotFound` and `UpstreamFailed`."""


class LookedUp(NamedTuple):
    bundles: tuple[Bundle, ...]
    faults: tuple[FieldError, ...]
    advice: tuple[Advice, ...]


def looked_up(item: Offer | AddOn, before: AnyItem | None, plans: RatePlans) -> LookedUp:
    """The item's products with the charges of their rate plans; `before` is what it replaces.

    While Zuora does not answer, what was known of a plan stays, with a warning. What is on sale
    must be known: raises `UpstreamFailed` where it is not.
    """
    known = _known(before)
    found: dict[str, Charges] = {}
    faults: list[FieldError] = []
    advice: list[Advice] = []
    silence: UpstreamFailed | None = None
    for position, bundle in enumerate(item.data.product_bundles):
        at, plan = f"data.productBundles[{position}].rate_plan", bundle.rate_plan
        if plan is None:
            continue
        charges = None
        try:
            # Once is enough: a caller waits for the answer.
            charges = plans.charges(plan) if silence is None else None
        except NotFound:
            message = "Zuora has no product rate plan with this id"
            faults.append(FieldError(at, "invalid_value", message))
        except UpstreamFailed as failure:
            silence = failure
        charges = charges if charges is not None else known.get(plan)
        if silence is not None:
            if item.status == "active" and charges is None:
                raise silence
            advice.append(_unchecked(at))
        if charges is not None:
            found[plan] = charges
    bundles = tuple(
        bundle.model_copy(update={"charges": found.get(bundle.rate_plan or "")})
        for bundle in item.data.product_bundles
    )
    if not faults and all(bundle.charges is not None for bundle in bundles):
        faults += _price_faults(item, bundles)
    return LookedUp(bundles, tuple(faults), tuple(advice))


def _known(before: AnyItem | None) -> Mapping[str, Charges]:
    if not isinstance(before, ForSale):
        return {}
    bundles = before.data.product_bundles
    return {b.rate_plan: b.charges for b in bundles if b.rate_plan and b.charges is not None}


def _unchecked(at: str) -> Advice:
    return Advice(
        code="rate_plan_unchecked",
        message="Zuora did not answer, so the rate plan is unchecked. Save again later",
        field=at,
    )


def _price_faults(item: Offer | AddOn, bundles: Iterable[Bundle]) -> Iterator[FieldError]:
    """What of our prices Zuora could not take."""
    charges = {charge.id: charge for bundle in bundles for charge in bundle.charges or ()}
    for position, price in enumerate(item.data.attributes.price):
        at = f"data.attributes.price__limio[{position}].rate_plan_charge"
        if price.rate_plan_charge is None:
            continue
        charge = charges.get(price.rate_plan_charge)
        if charge is None:
            yield FieldError(at, "invalid_value", "is no charge of its rate plans in Zuora")
        elif charge.model not in PRICED:
            message = f"is priced in Zuora by {charge.model}, which takes no price from here"
            yield FieldError(at, "invalid_value", message)
    if isinstance(item, Offer) and item.data.discount is not None and charges:
        yield from _discount_faults(item.data.discount, charges.values())


def _discount_faults(discount: Discount, charges: Iterable[PlanCharge]) -> Iterator[FieldError]:
    models = {charge.model for charge in charges} & DISCOUNTS
    if not models:
        message = "none of its rate plans in Zuora has a charge that is a discount"
        yield FieldError("data.discount", "invalid_value", message)
    elif len(models) > 1:
        message = "its rate plans in Zuora take off a percentage here and an amount there"
        yield FieldError("data.discount", "invalid_value", message)
    elif models == {"Discount-Percentage"} and discount.value > 100:
        yield FieldError("data.discount.value", "invalid_value", "a percentage is 100 at most")
