"""The authorizer as the gateway calls it: yes, no, or a failure that nobody remembers."""

import importlib
import io
import json
import logging
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest
import requests

from infra.local._server import Running, serve
from infra.local.idp import IdentityProvider
from tessera.edge import callers, observability
from tessera.errors import Unauthorized
from tessera.identity.principal import Customer
from tessera.integrations.oidc import IdentityProviderFailed
from tests.integrations.idp_client import INGRID, issuer_of, mint

PARAMETER = "/tessera/dev/identity_providers"
Authorize = Callable[[str | None], dict[str, Any]]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Running]:
    with serve(IdentityProvider()) as running:
        yield running


@pytest.fixture
def idp(stand_in: Running) -> Running:
    requests.delete(stand_in.url + "/_control/faults", timeout=5)
    return stand_in


@pytest.fixture
def function(idp: Running, fake_aws: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function as it starts, with both providers configured."""
    monkeypatch.setenv("IDENTITY_PROVIDERS_PARAMETER", PARAMETER)
    monkeypatch.setenv("ALLOW_HTTP_ISSUERS", "true")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "authorize_customer")
    providers = [
        {"key": "auth0", "issuer": issuer_of(idp, "auth0"), "client_id": "tessera"},
        {
            "key": "okta",
            "issuer": issuer_of(idp, "okta"),
            "client_id": "tessera",
            "algorithms": ["ES256"],
            "subject_claim": "uid",
        },
    ]
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value=json.dumps(providers), Type="String")
    return importlib.reload(
        importlib.import_module("functions.identity.authorize_customer.handler")
    )


@pytest.fixture
def authorize(function: ModuleType) -> Authorize:
    def call(header: str | None) -> dict[str, Any]:
        answer: dict[str, Any] = function.handler(event(header), None)
        return answer

    return call


def event(header: str | None) -> dict[str, Any]:
    return {
        "version": "2.0",
        "type": "REQUEST",
        "identitySource": None if header is None else [header],
        "routeKey": "GET /api/mma/subscriptions",
        "requestContext": {"requestId": "JKJaXmPLvHcESHA="},
    }


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the function writes to its log."""
    written = io.StringIO()
    handler = observability.logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(written)
    yield written
    handler.setStream(before)


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize("key", ["auth0", "okta"])
def test_says_yes_and_who_it_is_in_what_the_api_reads(
    idp: Running, authorize: Authorize, key: str, log: io.StringIO
) -> None:
    token = mint(idp, issuer=key, sub=INGRID, claims={"email": "ingrid@halden.example"})

    answer = authorize(f"Bearer {token}")

    assert answer["isAuthorized"] is True
    caller = callers.of({"requestContext": {"authorizer": {"lambda": answer["context"]}}})
    assert caller == Customer(id=INGRID, issuer=issuer_of(idp, key))
    said = lines(log)
    assert [line["event"] for line in said] == ["exchange", "exchange", "authorize_customer"]
    assert said[-1]["outcome"] == "authorized"
    assert said[-1]["issuer"] == issuer_of(idp, key)
    assert {line["correlation_id"] for line in said} == {"JKJaXmPLvHcESHA="}
    for private in (token, token.split(".")[1], INGRID, "ingrid@"):
        assert private not in json.dumps(said)


def test_a_yes_that_outlives_its_token_is_worth_nothing(idp: Running, authorize: Authorize) -> None:
    context = authorize(f"bearer  {mint(idp, issuer='auth0', sub=INGRID)}")["context"]

    context["expires_at"] -= 3600 + 60

    with pytest.raises(Unauthorized):
        callers.of({"requestContext": {"authorizer": {"lambda": context}}})


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "no_bearer_token"),
        ("", "no_bearer_token"),
        ("Basic dXNlcjpwYXNz", "no_bearer_token"),
        ("Bearer", "token_malformed"),
        ("Bearer secret-nonsense", "token_malformed"),
    ],
)
def test_says_no_to_what_is_no_token(
    authorize: Authorize, header: str | None, code: str, log: io.StringIO
) -> None:
    assert authorize(header) == {"isAuthorized": False}

    [line] = lines(log)
    assert (line["outcome"], line["code"], line["level"]) == ("refused", code, "INFO")
    assert "nonsense" not in json.dumps(line)
    assert "dXNlcjpwYXNz" not in json.dumps(line)


@pytest.mark.parametrize("defect", ["expired", "unknown_kid", "wrong_iss", "alg_none"])
def test_says_no_to_a_broken_token(idp: Running, authorize: Authorize, defect: str) -> None:
    token = mint(idp, issuer="auth0", sub=INGRID, defect=defect)

    assert authorize(f"Bearer {token}") == {"isAuthorized": False}


def test_fails_rather_than_say_no_when_the_provider_is_down(
    idp: Running, authorize: Authorize, log: io.StringIO
) -> None:
    token = mint(idp, issuer="auth0", sub=INGRID)
    fault = {"match": {"path": "/auth0/"}, "times": None, "action": {"kind": "drop_before"}}
    requests.post(idp.url + "/_control/faults", json=fault, timeout=5)

    with pytest.raises(IdentityProviderFailed):
        authorize(f"Bearer {token}")

    said = lines(log)
    assert said[-1]["outcome"] == "failed"
    assert said[-1]["level"] == "ERROR"
    assert "no_answer" in said[-2]["exception"]
    assert token not in json.dumps(said)


def test_fails_when_the_setting_cannot_be_read(function: ModuleType, idp: Running) -> None:
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value="oops", Type="String", Overwrite=True)

    with pytest.raises(Exception, match="not JSON"):
        function.handler(event(f"Bearer {mint(idp, issuer='auth0', sub=INGRID)}"), None)


def test_only_the_word_true_lets_addresses_without_tls_pass(
    idp: Running, function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_HTTP_ISSUERS", "false")
    strict = importlib.reload(function)

    with pytest.raises(IdentityProviderFailed):
        strict.handler(event(f"Bearer {mint(idp, issuer='auth0', sub=INGRID)}"), None)
