"""The Salesforce client against the stand-in: what it writes, how it judges and recovers."""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from infra.local import demo
from infra.local._server import Request, Response, Running, StandIn, route, serve
from infra.local.salesforce import Salesforce as SalesforceStandIn
from tessera.integrations import salesforce_verdicts as verdicts
from tessera.integrations.http import WORKER, Answer, Exchange, Profile
from tessera.integrations.salesforce import CrmAccount, Salesforce
from tessera.integrations.salesforce_requests import Crm, CrmAddress, CrmCustomer
from tessera.integrations.salesforce_verdicts import SalesforceFailed, SalesforceNotConfigured

CALM = Profile(connect=5, read=10, total=20, resends=1)
HASTY = Profile(connect=1, read=0.3, total=5)
ID = "cus-3b6e4ec9875d62acca71847d539160ba"
CONTE = CrmCustomer(
    id=ID,
    name="Conte Ltd",
    first_name="Carla",
    last_name="Conte",
    email="carla@conte.example",
    phone="+44 20 7946 0000",
    parent_id=demo.ACME.salesforce_id,
)


class Vault:
    name = "tessera/dev/salesforce"

    def __init__(self, **values: str) -> None:
        self.kept = self.stored = {
            "client_id": demo.SALESFORCE_CLIENT.client_id,
            "client_secret": demo.SALESFORCE_CLIENT.client_secret,
            **values,
        }

    def read(self, *, fresh: bool = False) -> Mapping[str, str]:
        self.kept = self.stored if fresh else self.kept
        return {name: value for name, value in self.kept.items() if value}


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(SalesforceStandIn()) as running:
        yield running


@pytest.fixture
def org(stand_in: Running) -> Running:
    requests.post(stand_in.url + "/_control/reset", json={"seed": "demo"}, timeout=5)
    return stand_in


@pytest.fixture
def seen() -> list[Exchange]:
    return []


@pytest.fixture
def salesforce(org: Running, seen: list[Exchange]) -> Salesforce:
    return Salesforce(org.url + "/", Vault(), profile=CALM, observe=seen.append)


def order_fault(org: Running, path: str = "/services/data", **action: Any) -> None:
    times = action.pop("times", 1)
    wanted = {"match": {"path": path}, "times": times, "action": action}
    answer = requests.post(org.url + "/_control/faults", json=wanted, timeout=5)
    assert answer.status_code == 201, answer.text


def calls(org: Running, path: str = "/services/") -> list[dict[str, Any]]:
    return list(org.stand_in.journal.entries(path))


def rows(org: Running, sobject: str) -> list[dict[str, Any]]:
    """The records that we made."""
    kept = org.stand_in.state["records"][sobject].values()
    return [record for record in kept if "Tessera_Id__c" in record]


def test_writes_an_account_under_its_partner_with_its_contact(
    org: Running, salesforce: Salesforce
) -> None:
    made = salesforce.upsert_customer(CONTE)

    assert rows(org, "Account") == [
        {
            "Id": made.account_id,
            "Tessera_Id__c": ID,
            "Name": "Conte Ltd",
            "ParentId": demo.ACME.salesforce_id,
        }
    ]
    assert rows(org, "Contact") == [
        {
            "Id": made.contact_id,
            "Tessera_Id__c": ID,
            "FirstName": "Carla",
            "LastName": "Conte",
            "Email": "carla@conte.example",
            "Phone": "+44 20 7946 0000",
            "AccountId": made.account_id,
        }
    ]
    assert [len(made.account_id), len(made.contact_id)] == [18, 18]


def test_sends_the_published_composite_call(org: Running, salesforce: Salesforce) -> None:
    salesforce.upsert_customer(CONTE)

    _, composite = calls(org)
    assert composite["path"] == "/services/data/v65.0/composite"
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    row = f"/services/data/v65.0/sobjects/{{}}/Tessera_Id__c/{ID}"
    assert composite["body"] == {
        "allOrNone": True,
        "collateSubrequests": False,
        "compositeRequest": [
            {
                "method": "PATCH",
                "referenceId": "account",
                "url": row.format("Account"),
                "httpHeaders": header,
                "body": {"Name": "Conte Ltd", "ParentId": demo.ACME.salesforce_id},
            },
            {
                "method": "PATCH",
                "referenceId": "contact",
                "url": row.format("Contact"),
                "httpHeaders": header,
                "body": {
                    "FirstName": "Carla",
                    "LastName": "Conte",
                    "Email": "carla@conte.example",
                    "Phone": "+44 20 7946 0000",
                    "Account": {"Tessera_Id__c": ID},
                },
            },
        ],
    }


