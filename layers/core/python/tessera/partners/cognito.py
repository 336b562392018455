"""The partners' logins in their Cognito user pool: one per partner user, named by e-mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from tessera.aws import client
from tessera.errors import invalid
from tessera.partners.errors import AlreadySignedIn, CognitoFailed
from tessera.partners.users import Login, LoginExists

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.client import CognitoIdentityProviderClient


class PartnerLogins:
    """`PartnerLogins(env.partners_pool_id)`. Every method raises `CognitoFailed`."""

    def __init__(self, pool: str) -> None:
        self._pool = pool

    def create(self, email: str, name: str) -> str:
        """The `sub` of a new login, invited by e-mail. Raises `LoginExists`, `InvalidFields`."""
        try:
            with _asking("make the login") as cognito:
                answer = cognito.admin_create_user(
                    UserPoolId=self._pool,
                    Username=email,
                    UserAttributes=[
                        {"Name": "email", "Value": email},
                        {"Name": "email_verified", "Value": "true"},
                        {"Name": "name", "Value": name},
                    ],
                    DesiredDeliveryMediums=["EMAIL"],
                )
        except _Answered as answered:
            if answered.code == "UsernameExistsException":
                raise LoginExists from answered
            if answered.code == "InvalidParameterException":
                text = "Cognito does not take this e-mail address."
                raise invalid("email", text) from answered
            raise answered.failure from answered
        attributes = answer["User"]["Attributes"]
        return next(one["Value"] for one in attributes if one["Name"] == "sub")

    def find(self, email: str) -> Login | None:
        try:
            with _asking("look the login up") as cognito:
                answer = cognito.admin_get_user(UserPoolId=self._pool, Username=email)
        except _Answered as answered:
            if answered.code == "UserNotFoundException":
                return None
            raise answered.failure from answered
        attributes = {one["Name"]: one.get("Value", "") for one in answer["UserAttributes"]}
        return Login(subject=attributes["sub"], created=answer["UserCreateDate"])

    def invite_again(self, email: str) -> None:
        """Raises `AlreadySignedIn` once the first password was replaced."""
        try:
            with _asking("send the invitation") as cognito:
                cognito.admin_create_user(
                    UserPoolId=self._pool,
                    Username=email,
                    MessageAction="RESEND",
                    DesiredDeliveryMediums=["EMAIL"],
                )
        except _Answered as answered:
            if answered.code == "UnsupportedUserStateException":
                text = "This user has signed in before and needs no invitation."
                raise AlreadySignedIn(text) from answered
            raise answered.failure from answered

    def sign_out(self, name: str) -> None:
        """Ends all sessions of an e-mail or `sub`; absent counts as done."""
        with _absent_is_done(), _asking("end the sessions") as cognito:
            cognito.admin_user_global_sign_out(UserPoolId=self._pool, Username=name)

    def delete(self, name: str) -> None:
        """By e-mail or `sub`; absent counts as done."""
        with _absent_is_done(), _asking("delete the login") as cognito:
            cognito.admin_delete_user(UserPoolId=self._pool, Username=name)


class _Answered(Exception):
    """Cognito's refusal by its code, and what it is for callers who do not expect it."""

    def __init__(self, code: str, failure: CognitoFailed) -> None:
        super().__init__(code)
        self.code = code
        self.failure = failure


@contextmanager
def _asking(what: str) -> "Iterator[CognitoIdentityProviderClient]":
    try:
        yield client("cognito-idp")
    except ClientError as error:
        metadata = error.response.get("ResponseMetadata", {})
        failure = CognitoFailed(
            f"Cognito did not {what}. Try again in a while.",
            request_id=metadata.get("RequestId"),
            upstream_status=metadata.get("HTTPStatusCode"),
        )
        raise _Answered(error.response["Error"]["Code"], failure) from error
    except BotoCoreError as error:
        raise CognitoFailed(
            f"Cognito could not be reached to {what}. Try again in a while."
        ) from error


@contextmanager
def _absent_is_done() -> "Iterator[None]":
    try:
        yield
    except _Answered as answered:
        if answered.code != "UserNotFoundException":
            raise answered.failure from answered
