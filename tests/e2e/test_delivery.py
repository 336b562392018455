"""Orders and their webhooks on the deployed stack."""

import json
import uuid
from datetime import timedelta

import boto3
import pytest
import standardwebhooks
import svix

from infra.local.api_client import Api
from infra.local.demo_data import INBOX
from tests.e2e.conftest import Deployed, delete_endpoints
from tests.e2e.exercises import endpoint_at, entitlements, failing_order, order, settled

pytestmark = pytest.mark.e2e


def test_an_orders_webhook_has_the_structure_of_the_89_sample(api: Api, deployed: Deployed) -> None:
    token = {"iss": f"{api.stack.stand_ins.idp}/auth0/", "sub": f"auth0|{uuid.uuid4()}"}
    placed = order(api, id_token=token)

    delivery, *_ = entitlements(deployed.inbox(INBOX), placed["subscriptionReference"])

    body = json.loads(delivery["body"])
    assert list(body) == ["tracking", "updated", "owner", "identities", "entitlements"]
    assert list(body["tracking"].items()) == [
        ("subscription", placed["subscriptionReference"]),
        ("source", "shop"),
        ("name", placed["order_reference"]),
        ("orderReference", placed["order_reference"]),
    ]
    # The oldest first: that of Salesforce, whose account is attached later, may be here already.
    identity, *_ = body["identities"]
    assert identity == {
        "sub": token["sub"],
        "iss": token["iss"],
        "https://limio.com/service": "auth0",
        "https://limio.com/type": "user_id",
    }
    assert body["entitlements"] == [{"code": "W2"}]
    assert body["owner"] == placed["owner"]
    assert ": " not in delivery["body"].split('"identities"')[0]


def test_the_official_libraries_accept_the_signature(api: Api, deployed: Deployed) -> None:
    inbox = deployed.inbox("verified")
    secret = endpoint_at(api, inbox, types=["entitlements.updated"])["secret"]
    placed = order(api)

    delivery, *_ = entitlements(inbox, placed["subscriptionReference"])

    headers = {name.lower(): value for name, value in delivery["headers"].items()}
    verified = standardwebhooks.Webhook(secret).verify(delivery["body"], headers)
    assert verified == json.loads(delivery["body"])
    svix.Webhook(secret).verify(delivery["body"], headers)
    assert headers["tessera-event-type"] == "entitlements.updated"
    assert headers["tessera-attempt"] == "1"


def test_a_failing_receiver_is_tried_again_with_the_same_id(api: Api, deployed: Deployed) -> None:
    inbox = deployed.inbox("failing")
    made = endpoint_at(api, inbox, types=["entitlements.updated"], waits=[5] * 10)
    event = failing_order(api, inbox)

    inbox.behave(mode="answer")

    delivery = settled(api, event, made["id"])
    tries = inbox.deliveries(at_least=2, id=event)
    assert len({one["body"] for one in tries}) == 1
    assert [one["headers"]["tessera-attempt"] for one in tries] == [
        str(n + 1) for n in range(len(tries))
    ]
    outcomes = {one["n"]: one["outcome"] for one in delivery["attempts"]}
    assert delivery["state"] == "delivered"
    assert outcomes == dict.fromkeys(range(1, len(tries)), "http_error") | {len(tries): "delivered"}


def test_an_order_on_record_is_delivered_although_the_stream_lost_it(
    api: Api, deployed: Deployed, faketime_installed: bool
) -> None:
    """Stopping between order and delivery: stream records are gone, the sweep finds the event.

    It looks for what is open for two minutes, which pass at once where clocks can be turned.
    """
    delete_endpoints(deployed)  # or what others are owed comes first
    placed = order(api)

    if faketime_installed:
        deployed.sleep(timedelta(minutes=2))
    else:
        deployed.restart_aws()

    found = entitlements(deployed.inbox(INBOX), placed["subscriptionReference"], within=240)
    assert found


def test_nothing_is_left_in_a_dead_letter_queue(deployed: Deployed) -> None:
    sqs = boto3.client("sqs")
    urls = [url for name, url in deployed.stack.outputs.items() if name.endswith("DeadLettersUrl")]
    assert urls
    counts = {
        url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
            "Attributes"
        ]["ApproximateNumberOfMessages"]
        for url in urls
    }

    assert set(counts.values()) == {"0"}
