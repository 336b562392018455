"""The Zuora client against the stand-in: what it reads and sends, how it judges and recovers."""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.local import demo
from infra.local._server import Request, Response, Running, StandIn, route, serve
from infra.local.zuora import Zuora as ZuoraStandIn
from tessera.integrations import zuora_models as models
from tessera.integrations import zuora_verdicts as verdicts
from tessera.integrations.http import WORKER, Answer, Exchange, Profile
from tessera.integrations.zuora import Sending, Zuora
from tessera.integrations.zuora_requests import (
    ContactDetails,
    NewAccount,
    PreviewAccountInfo,
    PreviewRequest,
)
from tessera.integrations.zuora_verdicts import (
    Effect,
    Finding,
    UnknownToZuora,
    ZuoraFailed,
    ZuoraNotConfigured,
)

NOW = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)
GOLD = demo.GOLD_SUBSCRIPTION
QUICK = Profile(connect=1, read=0.5, total=10, resends=1)
CALM = Profile(connect=5, read=10, total=20, resends=1)


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


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(ZuoraStandIn()) as running:
        yield running


@pytest.fixture
def tenant(stand_in: Running) -> Running:
    requests.post(stand_in.url + "/_control/reset", json={"seed": "demo"}, timeout=5)
    return stand_in


@pytest.fixture
def seen() -> list[Exchange]:
    return []


@pytest.fixture
def zuora(tenant: Running, seen: list[Exchange]) -> Zuora:
    return Zuora(tenant.url, Vault(), profile=CALM, observe=seen.append)


def order_fault(tenant: Running, path: str = "/v1/", **fault: Any) -> None:
    times, after = fault.pop("times", 1), fault.pop("after", 0)
    wanted = {"match": {"path": path}, "times": times, "after": after, "action": fault}
    answer = requests.post(tenant.url + "/_control/faults", json=wanted, timeout=5)
    assert answer.status_code == 201, answer.text


def calls(tenant: Running, path: str = "") -> list[dict[str, Any]]:
    return list(tenant.stand_in.journal.entries(path))


NEW_ACCOUNT = NewAccount(
    account_number="T-715G5QA2PB2I",
    name="Conte Ltd",
    currency="GBP",
    bill_to_contact=ContactDetails(first_name="Carla", last_name="Conte", country="GB"),
)
CITY = ContactDetails(first_name="Ingrid", last_name="Halden", city="Bergen")
PREVIEW = PreviewRequest(
    order_date=NOW.date(),
    preview_account_info=PreviewAccountInfo(currency="GBP"),
    subscriptions=(),
)
STEP = "dev/order-1/zuora_account"


def test_reads_a_subscription_by_its_number(zuora: Zuora) -> None:
    found = zuora.subscription(GOLD)

    assert found.id == demo.GOLD_SUBSCRIPTION_ID
    assert (found.subscription_number, found.version, found.status) == (GOLD, 1, "Active")
    assert (found.account_number, found.currency) == (demo.HALDEN.number, "USD")
    assert found.scheduled_cancel_date is None
    assert found.term_end_date is not None
    assert found.term_start_date is not None
    assert (found.term_type, found.auto_renew, found.renewal_term) == ("TERMED", True, 12)
    [plan] = found.rate_plans
    assert plan.product_rate_plan_id == demo.GOLD_ANNUAL_PLAN.id
    [charge] = plan.rate_plan_charges
    assert (charge.price, charge.quantity) == (Decimal(480), Decimal(1))
    assert (charge.billing_period, charge.tiers) == ("Annual", ())
    [span] = found.status_history
    assert span.end_date == found.term_end_date


