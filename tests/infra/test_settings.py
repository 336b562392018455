"""Context is checked before anything is made, and refused in a sentence."""

import json
from typing import Any

import pytest
from constructs import Node, RootConstruct

from infra.context import BadSetting
from infra.settings import MACHINE_SCOPES, Settings


def test_nothing_given_is_a_stage_for_trying_things_out() -> None:
    settings = _settings()

    assert settings.stage == "dev"
    assert settings.mode == "test"
    assert settings.keeps_data is False
    assert settings.local is False
    assert settings.zuora_url == ""
    assert (settings.zuora_owner_style, settings.zuora_account_mapping) == ("A", "customer")
    assert settings.zuora_run_billing is settings.zuora_auto_pay is True
    assert settings.has_card_form is False
    assert settings.salesforce_external_id_field == "Tessera_Id__c"
    assert settings.salesforce_critical is False
    assert settings.business_time_zone == "UTC"
    assert settings.support_address == ""
    assert settings.machine_clients == {"middleware": tuple(MACHINE_SCOPES)}
    assert (settings.fast_concurrency, settings.slow_concurrency) == (80, 20)
    assert (settings.webhook_deadline, settings.endpoint_limit) == (15, 200)
    assert settings.webhook_ports == (443, 8443)


def test_values_mean_the_same_from_the_command_line_and_from_the_file() -> None:
    typed: dict[str, Any] = {
        "local": True,
        "webhooks.fast": 4,
        "webhooks.ports": [443, 9000],
        "webhooks.private_hosts": ["localhost:9104", "127.0.0.1:9104"],
        "machine_clients": {"middleware": "all", "reporting": ["objects"]},
        "identity_providers": [{"key": "auth0", "issuer": "https://one.example/"}],
    }
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in typed.items()
    }

    assert _settings(**texts) == _settings(**typed)


def test_hosts_may_also_be_given_with_commas() -> None:
    settings = _settings(**{"webhooks.private_hosts": "localhost:9104,127.0.0.1:9104"})

    assert settings.private_hosts == ("localhost:9104", "127.0.0.1:9104")


@pytest.mark.parametrize(
    "context",
    [
        {"webhooks.private_hosts": "localhost:9104"},
        {"local": "true"},
        {"allow_http_issuers": "true"},
    ],
    ids=lambda context: next(iter(context)),
)
def test_production_refuses_what_is_for_tests_only(context: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=r"[Ss]tage prod"):
        _settings(stage="prod", **context)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("stage", "Prod"),
        ("stage", "a-stage-with-a-long-name"),
        ("local", "yes"),
        ("zuora_url", "rest.zuora.com"),
        ("zuora_url", "http://rest.zuora.com"),
        ("salesforce_url", "https://"),
        ("zuora_owner_style", "C"),
        ("zuora_account_mapping", "order"),
        ("zuora_page_uri", "http://zuora.example/page"),
        ("salesforce_external_id_field", "Tessera_Id"),
        ("salesforce_api_version", "65"),
        ("salesforce_record_type_id", "001Dn00000AcMeR"),
        ("business_time_zone", "Middle-earth/Shire"),
        ("webhooks.fast", "1"),
        ("webhooks.fast", "many"),
        ("webhooks.deadline", "31"),
        ("webhooks.deadline", "4"),
        ("webhooks.endpoint_limit", "1001"),
        ("webhooks.ports", "[0]"),
        ("webhooks.private_hosts", "localhost"),
        ("webhooks.private_hosts", '{"localhost": 9104}'),
        ("identity_providers", "[{}]"),
        ("identity_providers", '["auth0"]'),
        ("identity_providers", '[{"key": "auth0"}'),
        ("machine_clients", '{"middleware": ["admin"]}'),
        ("machine_clients", '{"middleware": "sync"}'),
        ("machine_clients", '{"middleware": []}'),
        ("machine_clients", '{"Middleware": "all"}'),
        ("ses_from", "nobody"),
        ("support_address", "nobody"),
        ("support_address", "help@shop.example?subject=x"),
        ("domain_name", "https://api.shop.example"),
        ("domain_name", "api.shop.example"),
        ("certificate_arn", "arn:aws:acm:eu-west-1:111122223333:certificate/5f0c"),
        ("hosted_zone_id", "Z0123456789ABC"),
        ("alarm_topic", "alarms"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_name(key: str, value: str) -> None:
    with pytest.raises(BadSetting, match=key.replace(".", r"\.")):
        _settings(**{key: value})


def test_two_providers_cannot_share_an_issuer() -> None:
    one = {"key": "a", "issuer": "https://one.example/"}

    with pytest.raises(BadSetting, match="same issuer"):
        _settings(identity_providers=[one, {**one, "key": "b"}])


def test_a_stage_between_dev_and_prod_keeps_its_data_and_is_still_a_test() -> None:
    settings = _settings(stage="staging")

    assert settings.keeps_data is True
    assert settings.mode == "test"


def test_outside_systems_may_be_plain_http_only_on_this_machine() -> None:
    settings = _settings(local="true", zuora_url="http://localhost:9101/")

    assert settings.zuora_url == "http://localhost:9101"


def _settings(**context: Any) -> Settings:
    root = RootConstruct()
    for key, value in context.items():
        root.node.set_context(key, value)
    return Settings.of(Node.of(root))
