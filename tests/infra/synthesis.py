"""What `cdk synth` makes, read from its templates: what AWS gets is looked at, not how it came."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20,21,22,23,24,25")

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.constructs.function import functions_below
from infra.settings import Settings
from infra.stack import Tessera

ROOT = Path(__file__).resolve().parents[2]
_TABLE = re.compile(r"Tables([A-Z][a-z]+)Table[0-9A-F]{8}")


class Resource(NamedTuple):
    template: str
    id: str
    type: str
    properties: dict[str, Any]
    whole: dict[str, Any]


class Statement(NamedTuple):
    actions: tuple[str, ...]
    resources: tuple[Any, ...]
    effect: str

    @property
    def tables(self) -> set[str]:
        return {name for one in self.resources for name in _TABLE.findall(json.dumps(one))}


class Deployed(NamedTuple):
    """One function as AWS gets it."""

    folder: str
    name: str
    properties: dict[str, Any]
    statements: tuple[Statement, ...]
    asset: Path

    @property
    def environment(self) -> dict[str, Any]:
        variables: dict[str, Any] = self.properties["Environment"]["Variables"]
        return variables


@dataclass(frozen=True)
class Synthesis:
    """One stack's templates. `folders` are its functions by the name that AWS knows."""

    folder: Path
    folders: Mapping[str, str]

    @cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        return {
            file.name.removesuffix(".template.json"): json.loads(file.read_text())
            for file in sorted(self.folder.glob("*.template.json"))
        }

    @property
    def report(self) -> dict[str, Any]:
        """What cdk-nag found."""
        found: dict[str, Any] = json.loads((self.folder / "validation-report.json").read_text())
        return found

    @property
    def outputs(self) -> dict[str, Any]:
        return next(
            template["Outputs"]
            for name, template in self.templates.items()
            if not name.endswith(".nested")
        )

    def of_type(self, type_: str) -> Iterator[Resource]:
        for name, template in self.templates.items():
            for id, resource in template["Resources"].items():
                if resource["Type"] == type_:
                    yield Resource(name, id, type_, resource.get("Properties", {}), resource)

    @cached_property
    def functions(self) -> dict[str, Deployed]:
        """By folder."""
        return {
            one.folder: one for one in map(self._function, self.of_type("AWS::Lambda::Function"))
        }

    @cached_property
    def statements_of_roles(self) -> dict[tuple[str, str], list[Statement]]:
        """By template and role."""
        found: dict[tuple[str, str], list[Statement]] = {}
        for policy in self.of_type("AWS::IAM::Policy"):
            for role in policy.properties["Roles"]:
                statements = found.setdefault((policy.template, role["Ref"]), [])
                statements += _statements(policy.properties["PolicyDocument"])
        return found

    def _function(self, resource: Resource) -> Deployed:
        properties = resource.properties
        role = properties["Role"]["Fn::GetAtt"][0]
        name = properties["FunctionName"]
        return Deployed(
            folder=self.folders[name],
            name=name,
            properties=properties,
            statements=tuple(self.statements_of_roles[resource.template, role]),
            asset=self.folder / f"asset.{properties['Code']['S3Key'].removesuffix('.zip')}",
        )


def synthesise(folder: Path, *, nag: bool = False, **context: Any) -> Synthesis:
    """Without building the layers: no wheels, no network. Names with a dot: `webhooks__fast`."""
    written = json.loads((ROOT / "cdk.json").read_text())["context"]
    given = {name.replace("__", "."): value for name, value in context.items()}
    app = App(outdir=str(folder), context={**written, "aws:cdk:bundling-stacks": [], **given})
    stack = Tessera(app, settings=Settings.of(app.node))
    if nag:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    folders = {one.lambda_name: one.folder for one in functions_below([stack])}
    try:
        app.synth()
    except RuntimeError as failed:
        # Templates and report are written all the same, and a test looks at the report.
        if "ValidationFailed" not in str(failed):
            raise
    return Synthesis(folder, folders)


def _statements(document: dict[str, Any]) -> Iterator[Statement]:
    for one in document["Statement"]:
        yield Statement(_tuple(one["Action"]), _tuple(one["Resource"]), one["Effect"])


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