def test_follows_an_old_version_to_the_latest(tenant: Running, zuora: Zuora) -> None:
    requests.post(f"{tenant.url}/_control/subscriptions/{GOLD}/renew", timeout=5)

    found = zuora.subscription(demo.GOLD_SUBSCRIPTION_ID)

    assert (found.version, found.is_latest_version) == (2, True)
    assert found.id != demo.GOLD_SUBSCRIPTION_ID
    assert [call["path"] for call in calls(tenant, "/v1/subscriptions")] == [
        f"/v1/subscriptions/{demo.GOLD_SUBSCRIPTION_ID}",
        f"/v1/subscriptions/{GOLD}",
    ]


@pytest.mark.parametrize("key", [demo.HALDEN.number, demo.HALDEN.id])
def test_reads_an_account_by_number_or_id(zuora: Zuora, key: str) -> None:
    found = zuora.account(key)

    assert found.basic_info.id == demo.HALDEN.id
    assert found.basic_info.crm_id == demo.HALDEN.salesforce_id
    assert found.basic_info.parent_id is None
    assert found.billing_and_payment is not None
    assert found.billing_and_payment.currency == "USD"
    assert found.metrics is not None
    assert isinstance(found.metrics.balance, Decimal)
    assert found.bill_to_contact is not None
    assert found.bill_to_contact.work_email == demo.HALDEN.contact.email
    assert found.bill_to_contact.country == "Norway"
    assert found.bill_to_contact.state is None  # which Zuora writes as ""


def test_a_key_that_zuora_lacks_is_unknown(zuora: Zuora, seen: list[Exchange]) -> None:
    with pytest.raises(UnknownToZuora) as unknown:
        zuora.subscription("A-S99999999")

    assert unknown.value.key == "A-S99999999"
    assert (unknown.value.status, seen[-1].outcome) == (404, "unknown")


@pytest.mark.parametrize("key", ["", ".", ".."])
def test_a_key_that_would_be_another_path_is_unknown_unasked(
    tenant: Running, zuora: Zuora, key: str
) -> None:
    with pytest.raises(UnknownToZuora):
        zuora.subscription(key)

    assert calls(tenant) == []


@pytest.mark.parametrize("key", ["../accounts/A1", "a/b", "a?b=c", "a#b", "a%2Fb", "ä ö", "a;b"])
def test_a_key_stays_one_part_of_the_path(tenant: Running, zuora: Zuora, key: str) -> None:
    with pytest.raises(UnknownToZuora):
        zuora.account(key)

    [call] = calls(tenant, "/v1/")
    assert call["path"].count("/") == 3
    assert unquote(call["path"]) == f"/v1/accounts/{key}"
    assert call["query"] in ({}, "")


def test_sends_what_every_call_carries(tenant: Running) -> None:
    zuora = Zuora(
        tenant.url + "/",
        Vault(),
        track_id=lambda: "order-1:2;\"'\n " + "x" * 80,
        entity_ids="ent-1",
        org_ids="org-1",
    )

    zuora.account(demo.HALDEN.number)

    token, read = calls(tenant)
    assert token["path"] == "/oauth/token"
    sent = {name.lower(): value for name, value in read["headers"].items()}
    assert sent["zuora-version"] == "2025-08-12"
    assert sent["zuora-track-id"] == ("order-12" + "x" * 80)[:64]
    assert (sent["zuora-entity-ids"], sent["zuora-org-ids"]) == ("ent-1", "org-1")
    assert "idempotency-key" not in sent


def test_one_token_serves_until_five_minutes_before_its_end(tenant: Running) -> None:
    at = NOW
    zuora = Zuora(tenant.url, Vault(), now=lambda: at)

    zuora.account(demo.HALDEN.number)
    at += timedelta(seconds=3598 - 300)
    zuora.account(demo.HALDEN.number)
    assert len(calls(tenant, "/oauth/token")) == 1

    at += timedelta(seconds=1)
    zuora.account(demo.HALDEN.number)
    assert len(calls(tenant, "/oauth/token")) == 2


