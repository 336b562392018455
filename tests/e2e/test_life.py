"""A subscription's whole life on the deployed stack: at each step what it gives is right at once,
wherever one asks, and exactly what was pushed.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from infra.local import demo
from infra.local.api_client import Api
from tessera import clock
from tessera.commerce.calendar import Interval
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import add_on_of_the_demo, fresh
from tests.e2e.life import WITHIN, Life, Told, begun

pytestmark = pytest.mark.e2e

DIGITAL = ["W2"]
GOLD = ["W2", "E-paper", "SKU0010002"]
WITH_SUPPORT = [*GOLD, "HELP"]
MONTH = Interval(1, "months")


def offer(api: Api, name: str) -> dict[str, str]:
    items = api.call("GET", "/api/catalog/offers?limit=100")["items"]
    return {"id": next(one["id"] for one in items if one["name"] == name)}


def offer_that_ends(api: Api) -> dict[str, str]:
    """Digital for a year and no longer; nowhere to be bought online."""
    bundle = {"product": {"$ref": "/products/Digital"}, "rate_plan": demo.DIGITAL_MONTHLY_PLAN.id}
    monthly = {"repeat_interval": 1, "repeat_interval_type": "months"}
    price = {"name": "Fee", "type": "recurring", "value": "9.00", "currencyCode": "GBP", **monthly}
    data = {
        "productBundles": [bundle],
        "attributes": {
            "sales_channel__limio": ["Salesforce"],
            "price__limio": [price],
            "autoRenew__limio": False,
        },
    }
    item = {"name": fresh("A year"), "status": "active", "data": data}
    return {"id": api.call("POST", "/api/catalog/offers", item)["id"]}


def eventually(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.5)


def sleep_until(life: Life, day: date) -> None:
    life.deployed.sleep(timedelta(days=(day - life.today).days))


def names(offers: list[dict[str, Any]]) -> dict[str, str]:
    return {one["data"]["name"]: one["status"] for one in offers}


# Days pass three times over: each time everything starts anew and does all that was due meanwhile.
@pytest.mark.timeout(1200)
def test_a_subscription_from_its_first_order_to_the_end_of_its_term(days_pass: Deployed) -> None:
    """Beside it another one, whose year is not followed by a second."""
    api = days_pass.api
    gold, save = offer(api, "Gold Annual"), offer(api, "Stay with us")
    ending = offer_that_ends(api)
    with (
        begun(days_pass, offer(api, "Digital Monthly")["id"]) as life,
        begun(days_pass, ending["id"]) as other,
    ):
        start = date.fromisoformat(life.subscription()["data"]["startDate"])
        began = life.begun_by["order_reference"]
        months = [MONTH.after(start, n) for n in range(25)]

        # New
        life.is_told(Told(DIGITAL, began, in_salesforce=False), Told(DIGITAL, began))
        first = other.begun_by["order_reference"]
        other.is_told(Told(DIGITAL, first, in_salesforce=False), Told(DIGITAL, first))
        assert life.payments() == [(f"{day}", "17.50") for day in months[1:12]]
        assert life.plans_in_zuora() == {demo.DIGITAL_MONTHLY_PLAN.id}

        # Switch, with the next payment
        switch = life.order("change_offer", offer=gold)["name"]
        life.is_told(Told(GOLD, switch, day=months[1]))
        assert life.refused("change_offer", offer=gold) == (423, "change_pending")
        held = life.subscription()
        assert held["data"]["pendingChange"]["effectiveDate"] == clock.zoneless(months[1])
        assert names(held["offers"]) == {"Digital Monthly": "active", "Gold Annual": "pending"}
        assert life.payments() == [(f"{months[1]}", "380.00")]
        assert life.plans_in_zuora() == {demo.GOLD_ANNUAL_PLAN.id}

        # Activation
        sleep_until(life, months[1])
        life.is_told(Told(GOLD, switch))
        held = life.subscription()
        assert "pendingChange" not in held["data"]
        assert held["data"]["name"] == "Gold Annual"
        assert names(held["offers"]) == {"Digital Monthly": "ended", "Gold Annual": "active"}

        # Add-on
        support = {"id": add_on_of_the_demo(life.api)}
        added = life.order("add_on", action="add", addOn=support)["name"]
        life.is_told(Told(WITH_SUPPORT, added))
        assert names(life.subscription()["addOns"]) == {"Priority support": "active"}
        assert life.payments() == [(f"{day}", "12.00") for day in months[2:12]]
        assert life.plans_in_zuora() == {demo.GOLD_ANNUAL_PLAN.id, demo.SUPPORT_PLAN.id}

        # Save, from the end of the period that is paid, which the term cuts short
        saved = life.order("add_offer", offer=save)["name"]
        life.is_told(Told(WITH_SUPPORT, saved, day=months[12]))
        assert names(life.subscription()["offers"])["Stay with us"] == "pending"
        assert demo.LOYALTY_DISCOUNT_PLAN.id in life.plans_in_zuora()

        # A year has passed: one term is renewed, the discount begins, and the other term is over
        sleep_until(life, months[12])
        other.is_told(Told([], first))
        assert other.subscription()["status"] == "expired"
        eventually(lambda: "pendingChange" not in life.subscription()["data"])
        eventually(lambda: life.subscription()["data"]["termEndDate"] == f"{months[24]}")
        begun_offers = [one for one in life.subscription()["offers"] if one["status"] == "active"]
        assert {*names(begun_offers)} == {"Gold Annual", "Stay with us"}
        life.ahead = None  # the discount gives nothing, so its day is not told
        life.is_answered()

        # Cancel
        cancelled = life.order("cancel_subscription")["name"]
        end = date.fromisoformat(life.subscription()["data"]["cancelDate"])
        life.is_told(Told([], cancelled, day=end))
        assert life.in_zuora()["status"] == "Cancelled"

        # The end
        sleep_until(life, end)
        life.is_told(Told([], cancelled))
        held = life.subscription()
        assert held["status"] == "cancelled"
        left = {one["status"] for one in (*held["offers"], *held["addOns"])}
        assert left.isdisjoint({"active", "pending"})
        assert all(day < f"{end}" for day, _ in life.payments())
        assert {one["status"] for one in life.objects("orders")} == {"complete"}
