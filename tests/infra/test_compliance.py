"""cdk-nag and cfn-lint find nothing that is not explained beside the resource."""

from cfnlint.api import ManualArgs, lint_file

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
    found = [
        str(match)
        for template in sorted(production.folder.glob("*.template.json"))
        for match in lint_file(template, ManualArgs(ignore_checks=_EXPLAINED))
    ]

    assert found == []