def test_an_expired_token_costs_one_extra_call(tenant: Running, zuora: Zuora) -> None:
    zuora.account(demo.HALDEN.number)
    order_fault(tenant, kind="expire_tokens")

    zuora.account(demo.HALDEN.number)

    assert [(call["path"], call["status"]) for call in calls(tenant)[2:]] == [
        (f"/v1/accounts/{demo.HALDEN.number}", 401),
        ("/oauth/token", 200),
        (f"/v1/accounts/{demo.HALDEN.number}", 200),
    ]


def test_a_rotated_secret_is_found_out_by_itself(tenant: Running) -> None:
    vault = Vault()
    vault.kept = {**vault.stored, "client_secret": "the one before"}

    Zuora(tenant.url, vault).account(demo.HALDEN.number)

    assert vault.fresh_reads == 1
    assert [call["status"] for call in calls(tenant)] == [401, 200, 200]


def test_a_token_of_the_secret_before_is_not_used_again(tenant: Running) -> None:
    vault = Vault()
    vault.kept = {**vault.stored, "noted": "before the rotation"}
    order_fault(tenant, "/v1/", kind="status", status=401, times=2)

    Zuora(tenant.url, vault).account(demo.HALDEN.number)

    assert [call["path"].split("/")[1] for call in calls(tenant)] == ["oauth", "v1"] * 3


def test_wrong_credentials_are_said_after_one_look_at_the_secret(tenant: Running) -> None:
    vault = Vault(client_secret="wrong")

    with pytest.raises(ZuoraFailed) as failed:
        Zuora(tenant.url, vault).account(demo.HALDEN.number)

    assert failed.value.verdict == "credentials"
    assert vault.fresh_reads == 1
    assert [call["status"] for call in calls(tenant)] == [401]


def test_a_tenant_that_refuses_every_token_is_not_asked_for_ever(
    tenant: Running, zuora: Zuora
) -> None:
    order_fault(tenant, kind="status", status=401, times=None)

    with pytest.raises(ZuoraFailed) as failed:
        zuora.account(demo.HALDEN.number)

    assert failed.value.verdict == "credentials"
    assert len(calls(tenant, "/v1/")) == 2


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_a_url_without_credentials_is_not_configured_and_warned_of_once(
    caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    zuora = Zuora("http://localhost:1", Vault(**{missing: ""}))

    assert not zuora.is_configured
    with pytest.raises(ZuoraNotConfigured, match=f"tessera/dev/zuora lacks {missing}") as refusal:
        zuora.account("A1")

    assert (refusal.value.status, refusal.value.wire_code) == (409, "zuora_not_configured")
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "tessera/dev/zuora" in record.getMessage()


def test_without_a_url_it_is_not_configured_and_nobody_is_warned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    zuora = Zuora("", Vault())

    assert not zuora.is_configured
    with pytest.raises(ZuoraNotConfigured, match="Set zuora_url"):
        zuora.subscription(GOLD)
    assert caplog.records == []


def test_url_and_credentials_make_it_configured() -> None:
    assert Zuora("http://localhost:1", Vault()).is_configured


def test_a_failure_with_status_200_is_refused_and_says_with_which_request(
    tenant: Running, zuora: Zuora
) -> None:
    order_fault(tenant, kind="reasons", codes=[50000010])

    with pytest.raises(ZuoraFailed) as failed:
        zuora.subscription(GOLD)

    failure = failed.value
    assert (failure.status, failure.wire_code, failure.verdict) == (502, "zuora_failed", "refused")
    assert failure.message == (
        f"Zuora refused to read subscription {GOLD}. Whoever runs your Zuora tenant can look up"
        " the request id."
    )
    upstream = failure.members["upstream"]
    assert (upstream["system"], upstream["status"], upstream["codes"]) == ("zuora", 200, [50000010])
    assert upstream["requestId"] == failure.request_id
    assert failure.vendor_text == "As ordered."
    assert "As ordered" not in failure.message


def test_a_rate_limit_is_passed_on_with_its_wait_and_not_tried_again(
    tenant: Running, zuora: Zuora
) -> None:
    order_fault(tenant, kind="throttle", retry_after=120)

    with pytest.raises(ZuoraFailed) as failed:
        zuora.subscription(GOLD)

    assert (failed.value.verdict, failed.value.retry_after) == ("unavailable", 120)
    assert failed.value.headers == {"Retry-After": "120"}
    assert len(calls(tenant, "/v1/")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_before"},
        {"kind": "drop_after"},
        {"kind": "status", "status": 503},
        {"kind": "reasons", "codes": [50000060], "status": 500},
        {"kind": "html", "status": 502},
    ],
    ids=lambda fault: fault["kind"] if isinstance(fault, dict) else "",
)
def test_a_read_that_fails_in_passing_is_sent_again_once(
    tenant: Running, zuora: Zuora, seen: list[Exchange], fault: dict[str, Any]
) -> None:
    order_fault(tenant, **fault)

    assert zuora.subscription(GOLD).subscription_number == GOLD

    assert [(e.route, e.attempt) for e in seen[1:]] == [
        ("/v1/subscriptions/{key}", 1),
        ("/v1/subscriptions/{key}", 2),
    ]
    assert seen[1].outcome == "unavailable"


