"""A Zuora stand-in of one's own and a client for it, for the tests of what the client does."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import requests

from infra.local import demo
from infra.local._server import Running
from tessera.integrations.zuora_requests import (
    BillingOptions,
    ChargeOverride,
    ContactDetails,
    CreateSubscription,
    Deed,
    InitialTerm,
    NewAccount,
    OrderAction,
    OrderLine,
    OrderRequest,
    PlanToAdd,
    Pricing,
    ProcessingOptions,
    Term,
    Terms,
)

ACCOUNT = "T-715G5QA2PB2I"
ORDER = "C5PBH5JD6698"
SUBSCRIPTION = "IDEQB58U8CQL"
CARLA = ContactDetails(
    first_name="Carla",
    last_name="Conte",
    work_email="carla@conte.example",
    work_phone="+44 20 7946 0000",
    address1="1 Quay Street",
    city="Bristol",
    zip_code="BS1 4RB",
    country="GB",
)


class Vault:
    """The secret, and how often it was looked up anew."""

    name = "tessera/dev/zuora"

    def __init__(self, **values: str) -> None:
        self.kept = self.stored = {
            "client_id": demo.ZUORA_CLIENT.client_id,
            "client_secret": demo.ZUORA_CLIENT.client_secret,
            **values,
        }
        self.fresh_reads = 0

    def read(self, *, fresh: bool = False) -> Mapping[str, str]:
        if fresh:
            self.fresh_reads += 1
            self.kept = self.stored
        return {name: value for name, value in self.kept.items() if value}


def reset(tenant: Running, **settings: str) -> Running:
    requests.post(tenant.url + "/_control/reset", json={"seed": "demo"}, timeout=5)
    tenant.stand_in.state["settings"].update(settings)
    return tenant


def order_fault(tenant: Running, path: str = "/v1/", **fault: Any) -> None:
    times, after = fault.pop("times", 1), fault.pop("after", 0)
    match = {"path": path, **({"method": fault.pop("method")} if "method" in fault else {})}
    wanted = {"match": match, "times": times, "after": after, "action": fault}
    answer = requests.post(tenant.url + "/_control/faults", json=wanted, timeout=5)
    assert answer.status_code == 201, answer.text


def calls(tenant: Running, path: str = "", method: str = "") -> list[dict[str, Any]]:
    entries = tenant.stand_in.journal.entries(path)
    return [entry for entry in entries if method in ("", entry["method"])]


def headers_of(call: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in call["headers"].items()}


def new_account(**changes: Any) -> NewAccount:
    fields = {"account_number": ACCOUNT, "name": "Conte Ltd", "currency": "GBP"}
    return NewAccount(**{**fields, "bill_to_contact": CARLA, **changes})


def create_subscription(today: date, **changes: Any) -> CreateSubscription:
    digital = demo.DIGITAL_MONTHLY_PLAN
    pricing = Pricing.of("Per Unit Pricing", "Recurring", quantity=5)
    override = ChargeOverride(product_rate_plan_charge_id=digital.charge_id, pricing=pricing)
    year = Term(period=12, period_type="Month")
    fields = {
        "subscription_number": SUBSCRIPTION,
        "terms": Terms(
            initial_term=InitialTerm(
                term_type="TERMED", period=12, period_type="Month", start_date=today
            ),
            auto_renew=True,
            renewal_setting="RENEW_WITH_SPECIFIC_TERM",
            renewal_terms=(year,),
        ),
        "subscribe_to_rate_plans": (
            PlanToAdd(product_rate_plan_id=digital.id, charge_overrides=(override,)),
        ),
    }
    return CreateSubscription(**{**fields, **changes})


def order(
    today: date,
    *deeds: Deed,
    number: str = ORDER,
    account: str = ACCOUNT,
    subscription: str | None = None,
    collects: bool = False,
) -> OrderRequest:
    actions = tuple(OrderAction(deed=deed, on=today) for deed in deeds)
    return OrderRequest(
        order_number=number,
        order_date=today,
        existing_account_number=account,
        subscriptions=(OrderLine(subscription_number=subscription, order_actions=actions),),
        processing_options=ProcessingOptions(
            collect_payment=collects, billing_options=BillingOptions(target_date=today)
        ),
    )
