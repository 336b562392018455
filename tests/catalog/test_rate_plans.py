"""What a save learns of the rate plans in Zuora, and what it does while Zuora is silent."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.local import demo
from infra.local._server import serve
from infra.local.zuora import Zuora as ZuoraStandIn
from tessera.catalog.models import Offer, PlanCharge
from tessera.errors import NotFound, UpstreamFailed
from tessera.integrations.zuora import Zuora
from tessera.integrations.zuora_plans import ZuoraPlans
from tests.catalog.shelf import (
    ANNUAL_PLAN,
    MONTHLY_PLAN,
    MemoryCatalog,
    charge,
    faults,
    offer_body,
    warned,
)
from tests.integrations.zuora_tenant import Vault

MONTHLY_CHARGE = "8ad0965d000000000000000000000201"
ANNUAL_CHARGE = "8ad0965d000000000000000000000202"
ELSEWHERE = "8ad0965d000000000000000000000999"
PRICE = "data.attributes.price[0].rate_plan_charge"


def plan_charge(id: str, model: str = "Per Unit Pricing", type: str = "Recurring") -> PlanCharge:
    return PlanCharge(id=id, name="Fee", model=model, type=type)


class Known:
    """Zuora with two rate plans, which can fall silent."""

    def __init__(self, *, model: str = "Per Unit Pricing") -> None:
        self.plans: Mapping[str, tuple[PlanCharge, ...]] = {
            MONTHLY_PLAN: (plan_charge(MONTHLY_CHARGE, model),),
            ANNUAL_PLAN: (plan_charge(ANNUAL_CHARGE, "Flat Fee Pricing"),),
        }
        self.is_silent = False
        self.asked: list[str] = []

    def charges(self, rate_plan: str) -> tuple[PlanCharge, ...]:
        self.asked.append(rate_plan)
        if self.is_silent:
            raise UpstreamFailed("Zuora could not read the rate plan just now.")
        if rate_plan not in self.plans:
            raise NotFound("Zuora does not know it.")
        return self.plans[rate_plan]


@pytest.fixture
def zuora() -> Known:
    return Known()


@pytest.fixture
def shelf(zuora: Known) -> MemoryCatalog:
    return MemoryCatalog(zuora)


Priced = Callable[..., dict[str, Any]]


def priced(*products: str, charge_id: str = MONTHLY_CHARGE, **detail: Any) -> dict[str, Any]:
    price = {"price": [charge(rate_plan_charge=charge_id)]}
    return offer_body(*products, attributes=price, **detail)


def charges_of(offer: Offer) -> list[tuple[PlanCharge, ...] | None]:
    return [bundle.charges for bundle in offer.data.product_bundles]


def test_keeps_the_charges_of_its_plans_for_orders_to_come(shelf: MemoryCatalog) -> None:
    print_edition = shelf.product(name="Print").id

    saved = shelf.save("offers", priced(shelf.product().id, print_edition))

    assert isinstance(saved.item, Offer)
    assert charges_of(saved.item) == [
        (plan_charge(MONTHLY_CHARGE),),
        (plan_charge(ANNUAL_CHARGE, "Flat Fee Pricing"),),
    ]
    assert list(saved.item.wire()["data"]["productBundles"][0]["charges"]) == [
        {"id": MONTHLY_CHARGE, "name": "Fee", "model": "Per Unit Pricing", "type": "Recurring"}
    ]
    assert "rate_plan_unchecked" not in warned(saved)


def test_refuses_a_rate_plan_that_zuora_lacks(shelf: MemoryCatalog) -> None:
    body = offer_body(shelf.product().id, plan=ELSEWHERE)

    assert faults("offers", body, shelf) == {"data.productBundles[0].rate_plan": "invalid_value"}


def test_refuses_a_price_for_a_charge_of_another_plan(shelf: MemoryCatalog) -> None:
    body = priced(shelf.product().id, charge_id=ELSEWHERE)

    assert faults("offers", body, shelf) == {PRICE: "invalid_value"}


@pytest.mark.parametrize("model", ["Tiered Pricing", "Volume Pricing", "Overage Pricing"])
def test_refuses_a_price_for_a_charge_that_takes_none(model: str) -> None:
    shelf = MemoryCatalog(Known(model=model))

    assert faults("offers", priced(shelf.product().id), shelf) == {PRICE: "invalid_value"}


@pytest.mark.parametrize("model", ["Tiered Pricing", "Volume Pricing"])
def test_sells_any_charge_at_zuoras_own_price(model: str) -> None:
    shelf = MemoryCatalog(Known(model=model))

    assert shelf.offer(shelf.product().id).status == "active"


def discount(value: str) -> dict[str, Any]:
    return {"record_subtype": "discount", "discount": _terms(value)}


def _terms(value: str) -> dict[str, Any]:
    return {"value": value, "termLength": 3, "termType": "months"}


@pytest.mark.parametrize(
    ("model", "value", "expected"),
    [
        ("Discount-Percentage", "20", {}),
        ("Discount-Percentage", "101", {"data.discount.value": "invalid_value"}),
        ("Discount-Fixed Amount", "101", {}),
        ("Flat Fee Pricing", "20", {"data.discount": "invalid_value"}),
    ],
)
def test_a_discount_needs_a_charge_that_discounts(
    model: str, value: str, expected: dict[str, str]
) -> None:
    shelf = MemoryCatalog(Known(model=model))
    body = offer_body(shelf.product().id)
    body["data"] = {
        "productBundles": body["data"]["productBundles"],
        **discount(value),
    }

    if expected:
        assert faults("offers", body, shelf) == expected
    else:
        assert shelf.save("offers", body).item.status == "active"


def test_one_value_cannot_be_a_percentage_and_an_amount(shelf: MemoryCatalog, zuora: Known) -> None:
    percentage, amount = "Discount-Percentage", "Discount-Fixed Amount"
    both = (plan_charge(MONTHLY_CHARGE, percentage), plan_charge(ANNUAL_CHARGE, amount))
    zuora.plans = {MONTHLY_PLAN: both}
    body = offer_body(shelf.product().id)
    body["data"] = {"productBundles": body["data"]["productBundles"], **discount("20")}

    assert faults("offers", body, shelf) == {"data.discount": "invalid_value"}


def test_a_draft_is_kept_while_zuora_is_silent_and_said_to_be_unchecked(
    shelf: MemoryCatalog, zuora: Known
) -> None:
    zuora.is_silent = True
    print_edition = shelf.product(name="Print").id

    saved = shelf.save("offers", priced(shelf.product().id, print_edition, status="draft"))

    assert [(w.code, w.field) for w in saved.warnings if w.code == "rate_plan_unchecked"] == [
        ("rate_plan_unchecked", "data.productBundles[0].rate_plan"),
        ("rate_plan_unchecked", "data.productBundles[1].rate_plan"),
    ]
    assert isinstance(saved.item, Offer)
    assert charges_of(saved.item) == [None, None]
    # The one who waits for the answer waits for one silence only.
    assert zuora.asked == [MONTHLY_PLAN]


def test_what_nobody_checked_is_not_put_on_sale(shelf: MemoryCatalog, zuora: Known) -> None:
    zuora.is_silent = True
    body = priced(shelf.product().id)
    draft = shelf.save("offers", {**body, "status": "draft"}).item

    with pytest.raises(UpstreamFailed):
        shelf.put(draft, body)

    assert shelf.items[draft.id].status == "draft"


def test_what_was_checked_before_stays_on_sale_while_zuora_is_silent(
    shelf: MemoryCatalog, zuora: Known
) -> None:
    body = priced(shelf.product().id)
    made = shelf.save("offers", body).item
    zuora.is_silent = True

    saved = shelf.put(made, {**body, "data": {**body["data"]}})

    assert isinstance(saved.item, Offer)
    assert charges_of(saved.item) == [(plan_charge(MONTHLY_CHARGE),)]
    assert "rate_plan_unchecked" in warned(saved)


def test_an_unconnected_zuora_leaves_ids_unchecked_without_a_word(catalog: MemoryCatalog) -> None:
    saved = catalog.save("offers", priced(catalog.product().id, charge_id=ELSEWHERE))

    assert saved.item.status == "active"
    assert isinstance(saved.item, Offer)
    assert charges_of(saved.item) == [None]
    assert "rate_plan_unchecked" not in warned(saved)


def test_callers_cannot_write_charges(shelf: MemoryCatalog, catalog: MemoryCatalog) -> None:
    written = [plan_charge(ELSEWHERE, "Tiered Pricing").wire()]

    for one in (shelf, catalog):
        body = offer_body(one.product().id)
        body["data"]["productBundles"][0]["charges"] = written
        saved = one.save("offers", body).item
        assert isinstance(saved, Offer)
        assert ELSEWHERE not in str(charges_of(saved))


def test_a_plan_that_changes_in_zuora_changes_the_version(
    shelf: MemoryCatalog, zuora: Known
) -> None:
    body = offer_body(shelf.product().id)
    made = shelf.save("offers", body).item
    zuora.plans = {MONTHLY_PLAN: (plan_charge(MONTHLY_CHARGE, "Flat Fee Pricing"),)}

    saved = shelf.put(made, body).item

    assert isinstance(made, Offer)
    assert isinstance(saved, Offer)
    assert saved.version != made.version


def test_reads_plans_from_zuora() -> None:
    with serve(ZuoraStandIn()) as running:
        plans = ZuoraPlans(Zuora(running.url, Vault()))

        found = plans.charges(demo.LOYALTY_DISCOUNT_PLAN.id)
        with pytest.raises(NotFound):
            plans.charges(ELSEWHERE)

    assert found == (
        PlanCharge(
            id=demo.LOYALTY_DISCOUNT_PLAN.charge_id,
            name="Loyalty discount",
            model="Discount-Percentage",
            type="Recurring",
        ),
    )


def test_asks_nobody_while_zuora_is_not_connected() -> None:
    assert ZuoraPlans(Zuora("", Vault())).charges(MONTHLY_PLAN) is None
