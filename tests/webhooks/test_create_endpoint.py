"""Making an endpoint: what is checked, what is stored sealed, what is answered once."""

import json
from typing import Any

import boto3
import pytest

from tessera import dynamo
from tessera.webhooks import credentials, destination
from tessera.webhooks.destination import AddressRefused, Reach
from tessera.webhooks.models import Sendable
from tests.builders import NOW, api_event, machine, operator
from tests.handlers import Handler, body, load
from tests.webhooks.engine import Engine, row

ROUTE = "/api/webhooks/endpoints"
CALLERS = {f"POST {ROUTE}": {"machine": ["webhooks"], "operator": ["admin"]}}
URL = "https://hooks.example.com/in"


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Whether a name resolves; there is no DNS here. The handler binds the real check."""
    answers: dict[str, bool] = {}

    def confirm(url: str, reach: Reach) -> bool:
        if "private" in url:
            raise AddressRefused("10.0.0.1")
        return answers.get(url, True)

    monkeypatch.setattr(destination, "confirm", confirm)
    return answers


@pytest.fixture
def create(engine: Engine, resolves: dict[str, bool]) -> Handler:
    key = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    handler = load(
        "webhooks/create_endpoint",
        CALLERS,
        SECRETS_KEY=key,
        WEBHOOK_PRIVATE_HOSTS="localhost:9000",
        WEBHOOK_PORTS="443,8443",
        OWN_HOSTS="api.tessera.example",
        ENDPOINT_LIMIT="3",
    )
    return handler


def request(caller: Any = None, **members: Any) -> dict[str, Any]:
    return api_event("POST", ROUTE, body=members, caller=caller or machine("webhooks"))


def opened(engine: Engine, id: str) -> credentials.Credentials:
    found, _ = engine.endpoints.for_sending([id], [])
    return credentials.opened(Sendable(*found[id]), engine.seal, NOW)


def test_makes_an_active_endpoint_and_answers_its_key_this_once(
    create: Handler, engine: Engine
) -> None:
    answer = create(
        request(
            url="https://Hooks.Example.com:443/in",
            description="Shop",
            types=["order.*", "entitlements.updated"],
            dialect={"release": "86"},
            waits=[5, 60],
            headers={"X-Shop": "de"},
        )
    )

    assert answer["statusCode"] == 201
    made = body(answer)
    secret = made.pop("secret")
    target = engine.endpoints.find(made["id"])
    assert target is not None
    created_at = made.pop("created_at")
    assert made.pop("updated_at") == created_at
    assert made == {
        "id": target.endpoint.id,
        "record_type": "webhook_endpoint",
        "service": "limio",
        "url": URL,
        "description": "Shop",
        "types": ["order.*", "entitlements.updated"],
        "dialect": {"release": "86.0", "identity_keys": "auto", "announce_ahead": True},
        "status": "active",
        "health": "ok",
        "waits": [5, 60],
        "headers": {"x-shop": "de"},
        "auth_kind": "none",
        "signature": "v1",
        "updated_by": "machine/3k9q5v0tq1machineclient",
        "version": 1,
    }
    assert opened(engine, made["id"]).keys == (secret,)
    assert secret.startswith("whsec_")


def test_stores_nothing_secret_in_the_clear(create: Handler, engine: Engine) -> None:
    answer = create(
        request(url=URL, auth={"kind": "basic", "user": "shop", "password": "hunter2hunter2"})
    )

    made = body(answer)
    secrets = row("Webhooks", "SECRETS", made["id"])
    assert secrets is not None
    assert made["auth_kind"] == "basic"
    assert "hunter2" not in json.dumps(made)
    assert made["secret"].encode() not in secrets["keys"]
    assert b"hunter2" not in secrets["auth"]
    assert opened(engine, made["id"]).header == {
        "authorization": "Basic c2hvcDpodW50ZXIyaHVudGVyMg=="
    }


def test_a_ciphertext_opens_for_its_own_endpoint_alone(create: Handler, engine: Engine) -> None:
    ours, theirs = (body(create(request(url=URL)))["id"] for _ in range(2))
    stolen = row("Webhooks", "SECRETS", theirs)
    assert stolen is not None
    assert opened(engine, ours).keys
    dynamo.write(dynamo.put("Webhooks", {**stolen, "sk": ours}))

    with pytest.raises(Exception, match="InvalidCiphertext"):
        opened(engine, ours)


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"kind": "bearer", "token": "t0ken"}, {"authorization": "Bearer t0ken"}),
        ({"kind": "header", "name": "X-Api-Key", "value": "k3y"}, {"x-api-key": "k3y"}),
    ],
)
def test_authenticates_as_the_receiver_wants_it(
    create: Handler, engine: Engine, auth: dict[str, str], header: dict[str, str]
) -> None:
    made = body(create(request(url=URL, auth=auth)))

    assert opened(engine, made["id"]).header == header


def test_takes_a_key_that_the_caller_brings(create: Handler, engine: Engine) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    made = body(create(request(url=URL, secret=secret)))

    assert made["secret"] == secret
    assert opened(engine, made["id"]).keys == (secret,)


def test_answers_only_the_public_half_of_a_v1a_key(create: Handler, engine: Engine) -> None:
    made = body(create(request(url=URL, signature="v1a")))

    assert "secret" not in made
    assert made["public_key"].startswith("whpk_")
    assert opened(engine, made["id"]).keys[0].startswith("whsk_")


def test_warns_of_a_name_that_does_not_resolve_yet(
    create: Handler, resolves: dict[str, bool]
) -> None:
    resolves[URL] = False

    answer = create(request(url=URL))

    assert answer["statusCode"] == 201
    assert [warning["code"] for warning in body(answer)["warnings"]] == ["name_not_found"]


@pytest.mark.parametrize(
    ("members", "field", "code"),
    [
        ({"url": "http://hooks.example.com/"}, "url", "invalid_value"),
        ({"url": "https://10.0.0.1/"}, "url", "invalid_value"),
        ({"url": "https://private.example.com/"}, "url", "invalid_value"),
        ({"url": "https://api.tessera.example/"}, "url", "invalid_value"),
        ({}, "url", "required"),
        ({"url": URL, "types": ["order.*", "orders"]}, "types[1]", "invalid_value"),
        ({"url": URL, "types": ["order.retry_requested"]}, "types[0]", "invalid_value"),
        ({"url": URL, "dialect": {"release": "new"}}, "dialect.release", "invalid_value"),
        ({"url": URL, "waits": [5, 4]}, "waits[1]", "invalid_value"),
        ({"url": URL, "headers": {"Host": "x"}}, "headers.Host", "invalid_value"),
        ({"url": URL, "secret": "whsec_abc"}, "secret", "invalid_value"),
        ({"url": URL, "secret": "x", "signature": "v1a"}, "secret", "invalid_value"),
        ({"url": URL, "auth": {"kind": "bearer", "token": "a b"}}, "auth.token", "invalid_value"),
        ({"url": URL, "colour": "red"}, "colour", "unknown_member"),
    ],
)
def test_refuses_what_could_never_work(
    create: Handler, engine: Engine, members: dict[str, Any], field: str, code: str
) -> None:
    answer = create(request(**members))

    assert answer["statusCode"] == 422
    (error,) = body(answer)["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert engine.endpoints.all() == []


def test_names_all_fields_at_fault_at_once(create: Handler) -> None:
    answer = create(request(url="ftp://x", waits=[1], types=["weather"]))

    assert [error["field"] for error in body(answer)["errors"]] == ["url", "types[0]", "waits[0]"]


def test_a_refusal_repeats_no_credential_and_no_address(create: Handler) -> None:
    answer = create(
        request(
            url="https://private.example.com/",
            auth={"kind": "header", "name": "x-key", "value": "s3cr3t\n"},
        )
    )

    assert answer["statusCode"] == 422
    assert "s3cr3t" not in answer["body"]
    assert "10.0.0.1" not in answer["body"]


def test_stops_at_the_limit(create: Handler, engine: Engine) -> None:
    for _ in range(3):
        create(request(url=URL))

    answer = create(request(url=URL))

    assert answer["statusCode"] == 409
    assert body(answer)["code"] == "too_many_endpoints"
    assert len(engine.endpoints.all()) == 3


def test_a_repeat_with_the_same_key_makes_one_endpoint_and_keeps_its_answer_sealed(
    create: Handler, engine: Engine
) -> None:
    event = request(url=URL)
    event["headers"]["idempotency-key"] = "k1"

    first, second = create(event), create(event)

    assert body(first) == body(second)
    assert len(engine.endpoints.all()) == 1
    (kept,) = boto3.client("dynamodb").scan(TableName="Idempotency")["Items"]
    assert body(first)["secret"] not in repr(kept)


def test_support_may_not(create: Handler, engine: Engine) -> None:
    answer = create(request(caller=operator("support"), url=URL))

    assert answer["statusCode"] == 403
    assert engine.endpoints.all() == []
