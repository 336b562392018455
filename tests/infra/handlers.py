"""Every handler imported under the environment that its synthesised function has."""

import json
import subprocess
import sys
from typing import Any, NamedTuple

from tests.infra.synthesis import ROOT, Deployed, Synthesis

PYTHONPATH = f"{ROOT / 'layers' / 'core' / 'python'}:{ROOT}"


class Inspected(NamedTuple):
    fields: frozenset[str]
    """Of its `Env`, as variables."""
    routes: tuple[tuple[str, str], ...]
    namespace: str
    """Where it counts its metrics."""


def inspect(synthesis: Synthesis) -> dict[str, Any]:
    """As JSON."""
    asked = {folder: environment_of(one) for folder, one in synthesis.functions.items()}
    done = subprocess.run(
        [sys.executable, "-m", "tests.infra.inspect_handlers"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": PYTHONPATH},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def understood(answer: dict[str, Any]) -> dict[str, Inspected]:
    return {
        folder: Inspected(
            frozenset(one["fields"]), tuple(map(tuple, one["routes"])), one["namespace"]
        )
        for folder, one in answer.items()
    }


def environment_of(function: Deployed) -> dict[str, str]:
    """As Lambda hands it over; what CloudFormation fills in at deployment stands as its words."""
    variables = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in function.environment.items()
    }
    return {**variables, "AWS_DEFAULT_REGION": "eu-west-1"}