def test_a_read_that_takes_too_long_is_sent_again_once(
    tenant: Running, seen: list[Exchange]
) -> None:
    order_fault(tenant, kind="delay", seconds=20)

    Zuora(tenant.url, Vault(), profile=QUICK, observe=seen.append).account(demo.HALDEN.number)

    assert [(e.attempt, e.why) for e in seen[1:]] == [(1, "ReadTimeout"), (2, None)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}},
        {"kind": "status", "status": 429},
        {"kind": "reasons", "codes": [50000061]},
        {"kind": "html"},
    ],
    ids=["asked to wait", "too many", "temporary", "maintenance"],
)
def test_a_read_that_zuora_answered_with_a_no_for_now_is_not_sent_again(
    tenant: Running, zuora: Zuora, fault: dict[str, Any]
) -> None:
    order_fault(tenant, **fault)

    with pytest.raises(ZuoraFailed) as failed:
        zuora.subscription(GOLD)

    assert failed.value.verdict == "unavailable"
    assert len(calls(tenant, "/v1/")) == 1


def test_a_post_is_sent_once_even_if_it_changes_nothing(tenant: Running, zuora: Zuora) -> None:
    order_fault(tenant, kind="status", status=503)

    with pytest.raises(ZuoraFailed) as failed:
        zuora.preview(PREVIEW)

    assert failed.value.verdict == "unavailable"
    assert len(calls(tenant, "/v1/")) == 1


def test_a_worker_leaves_the_second_try_to_its_queue(tenant: Running) -> None:
    order_fault(tenant, kind="status", status=503)

    with pytest.raises(ZuoraFailed) as failed:
        Zuora(tenant.url, Vault(), profile=WORKER).subscription(GOLD)

    assert failed.value.verdict == "unavailable"
    assert len(calls(tenant, "/v1/")) == 1


@pytest.mark.parametrize("profile", [WORKER, QUICK])
def test_a_call_that_no_longer_fits_is_put_off(tenant: Running, profile: Profile) -> None:
    zuora = Zuora(tenant.url, Vault(), profile=profile, time_left=lambda: 0.5)

    with pytest.raises(ZuoraFailed) as failed:
        zuora.subscription(GOLD)

    assert (failed.value.verdict, failed.value.keeps_key) == ("unavailable", True)
    assert calls(tenant) == []


def test_a_page_of_html_is_no_answer(tenant: Running, zuora: Zuora) -> None:
    order_fault(tenant, kind="html")

    with pytest.raises(ZuoraFailed) as failed:
        zuora.subscription(GOLD)

    assert (failed.value.verdict, failed.value.upstream_status) == ("unavailable", 200)


