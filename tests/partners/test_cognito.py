"""The partners' logins in a user pool, and what its answers mean."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from tessera import aws
from tessera.errors import InvalidFields
from tessera.partners.cognito import PartnerLogins
from tessera.partners.errors import AlreadySignedIn, CognitoFailed
from tessera.partners.users import LoginExists
from tests.partners.organisations import EMAIL


@pytest.fixture
def logins(user_pool: str) -> PartnerLogins:
    return PartnerLogins(user_pool)


@pytest.fixture
def answers() -> Iterator[Stubber]:
    with Stubber(aws.client("cognito-idp")) as stubber:
        yield stubber


def test_a_login_is_made_found_and_deleted(logins: PartnerLogins, user_pool: str) -> None:
    subject = logins.create(EMAIL, "Petra Novak")

    found = logins.find(EMAIL)
    assert found is not None
    assert found.subject == subject
    assert abs(found.created - datetime.now(UTC)) < timedelta(minutes=1)
    with pytest.raises(LoginExists):
        logins.create(EMAIL, "Petra Novak")
    logins.sign_out(EMAIL)
    logins.delete(subject)
    assert logins.find(EMAIL) is None
    assert boto3.client("cognito-idp").list_users(UserPoolId=user_pool)["Users"] == []


def test_what_is_absent_is_signed_out_and_deleted_already(logins: PartnerLogins) -> None:
    logins.sign_out(EMAIL)
    logins.delete(EMAIL)


def test_an_address_that_cognito_does_not_take_is_a_fault_of_the_field(
    logins: PartnerLogins, answers: Stubber
) -> None:
    answers.add_client_error("admin_create_user", "InvalidParameterException")

    with pytest.raises(InvalidFields) as refused:
        logins.create(EMAIL, "Petra")

    assert refused.value.errors[0].field == "email"


def test_who_has_replaced_the_first_password_is_not_invited_again(
    logins: PartnerLogins, answers: Stubber
) -> None:
    answers.add_client_error("admin_create_user", "UnsupportedUserStateException")

    with pytest.raises(AlreadySignedIn):
        logins.invite_again(EMAIL)


@pytest.mark.parametrize(
    ("method", "operation", "arguments"),
    [
        ("create", "admin_create_user", (EMAIL, "Petra")),
        ("find", "admin_get_user", (EMAIL,)),
        ("invite_again", "admin_create_user", (EMAIL,)),
        ("sign_out", "admin_user_global_sign_out", (EMAIL,)),
        ("delete", "admin_delete_user", (EMAIL,)),
    ],
)
def test_any_other_refusal_names_cognito_and_its_request(
    logins: PartnerLogins,
    answers: Stubber,
    method: str,
    operation: str,
    arguments: tuple[str, ...],
) -> None:
    answers.add_client_error(
        operation,
        "TooManyRequestsException",
        "slow down",
        http_status_code=400,
        response_meta={"RequestId": "request-1"},
    )

    with pytest.raises(CognitoFailed) as failed:
        getattr(logins, method)(*arguments)

    assert failed.value.members["upstream"] == {
        "system": "cognito",
        "requestId": "request-1",
        "status": 400,
    }
    assert "slow down" not in str(failed.value)


def test_a_silent_cognito_is_a_failure_of_cognito(logins: PartnerLogins) -> None:
    def silent(**_: Any) -> None:
        raise ConnectTimeoutError(endpoint_url="https://cognito-idp.example")

    # Before the call goes out: further on it would be tried again for ten seconds.
    told = aws.client("cognito-idp").meta.events
    told.register("before-call.cognito-idp", silent)
    try:
        with pytest.raises(CognitoFailed):
            logins.delete(EMAIL)
    finally:
        told.unregister("before-call.cognito-idp", silent)