@pytest.mark.parametrize("has_body", [True, False])
def test_writing_twice_changes_the_same_two_records(
    org: Running, salesforce: Salesforce, has_body: bool
) -> None:
    first = salesforce.upsert_customer(CONTE)
    org.stand_in.state["upsert204"] = not has_body

    again = salesforce.upsert_customer(CONTE._replace(name="Conte & Sons"))

    assert again == first
    assert [account["Name"] for account in rows(org, "Account")] == ["Conte & Sons"]
    assert len(rows(org, "Contact")) == 1
    # Without a body the ids are asked for.
    assert len(calls(org)) == (3 if has_body else 5)


def test_an_org_may_want_record_types_and_addresses(org: Running) -> None:
    crm = Crm(record_type_id="012Dn000000AbCdIAV", billing_address=True)
    address = CrmAddress("1 Quay Street", "Floor 2", "Bristol", None, "BS1 4RB", "GB")

    Salesforce(org.url, Vault(), crm, profile=CALM).upsert_customer(
        CONTE._replace(address=address, parent_id=None)
    )

    [account] = rows(org, "Account")
    del account["Id"]
    assert account == {
        "Tessera_Id__c": ID,
        "Name": "Conte Ltd",
        "RecordTypeId": "012Dn000000AbCdIAV",
        "BillingStreet": "1 Quay Street, Floor 2",
        "BillingCity": "Bristol",
        "BillingPostalCode": "BS1 4RB",
        "BillingCountry": "United Kingdom",
    }


def test_texts_longer_than_salesforce_takes_do_not_lose_the_order(
    org: Running, salesforce: Salesforce
) -> None:
    salesforce.upsert_customer(
        CONTE._replace(
            name="N" * 300,
            first_name="F" * 300,
            last_name="L" * 300,
            email="e" * 300 + "@conte.example",
            phone="4" * 300,
        )
    )

    [contact] = rows(org, "Contact")
    assert (len(contact["FirstName"]), len(contact["LastName"])) == (40, 80)
    assert "Email" not in contact


@pytest.mark.parametrize("id", ["001Dn00000HaLdE", "001Dn00000HaLdEIAV"])
def test_finds_an_account_by_either_form_of_its_id(salesforce: Salesforce, id: str) -> None:
    assert salesforce.account(id) == CrmAccount("001Dn00000HaLdEIAV", demo.HALDEN.name)


@pytest.mark.parametrize("id", ["001Dn00000NoBodyAA", "../x", "", "001", "a" * 15])
def test_an_account_that_is_not_there_is_none(salesforce: Salesforce, id: str) -> None:
    assert salesforce.account(id) is None


def test_a_token_serves_until_it_is_refused(org: Running, salesforce: Salesforce) -> None:
    salesforce.account(str(demo.HALDEN.salesforce_id))
    salesforce.account(str(demo.HALDEN.salesforce_id))
    assert len(calls(org, "/services/oauth2")) == 1
    order_fault(org, kind="expire_tokens")

    salesforce.upsert_customer(CONTE)

    assert [call["status"] for call in calls(org)[3:]] == [401, 200, 200]
    assert len(rows(org, "Account")) == 1


def test_a_rotated_secret_is_found_out_by_itself(org: Running) -> None:
    vault = Vault()
    vault.kept = {**vault.stored, "client_secret": "the one before"}

    Salesforce(org.url, vault, profile=CALM).upsert_customer(CONTE)

    assert [call["status"] for call in calls(org)] == [400, 200, 200]


@pytest.mark.parametrize("wrong", ["client_id", "client_secret"])
def test_wrong_credentials_are_said(org: Running, wrong: str) -> None:
    with pytest.raises(SalesforceFailed) as failed:
        Salesforce(org.url, Vault(**{wrong: "wrong"}), profile=CALM).upsert_customer(CONTE)

    assert failed.value.verdict == "credentials"
    assert failed.value.codes in (("invalid_client",), ("invalid_client_id",))
    assert len(calls(org)) == 1


