"""The Zuora stand-in's gateway and reads: tokens, headers, both keys, limits, faults, replays."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from infra.local import demo
from tests.integrations.zuora_calls import Caller, categories, codes, running_zuora


@pytest.fixture(scope="module")
def shared() -> Iterator[Caller]:
    with running_zuora() as caller:
        yield caller


@pytest.fixture
def zuora(shared: Caller) -> Caller:
    return shared.reset()


def test_gives_a_token_to_the_client_that_knows_its_secret(zuora: Caller) -> None:
    answer = zuora.token()

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 3599


@pytest.mark.parametrize(
    ("client_id", "secret", "status"),
    [
        ("too-short", demo.ZUORA_CLIENT.client_secret, 400),
        ("5f0c7b1e-2d7a-4c55-9d0e-7e55e7a0ffff", demo.ZUORA_CLIENT.client_secret, 401),
        (demo.ZUORA_CLIENT.client_id, "wrong", 401),
        (demo.ZUORA_CLIENT.client_id, "Schlüssel", 401),
    ],
)
def test_gives_nobody_else_a_token(zuora: Caller, client_id: str, secret: str, status: int) -> None:
    answer = zuora.token(client_id, secret)

    assert answer.status_code == status
    assert "access_token" not in answer.json()


def test_takes_client_credentials_only(zuora: Caller) -> None:
    form = {
        "client_id": demo.ZUORA_CLIENT.client_id,
        "client_secret": demo.ZUORA_CLIENT.client_secret,
        "grant_type": "password",
    }

    answer = requests.post(f"{zuora.url}/oauth/token", data=form, timeout=10)

    assert answer.status_code == 400


@pytest.mark.parametrize("authorization", ["", "Bearer unknown", "Basic dXNlcjpwYXNz"])
def test_refuses_a_call_without_a_known_token(zuora: Caller, authorization: str) -> None:
    answer = zuora.call("GET", "/v1/accounts/A00000042", Authorization=authorization)

    assert answer.status_code == 401
    assert codes(answer.json()) == [90000011]


def test_forgets_a_token_after_its_hour(zuora: Caller) -> None:
    zuora.turn_clock(days=1)

    assert zuora.call("GET", "/v1/accounts/A00000042").status_code == 401
    zuora.sign_in()
    assert zuora.call("GET", "/v1/accounts/A00000042").status_code == 200


@pytest.mark.parametrize("version", ["", "2024-01-01"])
def test_insists_on_the_pinned_version(zuora: Caller, version: str) -> None:
    answer = zuora.call("GET", "/v1/accounts/A00000042", Zuora_Version=version)

    assert answer.status_code == 400
    assert categories(answer.json()) == [23]


@pytest.mark.parametrize("track_id", ["x" * 65, "order:1", 'say "hi"'])
def test_refuses_a_track_id_that_zuora_would_cut(zuora: Caller, track_id: str) -> None:
    answer = zuora.call("GET", "/v1/accounts/A00000042", Zuora_Track_Id=track_id)

    assert answer.status_code == 400


def test_sends_the_track_id_back_beside_its_own_request_id_and_the_limits(zuora: Caller) -> None:
    longest = "order-1".ljust(64, "0")

    answer = zuora.call("GET", "/v1/accounts/A00000042", Zuora_Track_Id=longest)

    assert answer.headers["Zuora-Track-Id"] == longest
    assert len(answer.headers["Zuora-Request-Id"]) == 36
    assert int(answer.headers["RateLimit-Remaining"]) < int(answer.headers["RateLimit-Limit"])
    assert answer.headers["Concurrency-Limit-Limit"] == "40"
    assert answer.headers["Concurrency-Limit-Remaining"] == "39"


@pytest.mark.parametrize("key", [demo.GOLD_SUBSCRIPTION, demo.GOLD_SUBSCRIPTION_ID])
def test_reads_a_subscription_by_its_number_or_the_id_of_its_version(
    zuora: Caller, key: str
) -> None:
    read = zuora.subscription(key)

    assert read["success"] is True
    assert read["subscriptionNumber"] == demo.GOLD_SUBSCRIPTION
    assert read["id"] == demo.GOLD_SUBSCRIPTION_ID
    assert (read["version"], read["isLatestVersion"]) == (1, True)
    assert read["accountNumber"] == read["invoiceOwnerAccountNumber"] == demo.HALDEN.number
    [plan] = read["ratePlans"]
    assert plan["productRatePlanId"] == demo.GOLD_ANNUAL_PLAN.id
    assert plan["lastChangeType"] == "Add"
    [charge] = plan["ratePlanCharges"]
    assert (charge["model"], charge["price"], charge["quantity"]) == ("FlatFee", 480, 1)
    assert charge["tiers"] is None


@pytest.mark.parametrize("key", [demo.HALDEN.number, demo.HALDEN.id])
def test_reads_an_account_by_its_number_or_id(zuora: Caller, key: str) -> None:
    read = zuora.get(f"/v1/accounts/{key}")

    assert read["basicInfo"]["accountNumber"] == demo.HALDEN.number
    assert read["basicInfo"]["crmId"] == demo.HALDEN.salesforce_id
    assert read["basicInfo"]["parentId"] is None
    assert read["billToContact"]["country"] == "Norway"
    assert read["soldToContact"]["id"] != read["billToContact"]["id"]
    assert read["metrics"] == {
        "balance": 110,
        "totalInvoiceBalance": 110,
        "creditBalance": 0,
        "unappliedPaymentAmount": 0,
        "currency": "USD",
    }


@pytest.mark.parametrize("path", ["subscriptions", "accounts", "orders", "contacts", "files"])
def test_says_that_it_knows_no_such_thing_with_status_200(zuora: Caller, path: str) -> None:
    answer = zuora.call("GET", f"/v1/{path}/unknown")

    assert answer.status_code == 200
    assert codes(answer.json()) == [50000040]
    assert answer.json()["processId"]
    assert answer.json()["requestId"] == answer.headers["Zuora-Request-Id"]


def test_has_no_route_but_those_it_has(zuora: Caller) -> None:
    answer = zuora.call("GET", "/v1/nonsense")

    assert answer.status_code == 404
    assert "no Route matched" in answer.json()["message"]


def test_refuses_a_body_that_is_not_json(zuora: Caller) -> None:
    answer = zuora.session.post(f"{zuora.url}/v1/accounts", data="{", timeout=10)

    assert answer.status_code == 400
    assert categories(answer.json()) == [90]


def test_seeds_the_demo_with_dates_around_today(zuora: Caller) -> None:
    today = zuora.day()
    gold = zuora.subscription(demo.GOLD_SUBSCRIPTION)
    digital = zuora.subscription(demo.DIGITAL_SUBSCRIPTION)
    cancelled = zuora.subscription(demo.CANCELLED_SUBSCRIPTION)

    for read in (gold, digital):
        assert read["status"] == "Active"
        assert read["termStartDate"] < today < read["termEndDate"]
        assert read["subscriptionEndDate"] == read["termEndDate"]
        for charge in read["ratePlans"][0]["ratePlanCharges"]:
            assert today < charge["chargedThroughDate"] <= charge["effectiveEndDate"]
    assert cancelled["status"] == "Cancelled"
    assert today < cancelled["subscriptionEndDate"] < cancelled["termEndDate"]
    assert [h["status"] for h in cancelled["statusHistory"]] == ["Active", "Cancelled"]
    assert zuora.subscription(demo.DRAFT_SUBSCRIPTION)["status"] == "Draft"
    [archive] = zuora.subscription(demo.LEGACY_SUBSCRIPTION)["ratePlans"]
    assert archive["productRatePlanId"] == demo.LEGACY_ARCHIVE_PLAN.id


def test_seeds_thirty_samples_each_on_its_own_account(zuora: Caller) -> None:
    read = [zuora.subscription(number) for number in demo.SAMPLE_SUBSCRIPTIONS]

    assert [r["accountNumber"] for r in read] == list(demo.SAMPLE_ACCOUNTS)
    assert len({r["accountId"] for r in read}) == len({r["id"] for r in read}) == 30
    assert {r["ratePlans"][0]["productRatePlanId"] for r in read} == {demo.DIGITAL_MONTHLY_PLAN.id}


@pytest.mark.parametrize("month_day", ["01-31", "02-28", "03-01", "12-31"])
def test_seeds_sound_dates_on_any_day_of_the_year(zuora: Caller, month_day: str) -> None:
    zuora.control("clock", {"now": f"2028-{month_day}T23:59:00Z"})
    zuora.stand_in.seed("demo")

    for number in (demo.GOLD_SUBSCRIPTION, *demo.SAMPLE_SUBSCRIPTIONS):
        latest = zuora.stand_in.tenant().latest(number)
        [charge] = latest["ratePlans"][0]["charges"]
        assert charge["effectiveStartDate"] == latest["termStartDate"]
        assert f"2028-{month_day}" < charge["chargedThroughDate"] <= latest["termEndDate"]


def test_starts_without_accounts_or_catalogue_when_told_to() -> None:
    with running_zuora(seed="empty") as zuora:
        assert codes(zuora.get("/v1/accounts/A00000042")) == [50000040]
        assert zuora.get("/object-query/accounts") == {"data": []}
        assert zuora.get("/object-query/product-rate-plans") == {"data": []}


def test_keeps_what_it_did_in_its_state_file(tmp_path: Path) -> None:
    kept = tmp_path / "zuora.json"
    with running_zuora(state_path=kept) as zuora:
        zuora.open_account()

    with running_zuora(state_path=kept) as zuora:
        read = zuora.get("/v1/accounts/T-715G5QA2PB2I")
        again = zuora.open_account()

    assert read["basicInfo"]["name"] == "Conte Ltd"
    assert categories(again) == [30]


def test_goes_on_with_a_state_file_of_a_version_that_knew_less(tmp_path: Path) -> None:
    kept = tmp_path / "zuora.json"
    with running_zuora(state_path=kept) as zuora:
        zuora.open_account()
    file = json.loads(kept.read_text(encoding="utf-8"))
    for later in ("creditMemos", "cardForms", "payments"):
        del file["state"][later]
    del file["state"]["settings"]["callsAtOnce"]
    kept.write_text(json.dumps(file), encoding="utf-8")

    with running_zuora(state_path=kept) as zuora:
        read = zuora.get("/v1/accounts/T-715G5QA2PB2I")
        paid = zuora.get("/v1/payments", accountId=read["basicInfo"]["id"])

    assert (read["basicInfo"]["name"], paid["payments"]) == ("Conte Ltd", [])


def test_fails_with_the_reasons_it_was_told_to(zuora: Caller) -> None:
    action = {"kind": "reasons", "codes": [50000061, 50000020], "status": 200}
    zuora.fault("/v1/accounts", action)

    failed = zuora.get("/v1/accounts/A00000042")
    well = zuora.get("/v1/accounts/A00000042")

    assert codes(failed) == [50000061, 50000020]
    assert well["success"] is True


def test_answers_500_with_reasons_alone(zuora: Caller) -> None:
    zuora.fault("/v1/accounts", {"kind": "reasons", "codes": [50000060], "status": 500})

    answer = zuora.call("GET", "/v1/accounts/A00000042")

    assert answer.status_code == 500
    assert answer.json().keys() == {"reasons"}


def test_expires_its_tokens_when_told_to(zuora: Caller) -> None:
    zuora.fault("/v1/accounts", {"kind": "expire_tokens"})

    assert zuora.call("GET", "/v1/accounts/A00000042").status_code == 401
    zuora.sign_in()
    assert zuora.call("GET", "/v1/accounts/A00000042").status_code == 200


def test_repeats_the_first_answer_to_a_key_for_a_day(zuora: Caller) -> None:
    first = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")
    repeat = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")
    zuora.turn_clock(days=1)
    zuora.sign_in()
    next_day = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")

    assert first.json()["success"] is True
    assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
    assert repeat.headers["Zuora-Request-Id"] == first.headers["Zuora-Request-Id"]
    assert categories(next_day.json()) == [30]
    assert [(e["key"], e["replayed"]) for e in zuora.journal("/v1/accounts")] == [
        ("k1", False),
        ("k1", True),
        ("k1", False),
    ]


def test_repeats_a_failure_too(zuora: Caller) -> None:
    zuora.fault("/v1/accounts", {"kind": "reasons", "codes": [53100061]})

    answers = [
        zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key=key).json()
        for key in ("k1", "k1", "k2")
    ]

    assert codes(answers[0]) == codes(answers[1]) == [53100061]
    assert answers[2]["success"] is True


def test_remembers_what_it_did_when_the_answer_was_lost(zuora: Caller) -> None:
    zuora.fault("/v1/accounts", {"kind": "drop_after"})
    with pytest.raises(requests.ConnectionError):
        zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")

    repeat = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")

    assert repeat.json()["accountNumber"] == "T-715G5QA2PB2I"
    assert [e["replayed"] for e in zuora.journal("/v1/accounts")] == [False, True]


def test_remembers_no_answer_that_the_gateway_gave(zuora: Caller) -> None:
    zuora.fault("/v1/accounts", {"kind": "expire_tokens"})
    refused = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")
    zuora.sign_in()

    answer = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")

    assert refused.status_code == 401
    assert answer.json()["success"] is True


def test_says_409_while_the_call_with_the_key_is_under_way(zuora: Caller) -> None:
    zuora.fault("/v1/accounts", {"kind": "running", "seconds": 60})
    with pytest.raises(requests.ConnectionError):
        zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")
    meanwhile = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")
    zuora.turn_clock(minutes=2)
    later = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")

    assert meanwhile.status_code == 409
    assert later.json()["accountNumber"] == "T-715G5QA2PB2I"


def test_refuses_a_key_that_was_used_for_another_call(zuora: Caller) -> None:
    zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k1")

    answer = zuora.call("POST", "/v1/orders", {}, Idempotency_Key="k1")

    assert answer.status_code == 422


def test_refuses_a_put_with_a_key(zuora: Caller) -> None:
    answer = zuora.call("PUT", "/v1/accounts/A00000042", {"autoPay": False}, Idempotency_Key="k1")

    assert answer.status_code == 400
    assert categories(answer.json()) == [45]


def test_refuses_a_key_that_is_too_long(zuora: Caller) -> None:
    answer = zuora.call("POST", "/v1/accounts", zuora.account(), Idempotency_Key="k" * 256)

    assert answer.status_code == 400


def test_says_429_beyond_the_calls_of_a_minute(zuora: Caller) -> None:
    zuora.patch_state({"settings": {"callsPerMinute": 0}})

    answer = zuora.call("GET", "/v1/accounts/A00000042")

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Remaining"] == "0"


def test_says_429_beyond_the_calls_at_once(zuora: Caller) -> None:
    zuora.patch_state({"settings": {"callsAtOnce": 1}})
    zuora.fault("/v1/accounts/A00000042", {"kind": "delay", "seconds": 0.5, "late": "work"})

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(zuora.call, "GET", "/v1/accounts/A00000042")
        crowded = False
        while not crowded and not slow.done():
            answer = requests.get(
                f"{zuora.url}/v1/accounts/A00000008",
                headers=dict(zuora.session.headers),
                timeout=10,
            )
            crowded = answer.status_code == 429

    assert crowded
