"""The real `cdk bootstrap` and `cdk deploy` against the local AWS, each only when needed."""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.local.emulator import ACCOUNT, REGION, LocalAws, client_environment
from infra.local.place import CDK, ROOT
from infra.local.progress import Step

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

BOOTSTRAP_STACK = "CDKToolkit"
_DEPLOYED = "/tessera-local/deployed"
_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_ADVICE = (
    "The log above says which part failed. Mend it and run it again; where an earlier deploy was "
    "broken off half-way, `make clean` begins anew."
)
# Everything that a deployed function or the template is made of.
_INPUTS = ("cdk.json", "functions", "infra", "layers", "tests/requirements.txt")
_NOT_INPUTS = frozenset({"infra/local", "infra/node_modules", "layers/vendor/build"})


def bootstrap(aws: LocalAws, step: Step, data: Path) -> None:
    """The bucket and roles that `cdk deploy` uses, unless they are there."""
    if _status(aws, BOOTSTRAP_STACK) in _COMPLETE:
        step.remark = "done before"
        return
    # Where there is no `cdk.json`: beside one, the CDK would synthesise the whole app to no end.
    environment = f"aws://{ACCOUNT}/{REGION}"
    _cdk(aws, step, data, ["bootstrap", environment], context={}, folder=data)
    # The policy denies plain HTTP, which is all that the local AWS speaks.
    bucket = _outputs(aws, BOOTSTRAP_STACK)["BucketName"]
    aws.session.client("s3", endpoint_url=aws.url).delete_bucket_policy(Bucket=bucket)


def deploy(
    aws: LocalAws, step: Step, data: Path, *, stack: str, context: Mapping[str, str]
) -> dict[str, str]:
    """Deploy unless nothing has changed since the last time; answers the stack's outputs."""
    wanted = fingerprint(ROOT, context)
    ssm = aws.session.client("ssm", endpoint_url=aws.url)
    # Kept in the local AWS itself, so that what it lost and what we believe cannot differ.
    if recall(ssm, _DEPLOYED) == wanted and _status(aws, stack) in _COMPLETE:
        step.remark = "nothing changed"
    else:
        _cdk(
            aws,
            step,
            data,
            [
                *("deploy", stack, "--require-approval", "never"),
                *("--outputs-file", str(data / "outputs.json")),
            ],
            context=context,
        )
        remember(ssm, _DEPLOYED, wanted)
    return _outputs(aws, stack)


def fingerprint(root: Path, context: Mapping[str, str]) -> str:
    """Changes whenever a deploy could make a difference: sources, pins, context, interpreter."""
    digest = hashlib.sha256()
    digest.update(json.dumps([dict(sorted(context.items())), sys.version_info[:2]]).encode())
    for name in _INPUTS:
        for file in _files(root, root / name):
            digest.update(f"\n{file.relative_to(root).as_posix()}\n".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(root: Path, path: Path) -> Iterable[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path):
        here = Path(folder).relative_to(root)
        folders[:] = sorted(
            name
            for name in folders
            if name != "__pycache__" and (here / name).as_posix() not in _NOT_INPUTS
        )
        for name in sorted(names):
            if not name.endswith(".pyc"):
                yield Path(folder) / name


def recall(ssm: "SSMClient", name: str) -> str:
    """What was remembered in the local AWS under this name, or nothing."""
    try:
        return ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ssm.exceptions.ParameterNotFound:
        return ""


def remember(ssm: "SSMClient", name: str, value: str) -> None:
    """Keep a fact about the local AWS in it, so that both are lost together or not at all."""
    ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def _cdk(
    aws: LocalAws,
    step: Step,
    data: Path,
    arguments: list[str],
    *,
    context: Mapping[str, str],
    folder: Path = ROOT,
) -> None:
    given = [part for key, value in context.items() for part in ("-c", f"{key}={value}")]
    step.run(
        [
            *(str(CDK), *arguments, *given),
            *("--output", str(data / "cdk.out")),
            *("--progress", "events", "--no-color", "--no-notices", "--ci"),
        ],
        cwd=folder,
        environment=_cdk_environment(aws, data),
        advice=_ADVICE,
    )


def _cdk_environment(aws: LocalAws, data: Path) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_", "PYTHON")) and name.lower() != "no_proxy"
    }
    return {
        **inherited,
        **client_environment(aws.url),
        "CDK_HOME": str(data / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CI": "true",
        # Ten lines of banner for each synthesis; this one wants the versions it should not mind.
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20,21,22,23,24,25",
        "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }


def _status(aws: LocalAws, stack: str) -> str:
    described = _described(aws, stack)
    return str(described["StackStatus"]) if described else ""


def _outputs(aws: LocalAws, stack: str) -> dict[str, str]:
    described = _described(aws, stack) or {}
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs") or []}


def _described(aws: LocalAws, stack: str) -> dict[str, Any] | None:
    cloudformation = aws.session.client("cloudformation", endpoint_url=aws.url)
    try:
        stacks: list[dict[str, Any]] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # no such stack
            return None
        raise
    return stacks[0]
