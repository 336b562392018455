"""Days pass on the deployed stack: its clock is turned, with those of the outside systems."""

import time
from datetime import timedelta

import pytest

from infra.local import demo
from infra.local.api_client import Api
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import auth0, endpoint_at, entitlements, order, settled
from tests.e2e.life import WITHIN

pytestmark = pytest.mark.e2e


def test_a_retry_planned_for_tomorrow_goes_out_when_it_has_come(days_pass: Deployed) -> None:
    inbox = days_pass.inbox("patient")
    inbox.behave(mode="answer", status=503)
    made = endpoint_at(days_pass.api, inbox, types=["entitlements.updated"], waits=[86_400])
    subscription = order(days_pass.api)["subscriptionReference"]
    event = entitlements(inbox, subscription, within=WITHIN)[0]["headers"]["webhook-id"]
    attempted(days_pass.api, event, made["id"])  # or it is stopped before it was recorded
    inbox.behave(mode="answer")

    days_pass.sleep(timedelta(days=1.25))  # a wait is up to a fifth longer

    delivery = settled(days_pass.api, event, made["id"], within=WITHIN)
    assert delivery["state"] == "delivered"
    outcomes = {one["n"]: one["outcome"] for one in delivery["attempts"]}
    assert outcomes == {1: "http_error", 2: "delivered"}


def attempted(api: Api, event: str, endpoint: str) -> None:
    until = time.monotonic() + WITHIN
    path = f"/api/webhooks/deliveries/{event}/{endpoint}"
    while not any(one["outcome"] == "http_error" for one in api.call("GET", path)["attempts"]):
        assert time.monotonic() < until
        time.sleep(0.2)


def test_who_signs_in_after_a_month_is_let_in(days_pass: Deployed) -> None:
    days_pass.sleep(timedelta(days=30))

    api = days_pass.api
    token = api.person_token(auth0(api), demo.INGRID.sub)
    assert api.call("GET", "/api/mma/subscriptions", token=token)["items"]