def test_a_redirect_is_a_fault_of_ours_and_no_token_goes_there(
    tenant: Running, zuora: Zuora, seen: list[Exchange]
) -> None:
    with serve(Wiretap()) as elsewhere:
        order_fault(tenant, kind="status", status=307, headers={"Location": elsewhere.url})

        with pytest.raises(ZuoraFailed) as failed:
            zuora.subscription(GOLD)

        assert elsewhere.stand_in.journal.entries("") == []
    assert (failed.value.verdict, failed.value.is_our_fault) == ("refused", True)
    assert seen[-1].is_our_fault


class Wiretap(StandIn):
    def seed(self, name: str) -> None:
        self.state = {}


def test_a_base_url_without_these_paths_is_a_fault_of_ours(tenant: Running) -> None:
    with pytest.raises(ZuoraFailed) as failed:
        Zuora(tenant.url + "/wrong/", Vault()).subscription(GOLD)

    assert [call["path"] for call in calls(tenant)] == ["/wrong/oauth/token"]
    assert (failed.value.verdict, failed.value.is_our_fault) == ("refused", True)


class Babbling(StandIn):
    """Answers that no reader expects."""

    def seed(self, name: str) -> None:
        self.state = {"token": {"access_token": "t0ken", "expires_in": 3599}}

    @route("POST", "/oauth/token")
    def issue_token(self, request: Request) -> Response:
        return Response(body=self.state["token"])

    @route("GET", "/v1/accounts/{key}")
    def account(self, request: Request) -> Response:
        match request.params["key"]:
            case "huge":
                return Response(body={"success": True, "x": "x" * 6_000_000})
            case "other":
                return Response(
                    body={"success": True, "basicInfo": {"name": "Ana Lopes", "id": ["private"]}}
                )
            case _:
                return Response(body="[1]")


@pytest.fixture(scope="module")
def babbling() -> Iterator[Running]:
    with serve(Babbling()) as running:
        yield running


def test_an_answer_of_another_shape_is_reported_by_place_and_not_by_value(
    babbling: Running,
) -> None:
    with pytest.raises(ZuoraFailed) as failed:
        Zuora(babbling.url, Vault()).account("other")

    failure = failed.value
    assert (failure.verdict, failure.is_our_fault) == ("refused", True)
    assert "basicInfo.id: string_type" in failure.vendor_text
    assert "private" not in failure.vendor_text
    assert failure.__context__ is None
    assert failure.__cause__ is None


@pytest.mark.parametrize("key", ["huge", "list"])
def test_an_answer_that_is_too_large_or_no_object_is_none(babbling: Running, key: str) -> None:
    with pytest.raises(ZuoraFailed) as failed:
        Zuora(babbling.url, Vault()).account(key)

    assert failed.value.verdict == "unavailable"


def test_a_token_that_would_break_the_header_is_refused_unquoted(babbling: Running) -> None:
    sound = babbling.stand_in.state["token"]
    babbling.stand_in.state["token"] = {"access_token": "evil\r\nX: y", "expires_in": 1}
    try:
        with pytest.raises(ZuoraFailed) as failed:
            Zuora(babbling.url, Vault()).account("x")
    finally:
        babbling.stand_in.state["token"] = sound

    assert failed.value.is_our_fault
    assert "evil" not in failed.value.vendor_text + failed.value.message


def test_a_write_is_sent_once_with_its_key_and_judged(tenant: Running, zuora: Zuora) -> None:
    order_fault(tenant, kind="drop_after")

    with pytest.raises(ZuoraFailed) as failed:
        zuora.create_account(NEW_ACCOUNT, Sending(STEP, 0))

    assert (failed.value.verdict, failed.value.keeps_key) == ("ambiguous", True)
    [call] = calls(tenant, "/v1/accounts")
    sent = {name.lower(): value for name, value in call["headers"].items()}
    assert sent["idempotency-key"] == Sending(STEP, 0).key
    assert zuora.account("T-715G5QA2PB2I").basic_info.name == "Conte Ltd"


