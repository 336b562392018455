"""What number each charge of a discount is sent to Zuora with."""

from decimal import Decimal
from typing import Any

import pytest

from infra.local import demo
from tessera.commerce.models import Alteration, SoldOffer, SubscriptionOffer
from tessera.integrations.zuora_models import (
    ProductRatePlan,
    ProductRatePlanCharge,
    ZuoraSubscription,
)
from tessera.integrations.zuora_orders import DiscountAmbiguous, change, plans_needed
from tests.builders import product
from tests.commerce.carrying import SUB, TODAY, offer, subscription

PERCENTAGE, AMOUNT = "Discount-Percentage", "Discount-Fixed Amount"
LOYALTY, WELCOME = demo.LOYALTY_DISCOUNT_PLAN.id, demo.GOLD_ANNUAL_PLAN.id


def save(name: str, value: str, *plans: str) -> SubscriptionOffer:
    sold = SoldOffer(
        id="offer-bf5d7fe9a7b40d765a8b404269d7e6d6",
        version="7" * 40,
        path=f"/offers2/{name}",
        name=name,
        discount=Decimal(value),
    )
    products = tuple(product().model_copy(update={"rate_plan": plan}) for plan in plans)
    return offer(name, record_subtype="discount", products=products, offer=sold)


def rate_plan(id: str, *models: str) -> ProductRatePlan:
    charges = tuple(
        ProductRatePlanCharge(id=f"{id}-{n}", charge_model=model, charge_type="Recurring")
        for n, model in enumerate(models)
    )
    return ProductRatePlan(id=id, product_rate_plan_charges=charges)


def pricing_of(plans: list[ProductRatePlan], *saves: SubscriptionOffer) -> dict[str, Any]:
    """Of each charge, in the order that adds these discounts."""
    known = {plan.id: plan for plan in plans}
    assert plans_needed(saves) == set(known)
    altered = Alteration(subscription=SUB, day=TODAY, adds=tuple(one.id for one in saves))
    read = ZuoraSubscription.model_validate(
        {
            "id": "1",
            "subscriptionNumber": "A-S1",
            "version": 1,
            "status": "Active",
            "accountId": "2",
            "accountNumber": "A1",
            "ratePlans": [],
        }
    )
    placed = change(
        "REFERENCE1",
        "add_offer",
        altered,
        subscription(offer(), *saves),
        read,
        known,
        account="A1",
        today=TODAY,
        run_billing=False,
        collect=False,
    )
    assert placed is not None
    (line,) = placed.wire()["subscriptions"]
    return {
        override["productRatePlanChargeId"]: override["pricing"]["discount"]
        for action in line["orderActions"]
        for override in action["addProduct"]["chargeOverrides"]
    }


def test_a_percentage_and_an_amount_in_one_order_have_each_their_own_value() -> None:
    plans = [rate_plan(LOYALTY, PERCENTAGE), rate_plan(WELCOME, AMOUNT)]

    sent = pricing_of(plans, save("half", "50", LOYALTY), save("welcome", "3.75", WELCOME))

    assert sent == {
        f"{LOYALTY}-0": {"discountPercentage": Decimal("50")},
        f"{WELCOME}-0": {"discountAmount": Decimal("3.75")},
    }


def test_charges_of_one_kind_share_the_value_of_their_discount() -> None:
    sent = pricing_of([rate_plan(LOYALTY, PERCENTAGE, PERCENTAGE)], save("half", "50", LOYALTY))

    assert list(sent.values()) == [{"discountPercentage": Decimal("50")}] * 2


def test_a_fee_beside_a_discount_keeps_its_own_price() -> None:
    sent = pricing_of(
        [rate_plan(LOYALTY, PERCENTAGE, "Flat Fee Pricing")], save("half", "50", LOYALTY)
    )

    assert sent == {f"{LOYALTY}-0": {"discountPercentage": Decimal("50")}}


@pytest.mark.parametrize(
    "plans",
    [
        pytest.param([rate_plan(LOYALTY, PERCENTAGE, AMOUNT)], id="in_one_plan"),
        pytest.param(
            [rate_plan(LOYALTY, PERCENTAGE), rate_plan(WELCOME, AMOUNT)], id="in_two_plans"
        ),
    ],
)
def test_one_value_is_never_sent_as_a_percentage_and_as_an_amount(
    plans: list[ProductRatePlan],
) -> None:
    with pytest.raises(DiscountAmbiguous):
        pricing_of(plans, save("half", "50", *(plan.id for plan in plans)))
