"""The partners' table, their user pool and the key of cursors, on a fake AWS."""

import boto3
import pytest

from tessera.partners.store import PartnersTable


@pytest.fixture
def stored(tables: dict[str, str]) -> PartnersTable:
    return PartnersTable("Partners", "Events")


@pytest.fixture
def user_pool(fake_aws: None) -> str:
    made = boto3.client("cognito-idp").create_user_pool(
        PoolName="partners", UsernameAttributes=["email"]
    )
    return str(made["UserPool"]["Id"])


@pytest.fixture
def cursor_key(fake_aws: None) -> None:
    boto3.client("secretsmanager").create_secret(
        Name="tessera/dev/cursors", SecretString='{"key": "a key that seals"}'
    )
