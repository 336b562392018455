"""Every deployed function does its work with its own role's permissions."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import cast

import boto3
import pytest

from infra.routes import ROUTES
from tests.e2e.conftest import Deployed
from tests.e2e.exercises import (
    AT_ONCE,
    EXERCISES,
    Exercise,
    all_exercises,
    carry_a_replay_out,
    heal,
)

pytestmark = pytest.mark.e2e

_LONGEST = {heal, carry_a_replay_out}
"""One or two minutes, until the sweeps look: begun first, the others fill the time."""


@pytest.fixture(scope="module")
def results(
    deployed: Deployed, request: pytest.FixtureRequest
) -> Iterator[Mapping[Exercise, Future[None]]]:
    """Of the exercises that this run has chosen, several at a time."""
    chosen = [
        cast("Exercise", item.callspec.params["exercise"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and "results" in item.fixturenames
    ]
    boto3.client("dynamodb")  # boto3's first client is not to be made by two threads at once
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="exercise") as pool:
        in_turn = sorted(chosen, key=lambda one: one not in _LONGEST)
        yield {one: pool.submit(one, deployed) for one in in_turn}


@pytest.mark.parametrize("exercise", all_exercises())
def test_works_with_the_permissions_it_has(
    deployed: Deployed, results: Mapping[Exercise, Future[None]], exercise: Exercise
) -> None:
    deployed.done.add(exercise)
    results[exercise].result()


def test_no_function_is_deployed_without_an_exercise(deployed: Deployed) -> None:
    pages = boto3.client("lambda").get_paginator("list_functions").paginate()
    names = {one["FunctionName"] for page in pages for one in page["Functions"]}
    exercised = {f"tessera-dev-{function.split('/')[1]}" for function in EXERCISES}

    assert {name for name in names if name.startswith("tessera-dev-")} == exercised
    assert {route.function for route in ROUTES} <= set(EXERCISES)
