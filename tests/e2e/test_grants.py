"""No role has a permission that nothing needs.

The local AWS notes each permission that is used: once every exercise was done, each grant has been
(`pytest -m long tests/e2e/test_grants.py -k used`, some minutes). That each loss is missed takes a
turn of an exercise for each grant, hours for all: TESSERA_GRANTS=identity/ confines it.
"""

import fnmatch
import json
import os
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest

from tests.e2e.conftest import Deployed
from tests.e2e.exercises import EXERCISES

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


_SCHEDULES_SECONDS = 75
"""Some are used by what runs each minute."""


_FOR_FAULTS = (
    ("dynamodb:DeleteItem", "*-IdempotencyTable*"),  # forgets an answer that was a 5xx
    ("sqs:SendMessage", "*-dead-letters"),  # the platform's own, after a function's last failure
)
"""Used only when something of ours breaks, which no exercise brings about."""


class Grant(NamedTuple):
    function: str
    role: str
    policy: str
    action: str
    resources: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.function}: {self.action} on {', '.join(self.resources)}"


@pytest.fixture
def exercised(deployed: Deployed) -> Deployed:
    """The stack on which every exercise was done; those that no test has done are done now."""
    for exercise in dict.fromkeys(EXERCISES.values()):
        if exercise not in deployed.done:
            deployed.done.add(exercise)
            exercise(deployed)
    return deployed


@pytest.mark.long
def test_each_permission_is_used_by_an_exercise(exercised: Deployed) -> None:
    grants = list(_grants())
    assert grants
    until = time.monotonic() + _SCHEDULES_SECONDS
    while (unused := _unused(grants, exercised)) and time.monotonic() < until:
        time.sleep(0.5)

    assert unused == []


@pytest.mark.long
def test_each_permission_that_is_taken_away_is_missed(deployed: Deployed) -> None:
    unmissed = []
    only = os.environ.get("TESSERA_GRANTS", "")
    for grant in [one for one in _grants() if one.function.startswith(only)]:
        kept = _without(grant)
        try:
            EXERCISES[grant.function](deployed)
            unmissed.append(grant)
        except Exception as missed:  # any failure is the one hoped for
            print(f"{grant.function} without {grant.action}: {type(missed).__name__}")  # noqa: T201
        finally:
            _put(grant, kept)

    assert unmissed == []


def _unused(grants: list[Grant], stack: Deployed) -> list[str]:
    lines = stack.launch.emulator.permissions_used.read_text().splitlines()
    uses = set()
    for line in lines:
        principal, action, resource = line.split("\t")
        uses.add((_role(principal), action, resource))
    return [str(grant) for grant in grants if not _is_used(grant, uses)]


def _role(principal: str) -> str:
    """Of `arn:aws:sts::account:assumed-role/name/session`."""
    parts = principal.split("/")
    return parts[1] if len(parts) > 1 else ""


def _is_used(grant: Grant, uses: set[tuple[str, str, str]]) -> bool:
    return any(
        role == grant.role
        and action == grant.action
        and any(fnmatch.fnmatchcase(resource, one) for one in grant.resources)
        for role, action, resource in uses
    )


def _is_for_faults(action: str, resources: tuple[str, ...]) -> bool:
    return any(
        action == wanted and all(fnmatch.fnmatchcase(one, pattern) for one in resources)
        for wanted, pattern in _FOR_FAULTS
    )


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
                    resources = tuple(map(str, _many(statement["Resource"])))
                    if not (action.startswith(_NOT_ENFORCED) or _is_for_faults(action, resources)):
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
