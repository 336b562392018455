"""Calls to the Zuora stand-in as Tessera makes them, for the tests of the stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import requests

from infra.local import demo
from infra.local._server import serve
from infra.local.zuora import Zuora

TRIGGERS = ("ContractEffective", "ServiceActivation", "CustomerAcceptance")
Body = dict[str, Any]


@dataclass
class Caller:
    """Holds a token; `get`, `post`, `put` and `delete` send what every call must have."""

    url: str
    stand_in: Zuora
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.sign_in()

    @property
    def today(self) -> date:
        return self.stand_in.now().date()

    def day(self, ahead: int = 0) -> str:
        return (self.today + timedelta(days=ahead)).isoformat()

    def sign_in(self) -> None:
        token = self.token().json()["access_token"]
        self.session.headers.update(
            {"Authorization": f"Bearer {token}", "Zuora-Version": "2025-08-12"}
        )

    def reset(self) -> "Caller":
        """Everything as it was when the stand-in was started."""
        self.control("reset", {"seed": "demo"})
        self.sign_in()
        return self

    def token(self, client_id: str = "", secret: str = "") -> requests.Response:
        form = {
            "client_id": client_id or demo.ZUORA_CLIENT.client_id,
            "client_secret": secret or demo.ZUORA_CLIENT.client_secret,
            "grant_type": "client_credentials",
        }
        return requests.post(f"{self.url}/oauth/token", data=form, timeout=10)

    def call(
        self, method: str, path: str, body: Body | None = None, **headers: str
    ) -> requests.Response:
        """Header names are given with underscores."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, self.url + path, json=body, headers=sent, timeout=10)

    def get(self, path: str, **query: Any) -> Body:
        answer = self.session.get(self.url + path, params=query, timeout=10)
        return dict(answer.json())

    def post(self, path: str, body: Body) -> Body:
        return dict(self.call("POST", path, body).json())

    def put(self, path: str, body: Body) -> Body:
        return dict(self.call("PUT", path, body).json())

    def delete(self, path: str) -> Body:
        return dict(self.call("DELETE", path).json())

    def control(self, path: str, body: Body | None = None) -> Body:
        return dict(self.call("POST", f"/_control/{path}", body or {}).json())

    def patch_state(self, patch: Body) -> None:
        answer = self.call("PATCH", "/_control/state", patch)
        assert answer.status_code == 200

    def journal(self, path: str) -> list[Body]:
        answer = self.session.get(
            f"{self.url}/_control/requests", params={"path": path}, timeout=10
        )
        return list(answer.json()["requests"])

    def fault(self, path: str, action: Body, **more: Any) -> None:
        self.control("faults", {"match": {"path": path}, "action": action, **more})

    def turn_clock(self, *, days: int = 0, minutes: int = 0) -> None:
        later = self.stand_in.now() + timedelta(days=days, minutes=minutes)
        self.control("clock", {"now": later.isoformat()})

    def subscription(self, number: str) -> Body:
        return self.get(f"/v1/subscriptions/{number}")

    def contact(self, **changes: str) -> Body:
        contact = {
            "firstName": "Carla",
            "lastName": "Conte",
            "workEmail": "carla@conte.example",
            "address1": "1 Quay Street",
            "city": "Bristol",
            "zipCode": "BS1 4RB",
            "country": "GB",
        }
        return {**contact, **changes}

    def account(self, **changes: Any) -> Body:
        """The body that opens an account."""
        account: Body = {
            "accountNumber": "T-715G5QA2PB2I",
            "name": "Conte Ltd",
            "currency": "GBP",
            "billCycleDay": 0,
            "autoPay": False,
            "billToContact": self.contact(),
        }
        return {**account, **changes}

    def open_account(self, **changes: Any) -> Body:
        return self.post("/v1/accounts", self.account(**changes))

    def action(self, type: str, body: Body, on: str | None = None) -> Body:
        triggers = [{"name": name, "triggerDate": on or self.day()} for name in TRIGGERS]
        member = type[0].lower() + type[1:]
        return {"type": type, "triggerDates": triggers, member: body}

    def new_subscription(
        self, plan: str = demo.DIGITAL_MONTHLY_PLAN.id, quantity: int = 1, **changes: Any
    ) -> Body:
        """The body of a `createSubscription`."""
        charge_id = demo.zuora_id(f"2{plan[-2:]}")
        pricing = {"recurringPerUnit": {"quantity": quantity}}
        year = {"period": 12, "periodType": "Month"}
        bought: Body = {"productRatePlanId": plan}
        if quantity != 1:
            override = {"productRatePlanChargeId": charge_id, "pricing": pricing}
            bought["chargeOverrides"] = [override]
        created = {
            "subscriptionNumber": "IDEQB58U8CQL",
            "terms": {
                "initialTerm": {"termType": "TERMED", **year, "startDate": self.day()},
                "autoRenew": True,
                "renewalSetting": "RENEW_WITH_SPECIFIC_TERM",
                "renewalTerms": [year],
            },
            "subscribeToRatePlans": [bought],
        }
        return {**created, **changes}

    def order(
        self,
        *actions: Body,
        number: str = "C5PBH5JD6698",
        account: str = "T-715G5QA2PB2I",
        subscription: str | None = None,
        bill: bool = True,
        **options: Any,
    ) -> Body:
        line: Body = {"orderActions": list(actions)}
        if subscription is not None:
            line["subscriptionNumber"] = subscription
        processing = {
            "runBilling": bill,
            "collectPayment": False,
            "billingOptions": {"targetDate": self.day()},
        }
        return {
            "orderNumber": number,
            "orderDate": self.day(),
            "existingAccountNumber": account,
            "subscriptions": [line],
            "processingOptions": {**processing, **options},
        }

    def preview_of(self, order: Body, *, account: bool = True) -> Body:
        """The body that previews an order, of an account or of a customer without one."""
        left_out = {"orderNumber", "processingOptions"}
        previewed = {name: value for name, value in order.items() if name not in left_out}
        previewed["previewOptions"] = {
            "previewThruType": "NumberOfPeriods",
            "previewNumberOfPeriods": 1,
            "previewTypes": ["BillingDocs"],
        }
        if not account:
            del previewed["existingAccountNumber"]
            previewed["previewAccountInfo"] = {"currency": "GBP", "billCycleDay": 1}
        return previewed

    def place(self, *actions: Body, **more: Any) -> Body:
        return self.post("/v1/orders?returnIds=true", self.order(*actions, **more))

    def buy(self, number: str = "C5PBH5JD6698", **changes: Any) -> Body:
        """Opens the account when it is not there yet, and subscribes it to Digital."""
        self.open_account()
        create = self.action("CreateSubscription", self.new_subscription(**changes))
        return self.place(create, number=number)


def codes(answer: Body) -> list[int]:
    assert answer["success"] is False
    return [reason["code"] for reason in answer["reasons"]]


def categories(answer: Body) -> list[int]:
    return [code % 100 for code in codes(answer)]


@contextmanager
def running_zuora(**options: Any) -> Iterator[Caller]:
    """A stand-in of its own, as seeded, and somebody signed in to it."""
    stand_in = Zuora(**options)
    with serve(stand_in) as running:
        yield Caller(running.url, stand_in)