def test_the_same_key_gets_the_same_answer_and_the_next_generation_its_own(
    tenant: Running, zuora: Zuora, seen: list[Exchange]
) -> None:
    order_fault(tenant, kind="reasons", codes=[50000061])
    with pytest.raises(ZuoraFailed) as failed:
        zuora.create_account(NEW_ACCOUNT, Sending(STEP, 0))
    assert (failed.value.verdict, failed.value.keeps_key) == ("unavailable", False)

    with pytest.raises(ZuoraFailed):
        zuora.create_account(NEW_ACCOUNT, Sending(STEP, 0))
    made = zuora.create_account(NEW_ACCOUNT, Sending(STEP, 1))

    assert made.account_number == "T-715G5QA2PB2I"
    assert [exchange.generation for exchange in seen] == [None, 0, 0, 1]


def test_a_write_with_an_expired_token_keeps_its_key(tenant: Running, zuora: Zuora) -> None:
    zuora.account(demo.HALDEN.number)
    order_fault(tenant, kind="expire_tokens")

    zuora.create_account(NEW_ACCOUNT, Sending(STEP, 0))

    keys = {
        value
        for call in calls(tenant, "/v1/accounts")
        for name, value in call["headers"].items()
        if name.lower() == "idempotency-key"
    }
    assert keys == {Sending(STEP, 0).key}


def test_a_put_never_carries_a_key(tenant: Running, zuora: Zuora) -> None:
    contact = zuora.account(demo.HALDEN.number).bill_to_contact
    assert contact is not None
    assert contact.id is not None

    with pytest.raises(ValueError, match="idempotency key"):
        zuora._call("PUT", "/v1/x", {}, what="x", until=0, sending=Sending(STEP, 0))
    zuora.change_contact(contact.id, CITY)

    [call] = [call for call in calls(tenant, "/v1/contacts") if call["method"] == "PUT"]
    assert "idempotency-key" not in {name.lower() for name in call["headers"]}


def test_the_key_of_a_sending_is_the_published_one() -> None:
    assert Sending("dev/order-1/zuora_order", 0).key == "4cbe5430-0ffa-5223-926e-bb958eefdd72"


def test_neither_secrets_nor_people_reach_the_logs(
    tenant: Running, zuora: Zuora, seen: list[Exchange], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    zuora.account(demo.HALDEN.number)
    order_fault(tenant, kind="reasons", codes=[50000020])
    with pytest.raises(ZuoraFailed) as failed:
        zuora.create_account(NEW_ACCOUNT, Sending(STEP, 0))

    said = repr(seen) + caplog.text + repr(failed.value) + json.dumps(failed.value.members)
    [token] = tenant.stand_in.state["tokens"]
    for private in (demo.ZUORA_CLIENT.client_secret, token, "Conte", "ingrid@", "Halden"):
        assert private not in said


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    spelled = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, requests.structures.CaseInsensitiveDict(spelled), text)


def found(given_answer: Answer, effect: Effect = "write") -> Finding | None:
    body = given_answer.json if given_answer.is_json else None
    return verdicts.of_answer(given_answer, body, effect, now=NOW)


def reasons(*codes: int | str) -> dict[str, Any]:
    return {"success": False, "reasons": [{"code": code, "message": "m"} for code in codes]}


REFUSED = Finding("refused")
OUR_FAULT = Finding("refused", is_our_fault=True)
AGAIN = Finding("unavailable", keeps_key=False)
LOOK = Finding("ambiguous", keeps_key=False)
SILENT = Finding("ambiguous")


