"""Fills what the stack creates empty: outside systems' credentials, and the first operator."""

import json
from collections.abc import Mapping

from infra.local import demo
from infra.local.emulator import LocalAws
from infra.local.running_stack import Login, Machine

OPERATOR = Login(email="olivia@tessera.example", password="Local-operator-1")  # noqa: S106


def fill_secrets(aws: LocalAws, stage: str) -> int:
    """Give the stack's secrets the stand-ins' credentials; answers how many were written."""
    secrets = aws.session.client("secretsmanager", endpoint_url=aws.url)
    wanted = {f"tessera/{stage}/{name}": value for name, value in _demo_secrets().items()}
    there = {
        secret["Name"]
        for page in secrets.get_paginator("list_secrets").paginate()
        for secret in page["SecretList"]
    }
    written = 0
    for name in sorted(there & set(wanted)):
        value = json.dumps(wanted[name])
        try:
            current = secrets.get_secret_value(SecretId=name).get("SecretString")
        except secrets.exceptions.ResourceNotFoundException:  # made without a first value
            current = None
        if current != value:
            secrets.put_secret_value(SecretId=name, SecretString=value)
            written += 1
    return written


def _demo_secrets() -> dict[str, Mapping[str, str]]:
    zuora, salesforce = demo.ZUORA_CLIENT, demo.SALESFORCE_CLIENT
    callout = demo.ZUORA_CALLOUT_LOGIN
    return {
        "zuora": {"client_id": zuora.client_id, "client_secret": zuora.client_secret},
        "salesforce": {
            "client_id": salesforce.client_id,
            "client_secret": salesforce.client_secret,
        },
        "zuora-callout": {
            "username": callout.username,
            "password": callout.password,
            "previous_username": "",
            "previous_password": "",
        },
    }


def make_operator(aws: LocalAws, pool: str) -> Login:
    """Somebody in the group `admin` who can sign in at once, unless there already."""
    cognito = aws.session.client("cognito-idp", endpoint_url=aws.url)
    try:
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=OPERATOR.email,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": OPERATOR.email},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "name", "Value": "Olivia Operator"},
            ],
        )
    except cognito.exceptions.UsernameExistsException:
        return OPERATOR  # as she left it
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=OPERATOR.email, Password=OPERATOR.password, Permanent=True
    )
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=OPERATOR.email, GroupName="admin")
    return OPERATOR


def replace_first_password(aws: LocalAws, pool: str, login: Login) -> None:
    """As the invited person does at the first sign-in; nothing where that has been done."""
    cognito = aws.session.client("cognito-idp", endpoint_url=aws.url)
    user = cognito.admin_get_user(UserPoolId=pool, Username=login.email)
    if user["UserStatus"] == "FORCE_CHANGE_PASSWORD":
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=login.email, Password=login.password, Permanent=True
        )


def machine_client(aws: LocalAws, pool: str, client: str) -> Machine:
    """The middleware's client with its secret and every scope it may ask for."""
    cognito = aws.session.client("cognito-idp", endpoint_url=aws.url)
    described = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)
    settings = described["UserPoolClient"]
    return Machine(
        client_id=client,
        client_secret=settings["ClientSecret"],
        scope=" ".join(sorted(settings["AllowedOAuthScopes"])),
    )
