"""`make deploy` says in sentences what is missing before it starts the CDK, and what is left."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)

from infra import deploy

_CERTIFIED = "api.shop.example"


class Told:
    """What the person reads, and the commands that were run."""

    def __init__(self, code: int = 0) -> None:
        self.text = ""
        self.commands: list[list[str]] = []
        self._code = code

    def write(self, text: str) -> None:
        self.text += text

    def run(self, command: list[str]) -> int:
        self.commands.append(command)
        return self._code

    def deploy(self, *arguments: str) -> int:
        return deploy.main(arguments, run=self.run, write=self.write)


@pytest.fixture
def account(fake_aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials, a region, and an account prepared for the CDK."""
    cdk = tmp_path / "cdk"
    cdk.touch()
    monkeypatch.setattr(deploy, "CDK", cdk)
    boto3.client("ssm").put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Value="28", Type="String"
    )


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_prepared_account_is_deployed_to_by_the_pinned_cdk_with_the_context(
    account: None, told: Told
) -> None:
    code = told.deploy("--stage", "prod", "-c", "zuora_url=https://rest.zuora.com")

    assert code == 0
    ((cdk, *arguments),) = told.commands
    assert cdk == str(deploy.CDK)
    assert arguments == [
        *("deploy", "Tessera-prod", "-c", "stage=prod"),
        *("-c", "zuora_url=https://rest.zuora.com"),
    ]
    assert "✗" not in told.text


def test_looking_only_runs_nothing(account: None, told: Told) -> None:
    assert told.deploy("--check") == 0
    assert told.commands == []
    assert told.text.endswith("It can be deployed.\n")


def test_without_a_bootstrap_the_command_that_makes_it_is_told(account: None, told: Told) -> None:
    boto3.client("ssm").delete_parameter(Name="/cdk-bootstrap/hnb659fds/version")

    assert told.deploy() == 1
    assert told.commands == []
    assert "cdk bootstrap aws://123456789012/eu-west-1" in told.text


def test_without_a_region_nothing_is_asked_of_aws(
    account: None, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    assert told.deploy() == 1
    assert "AWS_REGION" in told.text


def test_the_region_is_the_one_that_the_cdk_takes(
    account: None, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    assert told.deploy() == 1  # it was prepared for eu-west-1
    assert "region eu-central-1" in told.text
    assert "cdk bootstrap aws://123456789012/eu-central-1" in told.text


def test_a_profile_that_does_not_exist_is_told_and_not_a_traceback(
    account: None, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "opps")

    assert told.deploy() == 1
    assert "opps" in told.text
    assert "aws configure list-profiles" in told.text


def refusing(code: str) -> BotoCoreError | ClientError:
    if code == "none":
        return NoCredentialsError()
    if code == "unreachable":
        return EndpointConnectionError(endpoint_url="https://sts.eu-wset-1.amazonaws.com")
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("code", "text", "action"),
    [
        ("none", "There are no credentials.", "aws sso login"),
        ("ExpiredToken", "The credentials have expired.", "aws sso login"),
        ("InvalidClientTokenId", "AWS does not take the credentials.", "get-caller-identity"),
        ("unreachable", "AWS does not answer in region eu-west-1.", "See that the region exists"),
    ],
)
def test_why_nobody_is_signed_in_is_told(
    account: None,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    text: str,
    action: str,
) -> None:
    def refuse(**_: Any) -> None:
        raise refusing(code)

    class Sts:
        get_caller_identity = staticmethod(refuse)

    made = boto3.client
    monkeypatch.setattr(
        # What AWS answers to bad credentials moto has no way to answer.
        boto3,
        "client",
        lambda name, **more: Sts if name == "sts" else made(name, **more),
    )

    assert told.deploy() == 1
    assert f"✗ {text}" in told.text
    assert action in told.text
    assert told.commands == []


def test_a_setting_that_does_not_exist_is_named_with_the_one_that_was_meant(
    account: None, told: Told
) -> None:
    assert told.deploy("-c", "zuroa_url=https://rest.zuora.com") == 1
    assert "There is no setting zuroa_url." in told.text
    assert "zuora_url" in told.text.replace("zuroa_url", "")
    assert told.commands == []


def test_a_setting_without_a_value_is_refused(
    account: None, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        told.deploy("-c", "salesforce_critical")

    assert "salesforce_critical has no value" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["hidden-word", '["hidden-word"]', "null"])
def test_a_secret_that_holds_something_else_is_named_and_not_shown(
    account: None, told: Told, text: str
) -> None:
    boto3.client("secretsmanager").create_secret(Name="tessera/dev/zuora", SecretString=text)

    assert told.deploy("--check", "-c", "zuora_url=https://rest.zuora.com") == 0
    assert "The secret tessera/dev/zuora lacks client_id and client_secret." in told.text
    assert "hidden-word" not in told.text


def test_a_setting_that_cannot_be_used_is_named(account: None, told: Told) -> None:
    assert told.deploy("-c", "zuora_url=rest.zuora.com") == 1
    assert "Context zuora_url is 'rest.zuora.com'" in told.text
    assert told.commands == []


def test_secrets_that_are_empty_are_named_with_the_command_that_fills_them(
    account: None, told: Told
) -> None:
    made = boto3.client("secretsmanager").create_secret
    made(Name="tessera/dev/zuora", SecretString=json.dumps({"client_id": "a", "client_secret": ""}))
    made(
        Name="tessera/dev/zuora-callout",
        SecretString=json.dumps({"username": "zuora", "password": "hidden-word"}),
    )

    assert told.deploy("--check", "-c", "zuora_url=https://rest.zuora.com") == 0
    assert "The secret tessera/dev/zuora lacks client_secret." in told.text
    assert "--secret-id tessera/dev/zuora --secret-string" in told.text
    assert "✓ The secret tessera/dev/zuora-callout is filled" in told.text
    assert "hidden-word" not in told.text


def test_the_first_operator_is_made_with_the_commands_that_are_told(
    account: None, told: Told
) -> None:
    cognito = boto3.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="tessera-dev-operators")["UserPool"]["Id"]
    cognito.create_group(UserPoolId=pool, GroupName="admin")

    told.deploy("--check")
    assert f"admin-create-user --user-pool-id {pool}" in told.text

    cognito.admin_create_user(UserPoolId=pool, Username="you@example.com")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="you@example.com", GroupName="admin")
    again = Told()
    again.deploy("--check")
    assert "✓ There is an operator in the group admin" in again.text


def test_a_certificate_of_another_region_or_name_stops_the_deploy(
    account: None, told: Told
) -> None:
    own = boto3.client("acm").request_certificate(DomainName="other.example")["CertificateArn"]
    domain = ("-c", f"domain_name={_CERTIFIED}", "-c")

    assert told.deploy(*domain, f"certificate_arn={own.replace('eu-west-1', 'us-east-1')}") == 1
    assert "The certificate is in us-east-1, the stack in eu-west-1." in told.text
    assert told.deploy(*domain, f"certificate_arn={own}") == 1
    assert f"is for other.example, not for {_CERTIFIED}" in told.text
    assert told.commands == []


def test_an_address_that_ses_does_not_know_stops_the_deploy(account: None, told: Told) -> None:
    assert told.deploy("-c", "ses_from=hello@shop.example") == 1
    assert "SES has not verified hello@shop.example." in told.text


def test_what_the_cdk_answers_is_the_answer(account: None) -> None:
    failed = Told(code=3)

    assert failed.deploy() == 3
    assert "Deployed." not in failed.text
