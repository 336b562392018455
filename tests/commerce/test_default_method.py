"""Paying by another method from now on."""

from typing import Any

import pytest

from tessera.commerce.acceptance import Placed
from tessera.commerce.default_method import NothingToPay, make_default
from tessera.commerce.models import Card, MethodData, ZuoraMethod
from tessera.commerce.payment_methods import PaymentMethod
from tessera.errors import NotFound
from tests.commerce.desks import NUMBER, Counter
from tests.commerce.selling import CUSTOMER, SUBSCRIPTION, subscription

REF = "8ad094b97b2c3d4e017b2c3d50617283"


def method(related: str = "cus-1") -> PaymentMethod:
    card = ZuoraMethod(ref_id=REF, kind="CreditCard", result=Card())
    return PaymentMethod(
        id="pm-1", mode="test", status="active", related=related, data=MethodData(zuora=card)
    )


@pytest.mark.parametrize("id", ["pm-1", REF])
def test_an_order_makes_it_the_default_and_is_waited_for(id: str) -> None:
    at = Counter()
    at.billing.methods.add((NUMBER, REF))

    placed = make_default(
        id,
        methods=[method()],
        holdings=[subscription()],
        place=lambda body: at.place(body, by=CUSTOMER),
    )

    order = at.order(placed)
    assert (order.order_type, order.payment_method) == ("change_payment", REF)
    assert order.subscriptions == (SUBSCRIPTION,)
    assert sum(at.waited) == pytest.approx(20)


def unplaced(body: Any) -> Placed:
    raise AssertionError("nothing is to be placed")


def test_a_method_that_is_not_ones_own_does_not_exist() -> None:
    with pytest.raises(NotFound):
        make_default("pm-2", methods=[method()], holdings=[subscription()], place=unplaced)


def test_an_account_without_a_subscription_has_nothing_to_pay() -> None:
    with pytest.raises(NothingToPay):
        make_default("pm-1", methods=[method("cus-2")], holdings=[subscription()], place=unplaced)
