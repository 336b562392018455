"""cdk-nag and cfn-lint find nothing that is not explained beside the resource."""

from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.runner import Runner

from tests.infra.synthesis import Synthesis

_EXPLAINED = [
    "W3005",  # CDK lets a function wait for its role by name, beside the reference to it
]


def test_cdk_nag_finds_nothing_that_is_not_explained(production: Synthesis) -> None:
    found = {
        violation["ruleName"]: [one["constructPath"] for one in violation["violatingConstructs"]]
        for plugin in production.report["pluginReports"]
        for violation in plugin["violations"]
    }

    assert found == {}


def test_cfn_lint_finds_nothing_that_is_not_explained(production: Synthesis) -> None:
    templates = sorted(map(str, production.folder.glob("*.template.json")))
    # All at once, as each run reads its rules anew.
    chosen = ManualArgs(templates=templates, ignore_checks=_EXPLAINED)

    assert templates
    assert [str(match) for match in Runner(ConfigMixIn(**chosen)).run()] == []
