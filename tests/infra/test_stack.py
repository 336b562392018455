"""What the stack promises as a whole: data kept, limits respected, what was declared is there."""

import json
from pathlib import Path
from typing import Any

import pytest

from tessera.tables import ALL, TABLES, Table
from tests.infra.conftest import CERTIFICATE
from tests.infra.synthesis import ROOT, Resource, Synthesis

_KEPT = {"Retain", "RetainExceptOnCreate"}
_DATA = (
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
)


def test_no_template_comes_near_the_limit_of_cloudformation(production: Synthesis) -> None:
    counts = {name: len(template["Resources"]) for name, template in production.templates.items()}

    assert len(counts) > 1
    assert max(counts.values()) < 400, counts


@pytest.mark.parametrize("type_", _DATA)
def test_production_keeps_its_data_when_the_stack_is_deleted(
    production: Synthesis, type_: str
) -> None:
    resources = list(production.of_type(type_))

    assert resources
    for one in resources:
        assert one.whole["DeletionPolicy"] in _KEPT, one.id
        assert one.whole["UpdateReplacePolicy"] in _KEPT, one.id


@pytest.mark.parametrize("type_", _DATA)
def test_stage_dev_leaves_nothing_behind(emulated: Synthesis, type_: str) -> None:
    for one in emulated.of_type(type_):
        assert one.whole["DeletionPolicy"] == "Delete", one.id


def test_production_cannot_be_deleted_by_accident(
    production: Synthesis, emulated: Synthesis
) -> None:
    def protections(synthesis: Synthesis) -> set[Any]:
        tables = synthesis.of_type("AWS::DynamoDB::Table")
        pools = synthesis.of_type("AWS::Cognito::UserPool")
        return {
            *(one.properties.get("DeletionProtectionEnabled", False) for one in tables),
            *(one.properties.get("DeletionProtection", "INACTIVE") for one in pools),
        }

    assert protections(production) == {True, "ACTIVE"}
    assert protections(emulated) == {False, "INACTIVE"}


