"""What is deployed is what the CDK has made: nothing is left for a second deploy."""

import os
import subprocess

import pytest

from infra.local.context import STACK
from infra.local.place import CDK
from tests.e2e.conftest import Deployed

pytestmark = pytest.mark.e2e


def test_the_cdk_finds_no_difference_to_what_it_has_deployed(deployed: Deployed) -> None:
    data = deployed.launch.place.data
    done = subprocess.run(  # noqa: S603
        [
            *(str(CDK), "diff", STACK, "--fail", "--no-change-set", "--no-color", "--no-notices"),
            # As it was synthesised for the deploy: to do it again takes the machine 20 seconds.
            *("--app", str(data / "cdk.out")),
        ],
        cwd=data,
        env={**os.environ, "CDK_HOME": str(data / "cdk-home"), "CI": "true"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Number of stacks with differences: 0" in done.stdout
    assert done.stdout.count("Stack Tessera-dev") > 10  # the nested ones too
