"""Order types without a journey of their own, on the deployed stack: what each becomes in Tessera's
objects, in webhooks and in Zuora.

`new`, `change_offer`, `add_on`, `add_offer` and `cancel_subscription` are in `test_life.py`.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from infra.local import demo
from tessera.commerce.calendar import Interval
from tessera.commerce.method_records import method_id
from tests.e2e.conftest import Deployed, Inbox
from tests.e2e.exercises import add_on_of_the_demo, endpoint_at, fresh, order, reached
from tests.e2e.life import WITHIN, Life

pytestmark = pytest.mark.e2e

LEEDS = {"address1": "2 Low Rd", "city": "Leeds", "postalCode": "LS2 1AA", "country": "GB"}


class Bought(NamedTuple):
    """Digital by the month, in Zuora by now, and who hears of it."""

    life: Life
    inbox: Inbox

    def told(self, type: str, id: str, **data: Any) -> dict[str, Any]:
        """The body of that type, id and data, waited for."""
        return self._heard(
            type, lambda body: body["id"] == id and data.items() <= body["data"].items()
        )

    def told_entitlements(self, codes: list[str], by: str) -> None:
        """The set of its subscription that the order of that reference has made."""
        tracking = {"subscription": self.life.number, "source": "shop"}
        tracking |= {"name": by, "orderReference": by}
        granted = [{"code": code} for code in codes]
        self._heard(
            "entitlements.updated",
            lambda body: (body["tracking"], body["entitlements"]) == (tracking, granted),
        )

    def _heard(self, type: str, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        until = time.monotonic() + WITHIN
        while time.monotonic() < until:
            for delivery in self.inbox.deliveries(at_least=1, within=1, type=type):
                assert delivery["verified"] is True, delivery["why"]
                body: dict[str, Any] = json.loads(delivery["body"])
                if is_it(body):
                    return body
            time.sleep(0.2)
        raise AssertionError(f"{type}: it was not told of")

    def answer(self) -> dict[str, Any]:
        """Of the entitlement query, whose version counts what was announced; without the time of
        the owner's last event of any kind.
        """
        found: dict[str, Any] = self.life.api.call(
            "GET", f"/api/entitlements?owner={self.life.owner}"
        )
        return {name: value for name, value in found.items() if name != "updated"}

    def ended(self, placed: dict[str, Any], announced: str) -> None:
        """The order is complete, by its own objects and by what was told of it."""
        (kept,) = [one for one in self.life.objects("orders") if one["id"] == placed["id"]]
        assert kept["status"] == "complete"
        assert {step["status"] for step in kept["process"]} <= {"complete", "skipped"}
        assert self.told(announced, placed["id"])["order_type"] == placed["order_type"]
        assert self.told("order.completed", placed["id"])["status"] == "complete"

    @property
    def account(self) -> dict[str, Any]:
        """In Zuora."""
        kept = self.life.deployed.zuora("state", method="GET")
        number = self.life.subscription()["data"]["zuora"]["accountNumber"]
        (found,) = [one for one in kept["accounts"].values() if one["number"] == number]
        return {**found, "state": kept}


@contextmanager
def bought(deployed: Deployed) -> Iterator[Bought]:
    inbox = deployed.inbox(fresh("orders"))
    made = endpoint_at(deployed.api, inbox)
    try:
        inbox.behave(secret=made["secret"])
        placed = order(deployed.api)
        reached(deployed.api, f"/api/order/{placed['id']}", "complete", within=WITHIN)
        yield Bought(Life(deployed, {}, {}, placed), inbox)
    finally:
        deployed.api.send("DELETE", f"/api/webhooks/endpoints/{made['id']}")


def paid_by_card(sold: Bought) -> tuple[str, dict[str, Any]]:
    """Zuora's id of a new card, and the order that made it the default."""
    deployed = sold.life.deployed
    card = deployed.zuora("payment-methods", {"account": sold.account["number"]})["id"]
    payment = {"type": "zuora", "zuora": {"refId": card}}
    return str(card), sold.life.order("change_payment", payment=payment)


def test_a_renewal_lengthens_the_term_and_leaves_access_as_it_is(deployed: Deployed) -> None:
    with bought(deployed) as sold:
        life, before = sold.life, sold.answer()
        ends = date.fromisoformat(life.subscription()["data"]["termEndDate"])
        longer = Interval(1, "years").after(ends)

        placed = life.order("renew")

        sold.ended(placed, "order.renewed")
        held = life.subscription()
        assert held["data"]["termEndDate"] == f"{longer}"
        assert "pendingChange" not in held["data"]
        assert life.in_zuora()["termEndDate"] == f"{longer}"
        assert sold.answer() == before