def test_too_many_token_calls_are_a_matter_of_time(org: Running, salesforce: Salesforce) -> None:
    order_fault(
        org,
        "/services/oauth2",
        kind="status",
        status=400,
        body={"error": "rate_limit_exceeded", "error_description": "slow down"},
    )

    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE)

    assert failed.value.verdict == "unavailable"


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_a_url_without_credentials_is_not_configured_and_warned_of_once(
    caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    salesforce = Salesforce("http://localhost:1", Vault(**{missing: ""}))

    assert not salesforce.is_configured
    with pytest.raises(SalesforceNotConfigured, match=f"salesforce lacks {missing}") as refusal:
        salesforce.account("001Dn00000HaLdEIAV")

    assert (refusal.value.status, refusal.value.wire_code) == (409, "salesforce_not_configured")
    [record] = caplog.records
    assert record.levelno == logging.WARNING


def test_without_a_url_it_is_not_configured_and_nobody_is_warned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    salesforce = Salesforce("", Vault())

    assert not salesforce.is_configured
    with pytest.raises(SalesforceNotConfigured, match="Set salesforce_url"):
        salesforce.upsert_customer(CONTE)
    assert caplog.records == []


def test_url_and_credentials_make_it_configured() -> None:
    assert Salesforce("http://localhost:1", Vault()).is_configured


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "lost before": ({"kind": "drop_before"}, "unavailable"),
    "lost after": ({"kind": "drop_after"}, "unavailable"),
    "too slow": ({"kind": "delay", "seconds": 20}, "unavailable"),
    "500": ({"kind": "status", "status": 500}, "unavailable"),
    "503": ({"kind": "status", "status": 503}, "unavailable"),
    "malformed": ({"kind": "html"}, "unavailable"),
    "429": ({"kind": "throttle", "retry_after": 7}, "unavailable"),
    "row lock": ({"kind": "errors", "errorCode": "UNABLE_TO_LOCK_ROW"}, "unavailable"),
    "quota": (
        {"kind": "errors", "status": 403, "errorCode": "REQUEST_LIMIT_EXCEEDED"},
        "unavailable",
    ),
    "forbidden": (
        {"kind": "errors", "status": 403, "errorCode": "INSUFFICIENT_ACCESS"},
        "refused",
    ),
    "account part": (
        {"kind": "part", "reference": "account", "errorCode": "FIELD_CUSTOM_VALIDATION"},
        "refused",
    ),
    "contact part": (
        {"kind": "part", "reference": "contact", "errorCode": "FIELD_CUSTOM_VALIDATION"},
        "refused",
    ),
    "locked part": (
        {"kind": "part", "reference": "contact", "errorCode": "UNABLE_TO_LOCK_ROW"},
        "unavailable",
    ),
    "part duplicates": (
        {"kind": "part", "reference": "contact", "status": 300, "errorCode": "MULTIPLE"},
        "refused",
    ),
    "redirect": ({"kind": "status", "status": 302, "headers": {"Location": "/"}}, "refused"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_is_sent_once_and_a_repeat_leaves_one_of_each(org: Running, fault: str) -> None:
    action, verdict = FAULTS[fault]
    profile = HASTY if fault == "too slow" else CALM
    salesforce = Salesforce(org.url, Vault(), profile=profile)
    order_fault(org, "/composite", **action)

    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE)
    assert failed.value.verdict == verdict
    assert len(calls(org, "/composite")) == 1
    half = len(rows(org, "Account")) != len(rows(org, "Contact"))
    assert not half

    salesforce.upsert_customer(CONTE)

    assert (len(rows(org, "Account")), len(rows(org, "Contact"))) == (1, 1)


@pytest.mark.parametrize(("fault", "seconds"), [("quota", 3600), ("429", 7), ("row lock", None)])
def test_says_how_long_to_leave_salesforce_alone(
    org: Running, salesforce: Salesforce, fault: str, seconds: int | None
) -> None:
    order_fault(org, "/composite", **FAULTS[fault][0])

    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE)

    assert failed.value.retry_after == seconds


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (503, "120", 120),
        (503, "Mon, 02 Mar 2026 09:16:07 GMT", 120),
        (503, "soon", None),
        (503, None, None),
        (429, "Mon, 02 Mar 2026 09:16:07 GMT", 120),
        (429, "999999", 24 * 3600),
        (429, None, 3600),
        (403, None, 3600),
    ],
)
def test_whatever_it_answers_it_is_left_alone_as_long_as_it_asks(
    status: int, header: str | None, seconds: int | None
) -> None:
    now = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)
    answer = Answer(status, {"Retry-After": header} if header else {}, b"")
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED"}] if status == 403 else None

    for judge in (verdicts.of_answer, verdicts.of_token)[: 1 if status == 403 else 2]:
        finding = judge(answer, body, now)

        assert finding is not None
        assert (finding.verdict, finding.retry_after) == ("unavailable", seconds)


def test_the_failed_part_is_named_and_not_the_halted_one(
    org: Running, salesforce: Salesforce
) -> None:
    order_fault(org, "/composite", **FAULTS["contact part"][0])

    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE)

    assert failed.value.codes == ("FIELD_CUSTOM_VALIDATION",)
    assert failed.value.members["upstream"]["codes"] == ["FIELD_CUSTOM_VALIDATION"]


def test_an_unknown_partner_account_is_refused(org: Running, salesforce: Salesforce) -> None:
    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE._replace(parent_id="001Dn00000NoBodyAA"))

    assert (failed.value.verdict, failed.value.codes) == (
        "refused",
        ("INVALID_CROSS_REFERENCE_KEY",),
    )
    assert rows(org, "Account") == []