@pytest.mark.parametrize("declared", TABLES, ids=lambda table: table.name)
def test_a_table_has_the_keys_and_indexes_that_are_declared(
    production: Synthesis, declared: Table
) -> None:
    made = next(
        one.properties
        for one in production.of_type("AWS::DynamoDB::Table")
        if one.id.startswith(declared.name)
    )
    types = {one["AttributeName"]: one["AttributeType"] for one in made["AttributeDefinitions"]}

    assert _keys(made) == [key for key in (declared.pk, declared.sk) if key]
    indexes = {one["IndexName"]: one for one in made.get("GlobalSecondaryIndexes", [])}
    assert set(indexes) == {index.name for index in declared.indexes}
    for index in declared.indexes:
        assert _keys(indexes[index.name]) == [index.pk, index.sk]
        assert (types[index.pk], types[index.sk]) == (index.pk_type, index.sk_type)
        assert _projected(indexes[index.name]["Projection"]) == index.includes
    assert made["BillingMode"] == "PAY_PER_REQUEST"
    assert made["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert ("StreamSpecification" in made) == declared.streams_inserts
    assert made.get("TimeToLiveSpecification", {}).get("AttributeName") == declared.ttl


def test_a_function_ships_its_own_folder_and_nothing_else(production: Synthesis) -> None:
    for folder, one in production.functions.items():
        if folder == "pages/assets":
            continue  # put together with npm's files when it is deployed, which no test does
        source = ROOT / "functions" / folder
        root = one.asset / folder if one.properties["Handler"] != "handler.handler" else one.asset
        assert [
            path for path in one.asset.rglob("*") if path.is_file() and root not in path.parents
        ] == []
        assert _files(root) == _files(source)


_LONG = {
    "commerce/provision_order",
    "commerce/resume_owners",
    "commerce/sweep_orders",
    "commerce/activate_changes",
}
"""They wait for outside systems, or work off what has piled up."""


def test_every_function_runs_the_same_way(production: Synthesis) -> None:
    for folder, one in production.functions.items():
        properties = one.properties
        assert properties["Runtime"] == "python3.13"
        assert properties["Architectures"] == ["arm64"]
        assert properties["Handler"].endswith("handler.handler")
        assert len(properties["Layers"]) == 2
        assert properties["LoggingConfig"]["LogFormat"] == "JSON"
        assert properties["Timeout"] <= (300 if folder in _LONG else 60)


def test_logs_are_not_kept_for_ever(production: Synthesis) -> None:
    for group in production.of_type("AWS::Logs::LogGroup"):
        assert group.properties["RetentionInDays"] <= 180, group.id


def test_endpoints_answer_before_the_gateway_gives_up(production: Synthesis) -> None:
    for folder, one in production.functions.items():
        if "CALLERS" in one.environment:
            assert one.properties["Timeout"] < 30, folder
    authorizer = production.functions["identity/authorize_customer"]
    assert authorizer.properties["Timeout"] <= 10


def test_the_api_is_throttled_and_its_calls_are_logged(production: Synthesis) -> None:
    (stage,) = production.of_type("AWS::ApiGatewayV2::Stage")
    usual = stage.properties["DefaultRouteSettings"]["ThrottlingRateLimit"]

    assert stage.properties["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    assert stage.properties["DefaultRouteSettings"]["ThrottlingBurstLimit"] > 0
    logged = json.loads(stage.properties["AccessLogSettings"]["Format"])
    assert {"requestId", "route", "status", "ms"} <= set(logged)
    stricter = stage.properties["RouteSettings"]
    assert {
        "GET /auth/{kind}",
        "POST /api/events/zuora",
        "POST /api/order/preview",
        "POST /api/mma/payment-methods",
    } <= set(stricter)
    assert set(stricter) <= {one.properties["RouteKey"] for one in _routes(production)}
    for limit in stricter.values():
        assert 0 < limit["ThrottlingRateLimit"] < usual
        assert limit["ThrottlingRateLimit"] <= limit["ThrottlingBurstLimit"]


def test_the_api_opens_when_every_route_is_there(production: Synthesis) -> None:
    (stage,) = production.of_type("AWS::ApiGatewayV2::Stage")
    nested = {one.template.removeprefix("Tesseraprod") for one in _routes(production)}

    assert nested
    assert all(
        any(name.startswith(part) for part in stage.whole["DependsOn"]) for name in nested
    ), stage.whole["DependsOn"]


def test_a_domain_of_the_companys_own_is_answered_at_and_followed(customised: Synthesis) -> None:
    (domain,) = customised.of_type("AWS::ApiGatewayV2::DomainName")
    (mapping,) = customised.of_type("AWS::ApiGatewayV2::ApiMapping")
    (record,) = customised.of_type("AWS::Route53::RecordSet")
    assert domain.properties["DomainName"] == "api.shop.example"
    (configuration,) = domain.properties["DomainNameConfigurations"]
    assert configuration["CertificateArn"] == CERTIFICATE
    assert configuration["SecurityPolicy"] == "TLS_1_2"
    assert mapping.properties["DomainName"] == {"Ref": domain.id}
    assert record.properties["Name"] == "api.shop.example"
    assert customised.functions["pages/home"].environment["BASE_URL"] == "https://api.shop.example"
    for client in _clients(customised, "code"):
        assert "https://api.shop.example/" in json.dumps(client.properties["CallbackURLs"])
    assert "DomainTarget" in customised.outputs


def test_secrets_are_made_empty_and_the_one_for_cursors_is_generated(
    production: Synthesis,
) -> None:
    made = {
        one.properties["Name"]: one.properties
        for one in production.of_type("AWS::SecretsManager::Secret")
    }

    assert set(made) == {
        f"tessera/prod/{name}" for name in ("cursors", "salesforce", "zuora", "zuora-callout")
    }
    assert made["tessera/prod/cursors"]["GenerateSecretString"]["GenerateStringKey"] == "key"
    assert json.loads(made["tessera/prod/zuora"]["SecretString"]) == {
        "client_id": "",
        "client_secret": "",
    }


def test_people_cannot_sign_themselves_up_nor_change_the_email_that_names_them(
    production: Synthesis,
) -> None:
    for pool in production.of_type("AWS::Cognito::UserPool"):
        assert pool.properties["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
        assert pool.properties["UsernameConfiguration"]["CaseSensitive"] is False
        assert pool.properties["UsernameAttributes"] == ["email"]
    for client in _clients(production, "code"):
        assert client.properties["WriteAttributes"] == ["name"]
        assert client.properties.get("GenerateSecret", False) is False
        assert client.properties["PreventUserExistenceErrors"] == "ENABLED"


def test_partners_tokens_wait_for_the_organisation_that_the_table_names(
    production: Synthesis,
) -> None:
    triggers = {
        pool.properties["UserPoolName"]: pool.properties.get("LambdaConfig", {})
        for pool in production.of_type("AWS::Cognito::UserPool")
    }

    assert triggers["tessera-prod-operators"] == {}
    before_tokens = triggers["tessera-prod-partners"]["PreTokenGenerationConfig"]
    assert before_tokens["LambdaVersion"] == "V2_0"
    assert "AddOrganisationClaim" in json.dumps(before_tokens["LambdaArn"])
    assert production.functions["partners/add_organisation_claim"].properties["Timeout"] == 5


def test_tokens_of_people_live_a_quarter_of_an_hour_and_can_be_revoked(
    production: Synthesis,
) -> None:
    refreshed = {}
    for client in _clients(production, "code"):
        properties = client.properties
        assert properties["AccessTokenValidity"] == properties["IdTokenValidity"] == 15
        assert properties["EnableTokenRevocation"] is True
        assert properties["AllowedOAuthFlows"] == ["code"]
        refreshed[client.id[:9]] = properties["RefreshTokenValidity"]

    assert refreshed == {"Operators": 8 * 60, "PartnersP": 12 * 60}


def test_operators_need_a_second_factor_in_production(production: Synthesis) -> None:
    mfa = {
        pool.properties["UserPoolName"]: pool.properties.get("MfaConfiguration")
        for pool in production.of_type("AWS::Cognito::UserPool")
    }

    assert mfa["tessera-prod-operators"] == "ON"


def test_a_machine_gets_tokens_for_its_scopes_and_no_page_does(production: Synthesis) -> None:
    (machine,) = _clients(production, "client_credentials")
    scopes = json.dumps(machine.properties["AllowedOAuthScopes"])

    assert machine.properties["GenerateSecret"] is True
    assert "/sync" in scopes
    assert "/admin" not in scopes
    assert machine.properties["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]


def test_the_sign_in_pages_differ_only_where_the_emulator_has_no_others(
    production: Synthesis, emulated: Synthesis
) -> None:
    assert len(list(production.of_type("AWS::Cognito::ManagedLoginBranding"))) == 2
    assert not list(emulated.of_type("AWS::Cognito::ManagedLoginBranding"))
    versions = {
        one.properties["ManagedLoginVersion"]
        for one in emulated.of_type("AWS::Cognito::UserPoolDomain")
    }
    assert versions == {1}


_QUEUES = ("FanOut", "Fast", "Slow", "Resync", "Provision")


def test_whoever_deploys_is_told_where_everything_is(production: Synthesis) -> None:
    assert set(production.outputs) == {
        *("ApiUrl", "ApiId", "BusName", "DashboardUrl", "TokenUrl", "WebhookKeyArn"),
        *("OperatorsPoolId", "OperatorsClientId", "OperatorsSignInUrl", "MachineClientId"),
        *("PartnersPoolId", "PartnersClientId", "PartnersSignInUrl"),
        *(f"{table.name}Table" for table in TABLES),
        *(f"{queue}QueueUrl" for queue in _QUEUES),
        *(f"{queue}DeadLettersUrl" for queue in _QUEUES),
        "UnpublishedUrl",
    }


def _routes(synthesis: Synthesis) -> list[Resource]:
    return list(synthesis.of_type("AWS::ApiGatewayV2::Route"))


def _clients(synthesis: Synthesis, flow: str) -> list[Resource]:
    return [
        one
        for one in synthesis.of_type("AWS::Cognito::UserPoolClient")
        if flow in one.properties["AllowedOAuthFlows"]
    ]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def _keys(made: dict[str, Any]) -> list[str]:
    return [one["AttributeName"] for one in made["KeySchema"]]


def _projected(projection: dict[str, Any]) -> tuple[str, ...] | None:
    match projection["ProjectionType"]:
        case "ALL":
            return ALL
        case "INCLUDE":
            return tuple(projection["NonKeyAttributes"])
    return None