@pytest.mark.parametrize(
    ("given_answer", "expected"),
    [
        (answer(200, {"success": True}), None),
        (answer(200, {"data": [], "nextPage": None}), None),
        (answer(201, {"success": True}), None),
        (answer(200, b"<html>"), LOOK),
        (answer(200, b"[1]"), LOOK),
        (answer(204, b""), LOOK),
        (answer(500, b""), LOOK),
        (answer(502, b"<html>"), LOOK),
        (answer(503), LOOK),
        (answer(504), LOOK),
        (answer(503, Retry_After="7"), LOOK._replace(retry_after=7)),
        (answer(401), Finding("credentials")),
        (answer(200, reasons(90000011)), Finding("credentials")),
        (answer(409, reasons(50000050)), SILENT._replace(retry_after=5)),
        (answer(409, Retry_After="9"), SILENT._replace(retry_after=9)),
        (answer(429), AGAIN),
        (answer(429, Retry_After="120"), AGAIN._replace(retry_after=120)),
        *((answer(200, reasons(50000000 + c)), AGAIN) for c in (50, 60, 61, 70, 99)),
        (answer(500, {"reasons": [{"code": 50000060}]}), AGAIN),
        *(
            (answer(200, reasons(53100000 + c)), REFUSED)
            for c in (10, 20, 21, 22, 23, 27, 30, 45, 90)
        ),
        (answer(200, reasons("58730020")), REFUSED),
        (answer(200, reasons(53100088)), REFUSED),
        (answer(200, {"success": False}), REFUSED),
        (answer(400), REFUSED),
        (answer(403, b"<html>"), REFUSED),
        (answer(418), REFUSED),
        (answer(404), Finding("unknown")),
        (answer(200, reasons(50000040)), Finding("unknown")),
        (answer(404, {"message": "no Route matched with those values"}), OUR_FAULT),
        (answer(404, b"<html>Not found"), OUR_FAULT),
        (answer(404, b""), OUR_FAULT),
        (answer(404, b"[]"), OUR_FAULT),
        (answer(422, reasons(50000020)), OUR_FAULT),
        (answer(301), OUR_FAULT),
        (answer(304), OUR_FAULT),
        (answer(200, reasons(50000061, 50000020, 50000011)), REFUSED),
        (answer(200, reasons(50000061, 50000040)), Finding("unknown")),
        (answer(200, reasons(50000061, 90000011)), Finding("credentials")),
    ],
)
def test_judges_what_a_write_is_answered(given_answer: Answer, expected: Finding | None) -> None:
    assert found(given_answer) == expected


@pytest.mark.parametrize(
    ("given_answer", "expected"),
    [
        (answer(200, b"<html>"), Finding("unavailable")),
        (answer(500), Finding("unavailable")),
        (answer(503, Retry_After="7"), Finding("unavailable", retry_after=7)),
        (answer(409), REFUSED),
    ],
)
def test_what_changes_nothing_is_never_ambiguous(given_answer: Answer, expected: Finding) -> None:
    assert found(given_answer, "none") == expected


@pytest.mark.parametrize(
    "given_answer",
    [
        answer(500, reasons(50000020)),
        answer(503),
        answer(200, b"<html>"),
        answer(200, reasons(50000060)),
        answer(200, reasons(50000099)),
    ],
)
def test_money_is_never_sent_under_a_new_key_without_a_definite_no(given_answer: Answer) -> None:
    assert found(given_answer, "money") == Finding("ambiguous", keeps_key=True)


