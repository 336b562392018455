"""No role has a permission that nothing needs.

The local AWS notes each permission that is asked for: once every exercise was done, each grant
has been used (`pytest -m long tests/e2e/test_grants.py -k used`, some minutes). That each loss is
missed takes a turn of an exercise for each grant, hours for all. So as many as fit into
TESSERA_GRANTS_MINUTES (20) are taken away, each time others; TESSERA_GRANTS=identity/ confines
them to functions whose names begin so.
"""

import fnmatch
import json
import os
import random
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import boto3
import pytest

from tests.e2e.conftest import Deployed
from tests.e2e.exercises import EXERCISES, all_exercises

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


_AT_ONCE = 3
"""Exercises: fewer than elsewhere, as one that fails under load would leave its grants unused."""

_SCHEDULES_SECONDS = 75
"""Some are used by what runs each minute."""


_ONLY = os.environ.get("TESSERA_GRANTS", "")
"""The functions whose grants are taken away, by how their names begin."""

_MINUTES = float(os.environ.get("TESSERA_GRANTS_MINUTES", "20"))


_FOR_FAULTS = (
    ("dynamodb:DeleteItem", "*-IdempotencyTable*"),  # forgets what time may change
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


class Asked(NamedTuple):
    """What a role wanted to do, and what became of it."""

    role: str
    action: str
    resource: str
    allowed: bool

    def is_of(self, grant: Grant) -> bool:
        return (self.role, self.action) == (grant.role, grant.action) and any(
            fnmatch.fnmatchcase(self.resource, one) for one in grant.resources
        )


@pytest.fixture
def exercised(deployed: Deployed) -> Deployed:
    """The stack on which every exercise was done; those that no test has done are done now."""
    left = [one for one in all_exercises() if one not in deployed.done]
    deployed.done.update(left)
    boto3.client("dynamodb")  # boto3's first client is not to be made by two threads at once
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for result in [pool.submit(one, deployed) for one in left]:
            result.result()
    return deployed


@pytest.mark.long
def test_each_permission_is_used_by_an_exercise(exercised: Deployed) -> None:
    grants = list(_grants())
    assert grants
    until = time.monotonic() + _SCHEDULES_SECONDS
    while (unused := _unused(grants, exercised)) and time.monotonic() < until:
        time.sleep(0.5)

    print(f"{len(grants)} grants, {len(unused)} of them unused")  # noqa: T201
    assert not unused, "\n".join(unused)


@pytest.mark.long
def test_each_permission_that_is_taken_away_is_missed(exercised: Deployed) -> None:
    grants = [one for one in _grants() if one.function.startswith(_ONLY)]
    seed = random.randrange(10**6)
    random.Random(seed).shuffle(grants)
    until = time.monotonic() + 60 * _MINUTES
    unmissed: list[str] = []
    tried = 0
    while tried < len(grants) and time.monotonic() < until:
        grant, tried = grants[tried], tried + 1
        kept = _without(grant)
        _start_anew(grant.function)  # what runs may keep a secret that it may not read any more
        try:
            for exercise in EXERCISES[grant.function]:
                exercise(exercised)
            unmissed.append(f"{grant}: nothing failed")
        except Exception as missed:  # whatever fails, if it was refused what was taken away
            # Of secrets, queues and buckets this also notes what their own policies do not say.
            if not any(one.is_of(grant) and not one.allowed for one in _asked(exercised)):
                unmissed.append(f"{grant}: not asked for, but {missed!r}")
        finally:
            _put(grant, kept)
        told = unmissed[-1] if unmissed and unmissed[-1].startswith(str(grant)) else f"{grant}"
        print(f"without {told}", flush=True)  # noqa: T201

    print(f"{tried} of {len(grants)} taken away (seed {seed})")  # noqa: T201
    assert not unmissed, "\n".join(unmissed)


def _unused(grants: list[Grant], stack: Deployed) -> list[str]:
    used = {one for one in _asked(stack) if one.allowed}
    return [str(grant) for grant in grants if not any(one.is_of(grant) for one in used)]


def _asked(stack: Deployed) -> Iterator[Asked]:
    for line in stack.launch.emulator.permissions_asked.read_text().splitlines():
        principal, action, resource, decision = line.split("\t")
        yield Asked(_role(principal), action, resource, decision == "Allow")


def _role(principal: str) -> str:
    """Of `arn:aws:sts::account:assumed-role/name/session`."""
    parts = principal.split("/")
    return parts[1] if len(parts) > 1 else ""


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
        role = role_of[_deployed(function)]
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            for statement in _document(role, policy)["Statement"]:
                for action in _many(statement["Action"]):
                    resources = tuple(map(str, _many(statement["Resource"])))
                    if not (action.startswith(_NOT_ENFORCED) or _is_for_faults(action, resources)):
                        yield Grant(function, role, policy, action, resources)


def _deployed(function: str) -> str:
    """Its name there."""
    return f"tessera-dev-{function.split('/')[1]}"


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


def _start_anew(function: str) -> None:
    """Another environment is another process."""
    name = _deployed(function)
    known = boto3.client("lambda").get_function_configuration(FunctionName=name)
    variables = {**known["Environment"]["Variables"], "STARTED_FOR": secrets.token_hex(4)}
    boto3.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": variables}
    )


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
