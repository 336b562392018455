"""`make deploy` says in sentences what is missing before it starts the CDK, and what is left."""

import json
from pathlib import Path

import boto3
import pytest

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