def test_silence_is_ambiguous_only_for_what_was_sent_and_changes_something() -> None:
    effects: tuple[Effect, ...] = ("none", "write", "money")
    judged = {
        (sent, effect): verdicts.of_silence(was_sent=sent, effect=effect)
        for sent in (True, False)
        for effect in effects
    }

    assert {case for case, finding in judged.items() if finding.verdict == "ambiguous"} == {
        (True, "write"),
        (True, "money"),
    }
    assert all(finding.keeps_key for finding in judged.values())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "Mon, 02 Mar 2026 09:16:07 GMT"}, 120),
        ({"Retry-After": "Mon, 02 Mar 2026 09:00:00 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Mon, 02 Mar 99999999999999999999 09:16:07 GMT"}, None),
        ({"Retry-After": "999999999"}, 24 * 3600),
        ({"Retry-After": "-5"}, None),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "33"}, 33),
        ({"RateLimit-Remaining": "0, 7;window=60", "RateLimit-Reset": "33"}, 33),
        ({"RateLimit-Remaining": "5", "RateLimit-Reset": "33"}, None),
        ({"Retry-After": "2", "RateLimit-Remaining": "0", "RateLimit-Reset": "33"}, 33),
    ],
)
def test_the_longer_of_the_two_waits_counts(headers: dict[str, str], seconds: int | None) -> None:
    assert verdicts.retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "body", "id"),
    [
        ({"Zuora-Request-Id": "h"}, {"requestId": "r", "processId": "p"}, "h"),
        ({}, {"requestId": "r", "processId": "p"}, "r"),
        ({}, {"processId": "p"}, "p"),
        ({}, {"requestId": ["r"]}, None),
        ({}, None, None),
        ({"Zuora-Request-Id": "two words"}, None, None),
    ],
)
def test_knows_zuoras_id_of_the_request(headers: dict[str, str], body: Any, id: str | None) -> None:
    assert verdicts.request_id(headers, body) == id


def test_reads_codes_as_numbers_however_they_are_written() -> None:
    written = [50000040, "58730020", "E-1", None, 1.5, "٣", {}, "9" * 5000]

    assert verdicts.codes({"reasons": [{"code": code} for code in written]}) == (50000040, 58730020)
    assert verdicts.codes({"reasons": ["none", {}]}) == ()
    assert verdicts.codes({"reasons": "none"}) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: (
        st.lists(children)
        | st.dictionaries(
            st.sampled_from(["success", "reasons", "code", "message", "requestId"]), children
        )
    ),
    max_leaves=12,
)


@given(st.integers(200, 599), JSON, st.sampled_from(["none", "write", "money"]))
def test_judges_whatever_comes(status: int, body: Any, effect: Effect) -> None:
    judged = verdicts.of_answer(answer(status, b""), body, effect, now=NOW)

    assert judged is None or judged.verdict in (
        "refused",
        "unavailable",
        "ambiguous",
        "credentials",
        "unknown",
    )
    if status >= 300:
        assert judged is not None
    if effect == "none":
        assert judged is None or judged.verdict != "ambiguous"
    assert all(isinstance(code, int) for code in verdicts.codes(body))
    verdicts.vendor_text(body)


def test_null_is_absent_and_numbers_may_be_texts_or_texts_numbers() -> None:
    invoice = models.ZuoraInvoice.model_validate(
        {"id": 1, "accountId": "2", "invoiceNumber": "INV1", "amount": "9.90", "balance": None}
    )
    subscription = models.ZuoraSubscription.model_validate(
        {
            "id": "1",
            "subscriptionNumber": "A-S1",
            "version": "2",
            "status": "Active",
            "accountId": "2",
            "accountNumber": "A1",
            "isLatestVersion": None,
            "ratePlans": None,
            "renewalTerm": "12",
            "added": {"later": True},
        }
    )

    assert (invoice.id, invoice.amount, invoice.balance) == ("1", Decimal("9.90"), Decimal(0))
    assert (subscription.version, subscription.renewal_term) == (2, 12)
    assert (subscription.is_latest_version, subscription.rate_plans) == (True, ())
    assert models.InvoiceFile.model_validate({"id": "1", "versionNumber": None}).version_number == 0
    assert models.Contact.model_validate({"zipCode": 155, "city": ""}) == models.Contact(
        zip_code="155"
    )
    with pytest.raises(ValidationError):
        models.ZuoraInvoice.model_validate({"id": None, "accountId": "2", "invoiceNumber": "I"})


def test_reads_when_a_cancellation_is_booked_for(zuora: Zuora, tenant: Running) -> None:
    on = tenant.stand_in.now().date() + timedelta(days=30)
    url = f"{tenant.url}/_control/subscriptions/{GOLD}/cancel"
    requests.post(url, json={"date": on.isoformat(), "scheduled": True}, timeout=5)

    assert zuora.subscription(GOLD).scheduled_cancel_date == on
