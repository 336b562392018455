"""No role has a permission that nothing needs: each is taken away once, and something fails.

Takes many minutes; `pytest -m long tests/e2e/test_grants.py`.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest

from tests.e2e.conftest import Deployed
from tests.e2e.exercises import EXERCISES

pytestmark = pytest.mark.long

_NOT_ENFORCED = (
    "logs:",
    "xray:",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueue",
)
"""What the platform does on a function's behalf: the emulator does it without asking the role."""


class Grant(NamedTuple):
    function: str
    role: str
    policy: str
    action: str
    resources: tuple[str, ...]


def test_each_permission_that_is_taken_away_is_missed(deployed: Deployed) -> None:
    unmissed = []
    for grant in list(_grants()):
        kept = _without(grant)
        try:
            EXERCISES[grant.function](deployed)
            unmissed.append(grant)
        except Exception as missed:  # any failure is the one hoped for
            print(f"{grant.function} without {grant.action}: {type(missed).__name__}")  # noqa: T201
        finally:
            _put(grant, kept)

    assert unmissed == []


def _grants() -> Iterator[Grant]:
    iam = boto3.client("iam")
    pages = boto3.client("lambda").get_paginator("list_functions").paginate()
    role_of = {
        one["FunctionName"]: one["Role"].rsplit("/", 1)[-1]
        for page in pages
        for one in page["Functions"]
    }
    for function in EXERCISES:
        role = role_of[f"tessera-dev-{function.split('/')[1]}"]
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            for statement in _document(role, policy)["Statement"]:
                for action in _many(statement["Action"]):
                    if not action.startswith(_NOT_ENFORCED):
                        resources = tuple(map(str, _many(statement["Resource"])))
                        yield Grant(function, role, policy, action, resources)


def _without(grant: Grant) -> dict[str, Any]:
    """Takes one action of one statement away; answers the policy as it was."""
    kept = _document(grant.role, grant.policy)
    statements = []
    for statement in kept["Statement"]:
        actions = _many(statement["Action"])
        if tuple(map(str, _many(statement["Resource"]))) == grant.resources:
            actions = [action for action in actions if action != grant.action]
        if actions:
            statements.append({**statement, "Action": actions})
    _put(grant, {**kept, "Statement": statements})
    return kept


def _document(role: str, policy: str) -> dict[str, Any]:
    found = boto3.client("iam").get_role_policy(RoleName=role, PolicyName=policy)
    document: Any = found["PolicyDocument"]
    return json.loads(document) if isinstance(document, str) else dict(document)


def _put(grant: Grant, document: dict[str, Any]) -> None:
    boto3.client("iam").put_role_policy(
        RoleName=grant.role, PolicyName=grant.policy, PolicyDocument=json.dumps(document)
    )


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
