"""Every deployed function does its work with its own role's permissions."""

import boto3
import pytest

from infra.routes import ROUTES
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import EXERCISES, Exercise

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("exercise", dict.fromkeys(EXERCISES.values()))
def test_works_with_the_permissions_it_has(deployed: Deployed, exercise: Exercise) -> None:
    deployed.done.add(exercise)
    exercise(deployed)


def test_no_function_is_deployed_without_an_exercise(deployed: Deployed) -> None:
    pages = boto3.client("lambda").get_paginator("list_functions").paginate()
    names = {one["FunctionName"] for page in pages for one in page["Functions"]}
    exercised = {f"tessera-dev-{function.split('/')[1]}" for function in EXERCISES}

    assert {name for name in names if name.startswith("tessera-dev-")} == exercised
    assert {route.function for route in ROUTES} <= set(EXERCISES)
