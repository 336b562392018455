"""What people, CPQ and the nights do to the Zuora stand-in's tenant."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from infra.local import demo
from tests.integrations.zuora_calls import Body, Caller, running_zuora

LOGIN = "Basic enVvcmEtY2FsbG91dDpsb2NhbC1jYWxsb3V0LXBhc3N3b3JkLTRkMmY5Yg=="


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    return shared.reset()


def revise(zuora: Caller, action: str, body: Body | None = None) -> Body:
    return zuora.control(f"subscriptions/{demo.DIGITAL_SUBSCRIPTION}/{action}", body)


def test_a_subscription_made_by_cpq_appears_on_an_account(zuora: Caller) -> None:
    made = zuora.control(
        "subscriptions",
        {"account": demo.BOREALIS.number, "plan": demo.DIGITAL_MONTHLY_PLAN.id, "quantity": 3},
    )

    read = zuora.subscription("A-S00000001")
    assert made == read
    assert (read["status"], read["accountNumber"]) == ("Active", demo.BOREALIS.number)
    [charge] = read["ratePlans"][0]["ratePlanCharges"]
    assert charge["quantity"] == 3
    assert charge["chargedThroughDate"] > zuora.day()
    assert zuora.get("/v1/accounts/A00000008")["metrics"]["balance"] == 52.5


def test_an_account_opened_by_hand_hangs_below_a_partner(zuora: Caller) -> None:
    opened = zuora.control(
        "accounts", {"name": "Dora Dane", "parent": demo.ACME.number, "email": "dora@dane.example"}
    )

    assert opened["basicInfo"]["parentId"] == demo.ACME.id
    assert opened["basicInfo"]["accountNumber"] == "A00000001"
    assert opened["billToContact"]["workEmail"] == "dora@dane.example"


def test_a_cancellation_in_zuora_is_booked_at_once(zuora: Caller) -> None:
    revise(zuora, "cancel", {"date": zuora.day(10)})

    read = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    assert (read["status"], read["version"]) == ("Cancelled", 2)
    assert read["subscriptionEndDate"] == zuora.day(10)
    assert read["scheduledCancelDate"] is None


def test_what_is_cancelled_as_of_its_start_was_never_active(zuora: Caller) -> None:
    begins = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["subscriptionStartDate"]

    cancelled = revise(zuora, "cancel", {"date": begins})

    assert cancelled["statusHistory"] == [
        {"startDate": begins, "endDate": None, "status": "Cancelled"}
    ]


def test_a_scheduled_cancellation_comes_true_on_its_day(zuora: Caller) -> None:
    on = zuora.day(10)
    revise(zuora, "cancel", {"date": on, "scheduled": True})

    scheduled = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    zuora.turn_clock(days=10)
    zuora.sign_in()
    cancelled = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)

    assert (scheduled["status"], scheduled["scheduledCancelDate"]) == ("Active", on)
    assert (cancelled["status"], cancelled["subscriptionEndDate"]) == ("Cancelled", on)
    assert cancelled["version"] == scheduled["version"] + 1


def test_a_subscription_is_suspended_and_resumed(zuora: Caller) -> None:
    suspended = revise(zuora, "suspend", {"date": zuora.day()})
    resumed = revise(zuora, "resume", {"date": zuora.day(5)})

    assert (suspended["status"], resumed["status"]) == ("Suspended", "Active")
    assert [h["status"] for h in resumed["statusHistory"]] == ["Active", "Suspended", "Active"]
    assert resumed["version"] == 3


def test_a_draft_is_activated(zuora: Caller) -> None:
    activated = zuora.control(f"subscriptions/{demo.DRAFT_SUBSCRIPTION}/activate")

    assert (activated["status"], activated["version"]) == ("Active", 2)
    assert activated["customerAcceptanceDate"] == zuora.day()
    [charge] = activated["ratePlans"][0]["ratePlanCharges"]
    assert charge["chargedThroughDate"] > zuora.day()


def test_plans_are_added_removed_and_changed_by_hand(zuora: Caller) -> None:
    added = revise(zuora, "add_plan", {"plan": demo.SUPPORT_PLAN.id, "quantity": 2})
    removed = revise(zuora, "remove_plan", {"plan": demo.SUPPORT_PLAN.id, "date": zuora.day(9)})
    changed = revise(zuora, "change_plan", {"to": demo.GOLD_ANNUAL_PLAN.id})

    def plans(read: Body) -> list[tuple[str, str]]:
        return [(plan["productName"], plan["lastChangeType"]) for plan in read["ratePlans"]]

    assert plans(added) == [("Digital", "Add"), ("Support", "Add")]
    assert added["ratePlans"][1]["ratePlanCharges"][0]["quantity"] == 2
    assert plans(removed) == [("Digital", "Add"), ("Support", "Remove")]
    end = removed["ratePlans"][1]["ratePlanCharges"][0]["effectiveEndDate"]
    assert end == zuora.day(9)
    assert plans(changed) == [("Digital", "Remove"), ("Support", "Remove"), ("Gold", "Add")]


def test_a_term_is_renewed_by_hand(zuora: Caller) -> None:
    before = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)

    renewed = revise(zuora, "renew")

    assert renewed["termStartDate"] == before["termEndDate"]


@pytest.mark.parametrize(
    ("path", "body", "category"),
    [
        ("subscriptions/unknown/renew", {}, 40),
        (f"subscriptions/{demo.DIGITAL_SUBSCRIPTION}/change_plan", {"to": "unknown"}, 40),
        (f"subscriptions/{demo.DIGITAL_SUBSCRIPTION}/remove_plan", {"plan": "unknown"}, 40),
        (f"subscriptions/{demo.DIGITAL_SUBSCRIPTION}/cancel", {"when": "2026-01-01"}, 21),
        (
            f"subscriptions/{demo.DIGITAL_SUBSCRIPTION}/cancel",
            {"date": "2099-01-01", "scheduled": True},
            30,
        ),
        ("subscriptions", {"account": demo.ACME.number}, 22),
        ("callouts", {"url": "http://localhost:1"}, 22),
        ("callouts", {"url": "ftp://localhost", "subscriptionNumber": "A-S1"}, 20),
    ],
)
def test_control_refuses_what_makes_no_sense_with_400(
    zuora: Caller, path: str, body: Body, category: int
) -> None:
    answer = zuora.call("POST", f"/_control/{path}", body)

    assert answer.status_code == 400
    assert [reason["code"] % 100 for reason in answer.json()["reasons"]] == [category]


def test_the_nights_renew_and_bill_what_is_due(zuora: Caller) -> None:
    before = zuora.subscription(demo.GOLD_SUBSCRIPTION)

    zuora.turn_clock(days=365)
    zuora.sign_in()
    after = zuora.subscription(demo.GOLD_SUBSCRIPTION)

    assert after["termStartDate"] == before["termEndDate"]
    assert (after["version"], after["status"]) == (2, "Active")
    [charge] = after["ratePlans"][0]["ratePlanCharges"]
    assert charge["chargedThroughDate"] == after["termEndDate"]
    query = {"filter[]": f"accountid.EQ:{demo.HALDEN.id}"}
    invoices = zuora.get("/object-query/invoices", **query)["data"]
    assert len(invoices) == 3  # two of the seed, one of the night
    assert invoices[-1]["amount"] == 480 + 12 * 110
    assert zuora.subscription(demo.GOLD_SUBSCRIPTION) == after


def test_nothing_renews_that_was_told_not_to(zuora: Caller) -> None:
    zuora.control(
        "subscriptions",
        {
            "account": demo.BOREALIS.number,
            "plan": demo.DIGITAL_MONTHLY_PLAN.id,
            "months": 1,
            "autoRenew": False,
        },
    )

    zuora.turn_clock(days=40)
    zuora.sign_in()
    read = zuora.subscription("A-S00000001")

    assert (read["version"], read["status"]) == (1, "Active")
    assert read["termEndDate"] < zuora.day()


def test_a_bill_run_goes_as_far_as_it_is_told(zuora: Caller) -> None:
    target = zuora.day(60)

    posted = zuora.control("bill-run", {"targetDate": target})["invoices"]

    [charge] = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)["ratePlans"][0]["ratePlanCharges"]
    assert charge["chargedThroughDate"] > target
    assert len(posted) == 32  # Halden, the archive's reader and the thirty samples
    assert zuora.control("bill-run", {"targetDate": target})["invoices"] == []


class Receiver:
    """A place for callouts that notes what it is sent and asks for credentials if need be."""

    def __init__(self, ask: Caller | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if ask is not None:
                    ask.subscription(demo.GOLD_SUBSCRIPTION)
                login = self.headers.get("Authorization")
                receiver.calls.append(
                    {
                        "path": self.path,
                        "login": login,
                        "notification": self.headers["Zuora-Notification-Id"],
                        "body": body.decode(),
                    }
                )
                self.send_response(202 if login == LOGIN else 401)
                if login != LOGIN:
                    self.send_header("WWW-Authenticate", 'Basic realm="tessera"')
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/events/zuora?from=zuora"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_sends_a_callout_with_its_credentials_at_once(zuora: Caller) -> None:
    with Receiver(ask=zuora) as receiver:
        sent = zuora.control(
            "callouts",
            {
                "url": receiver.url,
                "subscriptionNumber": demo.GOLD_SUBSCRIPTION,
                "type": "RemoveProduct",
                "notificationId": "n-1",
            },
        )

    [call] = receiver.calls
    assert [answer["status"] for answer in sent["answers"]] == [202]
    assert call["path"] == "/api/events/zuora?from=zuora"
    assert call["login"] == LOGIN
    assert call["notification"] == sent["notificationId"] == "n-1"
    assert call["body"] == (
        '{"subscriptionID": "A-S00000271", "type": "RemoveProduct", "data": {}}'
    )


def test_sends_credentials_only_when_asked_if_so_told(zuora: Caller) -> None:
    with Receiver() as receiver:
        sent = zuora.control(
            "callouts",
            {"url": receiver.url, "subscriptionNumber": "A-S00000271", "preemptive": False},
        )

    assert [call["login"] for call in receiver.calls] == [None, LOGIN]
    assert [answer["status"] for answer in sent["answers"]] == [401, 202]
    assert len({call["notification"] for call in receiver.calls}) == 1


def test_reports_wrong_credentials_and_nobody_at_home(zuora: Caller) -> None:
    body = {"subscriptionNumber": "A-S00000271", "password": "wrong"}
    with Receiver() as receiver:
        refused = zuora.control("callouts", {**body, "url": receiver.url})
    nobody = zuora.control("callouts", {**body, "url": receiver.url})

    assert [answer["status"] for answer in refused["answers"]] == [401]
    assert nobody["answers"] == [{"status": None, "error": "ConnectionRefusedError"}]