def test_an_update_switches_and_adds_at_once_then_changes_a_quantity(deployed: Deployed) -> None:
    with bought(deployed) as sold:
        life = sold.life
        items = life.api.call("GET", "/api/catalog/offers?limit=100")["items"]
        gold = {"id": next(one["id"] for one in items if one["name"] == "Gold Annual")}
        support = {"action": "add", "id": add_on_of_the_demo(life.api), "quantity": 2}
        wanted = {"offer": gold, "addOns": [support], "effectiveDate": f"{life.today}"}

        placed = life.order("update_subscription", **wanted)

        sold.ended(placed, "order.subscription_updated")
        codes = ["W2", "E-paper", "SKU0010002", "HELP"]
        assert [one["code"] for one in sold.answer()["entitlements"]] == codes
        sold.told_entitlements(codes, by=placed["name"])
        held = life.subscription()
        assert held["data"]["name"] == "Gold Annual"
        assert "pendingChange" not in held["data"]
        (add_on,) = held["addOns"]
        assert (add_on["status"], add_on["data"]["quantity"]) == ("active", 2)
        assert life.plans_in_zuora() == {demo.GOLD_ANNUAL_PLAN.id, demo.SUPPORT_PLAN.id}
        before = sold.answer()

        more = {"action": "update", "subscription_offer": add_on["id"], "quantity": 3}
        resized = life.order("update_subscription", addOns=[more])

        sold.ended(resized, "order.subscription_updated")
        (add_on,) = life.subscription()["addOns"]
        assert add_on["data"]["quantity"] == 3
        (plan,) = [
            one
            for one in life.in_zuora()["ratePlans"]
            if one["productRatePlanId"] == demo.SUPPORT_PLAN.id
        ]
        assert plan["charges"][0]["quantity"] == 3
        assert sold.answer() == before


def test_another_address_and_name_reach_the_contact_in_zuora(deployed: Deployed) -> None:
    with bought(deployed) as sold:
        life, before = sold.life, sold.answer()
        details = {"address": LEEDS, "customerDetails": {"lastName": "Silva"}}

        placed = life.order("change_address", **details)

        sold.ended(placed, "order.address_changed")
        assert sold.told("order.customer_updated", placed["id"])["owner"] == life.owner
        (customer,) = life.objects("customers")
        assert customer["data"]["lastName"] == "Silva"
        sold.told("customer.updated", customer["id"], lastName="Silva")
        (billing,) = [
            one for one in life.objects("address") if one["relationship_type"] == "billing"
        ]
        assert (billing["data"]["address1"], billing["data"]["lastName"]) == ("2 Low Rd", "Silva")
        account = sold.account
        contact = account["state"]["contacts"][account["billToId"]]
        assert (contact["address1"], contact["lastName"]) == ("2 Low Rd", "Silva")
        assert sold.answer() == before


def test_another_card_pays_from_now_on_and_is_an_object(deployed: Deployed) -> None:
    with bought(deployed) as sold:
        life, before = sold.life, sold.answer()
        first, placed = paid_by_card(sold)

        second, _ = paid_by_card(sold)

        sold.ended(placed, "order.payment_method_changed")
        assert sold.account["defaultPaymentMethodId"] == second
        kept = {one["id"]: one for one in life.objects("payment_methods")}
        assert {id: one["data"]["default"] for id, one in kept.items()} == {
            method_id(first): False,
            method_id(second): True,
        }
        shown = kept[method_id(second)]["data"]["zuora"]["result"]
        assert shown["CreditCardMaskNumber"] == "************1111"
        added = [one for one in life.objects("events") if one["name"] == "payment_method.added"]
        assert len(added) == 2
        assert sold.told("payment_method.added", added[0]["id"])["owner"] == life.owner
        assert sold.answer() == before


def test_an_invoice_is_paid_in_part_and_never_over_its_balance(deployed: Deployed) -> None:
    with bought(deployed) as sold:
        life = sold.life
        paid_by_card(sold)
        bill = {"account": sold.account["number"], "amount": 12}
        invoice = deployed.zuora("invoices", bill)["invoice"]["id"]
        wanted = {"order_type": "pay_invoice", "invoice": {"id": invoice, "amount": "5.00"}}

        answer = life.api.call("POST", "/api/order", wanted)

        assert "subscriptionReference" not in answer
        placed = reached(life.api, f"/api/order/{answer['id']}", "complete", within=WITHIN)
        sold.ended(placed, "order.payment_submitted")
        state = sold.account["state"]
        assert Decimal(str(state["invoices"][invoice]["balance"])) == 7
        (payment,) = [
            one for one in state["payments"].values() if one["gatewayOrderId"] == placed["name"]
        ]
        assert Decimal(str(payment["amount"])) == 5
        assert payment["status"] == "Processed"
        over = {**wanted, "invoice": {"id": invoice, "amount": "7.01"}}
        refused = life.api.send("POST", "/api/order", over)
        assert refused.status_code == 422
        assert [one["field"] for one in refused.json()["errors"]] == ["invoice.amount"]
