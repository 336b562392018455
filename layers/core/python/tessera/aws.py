"""AWS clients, made on first use and kept for the life of the execution environment."""

from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.client import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_ssm.client import SSMClient

_making = RLock()

# The gateway gives up after 30 s: five tries of a slow call must end before that.
_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 5},
    # Threads of the webhook sender share one client.
    max_pool_connections=25,
)

# Links to documents: the region's own address and signature, as buckets take no older one, and the
# bucket in the path, where the emulator finds it too.
_LINKS = Config(signature_version="s3v4", s3={"addressing_style": "path"})


@overload
def client(service: Literal["dynamodb"]) -> "DynamoDBClient": ...
@overload
def client(service: Literal["events"]) -> "EventBridgeClient": ...
@overload
def client(service: Literal["sqs"]) -> "SQSClient": ...
@overload
def client(service: Literal["kms"]) -> "KMSClient": ...
@overload
def client(service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
@overload
def client(service: Literal["ssm"]) -> "SSMClient": ...
@overload
def client(service: Literal["s3"]) -> Any: ...
@overload
def client(service: Literal["cognito-idp"]) -> "CognitoIdentityProviderClient": ...
def client(service: str) -> Any:
    # Threads of the sender share clients; making one is not safe in two threads at once.
    with _making:
        return _client(service)


@cache
def _client(service: str) -> Any:
    config = _CONFIG.merge(_LINKS) if service == "s3" else _CONFIG
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # any of the above