def test_several_records_with_our_id_are_refused(org: Running, salesforce: Salesforce) -> None:
    salesforce.upsert_customer(CONTE)
    accounts = org.stand_in.state["records"]["Account"]
    accounts["001Dn00000TwInSIAV"] = {"Id": "001Dn00000TwInSIAV", "Tessera_Id__c": ID}

    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE)

    assert failed.value.verdict == "refused"


def test_a_read_that_fails_in_passing_is_sent_again_once(
    org: Running, salesforce: Salesforce, seen: list[Exchange]
) -> None:
    order_fault(org, kind="status", status=503)

    assert salesforce.account(str(demo.HALDEN.salesforce_id)) is not None

    assert [exchange.attempt for exchange in seen[1:]] == [1, 2]


def test_a_worker_does_not_begin_what_it_cannot_finish(org: Running) -> None:
    salesforce = Salesforce(org.url, Vault(), profile=WORKER, time_left=lambda: 60)

    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE)

    assert failed.value.verdict == "unavailable"
    assert calls(org) == []


class Elsewhere(StandIn):
    """Names another host for data calls, or nonsense."""

    def seed(self, name: str) -> None:
        self.state = {"token": {"access_token": "t0ken", "instance_url": "https://evil.example"}}

    @route("POST", "/services/oauth2/token")
    def issue_token(self, request: Request) -> Response:
        return Response(body=self.state["token"])

    @route("POST", "/services/data/v65.0/composite")
    def composite(self, request: Request) -> Response:
        return Response(body={"compositeResponse": [{"referenceId": "account"}]})


@pytest.mark.parametrize(
    "token",
    [
        {"access_token": "t0ken", "instance_url": "https://evil.example"},
        {"access_token": "t0ken", "instance_url": "https://salesforce.com.evil.example"},
        {"access_token": "t0ken", "instance_url": "http://acme.my.salesforce.com"},
        {"access_token": "t0ken", "instance_url": "https://acme.my.salesforce.com/path"},
        {"access_token": "t0ken", "instance_url": "https://["},
        {"access_token": "t0ken", "instance_url": "https://me@acme.my.salesforce.com"},
        {"access_token": "t0ken", "instance_url": "https://evil.example#.salesforce.com"},
        {"access_token": "t0ken", "instance_url": 5},
        {"access_token": "evil\r\nX: y"},
        {"access_token": None},
    ],
)
def test_no_token_goes_where_salesforce_is_not(token: dict[str, Any]) -> None:
    with serve(Elsewhere()) as running:
        running.stand_in.state["token"] = token

        with pytest.raises(SalesforceFailed) as failed:
            Salesforce(running.url, Vault()).upsert_customer(CONTE)

        assert failed.value.is_our_fault
        assert len(running.stand_in.journal.entries("")) == 1


@pytest.mark.parametrize("silent", [{}, {"instance_url": None}, {"instance_url": ""}])
def test_half_a_composite_answer_is_none(silent: dict[str, Any]) -> None:
    """Of the host that gave the token, where it does not name another one."""
    with serve(Elsewhere()) as running:
        running.stand_in.state["token"] = {"access_token": "t0ken", **silent}

        with pytest.raises(SalesforceFailed) as failed:
            Salesforce(running.url, Vault()).upsert_customer(CONTE)

    assert failed.value.verdict == "unavailable"


def test_a_roll_back_under_another_code_is_still_not_the_cause() -> None:
    parts = [
        {"httpStatusCode": 400, "body": [{"errorCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK"}]},
        {"httpStatusCode": 400, "body": [{"errorCode": "UNABLE_TO_LOCK_ROW"}]},
    ]

    finding = verdicts.of_composite(parts)

    assert finding is not None
    assert finding.verdict == "unavailable"


def test_neither_secrets_nor_people_reach_the_logs(
    org: Running, salesforce: Salesforce, seen: list[Exchange], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    order_fault(org, "/composite", **FAULTS["contact part"][0])
    with pytest.raises(SalesforceFailed) as failed:
        salesforce.upsert_customer(CONTE)
    salesforce.account(str(demo.HALDEN.salesforce_id))

    said = repr(seen) + caplog.text + repr(failed.value) + json.dumps(failed.value.members)
    [token] = org.stand_in.state["tokens"]
    for private in (demo.SALESFORCE_CLIENT.client_secret, token, "Conte", "carla@", ID):
        assert private not in said
    assert {exchange.route for exchange in seen[1:]} == {
        "/services/data/{version}/composite",
        "/services/data/{version}/sobjects/{sobject}/{id}",
    }
